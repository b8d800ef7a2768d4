//! Archives of uploads: there and back with every odd name, and nothing taken from what is not
//! sound.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use tar::{EntryType, Header};
use ttplan::error::{Error, Kind};
use ttplan::model::names::{Digest, FilePath};
use ttplan::stores::local::archive::{Packed, Part, Unpacked, check, pack, unpack};

use crate::tree::{Place, again, fact, is_root, myself};

fn part(place: &Place, name: &str, root: &str) -> Part {
    Part { name: name.into(), root: place.path(root), ignore: Vec::new() }
}

fn packed(place: &Place, to: &str) -> Result<Packed, Error> {
    pack(&[part(place, "up", "from")], &place.at(to), "test", &mut |_| Ok(()))
}

fn unpacked(place: &Place, archive: &str, to: &str) -> Result<Unpacked, Error> {
    unpack(&place.at(archive), &place.path(to), &mut |_| Ok(()))
}

type Entry = (PathBuf, u32, u32, i64, Option<Vec<u8>>);

/// Everything below a directory: relative path, mode, owner, time and content.
fn picture(root: &Path) -> Vec<Entry> {
    let (mut all, mut ahead) = (Vec::new(), vec![root.to_owned()]);
    while let Some(path) = ahead.pop() {
        let meta = path.symlink_metadata().unwrap();
        let content = meta.is_file().then(|| fs::read(&path).unwrap());
        if meta.is_dir() {
            ahead.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
        let relative = path.strip_prefix(root).unwrap().to_owned();
        all.push((relative, meta.mode(), meta.uid(), meta.mtime(), content));
    }
    all.sort();
    all
}

/// A tree with every sort of name and content.
fn odd_tree() -> Place {
    let place = Place::new();
    place.write("from/a.png", "a");
    place.write("from/empty", "");
    place.write("from/new\nline", "n");
    place.write("from/sp ace/ü/deep", "deep");
    place.write(&format!("from/{}", "n".repeat(255)), "long");
    place.write(&format!("from/{}/{}/x", "d".repeat(200), "e".repeat(200)), "far");
    let bytes = place.at("from").join(std::ffi::OsStr::from_bytes(b"not \xff utf-8"));
    fs::write(bytes, "b").unwrap();
    let sparse = fs::File::create(place.at("from/sparse")).unwrap();
    sparse.set_len(3 << 20).unwrap();
    fs::set_permissions(place.at("from/a.png"), PermissionsExt::from_mode(0o640)).unwrap();
    fs::set_permissions(place.at("from/sp ace"), PermissionsExt::from_mode(0o2750)).unwrap();
    let then = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_234_567_890);
    fs::File::options()
        .write(true)
        .open(place.at("from/a.png"))
        .unwrap()
        .set_modified(then)
        .unwrap();
    place
}

#[test]
fn what_is_archived_comes_back_as_it_was() {
    for name in ["up.tar.zst", "up.tar.gz"] {
        let place = odd_tree();
        let made = packed(&place, name).unwrap();
        assert_eq!((made.manifest.files, made.left_out.len(), made.missing.len()), (8, 0, 0));
        assert_eq!(check(&place.at(name), &mut |_| Ok(())).unwrap(), made.manifest);
        assert_eq!(place.at(name).metadata().unwrap().mode() & 0o777, 0o600);
        unpacked(&place, name, "back/here").unwrap();
        assert_eq!(picture(&place.at("back/here/up")), picture(&place.at("from")));
        assert!(
            place.at("back/here/up/sparse").metadata().unwrap().blocks() < 100,
            "holes stay holes"
        );
        assert_eq!(place.names("back/here"), ["up"]);
        let again = unpacked(&place, name, "back/here").unwrap();
        assert_eq!(again.already, ["up"]);
        assert_eq!(place.names("back/here"), ["up"]);
    }
}

