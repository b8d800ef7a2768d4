//! Files that are to stay as they are on one filesystem: a name more for what was read, and never
//! for anything else.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::{Duration, SystemTime};

use ttplan::error::Kind;
use ttplan::stores::local::LocalStore;
use ttplan::stores::store::{Copied, CopyAttributes, FileState, ReadStore, WriteStore};

use crate::tree::{Place, as_they_are, disks, fact};

/// A place with a file that nobody has changed for a while.
fn rested() -> Place {
    let place = Place::new();
    place.write("from/d/f", "x");
    // Whatever mode new files get here.
    fs::set_permissions(place.at("from/d/f"), fs::Permissions::from_mode(0o644)).unwrap();
    let changed = place.at("from/d/f").metadata().unwrap();
    let changed =
        SystemTime::UNIX_EPOCH + Duration::new(changed.ctime() as u64, changed.ctime_nsec() as u32);
    // The kernel's clock goes on by itself; nothing else has to happen.
    while changed.elapsed().unwrap_or_default() < Duration::from_millis(150) {
        std::thread::yield_now();
    }
    place
}

/// Whether both names are the same file.
fn is_one_file(place: &Place) -> bool {
    let inode = |path: &str| place.at(path).metadata().unwrap().ino();
    inode("from/d/f") == inode("to/d/f")
}

/// Linked where no blocks can be shared, as on ext4 and tmpfs.
fn can_share() -> bool {
    let directory = tempfile::tempdir().unwrap();
    let make = |name: &str| fs::File::create(directory.path().join(name)).unwrap();
    rustix::fs::ioctl_ficlone(make("copy"), make("original")).is_ok()
}

#[test]
fn what_is_to_stay_as_it_is_gets_a_second_name() {
    for mut disk in disks() {
        let place = rested();
        let copied = disk
            .copy(&place.path("from"), &place.path("to"), &[fact("d/f", "x")], &as_they_are())
            .unwrap();
        assert_eq!(copied, [Copied::Created]);
        assert_eq!(is_one_file(&place), !can_share());
        assert_eq!(place.names("to/d"), ["f"]);
        let again = disk
            .copy(&place.path("from"), &place.path("to"), &[fact("d/f", "x")], &as_they_are())
            .unwrap();
        assert_eq!(again, [Copied::Already]);
        assert_eq!(disk.remove(&place.path("to"), &[fact("d/f", "x")]).unwrap(), 1);
        assert_eq!(fs::read(place.at("from/d/f")).unwrap(), b"x");
    }
}

#[test]
fn what_is_saved_or_restored_is_a_file_of_its_own() {
    for mut disk in disks() {
        let place = rested();
        let how = CopyAttributes { apart: true, ..as_they_are() };
        disk.copy(&place.path("from"), &place.path("to"), &[fact("d/f", "x")], &how).unwrap();
        assert!(!is_one_file(&place));
        place.write("from/d/f", "y");
        assert_eq!(fs::read(place.at("to/d/f")).unwrap(), b"x");
    }
}

#[test]
fn another_mode_needs_a_file_of_its_own() {
    let place = rested();
    let how = CopyAttributes { mode: Some(0o600), owner: None, apart: false };
    LocalStore::new()
        .copy(&place.path("from"), &place.path("to"), &[fact("d/f", "x")], &how)
        .unwrap();
    assert!(!is_one_file(&place));
    assert_eq!(place.at("to/d/f").metadata().unwrap().mode() & 0o777, 0o600);
    assert_eq!(place.at("from/d/f").metadata().unwrap().mode() & 0o777, 0o644);
}

#[test]
fn a_content_that_is_not_the_listed_one_is_never_linked() {
    for mut disk in disks() {
        let place = rested();
        let error = disk
            .copy(&place.path("from"), &place.path("to"), &[fact("d/f", "y")], &as_they_are())
            .unwrap_err();
        assert_eq!(error.kind(), Kind::Stale, "{error}");
        assert!(place.names("to").is_empty());
    }
}

#[test]
fn a_file_that_is_known_and_then_changed_is_read_again() {
    for mut disk in disks() {
        let place = rested();
        let files = [fact("d/f", "x")];
        assert_eq!(disk.states(&place.path("from"), &files).unwrap(), [FileState::Same]);
        // As many bytes, and the time of the content set back: only the kernel's own stamp tells.
        let modified = place.at("from/d/f").metadata().unwrap().modified().unwrap();
        place.write("from/d/f", "y");
        fs::File::options()
            .write(true)
            .open(place.at("from/d/f"))
            .unwrap()
            .set_modified(modified)
            .unwrap();
        assert_eq!(disk.states(&place.path("from"), &files).unwrap(), [FileState::Differs]);
        assert_eq!(
            disk.copy(&place.path("from"), &place.path("to"), &files, &as_they_are())
                .unwrap_err()
                .kind(),
            Kind::Stale
        );
        assert!(place.names("to").is_empty());
    }
}

#[test]
fn a_file_with_several_listed_names_is_moved_under_all_of_them() {
    for mut disk in disks() {
        let place = rested();
        // Linking one name changes what is known of the file under all others.
        let names: Vec<String> = (0..50).map(|n| format!("d/{n:02}")).collect();
        for name in &names {
            fs::hard_link(place.at("from/d/f"), place.at("from").join(name)).unwrap();
        }
        let changed = place.at("from/d/f").metadata().unwrap();
        let changed = SystemTime::UNIX_EPOCH
            + Duration::new(changed.ctime() as u64, changed.ctime_nsec() as u32);
        while changed.elapsed().unwrap_or_default() < Duration::from_millis(150) {
            std::thread::yield_now();
        }
        let files: Vec<_> = names.iter().map(|name| fact(name, "x")).collect();
        disk.copy(&place.path("from"), &place.path("to"), &files, &as_they_are()).unwrap();
        assert!(
            disk.states(&place.path("to"), &files)
                .unwrap()
                .iter()
                .all(|state| *state == FileState::Same)
        );
        assert_eq!(place.names("to/d").len(), names.len());
    }
}

#[test]
fn a_file_that_this_run_linked_and_somebody_changed_is_not_removed() {
    for mut disk in disks() {
        let place = rested();
        let files = [fact("d/f", "x")];
        disk.copy(&place.path("from"), &place.path("to"), &files, &as_they_are()).unwrap();
        place.write("to/d/f", "y");
        assert_eq!(disk.remove(&place.path("to"), &files).unwrap(), 0);
        assert_eq!(fs::read(place.at("to/d/f")).unwrap(), b"y");
    }
}

#[test]
fn a_link_put_in_the_place_of_a_source_is_not_followed() {
    for mut disk in disks() {
        let place = rested();
        let files = [fact("d/f", "secret")];
        fs::remove_file(place.at("from/d/f")).unwrap();
        place.link("../../outside/secret/f", "from/d/f");
        assert_eq!(
            disk.copy(&place.path("from"), &place.path("to"), &files, &as_they_are())
                .unwrap_err()
                .kind(),
            Kind::Stale
        );
        assert!(place.names("to").is_empty());
        place.assert_outside_untouched();
    }
}
