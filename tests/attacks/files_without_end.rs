//! Pipes, devices and links in the place of files that are read beside others: of the database, of
//! a plan. Nothing waits for them, nothing fills a disk with them.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::ground::sqlite::SqliteGround;
use crate::site::{PLAN, Said, Site};

fn pipe(path: &Path) {
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
}

fn device(path: &Path) {
    std::os::unix::fs::symlink("/dev/zero", path).unwrap();
}

/// Runs a command that has to end soon.
#[track_caller]
fn run(site: &Site, arguments: &[&str]) -> Said {
    let mut child = site
        .command(&site.with_host(arguments))
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > until {
            child.kill().unwrap();
            panic!("{arguments:?} does not end");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Said::of(child.wait_with_output().unwrap())
}

#[test]
fn beside_a_database_are_refused_at_once() {
    let site = Site::new(&SqliteGround);
    site.sql("CREATE TABLE t (x INTEGER)");
    let database = site.database.access().database.path.clone().unwrap();
    for suffix in ["-wal", "-journal", "-shm"] {
        for make in [pipe, device] {
            let beside = format!("{}{suffix}", database.as_path().display());
            make(Path::new(&beside));
            for command in ["inspect", "plan", "doctor"] {
                let said = run(&site, &[command]);
                if command != "doctor" {
                    assert_eq!(said.code, 1, "{suffix}: {}", said.err);
                }
                let all = format!("{}{}", said.out, said.err);
                assert!(all.contains(suffix), "{command} does not name {beside}: {all}");
            }
            std::fs::remove_file(&beside).unwrap();
        }
    }
    run(&site, &["inspect"]).ends(0);
}

#[test]
fn beside_a_plan_hold_nobody_up() {
    let site = Site::new(&SqliteGround);
    site.plan_and_sign(0);
    for make in [pipe, device] {
        let signature = site.path(&format!("{PLAN}.eve.sig"));
        make(&signature);
        run(&site, &["verify", PLAN]).ends(0);
        std::fs::remove_file(&signature).unwrap();
    }
}
