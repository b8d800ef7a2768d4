//! Scanning, comparing with a list, and reading sources.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use ttplan::error::Kind;
use ttplan::model::files::uploads::{FileFact, OddKind, RootState};
use ttplan::model::names::{Digest, FilePath};
use ttplan::stores::local::LocalStore;
use ttplan::stores::store::{DirectoryState, FileState, ReadStore};

use crate::tree::{Place, disks, fact};

#[test]
fn a_hostile_tree_is_told_as_it_is_and_nothing_in_it_is_followed() {
    let place = Place::new();
    place.write("from/a/plain", "content");
    place.write("from/.gitkeep", "");
    place.write("from/a/.DS_Store", "x");
    place.write("from/a/.ttplan-0123456789abcdef01234567-part", "half");
    place.link("/etc", "from/etc");
    place.link("../outside/secret", "from/up");
    place.link("../outside/secret/f", "from/stolen");
    place.link("missing", "from/dangling");
    place.make_fifo("from/pipe");
    let _socket = UnixListener::bind(place.at("from/socket")).unwrap();
    for mut disk in disks() {
        let (tree, circumstances) = disk.scan(&place.path("from"), &[]).unwrap();
        assert_eq!(tree.state, RootState::Present);
        assert_eq!(tree.files, [fact("a/plain", "content")]);
        assert_eq!(circumstances.len(), 1);
        assert_eq!(tree.ignored, 3);
        let odd: Vec<_> =
            tree.odd.iter().map(|odd| (odd.path.to_text().into_owned(), odd.what)).collect();
        let link = |name: &str| (name.to_owned(), OddKind::Symlink);
        let (pipe, socket) =
            (("pipe".to_owned(), OddKind::Fifo), ("socket".to_owned(), OddKind::Socket));
        assert_eq!(odd, [link("dangling"), link("etc"), pipe, socket, link("stolen"), link("up")]);
    }
}

#[test]
fn every_name_the_kernel_takes_is_kept_byte_for_byte_and_sorted_bytewise() {
    let place = Place::new();
    let long = "n".repeat(255);
    let names: [&[u8]; 7] =
        [b"\xff\xfe", b"two\nlines", b" ", b"B", b"a", long.as_bytes(), "ü".as_bytes()];
    for name in names {
        let path = FilePath::from_bytes([b"from/", name].concat());
        fs::write(place.at(path.as_path()), name).unwrap();
    }
    let tree = place.scan("from");
    let mut expected: Vec<FileFact> = names.iter().map(|name| fact(name, name)).collect();
    expected.sort();
    assert_eq!(tree.files, expected);
    for file in &tree.files {
        assert_eq!(tree.file(file.path()), Some(file));
    }
}

#[test]
fn a_scan_tells_mode_owner_and_time_in_the_order_of_the_files() {
    let place = Place::new();
    for (path, mode, second) in [("from/b", 0o640, 5), ("from/a/x", 0o4755, 7)] {
        place.write(path, "x");
        fs::set_permissions(place.at(path), PermissionsExt::from_mode(mode)).unwrap();
        let time = std::time::UNIX_EPOCH + std::time::Duration::new(second, 123_456_789);
        fs::File::options().write(true).open(place.at(path)).unwrap().set_modified(time).unwrap();
    }
    let (_, circumstances) = LocalStore::new().scan(&place.path("from"), &[]).unwrap();
    let told: Vec<_> = circumstances.iter().map(|told| (told.mode, told.mtime)).collect();
    assert_eq!(told, [(0o4755, 7_123_456_789), (0o640, 5_123_456_789)]);
}

#[test]
fn a_sparse_file_counts_with_its_whole_size() {
    let place = Place::new();
    let file = fs::File::create(place.at("from/sparse")).unwrap();
    // More than an `off_t` of 32 bits holds, and next to nothing on disk.
    let size = (1 << 31) + 7;
    file.set_len(size).unwrap();
    let tree = place.scan("from");
    assert_eq!(tree.files[0].size(), size);
    let other = [FileFact(FilePath::from("sparse"), size - 1, tree.files[0].sha256())];
    assert_eq!(
        LocalStore::new().states(&place.path("from"), &other).unwrap(),
        [FileState::Differs]
    );
}

