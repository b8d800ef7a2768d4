//! Whoever may write near the state directory, or put something into it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::small_site::{Site, is_root};

/// The only run's folder.
fn run(site: &Site) -> std::path::PathBuf {
    fs::read_dir(site.at("state/runs")).unwrap().next().unwrap().unwrap().path()
}

/// Lets host.toml name another state directory.
fn move_state(site: &Site, to: &str) {
    let file = site.at("host/host.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace(&site.text("state"), &site.text(to))).unwrap();
}

#[test]
fn a_state_directory_that_others_could_put_away_is_refused() {
    for mode in [0o777, 0o775, 0o757] {
        let site = Site::new();
        fs::create_dir_all(site.at("shared/below")).unwrap();
        fs::set_permissions(site.at("shared"), PermissionsExt::from_mode(mode)).unwrap();
        for place in ["shared/state", "shared/below/state"] {
            move_state(&site, place);
            let plan = site.signed(&[]);
            site.apply(&plan).refused("state_directory_unsafe");
            assert!(!site.at(place).exists() && !site.at("app/data").exists(), "{place}");
            let text = fs::read_to_string(site.at("host/host.toml")).unwrap();
            fs::write(site.at("host/host.toml"), text.replace(place, "state")).unwrap();
        }
    }
}

#[test]
fn a_state_directory_behind_a_link_or_below_somebody_else_s_is_refused() {
    let site = Site::new();
    fs::create_dir(site.at("real")).unwrap();
    symlink("real", site.at("link")).unwrap();
    move_state(&site, "link/state");
    let plan = site.signed(&[]);
    site.apply(&plan).refused("state_directory_unsafe");
    if is_root() {
        move_state(&site, "state");
        let text = fs::read_to_string(site.at("host/host.toml")).unwrap();
        let text = text.replace(&site.text("link/state"), &site.text("real/state"));
        fs::write(site.at("host/host.toml"), text).unwrap();
        std::os::unix::fs::chown(site.at("real"), Some(4711), None).unwrap();
        site.apply(&plan).refused("state_directory_unsafe");
    }
    assert!(!site.at("app/data").exists());
}

#[test]
fn a_run_s_folder_with_the_journal_of_another_plan_is_refused_by_name() {
    let site = Site::new();
    let plan = site.signed(&[]);
    site.apply(&plan).well();
    let theirs = run(&site);
    site.undo().well();
    fs::write(site.at("app/static/pics/b.png"), "another").unwrap();
    fs::remove_file(&plan).unwrap();
    let plan = site.signed(&[]);
    let digest = sha256(&fs::read(&plan).unwrap());
    fs::rename(&theirs, site.at("state/runs").join(&digest[..16])).unwrap();
    site.apply(&plan).refused("journal_of_other_plan");
    assert!(!site.at("app/data/pics/b.png").exists());
}

#[test]
fn a_journal_that_was_cut_short_or_is_no_file_never_lets_a_run_end_well_with_nothing_done() {
    let site = Site::new();
    let plan = site.signed(&[]);
    site.apply(&plan).well();
    let (folder, journal) = (run(&site), run(&site).join("journal.jsonl"));
    let whole = fs::read_to_string(&journal).unwrap();
    fs::remove_dir_all(site.at("app/data")).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    // Without its last lines, down to the first: what is so decides, not what the rest says.
    for kept in 1..lines.len() {
        fs::write(&journal, format!("{}\n", lines[..kept].join("\n"))).unwrap();
        let said = site.apply(&plan);
        assert!(said.code != 0 || site.at("app/data/pics/a.png").exists(), "{kept}: {said:?}");
        let _ = fs::remove_dir_all(site.at("app/data"));
        fs::write(&journal, &whole).unwrap();
    }
    for strange in ["pipe", "zero", "directory"] {
        fs::remove_file(&journal).unwrap();
        match strange {
            "pipe" => {
                let mode = rustix::fs::Mode::RUSR;
                rustix::fs::mkfifoat(rustix::fs::CWD, &journal, mode).unwrap();
            }
            "zero" => symlink("/dev/zero", &journal).unwrap(),
            _ => fs::create_dir(&journal).unwrap(),
        }
        assert_ne!(site.apply(&plan).code, 0, "{strange}");
        assert!(folder.exists() && !site.at("app/data").exists());
        let _ = fs::remove_file(&journal).or_else(|_| fs::remove_dir(&journal));
        fs::write(&journal, &whole).unwrap();
    }
}

#[test]
fn files_that_decide_are_believed_only_where_nobody_else_writes() {
    let broken: [(&str, &str); 4] = [
        ("host/host.toml", "open"),
        ("host/allowed_signers", "open"),
        ("host", "open"),
        ("host/allowed_signers", "link"),
    ];
    for (path, how) in broken {
        let site = Site::new();
        let plan = site.signed(&[]);
        match how {
            "open" => {
                let mode = if path == "host" { 0o777 } else { 0o666 };
                fs::set_permissions(site.at(path), PermissionsExt::from_mode(mode)).unwrap();
            }
            _ => {
                fs::rename(site.at(path), site.at("moved")).unwrap();
                symlink(site.at("moved"), site.at(path)).unwrap();
            }
        }
        for command in [
            &["verify", &plan, "--format", "json"][..],
            &["apply", &plan, "--auto-approve", "--format", "json"],
        ] {
            let said = site.run(command);
            assert_eq!(said.code, 4, "{path} {how}: {said:?}");
            assert_eq!(said.refusal(), "host_file_open", "{path} {how}: {said:?}");
        }
        assert!(!site.at("app/data").exists());
    }
}

fn sha256(bytes: &[u8]) -> String {
    ttplan::model::names::Digest::of(bytes).to_string()
}