#[test]
fn a_real_upload_tree_comes_back_as_it_was() {
    let Some(data) = crate::real::real_data("timetracker") else { return };
    let place = Place::new();
    let tar = Command::new("tar")
        .arg("-xzf")
        .arg(data.join("uploads.tar.gz"))
        .arg("-C")
        .arg(place.at("from"))
        .status();
    assert!(tar.unwrap().success());
    let before = place.scan("from");
    let made = packed(&place, "up.tar.zst").unwrap();
    assert_eq!(
        (made.manifest.files, made.manifest.bytes),
        (before.files.len() as u64, before.bytes())
    );
    unpacked(&place, "up.tar.zst", "back").unwrap();
    assert_eq!(place.scan("back/up").files, before.files);
}

#[test]
fn the_same_files_give_the_same_bytes_and_other_tools_can_read_them() {
    let place = odd_tree();
    for name in ["tar.zst", "tar.gz"] {
        let (one, other) = (format!("1.{name}"), format!("2.{name}"));
        packed(&place, &one).unwrap();
        packed(&place, &other).unwrap();
        assert!(fs::read(place.at(&one)).unwrap() == fs::read(place.at(&other)).unwrap());
    }
    fs::create_dir(place.at("by-tar")).unwrap();
    let tar = Command::new("tar")
        .arg("-xzpf")
        .arg(place.at("1.tar.gz"))
        .arg("-C")
        .arg(place.at("by-tar"))
        .status();
    assert!(tar.unwrap().success());
    assert_eq!(picture(&place.at("by-tar/up")), picture(&place.at("from")));
}

#[test]
fn a_file_below_two_roots_is_archived_once_and_what_is_no_file_is_told_of() {
    let place = Place::new();
    place.write("from/a", "1");
    place.write("from/inner/b", "2");
    place.write("from/.DS_Store", "x");
    place.link("/etc/passwd", "from/link");
    place.make_fifo("from/inner/pipe");
    let parts = [
        part(&place, "whole", "from"),
        part(&place, "inner", "from/inner"),
        part(&place, "gone", "from/nothing"),
    ];
    let made = pack(&parts, &place.at("up.tar.gz"), "test", &mut |_| Ok(())).unwrap();
    assert_eq!(made.manifest.files, 2);
    assert_eq!(made.missing, [place.path("from/nothing")]);
    let left: Vec<_> = made.left_out.iter().map(|one| one.root.join(&one.odd.path)).collect();
    assert_eq!(left, [place.path("from/inner/pipe"), place.path("from/link")]);
    unpacked(&place, "up.tar.gz", "back").unwrap();
    assert_eq!(place.names("back"), ["inner", "whole"]);
    assert_eq!(
        (place.names("back/whole"), place.names("back/inner")),
        (vec!["a".to_owned()], vec!["b".to_owned()])
    );
}

#[test]
fn an_archive_replaces_nothing_and_is_not_in_what_it_holds() {
    let place = Place::new();
    place.write("from/a", "1");
    place.write("up.tar.gz", "mine");
    assert!(packed(&place, "up.tar.gz").is_err());
    assert_eq!(fs::read(place.at("up.tar.gz")).unwrap(), b"mine");
    assert_eq!(packed(&place, "from/up.tar.gz").unwrap_err().kind(), Kind::Usage);
    assert_eq!(packed(&place, "up.tar").unwrap_err().kind(), Kind::Usage);
    let stopped = pack(&[part(&place, "up", "from")], &place.at("b.tar.zst"), "test", &mut |_| {
        Err(Error::new(Kind::Interrupted, "stopped"))
    });
    assert_eq!(stopped.unwrap_err().kind(), Kind::Interrupted);
    assert_eq!(place.names("."), ["from", "outside", "to", "up.tar.gz"]);
}

