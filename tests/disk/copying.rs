//! Copying batches: what arrives, what is refused, and that a refusal leaves no trace.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;
use rustix::fs::{CWD, RenameFlags, XattrFlags, lgetxattr, lsetxattr, renameat_with};
use ttplan::error::{Error, Kind};
use ttplan::model::files::uploads::FileFact;
use ttplan::stores::local::LocalStore;
use ttplan::stores::store::{Copied, CopyAttributes, ReadStore, WriteStore};

use crate::tree::{Place, as_they_are, disks, fact, is_root};

fn copy(disk: &mut LocalStore, place: &Place, files: &[FileFact]) -> Result<Vec<Copied>, Error> {
    disk.copy(&place.path("from"), &place.path("to"), files, &as_they_are())
}

/// Copies with both sorts of disk; each time it must fail like this and leave no trace.
fn assert_refused(place: &Place, files: &[FileFact], kind: Kind, words: &str) {
    let before = place.snapshot("to");
    for mut disk in disks() {
        let error = copy(&mut disk, place, files).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(place.snapshot("to"), before, "{error}");
    }
    place.assert_outside_untouched();
}

#[test]
fn what_is_copied_arrives_with_its_mode_time_and_attributes() {
    for (mut disk, to) in disks().into_iter().zip(["to", "to2"]) {
        let place = Place::new();
        fs::create_dir_all(place.at(to)).unwrap();
        let long = format!("a/b/{}", "n".repeat(255));
        let names: [&[u8]; 5] =
            [b"top", long.as_bytes(), b"a/\xff\xfe", b"a/two\nlines", b"a/empty"];
        let contents: [&[u8]; 5] = [b"one", &[7; 1_000_000], b"three", b"four", b""];
        for (name, content) in names.iter().zip(contents) {
            let path = ttplan::model::names::FilePath::from_bytes([b"from/", *name].concat());
            fs::create_dir_all(place.at(path.as_path()).parent().unwrap()).unwrap();
            fs::write(place.at(path.as_path()), content).unwrap();
        }
        fs::set_permissions(place.at("from/top"), PermissionsExt::from_mode(0o604)).unwrap();
        fs::set_permissions(place.at("from/a"), PermissionsExt::from_mode(0o2751)).unwrap();
        let time = std::time::UNIX_EPOCH + std::time::Duration::new(1_000_000_000, 987_654_321);
        fs::File::options()
            .write(true)
            .open(place.at("from/top"))
            .unwrap()
            .set_modified(time)
            .unwrap();
        let attributes = lsetxattr(place.at("from/top"), "user.note", b"kept", XattrFlags::empty());

        let files = place.scan("from").files;
        let made = disk.copy(&place.path("from"), &place.path(to), &files, &as_they_are()).unwrap();
        assert_eq!(made, [Copied::Created; 5]);
        assert_eq!(place.scan(to).files, files);
        let top = place.at(to).join("top").metadata().unwrap();
        assert_eq!(top.mode() & 0o7777, 0o604);
        assert_eq!(top.modified().unwrap(), time);
        assert_eq!(place.at(to).join("a").metadata().unwrap().mode() & 0o7777, 0o2751);
        if attributes.is_ok() {
            let mut value = [0; 8];
            let length = lgetxattr(place.at(to).join("top"), "user.note", &mut value[..]).unwrap();
            assert_eq!(&value[..length], b"kept");
        }
    }
}

#[test]
fn copying_again_finds_everything_done() {
    let place = Place::new();
    for n in 0..30 {
        place.write(&format!("from/{n}/f"), format!("content {n}"));
    }
    let files = place.scan("from").files;
    for mut disk in disks() {
        let (first, rest) = files.split_at(10);
        copy(&mut disk, &place, first).unwrap();
        let all = copy(&mut disk, &place, &files).unwrap();
        assert!(all[..10].iter().all(|copied| *copied == Copied::Already));
        assert!(
            all[10..].iter().all(|copied| *copied == Copied::Created)
                && all.len() == 10 + rest.len()
        );
        assert_eq!(copy(&mut disk, &place, &files).unwrap(), vec![Copied::Already; files.len()]);
        assert_eq!(place.scan("to").files, files);
        fs::remove_dir_all(place.at("to")).unwrap();
        fs::create_dir(place.at("to")).unwrap();
    }
}

