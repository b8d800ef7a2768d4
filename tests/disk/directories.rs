//! Making and removing directories above and at a root.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use ttplan::error::Kind;
use ttplan::model::names::FilePath;
use ttplan::stores::local::LocalStore;
use ttplan::stores::store::WriteStore;

use crate::tree::{Place, disks, is_root};

#[test]
fn missing_directories_are_made_and_told_outermost_first() {
    let mine = is_root().then_some((1234, 4321));
    for (mut disk, name) in disks().into_iter().zip(["new", "newer"]) {
        let place = Place::new();
        let paths = [format!("to/{name}"), format!("to/{name}/a"), format!("to/{name}/a/b")];
        let made = disk.make_directory(&place.path(&paths[2]), Some(0o2750), mine).unwrap();
        assert_eq!(made, paths.each_ref().map(|path| place.path(path)));
        for path in &paths {
            let meta = place.at(path).metadata().unwrap();
            assert_eq!(meta.mode() & 0o7777, 0o2750);
            assert!(mine.is_none_or(|owner| (meta.uid(), meta.gid()) == owner));
        }
        assert_eq!(disk.make_directory(&place.path(&paths[2]), None, None).unwrap(), []);
        assert_eq!(place.names("to"), [name]);
    }
}

#[test]
fn what_an_interruption_left_of_a_directory_goes_with_the_next_making_or_removing() {
    let place = Place::new();
    let left = ".ttplan-0123456789abcdef01234567-part";
    let others = [".ttplan-notes-part", ".ttplan-0123456789abcdef01234568-part"];
    fs::create_dir(place.at("to").join(others[0])).unwrap();
    // In use by somebody.
    fs::create_dir_all(place.at("to").join(others[1]).join("x")).unwrap();
    let names = |more: &[&'static str]| {
        let mut names = [&others[..], more].concat();
        names.sort_unstable();
        names
    };
    fs::create_dir(place.at("to").join(left)).unwrap();
    LocalStore::new().make_directory(&place.path("to/new"), None, None).unwrap();
    assert_eq!(place.names("to"), names(&["new"]));
    fs::create_dir(place.at("to").join(left)).unwrap();
    assert!(LocalStore::new().remove_directory(&place.path("to/new")).unwrap());
    assert_eq!(place.names("to"), names(&[]));
    fs::create_dir(place.at("to").join(left)).unwrap();
    assert!(!LocalStore::new().remove_directory(&place.path("to/new")).unwrap());
    assert_eq!(place.names("to"), names(&[]));
}

#[test]
fn without_a_mode_a_directory_is_open_to_all_to_read_and_passes_its_group_on() {
    let place = Place::new();
    LocalStore::new().make_directory(&place.path("to/plain"), None, None).unwrap();
    assert_eq!(place.at("to/plain").metadata().unwrap().mode() & 0o7777, 0o755);
    fs::set_permissions(place.at("to"), PermissionsExt::from_mode(0o2700)).unwrap();
    LocalStore::new().make_directory(&place.path("to/shared"), None, None).unwrap();
    assert_eq!(place.at("to/shared").metadata().unwrap().mode() & 0o7777, 0o2755);
}

#[test]
fn what_is_in_the_way_is_left_and_nothing_is_made() {
    let place = Place::new();
    place.write("to/file", "x");
    place.link("nowhere", "to/dangling");
    place.link("../outside", "to/link");
    for mut disk in disks() {
        for path in ["to/file", "to/file/below", "to/dangling", "to/dangling/below", "to/link"] {
            let error = disk.make_directory(&place.path(path), None, None).unwrap_err();
            assert_eq!(error.kind(), Kind::Failed, "{path}");
        }
        for path in ["relative", "/a/../b", "//a", "/a/"] {
            assert!(disk.make_directory(&FilePath::from(path), None, None).is_err(), "{path}");
        }
        assert_eq!(place.names("to"), ["dangling", "file", "link"]);
    }
    place.assert_outside_untouched();
}

#[test]
fn a_link_above_is_the_operator_s_and_is_followed() {
    let place = Place::new();
    fs::create_dir(place.at("real")).unwrap();
    place.link("real", "linked");
    let made = LocalStore::new().make_directory(&place.path("linked/a/b"), None, None).unwrap();
    assert_eq!(made, [place.path("linked/a"), place.path("linked/a/b")]);
    assert!(place.at("real/a/b").is_dir());
}

#[test]
fn a_failure_half_way_takes_back_what_was_made() {
    let place = Place::new();
    let too_long = format!("to/a/b/{}", "n".repeat(256));
    for mut disk in disks() {
        assert!(disk.make_directory(&place.path(&too_long), None, None).is_err());
        assert!(place.names("to").is_empty());
    }
}

#[test]
fn only_an_empty_directory_is_removed() {
    for mut disk in disks() {
        let place = Place::new();
        fs::create_dir_all(place.at("to/a/b")).unwrap();
        place.write("to/file", "x");
        place.link("a", "to/link");
        assert!(!disk.remove_directory(&place.path("to/a")).unwrap());
        assert!(disk.remove_directory(&place.path("to/a/b")).unwrap());
        assert!(!disk.remove_directory(&place.path("to/a/b")).unwrap());
        assert!(!disk.remove_directory(&place.path("to/missing/below")).unwrap());
        for path in ["to/file", "to/link"] {
            assert_eq!(disk.remove_directory(&place.path(path)).unwrap_err().kind(), Kind::Failed);
        }
        assert!(disk.remove_directory(&FilePath::from("/")).is_err());
        assert_eq!(place.names("to"), ["a", "file", "link"]);
    }
}
