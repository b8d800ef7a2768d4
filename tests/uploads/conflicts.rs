//! Names that are taken by another content: replaced or renamed as the configuration says, and back
//! again.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Output;

use crate::ground::all;
use crate::site::{Site, names, told};

const STATEMENTS: &str = "CREATE TABLE documents (id INTEGER PRIMARY KEY, path TEXT);
    INSERT INTO documents VALUES (1, '{folder}/old/a.png'), (2, '{folder}/new/b.png'), (3, '{folder}/old/c.png')";

const REFERENCES: &str = "{ table = 'documents', column = 'path', form = 'absolute' }";

/// A site where `a.png` and `b.png` are in both places with different contents, and `c.png` in the
/// old one.
fn site(on_conflict: &str) -> Site {
    let ground = all().pop().unwrap();
    let site = Site::new(ground.as_ref(), STATEMENTS, REFERENCES);
    for (path, content) in [
        ("old/a.png", "old a"),
        ("new/a.png", "new a"),
        ("old/b.png", "old b"),
        ("new/b.png", "new b"),
        ("old/c.png", "c"),
    ] {
        site.write(path, content);
    }
    std::fs::set_permissions(site.at("new/a.png"), PermissionsExt::from_mode(0o604)).unwrap();
    let configuration = std::fs::read_to_string(site.at("ttplan.toml")).unwrap();
    site.write("ttplan.toml", &format!("{configuration}on_conflict = '{on_conflict}'\n"));
    site
}

fn read(site: &Site, path: &str) -> String {
    std::fs::read_to_string(site.at(path)).unwrap()
}

#[test]
fn what_is_replaced_comes_back_as_it_was() {
    let site = site("replace");
    let shown = site.plan("change.ttplan.json", &[]);
    assert!(shown.contains("replace 2 files"), "{shown}");
    assert!(shown.contains("4 steps; 1 destroys 2 files (10 B)"), "{shown}");
    let before = site.at("new/a.png").metadata().unwrap();
    let applied = site.apply("change.ttplan.json");
    assert!(applied.status.success(), "{}", told(&applied));
    assert_eq!(
        (read(&site, "new/a.png"), read(&site, "new/b.png")),
        ("old a".into(), "old b".into())
    );
    assert_eq!(names(&site.at("old")), ["a.png", "b.png", "c.png"]);
    assert!(site.plan("none.ttplan.json", &[]).contains("no changes"));
    let undone = site.undo(&applied, &[]);
    assert!(undone.status.success(), "{}", told(&undone));
    let after = site.at("new/a.png").metadata().unwrap();
    assert_eq!((after.mode(), after.mtime_nsec()), (before.mode(), before.mtime_nsec()));
    assert_eq!(
        (read(&site, "new/a.png"), read(&site, "new/b.png")),
        ("new a".into(), "new b".into())
    );
    assert_eq!(names(&site.at("new")), ["a.png", "b.png"]);
}

#[test]
fn long_lists_stand_beside_the_plan_and_are_what_is_replaced() {
    let site = site("replace");
    for n in 0..1100 {
        site.write(&format!("old/many{n:04}"), &format!("old {n}"));
        site.write(&format!("new/many{n:04}"), &format!("new {n}"));
    }
    site.plan("change.ttplan.json", &[]);
    assert!(
        site.at("change.files.zst").exists()
            && site.at("change.ttplan.json").metadata().unwrap().len() < 500_000
    );
    let applied = site.apply("change.ttplan.json");
    assert!(applied.status.success(), "{}", told(&applied));
    assert_eq!(read(&site, "new/many1099"), "old 1099");
    let runs = std::fs::read_dir(site.at("state/runs")).unwrap();
    let journal =
        std::fs::read_to_string(runs.last().unwrap().unwrap().path().join("journal.jsonl"))
            .unwrap();
    assert!(
        journal.contains("\"event\":\"replacing\"") && journal.contains("[[0,1102]]"),
        "{journal}"
    );
    let undone = site.undo(&applied, &[]);
    assert!(undone.status.success(), "{}", told(&undone));
    assert!((0..1100).all(|n| read(&site, &format!("new/many{n:04}")) == format!("new {n}")));
    // A list of other files than those that were signed for is no list.
    let site = self::site("replace");
    for n in 0..1100 {
        site.write(&format!("old/many{n:04}"), "old");
        site.write(&format!("new/many{n:04}"), "new");
    }
    site.plan("change.ttplan.json", &[]);
    let beside = site.at("change.files.zst");
    let true_list = std::fs::read(&beside).unwrap();
    let list = String::from_utf8(zstd::decode_all(&true_list[..]).unwrap()).unwrap();
    let list = list.replacen("many0000", "many000x", 1);
    let other_list = zstd::encode_all(list.as_bytes(), 1).unwrap();
    let sign = ["sign", "change.ttplan.json", "--key", "host/you.key", "--principal", "you"];
    let sign = || site.run(&[&sign[..], &["--yes"]].concat());
    let must_refuse = |output: Output| {
        let told = told(&output);
        assert_eq!(output.status.code(), Some(4), "{told}");
        assert!(told.contains("is not the file list that the plan was made with"), "{told}");
    };
    std::fs::write(&beside, &other_list).unwrap();
    must_refuse(sign());
    std::fs::write(&beside, &true_list).unwrap();
    assert!(sign().status.success());
    std::fs::write(&beside, &other_list).unwrap();
    must_refuse(site.apply("change.ttplan.json"));
    assert_eq!(read(&site, "new/many0000"), "new");
}

