//! What in a root is nobody's upload.

use ttplan::model::files::uploads::OddKind;
use ttplan::stores::store::ReadStore;

use crate::tree::{Place, disks};

#[test]
fn patterns_of_the_configuration_and_of_the_root_are_passed_over_and_the_latter_win() {
    let place = Place::new();
    for path in
        ["a.png", "a.tmp", "keep.tmp", "cache/x.png", "d/cache/y.png", "d/.DS_Store", "d/.gitkeep"]
    {
        place.write(&format!("from/{path}"), path);
    }
    place.write("from/.ttplanignore", "# ours\ncache/\n!keep.tmp\n");
    for mut disk in disks() {
        let (tree, _) = disk.scan(&place.path("from"), &["*.tmp".to_owned()]).unwrap();
        let files: Vec<_> =
            tree.files.iter().map(|file| file.path().to_text().into_owned()).collect();
        assert_eq!(files, ["a.png", "keep.tmp"]);
        assert_eq!(tree.litter, [("d/.DS_Store".into(), 11)]);
        // The two directories count once each, with `a.tmp`, `.ttplanignore` and the two known
        // names.
        assert_eq!((tree.ignored, tree.odd.len()), (6, 0));
    }
}

#[test]
fn patterns_of_a_directory_apply_below_it_and_a_hidden_directory_is_not_asked() {
    let place = Place::new();
    for path in ["a.log", "d/a.log", "d/e/a.log", "d/e/keep.log", "d/top", "d/e/top", "skipped/x"] {
        place.write(&format!("from/{path}"), path);
    }
    place.write("from/.ttplanignore", "/skipped/\n");
    place.write("from/d/.ttplanignore", "*.log\n/top\n");
    place.write("from/d/e/.ttplanignore", "!keep.log\n");
    place.write("from/skipped/.ttplanignore", "!x\n");
    for mut disk in disks() {
        let (tree, _) = disk.scan(&place.path("from"), &[]).unwrap();
        let files: Vec<_> =
            tree.files.iter().map(|file| file.path().to_text().into_owned()).collect();
        assert_eq!(files, ["a.log", "d/e/keep.log", "d/e/top"]);
        assert_eq!(tree.odd, []);
    }
    place.make_fifo("from/d/e/pipe");
    std::fs::rename(place.at("from/d/e/pipe"), place.at("from/d/e/.ttplanignore")).unwrap();
    for mut disk in disks() {
        let (tree, _) = disk.scan(&place.path("from"), &[]).unwrap();
        assert!(tree.odd.iter().any(|odd| odd.what == OddKind::Unreadable), "{:?}", tree.odd);
        assert_eq!(tree.files.len(), 2, "what the directory above says still holds");
    }
}

#[test]
fn patterns_that_cannot_be_read_hide_nothing_and_are_told_of() {
    let place = Place::new();
    place.write("from/a.png", "a");
    place.write("outside/patterns", "*");
    place.link("../outside/patterns", "from/.ttplanignore");
    for mut disk in disks() {
        let (tree, _) = disk.scan(&place.path("from"), &[]).unwrap();
        assert_eq!(tree.files.len(), 1);
        assert!(tree.odd.iter().any(|odd| odd.what == OddKind::Unreadable), "{:?}", tree.odd);
    }
}