#[test]
fn what_is_there_is_neither_replaced_nor_mixed_with_an_archive() {
    let place = odd_tree();
    packed(&place, "up.tar.zst").unwrap();
    type Change = fn(&Place);
    let changes: [(&str, Change); 5] = [
        ("a stranger", |place| place.write("back/mine", "x")),
        ("another content", |place| place.write("back/up/a.png", "z")),
        ("one more", |place| place.write("back/up/more", "x")),
        ("one less", |place| fs::remove_file(place.at("back/up/empty")).unwrap()),
        ("a link", |place| place.link("a.png", "back/up/link")),
    ];
    for (what, change) in changes {
        unpacked(&place, "up.tar.zst", "back").unwrap();
        change(&place);
        let before = place.snapshot("back");
        let error = unpacked(&place, "up.tar.zst", "back").unwrap_err();
        assert!(error.to_string().contains("is not empty"), "{what}: {error}");
        assert_eq!(place.snapshot("back"), before, "{what}");
        fs::remove_dir_all(place.at("back")).unwrap();
    }
    place.link("outside", "back");
    assert!(unpacked(&place, "up.tar.zst", "back").is_err());
    place.assert_outside_untouched();
    assert!(unpacked(&place, "up.tar.zst", "to/../outside/x").is_err());
    place.assert_outside_untouched();
}

/// One member of a hostile archive.
struct Member(EntryType, &'static [u8], &'static [u8]);

const FILE: EntryType = EntryType::Regular;

/// An archive whose manifest lists `rows` and that holds these members.
fn hostile(rows: &[(&str, &str)], members: &[Member]) -> Vec<u8> {
    let mut rows: Vec<_> = rows.iter().map(|(path, content)| fact(path, content)).collect();
    rows.sort();
    let bytes: u64 = rows.iter().map(ttplan::model::files::uploads::FileFact::size).sum();
    let lines: Vec<String> =
        rows.iter().map(|row| serde_json::to_string(row).unwrap() + "\n").collect();
    let head = format!(
        "{{\"format_version\":\"1.0\",\"made_by\":\"x\",\"roots\":[{{\"name\":\"up\",\"path\":\"/up\"}}],\"files\":{},\"bytes\":{bytes}}}\n",
        rows.len()
    );
    with_manifest(&(head + &lines.concat()), members)
}

fn with_manifest(manifest: &str, members: &[Member]) -> Vec<u8> {
    let mut tar = Vec::new();
    let mut add = |kind, name: &[u8], content: &[u8]| {
        let mut header = Header::new_gnu();
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name);
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_link_name("/etc/passwd").unwrap();
        header.set_cksum();
        tar.extend_from_slice(header.as_bytes());
        tar.extend_from_slice(content);
        tar.resize(tar.len().next_multiple_of(512), 0);
    };
    add(FILE, b"ttplan-manifest.jsonl", manifest.as_bytes());
    for Member(kind, name, content) in members {
        add(*kind, name, content);
    }
    tar.resize(tar.len() + 1024, 0);
    tar
}

fn refused(place: &Place, tar: &[u8]) -> String {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(tar).unwrap();
    let compressed = [encoder.finish().unwrap(), zstd::encode_all(tar, 1).unwrap()];
    let told = compressed.map(|bytes| {
        fs::write(place.at("x.tar.zst"), bytes).unwrap();
        let error = unpacked(place, "x.tar.zst", "back").unwrap_err();
        assert_eq!(error.kind(), Kind::Verification, "{error}");
        assert!(!place.at("back").exists(), "{error}");
        assert!(check(&place.at("x.tar.zst"), &mut |_| Ok(())).is_err());
        place.assert_outside_untouched();
        error.to_string()
    });
    assert_eq!(told[0], told[1]);
    told[0].clone()
}

