//! Ways that lead elsewhere: links above and below, at every place of a plan, put there after it was
//! signed; other names for what ttplan relies on.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use crate::small_site::{Site, is_root};

/// Puts a directory away and a link to another one in its place.
fn swap_for_a_link(site: &Site, place: &str, target: &str) {
    let place = site.at(place);
    if place.exists() {
        fs::rename(&place, site.at("aside")).unwrap();
    }
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    symlink(site.at(target), &place).unwrap();
}

#[test]
fn a_link_in_the_way_of_a_destination_is_refused_wherever_it_stands() {
    for place in ["app/data", "app/data/pics", "app/static", "app/static/pics", "app"] {
        let site = Site::new();
        let plan = site.signed(&[]);
        // It leads to a place that has all that the plan needs.
        fs::create_dir_all(site.at("outside/pics")).unwrap();
        fs::create_dir_all(site.at("outside/static/pics")).unwrap();
        for directory in ["outside", "outside/pics", "outside/static/pics"] {
            fs::write(site.at(directory).join("a.png"), "the old bytes").unwrap();
        }
        if place == "app" {
            for file in ["ttplan.toml", "app.db"] {
                fs::copy(site.at("app").join(file), site.at("outside").join(file)).unwrap();
            }
        }
        let before = site.tree("outside");
        swap_for_a_link(&site, place, "outside");
        let said = site.apply(&plan);
        // The identity of a SQLite database is its path without links.
        assert!(
            ["path_over_link", "wrong_database"].contains(&&*said.refusal()),
            "{place}: {said:?}"
        );
        assert_eq!(site.tree("outside"), before, "{place}");
    }
}

#[test]
fn a_link_is_refused_also_where_it_leads_back_below_the_root() {
    let site = Site::new();
    let plan = site.signed(&[]);
    fs::create_dir_all(site.at("app/elsewhere")).unwrap();
    symlink("elsewhere", site.at("app/data")).unwrap();
    site.apply(&plan).refused("path_over_link");
    assert!(site.tree("app/elsewhere").is_empty());
}

#[test]
fn a_directory_below_a_list_that_is_swapped_for_a_link_is_not_entered() {
    let site = Site::new();
    fs::create_dir(site.at("app/static/pics/deep")).unwrap();
    fs::write(site.at("app/static/pics/deep/b.png"), "deep").unwrap();
    let plan = site.signed(&[]);
    fs::create_dir_all(site.at("app/data/pics")).unwrap();
    symlink(site.at("outside"), site.at("app/data/pics/deep")).unwrap();
    let before = site.tree("outside");
    assert_ne!(site.apply(&plan).code, 0);
    assert_eq!(site.tree("outside"), before);
    assert!(!site.at("app/data/pics/a.png").exists(), "nothing was begun");
}

#[test]
fn undo_goes_over_no_link_either() {
    let site = Site::new();
    let plan = site.signed(&[]);
    site.apply(&plan).well();
    fs::create_dir_all(site.at("outside/pics")).unwrap();
    fs::write(site.at("outside/pics/a.png"), "the old bytes").unwrap();
    let before = site.tree("outside");
    swap_for_a_link(&site, "app/data", "outside");
    site.undo().refused("path_over_link");
    assert_eq!(site.tree("outside"), before);
}

#[test]
fn a_link_of_root_s_own_that_is_pinned_is_followed_and_no_longer_when_it_says_something_else() {
    if !is_root() {
        println!("skipped: only root has links that others cannot change");
        return;
    }
    let site = Site::new();
    fs::create_dir_all(site.at("disk/pics")).unwrap();
    symlink(site.at("disk"), site.at("app/data")).unwrap();
    let plan = site.signed(&[]);
    site.apply(&plan).refused("path_over_link");
    let pin = |says: &str| {
        let file = site.at("host/host.toml");
        let text = fs::read_to_string(&file).unwrap();
        let (head, rest) = text.split_once("\n[state]").unwrap();
        let head = head.split("\n[links]").next().unwrap();
        let link = format!("\n[links]\n\"{}\" = \"{says}\"\n", site.text("app/data"));
        fs::write(&file, format!("{head}{link}\n[state]{rest}")).unwrap();
    };
    pin(&site.text("elsewhere"));
    site.apply(&plan).refused("path_over_link");
    pin(&site.text("disk"));
    site.apply(&plan).well();
    assert_eq!(fs::read(site.at("disk/pics/a.png")).unwrap(), b"the old bytes");
    // What it says is compared at each run, undo included.
    fs::remove_file(site.at("app/data")).unwrap();
    symlink(site.at("outside"), site.at("app/data")).unwrap();
    site.undo().refused("path_over_link");
    fs::remove_file(site.at("app/data")).unwrap();
    symlink(site.at("disk"), site.at("app/data")).unwrap();
    site.undo().well();
    assert!(!site.at("disk/pics/a.png").exists());
}