#[test]
fn nothing_to_copy_is_nothing_done() {
    let place = Place::new();
    assert_eq!(copy(&mut LocalStore::new(), &place, &[]).unwrap(), []);
    assert!(place.names("to").is_empty());
}

#[test]
fn a_mode_and_owner_asked_for_are_given() {
    let place = Place::new();
    place.write("from/a/f", "x");
    let owner = is_root().then_some((1234, 4321));
    let how = CopyAttributes { mode: Some(0o640), owner, apart: false };
    LocalStore::new()
        .copy(&place.path("from"), &place.path("to"), &[fact("a/f", "x")], &how)
        .unwrap();
    let made = place.at("to/a/f").metadata().unwrap();
    assert_eq!(made.mode() & 0o7777, 0o640);
    if let Some(owner) = owner {
        let directory = place.at("to/a").metadata().unwrap();
        assert_eq!([(made.uid(), made.gid()), (directory.uid(), directory.gid())], [owner; 2]);
    }
}

#[test]
fn root_keeps_each_file_s_and_directory_s_owner() {
    if !is_root() {
        println!("skipped: only root may give files away");
        return;
    }
    let place = Place::new();
    place.write("from/a/f", "x");
    chown(place.at("from/a"), Some(11), Some(12)).unwrap();
    chown(place.at("from/a/f"), Some(13), Some(14)).unwrap();
    fs::set_permissions(place.at("from/a/f"), PermissionsExt::from_mode(0o4711)).unwrap();
    copy(&mut LocalStore::new(), &place, &[fact("a/f", "x")]).unwrap();
    let owner =
        |path: &str| place.at(path).metadata().map(|meta| (meta.uid(), meta.gid())).unwrap();
    assert_eq!([owner("to/a"), owner("to/a/f")], [(11, 12), (13, 14)]);
    assert_eq!(place.at("to/a/f").metadata().unwrap().mode() & 0o7777, 0o711);
}

/// The set-id and sticky bits are those of one file: nobody gets a program with somebody's rights
/// out of a copy, nor by a second name for it.
#[test]
fn set_id_bits_never_travel_with_a_file_and_of_a_directory_only_the_group_s() {
    for mut disk in disks() {
        let place = Place::new();
        let close = |path: &str, mode: u32| {
            fs::set_permissions(place.at(path), PermissionsExt::from_mode(mode)).unwrap();
        };
        let bits = [0o4755, 0o2755, 0o1644, 0o7777, 0o6711];
        let files: Vec<_> = (0..bits.len()).map(|n| fact(format!("d/{n}"), "x")).collect();
        for (file, mode) in files.iter().zip(bits) {
            let path = format!("from/{}", file.path().to_text());
            place.write(&path, "x");
            close(&path, mode);
        }
        close("from/d", 0o7755);
        // Old enough to be linked.
        std::thread::sleep(std::time::Duration::from_millis(150));
        copy(&mut disk, &place, &files).unwrap();
        let mode = |path: &str| place.at(path).metadata().unwrap().mode() & 0o7777;
        for (n, asked) in bits.iter().enumerate() {
            assert_eq!(mode(&format!("to/d/{n}")), asked & 0o777);
            assert_eq!(mode(&format!("from/d/{n}")), *asked, "the source is not touched");
        }
        assert_eq!(mode("to/d"), 0o2755);
        for mode in [0o4755, 0o2755, 0o1755] {
            let how = CopyAttributes { mode: Some(mode), owner: None, apart: false };
            let error =
                disk.copy(&place.path("from"), &place.path("to"), &files, &how).unwrap_err();
            assert_eq!(error.kind(), Kind::Refused, "{error}");
        }
        let made = disk.make_directory(&place.path("to/new"), Some(0o4755), None);
        assert_eq!(made.unwrap_err().kind(), Kind::Refused);
        assert!(!place.at("to/new").exists());
    }
}