#[test]
fn nothing_hostile_is_unpacked() {
    let a = ("up/a", "1");
    let long: &[u8] = &[b'x'; 70_000];
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("is a symbolic link", hostile(&[a], &[Member(EntryType::Symlink, b"up/a", b"")])),
        ("is a hard link", hostile(&[a], &[Member(EntryType::Link, b"up/a", b"")])),
        ("is a device", hostile(&[a], &[Member(EntryType::Char, b"up/a", b"")])),
        ("is a device", hostile(&[a], &[Member(EntryType::Block, b"up/a", b"")])),
        ("is a named pipe", hostile(&[a], &[Member(EntryType::Fifo, b"up/a", b"")])),
        (
            "of a kind that no archive",
            hostile(&[a], &[Member(EntryType::XHeader, b"up/a", b"11 path=/x\n")]),
        ),
        (
            "of a kind that no archive",
            hostile(&[a], &[Member(EntryType::GNUSparse, b"up/a", b"1")]),
        ),
        (
            "is in it twice, or is not listed",
            hostile(&[a], &[Member(FILE, b"up/a", b"1"), Member(FILE, b"up/a", b"1")]),
        ),
        ("is in it twice, or is not listed", hostile(&[a], &[Member(FILE, b"up/b", b"1")])),
        (
            "is in it twice, or is not listed",
            hostile(&[a], &[Member(FILE, b"up/../../outside/x", b"1")]),
        ),
        (
            "is in it twice, or is not listed",
            hostile(&[a], &[Member(FILE, b"/etc/cron.d/x", b"1")]),
        ),
        (
            "is in it twice, or holds nothing",
            hostile(&[a], &[Member(EntryType::Directory, b"up/../x/", b"")]),
        ),
        (
            "is in it twice, or holds nothing",
            hostile(&[a], &[Member(EntryType::Directory, b"up/empty/", b"")]),
        ),
        ("is listed and not in it", hostile(&[a], &[])),
        ("has not the listed content", hostile(&[a], &[Member(FILE, b"up/a", b"2")])),
        ("has not the listed size", hostile(&[a], &[Member(FILE, b"up/a", b"12")])),
        (
            "below none of its roots",
            hostile(&[("up/../a", "1")], &[Member(FILE, b"up/../a", b"1")]),
        ),
        ("below none of its roots", hostile(&[("/etc/x", "1")], &[Member(FILE, b"/etc/x", b"1")])),
        (
            "below none of its roots",
            hostile(&[("other/a", "1")], &[Member(FILE, b"other/a", b"1")]),
        ),
        (
            "is a file and a directory",
            hostile(&[a, ("up/a/b", "2")], &[Member(FILE, b"up/a", b"1")]),
        ),
        ("lists a file twice", hostile(&[a, a], &[Member(FILE, b"up/a", b"1")])),
        ("is no name", hostile(&[a], &[Member(EntryType::GNULongName, b"././@LongLink", long)])),
        ("is no name", hostile(&[a], &[Member(EntryType::GNULongName, b"././@LongLink", b"up/a")])),
        ("its first member is not", hostile(&[a], &[Member(FILE, b"up/a", b"1")])[1024..].to_vec()),
        ("its manifest cannot be read", with_manifest("{\"format_version\":\"1.0\"}\n", &[])),
        ("its manifest is cut off", with_manifest("{}", &[])),
    ];
    let place = Place::new();
    for (expected, tar) in cases {
        let told = refused(&place, &tar);
        assert!(told.contains(expected), "expected `{expected}`: {told}");
    }
    for roots in ["\"..\"", "\"\"", "\"a/b\"", "\".\""] {
        let manifest = format!(
            "{{\"format_version\":\"1.0\",\"made_by\":\"x\",\"roots\":[{{\"name\":{roots},\"path\":\"/\"}}],\"files\":0,\"bytes\":0}}\n"
        );
        assert!(
            refused(&place, &with_manifest(&manifest, &[])).contains("proper names"),
            "{roots}"
        );
        let other = manifest.replace("1.0", "2.0");
        assert!(refused(&place, &with_manifest(&other, &[])).contains("does not know"));
    }
}