#[test]
fn trust_init_pins_the_links_of_root_and_no_others() {
    if !is_root() {
        println!("skipped: only root has links that others cannot change");
        return;
    }
    let site = Site::new();
    symlink("app", site.at("current")).unwrap();
    let init = |directory: &str| {
        let (directory, root) = (site.text(directory), site.text("current/data"));
        let state = site.text("state");
        let to = ["trust", "init", "--yes", "--site", "x", "--directory", &directory];
        site.run(
            &[&to[..], &["--principal", "bob", "--allow-root", &root, "--state", &state]].concat(),
        )
    };
    init("host2").well();
    let text = fs::read_to_string(site.at("host2/host.toml")).unwrap();
    let pinned = format!(
        "[links]\n# Links on the way to these places, and what each says; no other is followed.\n\"{}\" = \"app\"",
        site.text("current")
    );
    assert!(text.contains(&pinned), "{text}");
    std::os::unix::fs::lchown(site.at("current"), Some(4711), None).unwrap();
    assert_ne!(init("host3").code, 0);
    assert!(!site.at("host3").exists());
}

/// Runs the program where `from` is mounted on `to` as well.
fn apply_with_a_mount(
    site: &Site,
    from: &str,
    to: &str,
    plan: &str,
) -> Option<crate::small_site::Said> {
    let script = format!(
        "mount --bind {} {} && exec \"$0\" apply {plan} --auto-approve --format json --host-config {}",
        site.text(from),
        site.text(to),
        site.text("host/host.toml")
    );
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", &script, env!("CARGO_BIN_EXE_ttplan")]);
    command.current_dir(site.at("app")).stdin(std::process::Stdio::null());
    let probe = Command::new("unshare").args(["--mount", "true"]).status();
    if !is_root() || !probe.is_ok_and(|status| status.success()) {
        println!("skipped: nothing can be mounted here");
        return None;
    }
    let child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    Some(site.finish(child.spawn().unwrap()))
}

#[test]
fn what_ttplan_relies_on_is_not_touched_by_another_name() {
    for (what, code) in
        [("state", "path_is_reserved"), ("host", "path_is_reserved"), ("", "path_is_reserved")]
    {
        let site = Site::new();
        fs::create_dir_all(site.at("app/data/pics")).unwrap();
        let plan = site.signed(&[]);
        fs::create_dir_all(site.at("state/runs")).unwrap();
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        fs::set_permissions(site.at("state"), private).unwrap();
        let before = site.tree(if what.is_empty() { "host" } else { what });
        let Some(said) = apply_with_a_mount(&site, what, "app/data/pics", &plan) else { return };
        assert_eq!(said.refusal(), code, "{what}: {said:?}");
        assert!(!site.at(what).join("a.png").exists());
        let after = site.tree(if what.is_empty() { "host" } else { what });
        assert!(before.iter().all(|(path, what)| after.get(path) == Some(what)));
    }
}

#[test]
fn a_mount_of_the_state_directory_below_a_destination_is_not_entered() {
    let site = Site::new();
    fs::create_dir_all(site.at("app/static/pics/runs")).unwrap();
    fs::write(site.at("app/static/pics/runs/b.png"), "b").unwrap();
    fs::create_dir_all(site.at("app/data/pics/runs")).unwrap();
    let plan = site.signed(&[]);
    fs::create_dir_all(site.at("state/runs")).unwrap();
    let private = || std::os::unix::fs::PermissionsExt::from_mode(0o700);
    fs::set_permissions(site.at("state"), private()).unwrap();
    fs::set_permissions(site.at("state/runs"), private()).unwrap();
    let Some(said) = apply_with_a_mount(&site, "state/runs", "app/data/pics/runs", &plan) else {
        return;
    };
    assert_ne!(said.code, 0, "{said:?}");
    assert!(!site.at("state/runs/b.png").exists());
}
