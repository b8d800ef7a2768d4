//! What others put beside a plan or a database, or where a document is to be written: pipes,
//! sockets, devices, links, files without an end. Nothing waits, nothing is believed, nothing is
//! taken away.

use std::fs::{self, File};
use std::os::unix::fs::{FileTypeExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use crate::small_site::Site;

/// The sorts of thing that somebody could put in a file's place.
const SORTS: [&str; 8] =
    ["pipe", "socket", "directory", "zero", "full", "link to a file", "endless", "proc"];

/// Makes one; what keeps it alive is returned.
fn put(sort: &str, at: &Path, other: &Path) -> Option<UnixListener> {
    match sort {
        "pipe" => {
            let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
            rustix::fs::mkfifoat(rustix::fs::CWD, at, mode).unwrap();
        }
        "socket" => return Some(UnixListener::bind(at).unwrap()),
        "directory" => fs::create_dir(at).unwrap(),
        "zero" => symlink("/dev/zero", at).unwrap(),
        "full" => symlink("/dev/full", at).unwrap(),
        "link to a file" => symlink(other, at).unwrap(),
        "endless" => File::create(at).unwrap().set_len(700 << 20).unwrap(),
        "proc" => symlink("/proc/kmsg", at).unwrap(),
        other => panic!("{other}"),
    }
    None
}

#[test]
fn what_is_no_signature_is_passed_over_and_the_real_one_counts() {
    for sort in SORTS {
        let site = Site::new();
        let plan = site.signed(&[]);
        let real = site.at("change.ttplan.json.ada.sig");
        let _held = put(sort, &site.at("change.ttplan.json.eve.sig"), &real);
        site.run(&["verify", &plan]).well();
        site.apply(&plan).well();
        assert!(site.at("app/data/pics/a.png").exists(), "{sort}");
    }
}

#[test]
fn what_is_no_list_is_ignored_by_a_plan_without_and_refused_by_a_plan_that_is_bound_to_one() {
    for sort in SORTS {
        let site = Site::new();
        let plan = site.signed(&[]);
        let _held = put(sort, &site.at("change.files.zst"), Path::new(&plan));
        site.run(&["verify", &plan]).well();
        site.apply(&plan).well();
    }
    let site = Site::new();
    for n in 0..1100 {
        fs::write(site.at(format!("app/static/pics/{n}.png")), n.to_string()).unwrap();
    }
    let plan = site.signed(&[]);
    let list = site.at("change.files.zst");
    fs::rename(&list, site.at("the-list")).unwrap();
    for sort in SORTS {
        let held = put(sort, &list, &site.at("the-list"));
        let said = site.apply(&plan);
        assert_ne!(said.code, 0, "{sort}: {said:?}");
        assert!(!site.at("app/data").exists(), "{sort}");
        drop(held);
        match sort {
            "directory" => fs::remove_dir(&list).unwrap(),
            _ => fs::remove_file(&list).unwrap(),
        }
    }
    fs::rename(site.at("the-list"), &list).unwrap();
    site.apply(&plan).well();
}

#[test]
fn a_plan_that_is_no_file_is_told_at_once() {
    for sort in ["pipe", "socket", "directory", "zero", "full"] {
        let site = Site::new();
        let path = site.text("other.ttplan.json");
        let _held = put(sort, Path::new(&path), Path::new("/nowhere"));
        for command in ["show", "verify", "apply"] {
            let said = site.run(&[command, &path]);
            assert!(said.code != 0, "{sort} {command}: {said:?}");
        }
    }
}

#[test]
fn output_takes_the_place_of_nothing_but_a_regular_file() {
    for sort in SORTS.iter().filter(|sort| **sort != "endless") {
        let site = Site::new();
        let path = site.text("out.ttplan.json");
        fs::write(site.at("target"), "mine").unwrap();
        let _held = put(sort, Path::new(&path), &site.at("target"));
        let before = Path::new(&path).symlink_metadata().unwrap().file_type();
        for command in ["plan", "inspect"] {
            let said = site.run(&[command, "-o", &path, "--format", "json"]);
            said.refused("not_a_plain_file");
        }
        let after = Path::new(&path).symlink_metadata().unwrap().file_type();
        assert_eq!(before, after, "{sort}");
        assert_eq!(fs::read(site.at("target")).unwrap(), b"mine");
    }
    let site = Site::new();
    // As root this would take the device away from everybody.
    site.run(&["plan", "-o", "/dev/null", "--format", "json"]).refused("not_a_plain_file");
    assert!(Path::new("/dev/null").metadata().unwrap().file_type().is_char_device());
    let said = site.run(&["plan", "-o", "-"]).well();
    assert!(serde_json::from_str::<serde_json::Value>(&said.out).is_ok(), "{said:?}");
    assert!(!site.at("app/-").exists());
}

#[test]
fn a_signature_is_written_over_no_pipe_or_link() {
    for sort in ["pipe", "socket", "zero", "link to a file"] {
        let site = Site::new();
        let plan = site.text("change.ttplan.json");
        site.run(&["plan", "-o", &plan]).well();
        fs::write(site.at("target"), "mine").unwrap();
        let at = site.at("change.ttplan.json.ada.sig");
        let _held = put(sort, &at, &site.at("target"));
        let key = site.text("host/ada.key");
        let said = site.run(&["sign", &plan, "--key", &key, "--principal", "ada", "--yes"]);
        assert_ne!(said.code, 0, "{sort}: {said:?}");
        assert_eq!(fs::read(site.at("target")).unwrap(), b"mine");
    }
}

#[test]
fn looking_at_a_database_with_a_strange_log_beside_it_ends_and_fills_no_disk() {
    for suffix in ["-wal", "-journal"] {
        for sort in SORTS {
            let site = Site::new();
            let _held = put(sort, &site.at(format!("app/app.db{suffix}")), &site.at("app/app.db"));
            let said = site.run(&["inspect"]);
            // A file that says nothing is no log, however long it is.
            let is_log = sort == "endless";
            assert_eq!(said.code == 0, is_log, "{suffix} {sort}: {said:?}");
        }
    }
}