/// An access list as the kernel keeps it: its owner, one more user, group, mask, others.
fn list(user: u32) -> Vec<u8> {
    let nobody = u32::MAX;
    let entries: [(u16, u16, u32); 5] =
        [(1, 6, nobody), (2, 4, user), (4, 4, nobody), (16, 4, nobody), (32, 0, nobody)];
    let mut bytes = 2_u32.to_le_bytes().to_vec();
    for (tag, may, id) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(may.to_le_bytes());
        bytes.extend(id.to_le_bytes());
    }
    bytes
}

#[test]
fn access_lists_travel_and_none_comes_from_the_destination() {
    const ACCESS: &str = "system.posix_acl_access";
    const DEFAULT: &str = "system.posix_acl_default";
    for mut disk in disks() {
        let place = Place::new();
        let set = |path: &str, name: &str| {
            lsetxattr(place.at(path), name, &list(1234), XattrFlags::empty())
        };
        let get = |path: &str, name: &str| {
            let mut value = [0; 256];
            lgetxattr(place.at(path), name, &mut value[..]).map(|length| value[..length].to_vec())
        };
        let files = ["d/listed", "d/plain"].map(|path| fact(path, "x"));
        for file in &files {
            place.write(&format!("from/{}", file.path().to_text()), "x");
        }
        if set("from/d/listed", ACCESS).is_err() {
            println!("skipped: no access lists here");
            return;
        }
        set("from/d", DEFAULT).unwrap();
        // What is made in the destination would get this list by itself.
        set("to", DEFAULT).unwrap();
        copy(&mut disk, &place, &files).unwrap();
        assert_eq!(get("to/d/listed", ACCESS).unwrap(), list(1234));
        assert!(get("to/d/plain", ACCESS).is_err());
        assert_eq!(get("to/d", DEFAULT).unwrap(), list(1234));
        assert!(get("to/d", ACCESS).is_err());
        // Who asks for a mode gets that and no more.
        fs::remove_dir_all(place.at("to/d")).unwrap();
        let how = CopyAttributes { mode: Some(0o600), owner: None, apart: false };
        disk.copy(&place.path("from"), &place.path("to"), &files, &how).unwrap();
        assert!(get("to/d/listed", ACCESS).is_err());
        assert_eq!(place.at("to/d/listed").metadata().unwrap().mode() & 0o7777, 0o600);
    }
}

#[test]
fn a_source_that_is_not_as_listed_stops_the_batch_before_anything_has_its_name() {
    let place = Place::new();
    for n in 0..20 {
        place.write(&format!("from/new/{n}"), "content");
    }
    place.write("from/other", "CONTENT");
    place.write("from/longer", "content!");
    place.link("new/1", "from/link");
    place.make_fifo("from/pipe");
    let good: Vec<_> = (0..20).map(|n| fact(format!("new/{n}"), "content")).collect();
    let cases = [
        ("other", "has not the listed content"),
        ("longer", "has not the listed size"),
        ("missing", "is no longer there"),
        ("link", "is no longer a plain file"),
        ("pipe", "is no longer a plain file"),
        ("new", "is no longer a plain file"),
    ];
    for (path, words) in cases {
        let mut files = good.clone();
        files.insert(10, fact(path, "content"));
        assert_refused(&place, &files, Kind::Stale, words);
    }
}

#[test]
fn a_destination_that_holds_something_else_stops_the_batch_before_anything_is_written() {
    let place = Place::new();
    for path in ["a", "b/f", "c", "d", "e/f", "g/f"] {
        place.write(&format!("from/{path}"), "content");
    }
    place.write("to/a", "CONTENT");
    place.write("to/b", "a file where a directory should be");
    place.link("a", "to/c");
    place.write("to/d/below", "content");
    place.link("../outside/secret", "to/e");
    place.link("../outside/missing", "to/g");
    for (path, words) in [
        ("a", "another content"),
        ("b/f", "something else"),
        ("c", "something else"),
        ("d", "something else"),
        ("e/f", "something else"),
        ("g/f", "something else"),
    ] {
        assert_refused(&place, &[fact(path, "content")], Kind::Stale, words);
    }
}

