//! What a user without rights meets: files he cannot read, places he cannot write to, full and
//! closed filesystems. For root, these tests run once more as somebody else.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use ttplan::error::Kind;
use ttplan::model::files::uploads::{OddKind, RootState};
use ttplan::model::names::FilePath;
use ttplan::stores::local::LocalStore;
use ttplan::stores::local::archive::{Part, pack, unpack};
use ttplan::stores::store::{CopyAttributes, DirectoryState, FileState, ReadStore, WriteStore};

use crate::tree::{Place, again, as_they_are, disks, fact, myself, without_rights};

fn close(path: &Path, mode: u32) {
    fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

#[test]
fn what_cannot_be_read_is_unknown_and_said_so() {
    let place = Place::new();
    without_rights(
        "unprivileged::what_cannot_be_read_is_unknown_and_said_so",
        &place,
        |directory| {
            let at = |path: &str| directory.join(path);
            for path in ["from/d/f", "from/file", "from/readable"] {
                fs::create_dir_all(at(path).parent().unwrap()).unwrap();
                fs::write(at(path), "x").unwrap();
            }
            close(&at("from/file"), 0);
            close(&at("from/d"), 0);
            let (from, to) = (FilePath::from(at("from")), FilePath::from(at("to")));
            for mut disk in disks() {
                let (tree, _) = disk.scan(&from, &[]).unwrap();
                assert_eq!(tree.files, [fact("readable", "x")]);
                let odd: Vec<_> = tree
                    .odd
                    .iter()
                    .map(|odd| (odd.path.to_text().into_owned(), odd.what))
                    .collect();
                assert_eq!(
                    odd,
                    [
                        ("d".to_owned(), OddKind::Unreadable),
                        ("file".to_owned(), OddKind::Unreadable)
                    ]
                );

                let listed = [fact("d/f", "x"), fact("file", "x"), fact("file", "longer")];
                let found = disk.states(&from, &listed).unwrap();
                assert_eq!(
                    found,
                    [FileState::Unreadable, FileState::Unreadable, FileState::Differs]
                );
                assert_eq!(disk.sources(&from).unwrap_err().kind(), Kind::Unreachable);
                let error =
                    disk.copy(&from, &to, &[fact("file", "x")], &as_they_are()).unwrap_err();
                assert_eq!(error.kind(), Kind::Unreachable);
                assert_eq!(error.hints().len(), 1);
                assert_eq!(
                    disk.remove(&from, &[fact("file", "x")]).unwrap_err().kind(),
                    Kind::Unreachable
                );
                assert_eq!(fs::read_dir(at("to")).unwrap().count(), 0);
            }
            close(&at("from"), 0o300);
            for mut disk in disks() {
                assert_eq!(disk.scan(&from, &[]).unwrap().0.state, RootState::Unreadable);
                assert_eq!(disk.directory(&from).unwrap(), DirectoryState::Unreadable);
                assert_eq!(disk.sweep(&from).unwrap_err().kind(), Kind::Unreachable);
            }
            close(&at("from"), 0o700);
            close(&at("from/d"), 0o700);
        },
    );
}

#[test]
fn a_place_that_cannot_be_written_to_is_named_with_a_hint() {
    let place = Place::new();
    without_rights(
        "unprivileged::a_place_that_cannot_be_written_to_is_named_with_a_hint",
        &place,
        |directory| {
            let at = |path: &str| directory.join(path);
            fs::write(at("from/f"), "x").unwrap();
            fs::write(at("to/old"), "x").unwrap();
            close(&at("to"), 0o555);
            let (from, to) = (FilePath::from(at("from")), FilePath::from(at("to")));
            for mut disk in disks() {
                let errors = [
                    disk.copy(&from, &to, &[fact("f", "x")], &as_they_are()).unwrap_err(),
                    disk.remove(&to, &[fact("old", "x")]).unwrap_err(),
                    disk.make_directory(&FilePath::from(at("to/new")), None, None).unwrap_err(),
                ];
                for error in errors {
                    assert_eq!(error.kind(), Kind::Failed);
                    assert!(error.to_string().contains("this user may not do that"), "{error}");
                    assert!(error.hints()[0].contains("namei -l"), "{error}");
                }
            }
            close(&at("to"), 0o755);
            assert_eq!(fs::read_dir(at("to")).unwrap().count(), 1);
        },
    );
}

#[test]
fn an_owner_that_cannot_be_kept_stops_the_batch() {
    let place = Place::new();
    place.write("from/f", "x");
    place.write("foreign/program", "x");
    close(&place.at("foreign/program"), 0o755);
    let asked = |owner| CopyAttributes { mode: None, owner, apart: false };
    let test = "unprivileged::an_owner_that_cannot_be_kept_stops_the_batch";
    without_rights(test, &place, |directory| {
        let (from, to) =
            (FilePath::from(directory.join("from")), FilePath::from(directory.join("to")));
        let copy = |from: &FilePath, name: &str, how: &CopyAttributes| {
            LocalStore::new().copy(from, &to, &[fact(name, "x")], how)
        };
        let error = copy(&from, "f", &asked(Some((1, 1)))).unwrap_err();
        assert_eq!(error.kind(), Kind::Failed);
        assert_eq!(fs::read_dir(directory.join("to")).unwrap().count(), 0);
        let foreign = FilePath::from(directory.join("foreign"));
        let theirs = directory.join("foreign/program").metadata().unwrap();
        let (me, mine) = (fs::metadata("/proc/self").unwrap(), theirs.uid());
        if mine != me.uid() {
            let error = copy(&foreign, "program", &as_they_are()).unwrap_err();
            assert_eq!(error.kind(), Kind::Failed);
            assert!(error.to_string().contains(&format!("the owner {mine}:")), "{error}");
            assert!(error.hints()[0].contains("owner ="), "{error}");
            assert_eq!(fs::read_dir(directory.join("to")).unwrap().count(), 0);
        }
        // Whoever says that the copy is to be his gets it.
        copy(&foreign, "program", &asked(Some((me.uid(), me.gid())))).unwrap();
        assert_eq!(directory.join("to/program").metadata().unwrap().uid(), me.uid());
    });
}

/// Runs a test again with a small filesystem of its own mounted on `to`.
fn on_a_small_disk(test: &str, options: &str, place: &Place, body: impl FnOnce(&Path)) {
    if let Some(directory) = again() {
        return body(&directory);
    }
    let script = format!(
        "mount -t tmpfs -o size=256k tmpfs {0:?} && {1} exec \"$@\"",
        place.at("to"),
        options
    );
    let wrapper = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", &script, "sh"];
    if !Command::new(wrapper[0])
        .args(&wrapper[1..])
        .arg("true")
        .status()
        .is_ok_and(|status| status.success())
    {
        println!("skipped: nothing can be mounted here");
        return;
    }
    assert!(myself(&wrapper, test, &place.at("")).status().unwrap().success());
}

#[test]
fn a_full_disk_stops_the_batch_and_keeps_nothing_of_it() {
    let place = Place::new();
    for n in 0..20 {
        place.write(&format!("from/d/{n}"), vec![b'x'; 30_000]);
    }
    let test = "unprivileged::a_full_disk_stops_the_batch_and_keeps_nothing_of_it";
    on_a_small_disk(test, "", &place, |directory| {
        let (from, to) =
            (FilePath::from(directory.join("from")), FilePath::from(directory.join("to")));
        let files = LocalStore::new().scan(&from, &[]).unwrap().0.files;
        assert_eq!(files.len(), 20);
        for mut disk in disks() {
            let error = disk.copy(&from, &to, &files, &as_they_are()).unwrap_err();
            assert_eq!(error.kind(), Kind::Failed);
            assert!(error.to_string().contains("no space is left"), "{error}");
            assert!(error.hints()[0].starts_with("df -h"), "{error}");
            assert_eq!(fs::read_dir(directory.join("to")).unwrap().count(), 0);
        }
        // What fits is taken.
        LocalStore::new().copy(&from, &to, &files[..4], &as_they_are()).unwrap();
        assert_eq!(LocalStore::new().scan(&to, &[]).unwrap().0.files, files[..4]);
    });
}

#[test]
fn an_archive_or_its_files_that_do_not_fit_leave_nothing() {
    let place = Place::new();
    // Nothing that could be compressed.
    let mut noise = vec![0; 400_000];
    std::io::Read::read_exact(&mut fs::File::open("/dev/urandom").unwrap(), &mut noise).unwrap();
    place.write("from/noise", noise);
    place.write("from/zeros", vec![0; 100_000]);
    let test = "unprivileged::an_archive_or_its_files_that_do_not_fit_leave_nothing";
    on_a_small_disk(test, "", &place, |directory| {
        let part = Part {
            name: "up".into(),
            root: FilePath::from(directory.join("from")),
            ignore: Vec::new(),
        };
        let error = pack(
            std::slice::from_ref(&part),
            &directory.join("to/up.tar.zst"),
            "test",
            &mut |_| Ok(()),
        )
        .unwrap_err();
        assert!(error.to_string().contains("no space is left"), "{error}");
        assert_eq!(fs::read_dir(directory.join("to")).unwrap().count(), 0);
        pack(&[part], &directory.join("up.tar.zst"), "test", &mut |_| Ok(())).unwrap();
        let error = unpack(
            &directory.join("up.tar.zst"),
            &FilePath::from(directory.join("to/back")),
            &mut |_| Ok(()),
        );
        let error = error.unwrap_err();
        assert!(error.to_string().contains("no space is left"), "{error}");
        assert_eq!(fs::read_dir(directory.join("to")).unwrap().count(), 0);
    });
}

#[test]
fn a_disk_mounted_read_only_is_called_so() {
    let place = Place::new();
    place.write("from/f", "x");
    let test = "unprivileged::a_disk_mounted_read_only_is_called_so";
    let options = format!("mount -o remount,ro {:?} &&", place.at("to"));
    on_a_small_disk(test, &options, &place, |directory| {
        let (from, to) =
            (FilePath::from(directory.join("from")), FilePath::from(directory.join("to")));
        for mut disk in disks() {
            let errors = [
                disk.copy(&from, &to, &[fact("f", "x")], &as_they_are()).unwrap_err(),
                disk.make_directory(&FilePath::from(directory.join("to/new")), None, None)
                    .unwrap_err(),
            ];
            for error in errors {
                assert!(error.to_string().contains("mounted read-only"), "{error}");
                assert!(error.hints()[0].starts_with("findmnt -T"), "{error}");
            }
        }
    });
}
