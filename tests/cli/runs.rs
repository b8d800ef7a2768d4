//! What a person meets after something stopped: status, history, and the command that goes on.

use std::path::PathBuf;

use crate::site::Site;

const HOST: [&str; 2] = ["--host-config", "host/host.toml"];

fn applied() -> (Site, PathBuf) {
    let site = Site::with_signed_plan();
    site.printed(
        &[["apply", "plans/change.ttplan.json", "--auto-approve"].as_slice(), &HOST].concat(),
        0,
    );
    let runs: Vec<_> = std::fs::read_dir(site.home.join("state/runs")).unwrap().collect();
    assert_eq!(runs.len(), 1);
    let folder = runs.into_iter().next().unwrap().unwrap().path();
    (site, folder)
}

/// Takes the last lines of the journal away: what a crash leaves.
fn cut_journal(folder: &std::path::Path, from: &str) {
    let path = folder.join("journal.jsonl");
    let journal = std::fs::read_to_string(&path).unwrap();
    let kept: Vec<&str> =
        journal.split_inclusive('\n').take_while(|line| !line.contains(from)).collect();
    assert!(kept.len() > 3 && kept.concat().len() < journal.len(), "{journal}");
    std::fs::write(path, kept.concat()).unwrap();
}

#[test]
fn a_run_that_died_is_told_with_a_command_that_finishes_it() {
    let (site, folder) = applied();
    cut_journal(&folder, r#"{"event":"finished""#);
    let status = site.printed(&[["status"].as_slice(), &HOST].concat(), 0);
    assert!(status.contains("unfinished: run"), "{status}");
    let (_, hint) = status.split_once("hint: finish it: ttplan apply ").unwrap();
    let plan = hint.lines().next().unwrap();
    site.printed(&[["apply", plan, "--auto-approve"].as_slice(), &HOST].concat(), 0);
    let status = site.printed(&[["status"].as_slice(), &HOST].concat(), 0);
    assert!(status.ends_with("nothing is unfinished\n"), "{status}");
}

#[test]
fn a_run_that_died_is_told_with_a_command_that_takes_it_back() {
    let (site, folder) = applied();
    cut_journal(&folder, r#"{"event":"finished""#);
    let id = folder.file_name().unwrap().to_str().unwrap();
    let status = site.printed(&[["status"].as_slice(), &HOST].concat(), 0);
    assert!(status.contains(&format!("hint: or undo it: ttplan undo {id}\n")), "{status}");
    site.printed(&[["undo", id, "--auto-approve"].as_slice(), &HOST].concat(), 0);
    let history = site.printed(&[["history"].as_slice(), &HOST].concat(), 0);
    assert!(history.contains(&format!("{id}  undone")), "{history}");
    let shown = site.printed(&[["show", &id[..6]].as_slice(), &HOST].concat(), 0);
    assert!(
        shown.contains("drop table `_alembic_tmp_projects`") && shown.contains("undone"),
        "{shown}"
    );
}

#[test]
fn purge_lists_what_nothing_needs_and_plans_to_remove_it() {
    let (site, folder) = applied();
    let id = folder.file_name().unwrap().to_str().unwrap();
    let purge =
        |age: &str| site.printed(&[["purge", "--older-than", age].as_slice(), &HOST].concat(), 0);
    assert_eq!(purge("30d"), "no run is that old\n");
    assert_eq!(purge("0h"), format!("{id}  kept: `ttplan undo {id}` needs it\n"));
    site.printed(&[["undo", id, "--auto-approve"].as_slice(), &HOST].concat(), 0);
    let told = purge("0h");
    assert!(
        told.contains(&format!("{id}  undone: ")) && told.contains("/saved/database"),
        "{told}"
    );
    assert!(folder.join("saved/database").exists() && !told.contains("journal"), "{told}");
    let plan = ["purge", "--older-than", "0h", "--site", "prod", "-o", "plans/purge.ttplan.json"];
    assert_eq!(site.printed(&[plan.as_slice(), &HOST].concat(), 0), told);
    assert!(folder.join("saved/database").exists(), "a plan removes nothing");
    let shown = site.printed(&["show", "plans/purge.ttplan.json", "--full"], 0);
    assert!(shown.contains("as `database` in the run's own folder"), "{shown}");
    let refused = site
        .run(&[["apply", "plans/purge.ttplan.json", "--auto-approve"].as_slice(), &HOST].concat());
    assert_eq!(refused.status.code(), Some(4), "nobody has signed it");
}

#[test]
fn a_host_where_nothing_was_run_says_so() {
    let site = Site::with_signed_plan();
    assert_eq!(
        site.printed(&[["history"].as_slice(), &HOST].concat(), 0),
        "nothing was ever run here\n"
    );
    assert!(
        site.printed(&[["status"].as_slice(), &HOST].concat(), 0).contains("nothing is unfinished")
    );
}

#[test]
fn the_demo_meets_its_own_site_whatever_the_shell_is_set_up_for() {
    let site = Site::new();
    let mut demo = site.command(&["demo"]);
    demo.env("TTPLAN_DATABASE_URL", "postgresql://ada@127.0.0.1:1/production")
        .env("TTPLAN_FORMAT", "json");
    let output = demo.env("TTPLAN_PROFILE", "nonsense").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("SQLite database `app.db`") && !said.contains("production"), "{said}");
}