#[test]
fn paths_that_lead_out_are_refused() {
    let place = Place::new();
    place.write("outside-too", "secret");
    for path in ["../outside/secret/f", "/etc/passwd", "", "a/../../x", "a\0b"] {
        assert_refused(&place, &[fact(path, "secret")], Kind::Failed, "not a plain relative path");
    }
}

#[test]
fn a_link_swapped_in_for_a_source_directory_is_not_followed() {
    let place = Place::new();
    // The very content that is listed lies outside: only the way there is wrong.
    place.write("from/d/f", "secret");
    let files = place.scan("from").files;
    fs::rename(place.at("from/d"), place.at("kept")).unwrap();
    place.link("../outside/secret", "from/d");
    assert_refused(&place, &files, Kind::Stale, "is no longer a");
}

#[test]
fn a_missing_or_linked_root_is_refused() {
    let place = Place::new();
    place.write("from/f", "x");
    place.link("outside", "link");
    for mut disk in disks() {
        for (from, to, kind) in [
            ("missing", "to", Kind::Stale),
            ("link", "to", Kind::Stale),
            ("from", "missing", Kind::Failed),
            ("from", "link", Kind::Failed),
        ] {
            let error = disk
                .copy(&place.path(from), &place.path(to), &[fact("f", "x")], &as_they_are())
                .unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
        }
    }
    place.assert_outside_untouched();
}

#[test]
fn another_filesystem_takes_copies_too() {
    let Ok(elsewhere) = tempfile::tempdir_in("/dev/shm") else {
        println!("skipped: there is no other filesystem");
        return;
    };
    let place = Place::new();
    for n in 0..20 {
        place.write(&format!("from/a/{n}"), format!("{n}"));
    }
    let files = place.scan("from").files;
    let to = ttplan::model::names::FilePath::from(elsewhere.path());
    LocalStore::new().copy(&place.path("from"), &to, &files, &as_they_are()).unwrap();
    assert_eq!(LocalStore::new().scan(&to, &[]).unwrap().0.files, files);
}

#[test]
fn a_destination_directory_that_flips_to_a_link_never_lets_a_file_out() {
    let place = Place::new();
    place.write("from/d/f", "content");
    place.write("to/d/keep", "");
    place.link("../outside/secret", "flip");
    let done = AtomicBool::new(false);
    let (here, there) = (place.at("to/d"), place.at("flip"));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                renameat_with(CWD, &here, CWD, &there, RenameFlags::EXCHANGE).unwrap();
            }
        });
        for _ in 0..150 {
            for mut disk in disks() {
                // It may be refused or succeed, as the moment has it.
                let _ = copy(&mut disk, &place, &[fact("d/f", "content")]);
                let _ = disk.remove(&place.path("to"), &[fact("d/f", "content")]);
                let _ = disk.sweep(&place.path("to"));
            }
        }
        done.store(true, Ordering::Relaxed);
    });
    place.assert_outside_untouched();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_listed_nothing_outside_is_read_or_written(
        parts in prop::collection::vec(prop::sample::select(vec!["..", ".", "", "f", "d", "up", "secret", "outside"]), 1..6),
    ) {
        let place = Place::new();
        place.write("from/d/f", "inside");
        place.link("../outside/secret", "from/up");
        place.link("../outside/secret", "to/up");
        place.link("../outside", "to/d");
        let path = parts.join("/");
        for mut disk in disks() {
            for content in ["secret", "inside"] {
                // The content may be right: no path but the plain one to the file itself may lead
                // there.
                let _ = copy(&mut disk, &place, &[fact(&path, content)]);
                let _ = disk.remove(&place.path("to"), &[fact(&path, content)]);
                prop_assert!(!place.scan("to").files.contains(&fact(&path, "secret")));
            }
        }
        place.assert_outside_untouched();
    }
}
