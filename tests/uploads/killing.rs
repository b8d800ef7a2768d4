//! Moves that are killed again and again: nothing is ever missing, and nothing half-written has its
//! final name.
//!
//! `TTPLAN_INTERRUPTIONS=100` kills a move of 20,000 files so often; without it fewer files are
//! moved, and killed less often.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::ground::all;
use crate::site::{Site, names, told};

const PLAN: &str = "move.ttplan.json";
const APPLY: [&str; 7] =
    ["apply", PLAN, "--host-config", "host/host.toml", "--auto-approve", "--lock-timeout", "60s"];

fn content(n: usize) -> String {
    format!("{n:07}").repeat(700)
}

/// A site whose old directory has so many files; with a mode of their own they are copied, else
/// linked.
fn site(files: usize, mode: &str) -> Site {
    let ground = all().pop().unwrap();
    let site = Site::new(
        ground.as_ref(),
        "CREATE TABLE documents (id INTEGER PRIMARY KEY, path TEXT)",
        "",
    );
    let configuration = std::fs::read_to_string(site.at("ttplan.toml")).unwrap();
    site.write("ttplan.toml", &format!("{configuration}{mode}"));
    std::fs::create_dir(site.at("old/d")).unwrap();
    for n in 0..files {
        site.write(&format!("old/d/{n}"), &content(n));
    }
    site.plan(PLAN, &[]);
    site.good(&["sign", PLAN, "--key", "host/you.key", "--principal", "you", "--yes"]);
    site
}

fn start(site: &Site) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ttplan"));
    command
        .current_dir(site.at(""))
        .args(APPLY)
        .env("DATABASE_URL", site.database.access().url.reveal());
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// How many entries there are, with or without those that have a temporary name.
fn entries(directory: &Path, temporary: bool) -> usize {
    let Ok(entries) = std::fs::read_dir(directory) else { return 0 };
    let is_temporary = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with(".ttplan-");
    entries.flatten().filter(|entry| temporary || !is_temporary(&entry.file_name())).count()
}

/// Every file that has its name is whole, and every source is there.
fn check(site: &Site, files: usize) -> usize {
    assert_eq!(entries(&site.at("old/d"), true), files);
    let placed = if site.at("new/d").is_dir() { names(&site.at("new/d")) } else { Vec::new() };
    for name in &placed {
        let n: usize = name.parse().unwrap();
        assert_eq!(
            std::fs::read_to_string(site.at("new/d").join(name)).unwrap(),
            content(n),
            "{name}"
        );
        assert_eq!(
            std::fs::read_to_string(site.at("old/d").join(name)).unwrap(),
            content(n),
            "{name}"
        );
    }
    placed.len()
}

/// Starts the move, kills it at different moments, and lets it go on, until it was killed so often.
/// Tells of it.
fn interrupt(site: &Site, files: usize, times: usize) -> String {
    let (mut killed, mut finished, mut midway) = (0, 0, 0);
    for attempt in 0..times * 20 {
        if killed == times {
            break;
        }
        // Of what is there by now, a part more: among the temporary names, or among the final ones.
        let temporary = attempt % 2 == 0;
        let so_far = entries(&site.at("new/d"), false);
        let until = so_far + 1 + (files - so_far) * (attempt * 7 % 19) / 20;
        let mut child = start(site);
        while entries(&site.at("new/d"), temporary) < until && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        if child.wait().unwrap().success() {
            assert_eq!(check(site, files), files);
            finished += 1;
            for directory in ["new/d", "state"] {
                std::fs::remove_dir_all(site.at(directory)).unwrap();
            }
            std::fs::create_dir(site.at("state")).unwrap();
            std::fs::set_permissions(
                site.at("state"),
                std::os::unix::fs::PermissionsExt::from_mode(0o700),
            )
            .unwrap();
            continue;
        }
        killed += 1;
        let placed = check(site, files);
        midway += usize::from(placed > 0 && placed < files);
    }
    assert_eq!(killed, times, "the move was over too often before it could be killed");
    let output = site.run(&APPLY);
    assert!(output.status.success(), "{}", told(&output));
    assert_eq!(check(site, files), files);
    assert_eq!(entries(&site.at("new/d"), true), files, "something of the killed runs is left");
    format!(
        "{files} files: killed {killed} times, {midway} of them with some placed; finished {finished} times between"
    )
}

fn bounds() -> (usize, usize) {
    match std::env::var("TTPLAN_INTERRUPTIONS") {
        Ok(times) => (20_000, times.parse().expect("TTPLAN_INTERRUPTIONS is a number")),
        Err(_) => (2_000, 3),
    }
}

#[test]
fn a_move_of_copies_that_is_killed_again_and_again_loses_nothing() {
    let (files, times) = bounds();
    println!("{}", interrupt(&site(files, "mode = '0640'\n"), files, times));
}

#[test]
fn a_move_of_links_that_is_killed_again_and_again_loses_nothing() {
    let (files, times) = bounds();
    println!("{}", interrupt(&site(files, ""), files, times));
}