#[test]
fn a_root_that_is_missing_a_file_or_a_link_is_called_so() {
    let place = Place::new();
    place.write("file", "x");
    place.link("outside", "link");
    let expected = [
        ("missing", RootState::Missing, DirectoryState::Missing, FileState::Missing),
        ("file", RootState::NotADirectory, DirectoryState::NotADirectory, FileState::NotAFile),
        (
            "file/below",
            RootState::NotADirectory,
            DirectoryState::NotADirectory,
            FileState::NotAFile,
        ),
        ("link", RootState::NotADirectory, DirectoryState::NotADirectory, FileState::NotAFile),
        ("from", RootState::Present, DirectoryState::Present, FileState::Missing),
        ("link/secret", RootState::Present, DirectoryState::Present, FileState::Missing),
    ];
    for mut disk in disks() {
        for (path, root, directory, file) in expected {
            let (tree, circumstances) = disk.scan(&place.path(path), &[]).unwrap();
            assert_eq!(tree.state, root, "{path}");
            assert_eq!(tree.files.len(), circumstances.len());
            assert_eq!(disk.directory(&place.path(path)).unwrap(), directory, "{path}");
            assert_eq!(
                disk.states(&place.path(path), &[fact("x", "x")]).unwrap(),
                [file],
                "{path}"
            );
        }
    }
}

#[test]
fn listed_files_are_found_as_they_are() {
    let place = Place::new();
    place.write("from/same", "content");
    place.write("from/longer", "content and more");
    place.write("from/other", "CONTENT");
    place.write("from/directory/x", "content");
    place.write("outside/secret/g", "content");
    place.link("same", "from/link");
    place.link("../outside/secret", "from/up");
    place.make_fifo("from/pipe");
    let expected = [
        ("same", FileState::Same),
        ("longer", FileState::Differs),
        ("other", FileState::Differs),
        ("missing", FileState::Missing),
        ("missing/below", FileState::Missing),
        ("directory", FileState::NotAFile),
        ("directory/x", FileState::Same),
        ("link", FileState::NotAFile),
        ("up/g", FileState::NotAFile),
        ("same/below", FileState::NotAFile),
        ("pipe", FileState::NotAFile),
    ];
    let listed: Vec<_> = expected.iter().map(|(path, _)| fact(path, "content")).collect();
    for mut disk in disks() {
        let found = disk.states(&place.path("from"), &listed).unwrap();
        assert_eq!(found, expected.map(|(_, state)| state));
    }
}

#[test]
fn a_path_that_is_not_plain_and_relative_is_refused_everywhere() {
    let place = Place::new();
    for path in [
        &b"../outside/secret/f"[..],
        b"/etc/passwd",
        b"",
        b"a/../b",
        b"./a",
        b"a//b",
        b"a/",
        b"a\0b",
    ] {
        let listed = [fact(path, "secret")];
        for mut disk in disks() {
            let error = disk.states(&place.path("from"), &listed).unwrap_err();
            assert_eq!(error.kind(), Kind::Failed);
            assert!(error.message().contains("not a plain relative path"), "{error}");
        }
    }
    for root in ["relative", "/a/../b", "/a//b", ""] {
        assert!(LocalStore::new().scan(&FilePath::from(root), &[]).is_err());
        assert!(LocalStore::new().directory(&FilePath::from(root)).is_err());
        assert!(LocalStore::new().sources(&FilePath::from(root)).is_err());
    }
}

