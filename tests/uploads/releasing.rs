//! Releasing sources: only what is copied, only on request, and back again.

use std::os::unix::fs::{MetadataExt, PermissionsExt};

use crate::ground::all;
use crate::site::{Site, names, told};

const STATEMENTS: &str = "CREATE TABLE documents (id INTEGER PRIMARY KEY, path TEXT);
    INSERT INTO documents VALUES (1, 'a.png'), (2, 'sub/b.png'), (3, 'c.png')";

const REFERENCES: &str = "{ table = 'documents', column = 'path', form = 'relative' }";

fn site() -> Site {
    let ground = all().pop().unwrap();
    let site = Site::new(ground.as_ref(), STATEMENTS, REFERENCES);
    std::fs::create_dir(site.at("old/sub")).unwrap();
    site.write("old/a.png", "a");
    site.write("old/sub/b.png", "b");
    std::fs::set_permissions(site.at("old/sub/b.png"), PermissionsExt::from_mode(0o640)).unwrap();
    site.plan("move.ttplan.json", &[]);
    let applied = site.apply("move.ttplan.json");
    assert!(applied.status.success(), "{}", told(&applied));
    site
}

#[test]
fn sources_are_released_only_on_request_and_come_back_as_they_were() {
    let site = site();
    let modified = |path: &str| site.at(path).metadata().unwrap().mtime_nsec();
    let before = modified("old/sub/b.png");
    assert!(site.plan("none.ttplan.json", &[]).contains("no changes"));
    let shown = site.plan("release.ttplan.json", &["--release-sources"]);
    assert!(shown.contains("1 step; 1 destroys 2 files (2 B)"), "{shown}");
    let applied = site.apply("release.ttplan.json");
    assert!(applied.status.success(), "{}", told(&applied));
    assert_eq!(names(&site.at("old")), ["sub"], "directories are nobody's copies");
    assert_eq!(names(&site.at("old/sub")), [""; 0]);
    assert_eq!(names(&site.at("new")), ["a.png", "sub"]);
    let again = site.apply("release.ttplan.json");
    assert!(again.status.success(), "{}", told(&again));
    let undone = site.undo(&applied, &[]);
    assert!(undone.status.success(), "{}", told(&undone));
    assert_eq!(names(&site.at("old")), ["a.png", "sub"]);
    let mode = site.at("old/sub/b.png").metadata().unwrap().mode() & 0o777;
    assert_eq!((mode, modified("old/sub/b.png")), (0o640, before));
    assert_eq!(std::fs::read_to_string(site.at("old/sub/b.png")).unwrap(), "b");
}

#[test]
fn a_copy_that_is_not_right_any_more_keeps_its_source() {
    for damage in ["removed", "changed"] {
        let site = site();
        site.plan("release.ttplan.json", &["--release-sources"]);
        match damage {
            "removed" => std::fs::remove_file(site.at("new/a.png")).unwrap(),
            _ => site.write("new/a.png", "x"),
        }
        let applied = site.apply("release.ttplan.json");
        assert_eq!(applied.status.code(), Some(3), "{}", told(&applied));
        assert_eq!(names(&site.at("old")), ["a.png", "sub"]);
    }
}

#[test]
fn what_has_no_right_copy_is_not_even_planned() {
    let site = site();
    site.write("old/c.png", "old c");
    site.write("new/c.png", "another c");
    site.write("old/late.png", "came later");
    // A conflict is there, so a person has to decide about that one file; all else is planned.
    let planned = site.run(&["plan", "-o", "release.ttplan.json", "--release-sources"]);
    assert_eq!(planned.status.code(), Some(8), "{}", told(&planned));
    let applied = site.apply("release.ttplan.json");
    assert!(applied.status.success(), "{}", told(&applied));
    assert_eq!(names(&site.at("old")), ["c.png", "late.png", "sub"], "{}", told(&planned));
}
