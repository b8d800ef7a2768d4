//! Removing what a run made, and sweeping up what an interrupted one left.

use std::fs;

use ttplan::error::Kind;
use ttplan::stores::local::LocalStore;
use ttplan::stores::store::{ReadStore, WriteStore};

use crate::tree::{Place, disks, fact};

#[test]
fn only_files_with_the_listed_content_go_and_directories_stay() {
    for mut disk in disks() {
        let place = Place::new();
        for path in ["a/b/c/gone", "a/b/gone", "kept/gone", "kept/stays", "top"] {
            place.write(&format!("to/{path}"), "content");
        }
        place.write("to/changed", "CONTENT");
        place.write("to/longer", "content!");
        place.link("changed", "to/link");
        place.link("../outside/secret", "to/up");
        place.make_fifo("to/pipe");
        fs::create_dir_all(place.at("to/empty/before")).unwrap();
        let paths = [
            "a/b/c/gone",
            "a/b/gone",
            "kept/gone",
            "top",
            "changed",
            "longer",
            "link",
            "up/f",
            "pipe",
            "no/file",
        ];
        let listed = paths.map(|path| fact(path, "content"));
        assert_eq!(disk.remove(&place.path("to"), &listed).unwrap(), 4);
        assert_eq!(
            place.names("to"),
            ["a", "changed", "empty", "kept", "link", "longer", "pipe", "up"]
        );
        assert_eq!(place.names("to/a/b/c"), [""; 0]);
        assert_eq!(place.names("to/kept"), ["stays"]);
        assert_eq!(place.names("to/empty"), ["before"]);
        assert_eq!(disk.remove(&place.path("to"), &listed).unwrap(), 0);
        place.assert_outside_untouched();
    }
}

#[test]
fn the_root_itself_stays_and_a_missing_one_has_nothing_to_remove() {
    let place = Place::new();
    place.write("to/f", "x");
    for mut disk in disks() {
        disk.remove(&place.path("to"), &[fact("f", "x")]).unwrap();
        assert!(place.at("to").is_dir());
        assert_eq!(disk.remove(&place.path("missing"), &[fact("f", "x")]).unwrap(), 0);
        assert_eq!(disk.sweep(&place.path("missing")).unwrap(), 0);
    }
}

#[test]
fn a_root_that_became_a_link_is_not_entered() {
    let place = Place::new();
    place.link("outside/secret", "link");
    for mut disk in disks() {
        assert_eq!(
            disk.remove(&place.path("link"), &[fact("f", "secret")]).unwrap_err().kind(),
            Kind::Unreachable
        );
        assert_eq!(disk.sweep(&place.path("link")).unwrap_err().kind(), Kind::Unreachable);
    }
    place.assert_outside_untouched();
}

#[test]
fn paths_that_lead_out_are_refused_before_anything_is_removed() {
    let place = Place::new();
    place.write("to/f", "secret");
    let listed = [fact("f", "secret"), fact("../outside/secret/f", "secret")];
    for mut disk in disks() {
        assert_eq!(disk.remove(&place.path("to"), &listed).unwrap_err().kind(), Kind::Failed);
        assert_eq!(place.names("to"), ["f"]);
    }
    place.assert_outside_untouched();
}

#[test]
fn a_sweep_takes_our_temporary_names_and_nothing_else() {
    let ours = ".ttplan-0123456789abcdef01234567-part";
    for mut disk in disks() {
        let place = Place::new();
        place.write(&format!("to/{ours}"), "half");
        place.write(&format!("to/a/b/{ours}"), "half");
        fs::create_dir(place.at(format!("to/a/{ours}"))).unwrap();
        place.write(&format!("to/full/{ours}/somebody's"), "file");
        fs::create_dir(place.at("to/links")).unwrap();
        place.link("../../outside/secret/f", &format!("to/links/{ours}"));
        place.write("to/.ttplan-notes-part", "a person's");
        place.write("outside-as-well", "");
        assert_eq!(disk.sweep(&place.path("to")).unwrap(), 3);
        assert_eq!(place.names("to"), [".ttplan-notes-part", "a", "full", "links"]);
        assert_eq!(place.names("to/a/b"), [""; 0]);
        assert_eq!(place.names("to/a"), ["b"]);
        assert_eq!(place.names("to/full"), [ours]);
        assert_eq!(place.names("to/links"), [ours]);
        assert_eq!(disk.sweep(&place.path("to")).unwrap(), 0);
        place.assert_outside_untouched();
    }
}

#[test]
fn what_was_copied_can_be_removed_again() {
    let place = Place::new();
    for n in 0..40 {
        place.write(&format!("from/{}/{n}", n % 5), format!("{n}"));
    }
    let files = place.scan("from").files;
    for mut disk in disks() {
        disk.copy(&place.path("from"), &place.path("to"), &files, &crate::tree::as_they_are())
            .unwrap();
        assert_eq!(disk.remove(&place.path("to"), &files).unwrap(), 40);
        assert!(place.scan("to").files.is_empty());
        assert_eq!(LocalStore::new().scan(&place.path("from"), &[]).unwrap().0.files, files);
    }
}
