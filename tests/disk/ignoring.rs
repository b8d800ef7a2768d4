//! What in a root is nobody's upload.

use ttplan::live::InspectFiles;
use ttplan::model::uploads::OddKind;

use crate::tree::{Place, disks};

#[test]
fn patterns_of_the_configuration_and_of_the_root_are_passed_over_and_the_latter_win() {
    let place = Place::new();
    for path in ["a.png", "a.tmp", "keep.tmp", "cache/x.png", "d/cache/y.png", "d/.DS_Store", "d/.gitkeep"] {
        place.write(&format!("from/{path}"), path);
    }
    place.write("from/.ttplanignore", "# ours\ncache/\n!keep.tmp\n");
    for mut disk in disks() {
        let (tree, _) = disk.scan(&place.path("from"), &["*.tmp".to_owned()]).unwrap();
        let files: Vec<_> = tree.files.iter().map(|file| file.path().to_text().into_owned()).collect();
        assert_eq!(files, ["a.png", "keep.tmp"]);
        assert_eq!(tree.litter, [("d/.DS_Store".into(), 11)]);
        // The two directories count once each, with `a.tmp`, `.ttplanignore` and the two known names.
        assert_eq!((tree.ignored, tree.odd.len()), (6, 0));
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