#[test]
fn only_the_file_that_was_seen_is_replaced() {
    let site = site("replace");
    site.plan("change.ttplan.json", &[]);
    site.write("new/b.png", "uploaded since");
    let applied = site.apply("change.ttplan.json");
    assert_eq!(applied.status.code(), Some(3), "{}", told(&applied));
    assert_eq!(
        (read(&site, "new/a.png"), read(&site, "new/b.png")),
        ("new a".into(), "uploaded since".into())
    );
}

#[test]
fn what_was_written_since_is_not_lost_by_undo() {
    let site = site("replace");
    site.plan("change.ttplan.json", &[]);
    let applied = site.apply("change.ttplan.json");
    assert!(applied.status.success(), "{}", told(&applied));
    site.write("new/b.png", "uploaded since");
    let undone = site.undo(&applied, &[]);
    assert_eq!(undone.status.code(), Some(3), "{}", told(&undone));
    assert_eq!(read(&site, "new/a.png"), "old a");
    let undone = site.undo(&applied, &["--discard-writes"]);
    assert!(undone.status.success(), "{}", told(&undone));
    assert_eq!(
        (read(&site, "new/a.png"), read(&site, "new/b.png")),
        ("new a".into(), "uploaded since".into())
    );
}

#[test]
fn a_renamed_file_takes_its_references_along_and_one_that_cannot_stays() {
    let site = site("rename");
    // Row 2 means `b.png` where it belongs, so the other `b.png` is nobody's to rename.
    let planned = site.run(&["plan", "-o", "change.ttplan.json"]);
    let said = told(&planned);
    assert_eq!(planned.status.code(), Some(8), "{said}");
    assert!(said.contains("named by their content") && said.contains("which of the two"), "{said}");
    let applied = site.apply("change.ttplan.json");
    assert!(applied.status.success(), "{}", told(&applied));
    let there = names(&site.at("new"));
    assert_eq!(there.len(), 4, "{there:?}");
    let renamed = there.iter().find(|name| name.starts_with("a.") && *name != "a.png").unwrap();
    assert_eq!(
        (read(&site, &format!("new/{renamed}")), read(&site, "new/a.png")),
        ("old a".into(), "new a".into())
    );
    let checked = site.good(&["uploads", "check", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&checked).unwrap();
    let found: Vec<(&str, &str)> = report["references"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (
                one["status"].as_str().unwrap(),
                one["value"].as_str().unwrap().rsplit('/').next().unwrap(),
            )
        })
        .collect();
    assert_eq!(found, [("ok", renamed.as_str()), ("ok", "b.png"), ("ok", "c.png")]);
    let undone = site.undo(&applied, &[]);
    assert!(undone.status.success(), "{}", told(&undone));
    assert_eq!(names(&site.at("new")), ["a.png", "b.png"]);
    assert!(site.database.dump().contains("/old/a.png"));
}

/// Runs a command at most so often, each time killed a little later, until it gets through. Says
/// how often it was killed.
fn killed_ever_later(site: &Site, arguments: &[&str], look: impl Fn()) -> usize {
    for n in 1.. {
        let ended = site.run_with(arguments, &[("TTPLAN_FAULT", &format!("kill@{n}"))]);
        look();
        if ended.status.success() {
            return n - 1;
        }
        assert_eq!(ended.status.code(), None, "{}", told(&ended));
    }
    unreachable!()
}

#[test]
fn a_restore_that_is_killed_anywhere_leaves_nothing_half_and_is_run_again() {
    let site = site("stop");
    std::fs::create_dir_all(site.at("new/d/e")).unwrap();
    site.write("new/d/e/f.png", &"f".repeat(9000));
    site.good(&["backup", "--uploads", "-o", "up.tar.zst"]);
    let whole = names(&site.at("new"));
    let killed = killed_ever_later(&site, &["restore", "up.tar.zst", "--to", "back/here"], || {
        if site.at("back/here/files").exists() {
            assert_eq!(names(&site.at("back/here/files")), whole);
            assert_eq!(std::fs::read(site.at("back/here/files/d/e/f.png")).unwrap().len(), 9000);
        }
    });
    assert!(killed > 10, "{killed}");
    let left: Vec<_> = std::fs::read_dir(site.at("back/here"))
        .unwrap()
        .map(|one| one.unwrap().file_name())
        .collect();
    assert_eq!(left, ["files"]);
}