#[test]
fn a_bomb_goes_off_nowhere() {
    let place = Place::new();
    // A gigabyte of zeros behind the manifest, in a few kilobytes.
    let tar = hostile(&[("up/a", "1")], &[Member(FILE, b"up/a", b"1")]);
    let mut encoder =
        zstd::Encoder::new(fs::File::create(place.at("x.tar.zst")).unwrap(), 1).unwrap();
    encoder.write_all(&tar).unwrap();
    std::io::copy(&mut std::io::repeat(0).take(1 << 30), &mut encoder).unwrap();
    encoder.finish().unwrap();
    let error = unpacked(&place, "x.tar.zst", "back").unwrap_err();
    assert!(error.to_string().contains("holds more than it lists"), "{error}");
    assert!(!place.at("back").exists());
}

#[test]
fn an_archive_that_is_cut_or_changed_anywhere_is_refused() {
    for name in ["up.tar.zst", "up.tar.gz"] {
        let place = Place::new();
        place.write("from/a", "some content that is not all zeros");
        place.write("from/d/b", vec![7; 5000]);
        packed(&place, name).unwrap();
        let whole = fs::read(place.at(name)).unwrap();
        let refused = |bytes: &[u8], what: &str| {
            fs::write(place.at("x.tar.zst"), bytes).unwrap();
            let error = unpacked(&place, "x.tar.zst", "back");
            assert!(error.is_err_and(|error| error.kind() == Kind::Verification), "{name}: {what}");
            assert!(!place.at("back").exists(), "{name}: {what}");
        };
        for cut in 0..whole.len() {
            refused(&whole[..cut], &format!("cut at {cut}"));
        }
        refused(&[&whole[..], b"x"].concat(), "something behind");
        refused(&[&whole[..], &whole[..]].concat(), "twice");
        fs::write(place.at("x.tar.zst"), &whole).unwrap();
        unpacked(&place, "x.tar.zst", "back").unwrap();
    }
}

#[test]
fn a_restore_that_is_killed_leaves_nothing_under_its_name_and_is_run_again() {
    let test = "archives::a_restore_that_is_killed_leaves_nothing_under_its_name_and_is_run_again";
    if let Some(directory) = again() {
        let mut count = 0;
        let to = FilePath::from(directory.join("back"));
        let _ = unpack(&directory.join("up.tar.zst"), &to, &mut |_| {
            count += 1;
            if count == 3 {
                // As from outside: nothing is cleaned up.
                let me = rustix::process::getpid();
                rustix::process::kill_process(me, rustix::process::Signal::KILL).unwrap();
            }
            Ok(())
        });
        panic!("it should be dead");
    }
    let place = odd_tree();
    packed(&place, "up.tar.zst").unwrap();
    let mut killed = myself(&["env"], test, &place.at(""));
    assert!(!killed.output().unwrap().status.success());
    let left = place.names("back");
    assert!(left.len() == 1 && left[0].starts_with(".ttplan-"), "{left:?}");
    unpacked(&place, "up.tar.zst", "back").unwrap();
    assert_eq!(place.names("back"), ["up"]);
    assert_eq!(picture(&place.at("back/up")), picture(&place.at("from")));
}

#[test]
fn nobody_gets_a_set_id_program_out_of_an_archive() {
    let place = Place::new();
    place.write("from/a", "x");
    fs::set_permissions(place.at("from/a"), PermissionsExt::from_mode(0o4755)).unwrap();
    packed(&place, "up.tar.gz").unwrap();
    unpacked(&place, "up.tar.gz", "back").unwrap();
    assert_eq!(place.at("back/up/a").metadata().unwrap().mode() & 0o7777, 0o755);
    if is_root() {
        std::os::unix::fs::chown(place.at("from/a"), Some(12345), Some(2_345_678_901)).unwrap();
        packed(&place, "o.tar.gz").unwrap();
        unpacked(&place, "o.tar.gz", "owned").unwrap();
        let meta = place.at("owned/up/a").metadata().unwrap();
        assert_eq!((meta.uid(), meta.gid()), (12345, 2_345_678_901));
    }
    assert_eq!(Digest::of("x"), Digest::of(fs::read(place.at("back/up/a")).unwrap()));
}