#[test]
fn a_directory_that_flips_to_a_link_and_back_never_shows_what_is_outside() {
    let place = Place::new();
    place.write("from/d/f", "inside");
    place.link("../outside/secret", "flip");
    let secret = fact("d/f", "secret");
    let done = AtomicBool::new(false);
    let (here, there) = (place.at("from/d"), place.at("flip"));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                renameat_with(CWD, &here, CWD, &there, RenameFlags::EXCHANGE).unwrap();
            }
        });
        for _ in 0..300 {
            for mut disk in disks() {
                let (tree, _) = disk.scan(&place.path("from"), &[]).unwrap();
                assert!(!tree.files.contains(&secret));
                let found =
                    disk.states(&place.path("from"), std::slice::from_ref(&secret)).unwrap();
                assert_ne!(found, [FileState::Same]);
            }
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_scan_agrees_with_find_and_sha256sum() {
    let place = Place::new();
    for n in 0..300u32 {
        let content: Vec<u8> = (0..n * n).map(|i| (i % 251) as u8).collect();
        place.write(&format!("from/{}/{}/file {n}", n % 7, n % 3), content);
    }
    let script = "cd \"$1\" && find . -type f -exec sha256sum {} +";
    let output =
        Command::new("sh").args(["-c", script, "sh"]).arg(place.at("from")).output().unwrap();
    let mut theirs: Vec<_> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| (line[66..].trim_start_matches("./").to_owned(), line[..64].to_owned()))
        .collect();
    theirs.sort();
    for mut disk in disks() {
        let (tree, _) = disk.scan(&place.path("from"), &[]).unwrap();
        let ours: Vec<_> = tree
            .files
            .iter()
            .map(|file| (file.path().to_text().into_owned(), file.sha256().to_string()))
            .collect();
        assert_eq!(ours, theirs);
    }
}

#[test]
fn sources_are_plain_files_without_byte_code_and_caches() {
    let place = Place::new();
    for path in [
        "b.py",
        "a/x.py",
        "env.py",
        "__pycache__/b.cpython-311.pyc",
        "old.pyc",
        ".git/config",
        ".note",
    ] {
        place.write(&format!("from/{path}"), path);
    }
    for mut disk in disks() {
        let found = disk.sources(&place.path("from")).unwrap();
        let paths: Vec<_> = found.iter().map(|source| source.path.to_text()).collect();
        assert_eq!(paths, [".note", "a/x.py", "b.py", "env.py"]);
        assert!(found.iter().all(|source| source.content == source.path.as_bytes()));
    }
}

#[test]
fn sources_that_could_become_something_else_are_refused() {
    let place = Place::new();
    place.link("../../outside/secret/f", "from/link.py");
    let error = LocalStore::new().sources(&place.path("from")).unwrap_err();
    assert!(
        error.to_string().contains("link.py") && error.to_string().contains("symbolic link"),
        "{error}"
    );
    fs::remove_file(place.at("from/link.py")).unwrap();
    fs::File::create(place.at("from/huge.py")).unwrap().set_len(16 * 1024 * 1024 + 1).unwrap();
    let error = LocalStore::new().sources(&place.path("from")).unwrap_err();
    assert!(error.message().contains("larger than any source may be"), "{error}");
    assert_eq!(
        LocalStore::new().sources(&place.path("missing")).unwrap_err().kind(),
        Kind::Unreachable
    );
}

/// One file of `uploads-index.json`.
#[derive(serde::Deserialize)]
struct Known {
    bytes: u64,
    sha256: String,
}

#[derive(serde::Deserialize)]
struct Index {
    files: BTreeMap<String, Known>,
}

#[test]
fn a_real_upload_tree_is_scanned_as_its_index_says() {
    let Some(data) = crate::real::real_data("timetracker") else { return };
    let place = Place::new();
    let mut tar = Command::new("tar");
    tar.arg("-xzf").arg(data.join("uploads.tar.gz")).arg("-C").arg(place.at("from"));
    assert!(tar.status().unwrap().success());
    let index: Index =
        serde_json::from_slice(&fs::read(data.join("uploads-index.json")).unwrap()).unwrap();
    let is_ignored = |path: &str| path.ends_with("/.gitkeep") || path.ends_with("/.DS_Store");
    let known = index.files.iter().filter(|(path, _)| !is_ignored(path));
    let mut expected: Vec<FileFact> = known
        .map(|(path, known)| {
            FileFact(FilePath::from(path), known.bytes, Digest::parse(&known.sha256).unwrap())
        })
        .collect();
    expected.sort();
    let tree = place.scan("from/uploads");
    assert_eq!(tree.files, expected);
    assert_eq!(tree.ignored as usize, index.files.len() - expected.len());
    assert!(tree.odd.is_empty());
}