#[test]
fn a_restore_or_backup_that_meets_an_error_anywhere_leaves_nothing() {
    let site = site("stop");
    site.good(&["backup", "--uploads", "-o", "up.tar.zst"]);
    let commands = [
        &["restore", "up.tar.zst", "--to", "back"][..],
        &["backup", "--uploads", "-o", "back/two.tar.gz"],
    ];
    for (n, arguments) in (1..).zip(commands) {
        let before = names(&site.at(""));
        let mut met = 0;
        loop {
            let ended = site.run_with(arguments, &[("TTPLAN_FAULT", &format!("28@{}", met + 1))]);
            if ended.status.success() {
                break;
            }
            met += 1;
            assert_eq!(ended.status.code(), Some(1), "{}", told(&ended));
            assert_eq!(names(&site.at("")), before, "{}", told(&ended));
            let left = std::fs::read_dir(site.at("back")).map_or(0, Iterator::count);
            assert!(left < n, "{}", told(&ended));
        }
        assert!(met > 1, "{arguments:?}: {met}");
    }
}

#[test]
fn a_backup_that_is_killed_anywhere_has_no_archive_or_a_sound_one() {
    let site = site("stop");
    let mut seen = 0;
    for n in 1.. {
        let archive = format!("{n}.tar.gz");
        let ended = site.run_with(
            &["backup", "--uploads", "-o", &archive],
            &[("TTPLAN_FAULT", &format!("kill@{n}"))],
        );
        if site.at(&archive).exists() {
            site.good(&["restore", &archive, "--check"]);
        }
        if ended.status.success() {
            break;
        }
        seen = n;
    }
    assert!(seen > 1, "{seen}");
}

#[test]
fn uploads_are_archived_and_brought_back_by_the_program() {
    let site = site("stop");
    let said = site.good(&["backup", "--uploads", "-o", "up.tar.zst"]);
    assert!(said.starts_with("2 files (10 B) of `files`"), "{said}");
    assert!(site.good(&["restore", "up.tar.zst", "--check"]).starts_with("sound: 2 files"));
    site.good(&["restore", "up.tar.zst", "--to", "back"]);
    assert_eq!(read(&site, "back/files/a.png"), "new a");
    let again = site.run(&["restore", "up.tar.zst", "--to", "back"]);
    assert!(
        again.status.success() && told(&again).contains("is there already"),
        "{}",
        told(&again)
    );
    let other = site.run(&["restore", "up.tar.zst", "--to", "old"]);
    assert_eq!(other.status.code(), Some(1), "{}", told(&other));
    assert_eq!(names(&site.at("old")), ["a.png", "b.png", "c.png"]);
    let unknown = site.run(&["backup", "--uploads", "--upload", "others", "-o", "x.tar.gz"]);
    assert!(told(&unknown).contains("there is no upload `others`"), "{}", told(&unknown));
    std::fs::write(site.at("torn.tar.zst"), &std::fs::read(site.at("up.tar.zst")).unwrap()[..100])
        .unwrap();
    let torn = site.run(&["restore", "torn.tar.zst", "--to", "torn"]);
    assert_eq!((torn.status.code(), site.at("torn").exists()), (Some(7), false), "{}", told(&torn));
}

/// Should a run die right after it has exchanged a file for one that somebody wrote at that very
/// moment, that is the only copy.
#[test]
fn what_somebody_wrote_at_the_last_moment_is_never_swept_away() {
    let site = site("replace");
    site.plan("change.ttplan.json", &[]);
    let aside = "new/.ttplan-0123456789abcdef00000000-swap";
    site.write(aside, "the only copy");
    let ours = "new/.ttplan-0123456789abcdef00000001-swap";
    site.write(ours, "new b");
    let refused = site.apply("change.ttplan.json");
    assert_eq!(refused.status.code(), Some(3), "{}", told(&refused));
    assert!(
        told(&refused).contains("was written by somebody else at the moment"),
        "{}",
        told(&refused)
    );
    assert_eq!(
        (read(&site, aside), read(&site, "new/a.png")),
        ("the only copy".into(), "new a".into())
    );
    assert!(!site.at(ours).exists(), "that is the content of a file that was kept");
    std::fs::rename(site.at(aside), site.at("elsewhere")).unwrap();
    let applied = site.apply("change.ttplan.json");
    assert!(applied.status.success(), "{}", told(&applied));
    assert_eq!(read(&site, "new/a.png"), "old a");
}
