//! The same site at the same time gives the same bytes, wherever and however often it is planned.

use std::fs;

use ttplan::model::plan::Plan;

use crate::ground::Ground;
use crate::site::{STRAYS, Site};

/// The same time for every command of a test: this hour's beginning, and some seconds.
fn epoch(seconds: u64) -> std::ffi::OsString {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    (now.as_secs() / 3600 * 3600 + seconds).to_string().into()
}

fn planning_twice_gives_the_same_bytes(ground: &dyn Ground) {
    let mut site = Site::with(ground, STRAYS);
    for n in 0..40 {
        site.put(&format!("app/static/avatars/many/{n}.png"), &n.to_string());
    }
    site.variables.insert("SOURCE_DATE_EPOCH".into(), epoch(0));
    let plan = |name: &str, arguments: &[&str]| {
        let path = format!("plans/{name}.ttplan.json");
        let said =
            site.run(&[&["plan", "-o", &path, "--ticket", "CHG-1"], arguments].concat()).ends(0);
        (fs::read(site.path(&path)).unwrap(), said.out.replace(&path, "PLAN"))
    };
    let first = plan("first", &[]);
    assert_eq!(plan("second", &[]), first);

    // Somewhere else, from what was written down: the site is not met at all.
    let observe = ["inspect", "-o", "plans/site.observation.json"];
    site.run(&observe).ends(0);
    let observation = fs::read(site.path(observe[2])).unwrap();
    site.run(&observe).ends(0);
    assert!(
        facts(&fs::read(site.path(observe[2])).unwrap()) == facts(&observation),
        "facts differ"
    );
    let mut elsewhere =
        site.command(&["plan", "-o", "plans/third.ttplan.json", "--ticket", "CHG-1"]);
    elsewhere
        .args(["--observation", observe[2]])
        .env_remove("DATABASE_URL")
        .env_remove("SHOP")
        .env("PATH", "/nowhere");
    let output = elsewhere.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(fs::read(site.path("plans/third.ttplan.json")).unwrap(), first.0);

    // Files and database seen by two, one of whom sees no database.
    site.run(&["inspect", "-o", "plans/files.observation.json", "--files-only"]).ends(0);
    let both = ["--observation", observe[2], "plans/files.observation.json"];
    assert_eq!(plan("fourth", &both).0, first.0);

    // Another time is another plan, and nothing else of it differs.
    site.variables.insert("SOURCE_DATE_EPOCH".into(), epoch(1));
    site.run(&["plan", "-o", "plans/later.ttplan.json", "--ticket", "CHG-1"]).ends(0);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (first, later) = (text(&first.0), site.read("plans/later.ttplan.json"));
    let differing: Vec<&str> = first
        .lines()
        .zip(later.lines())
        .filter(|(a, b)| a != b)
        .map(|(line, _)| line.trim())
        .collect();
    assert_eq!(differing.len(), 2, "{differing:?}");
    assert!(
        differing[0].starts_with("\"made_at\"") && differing[1].starts_with("\"expires_at\""),
        "{differing:?}"
    );
}

/// What an observation states, without the circumstances that only inform.
fn facts(observation: &[u8]) -> serde_json::Value {
    serde_json::from_slice::<serde_json::Value>(observation).unwrap()["facts"].clone()
}

/// Tables that were made in another order are dropped in the same one.
fn the_order_in_which_things_came_about_does_not_show(ground: &dyn Ground) {
    let mut one = Site::with(
        ground,
        "CREATE TABLE b (x INTEGER); CREATE TABLE a (x INTEGER); CREATE VIEW v AS SELECT * FROM b;",
    );
    let mut other = Site::with(
        ground,
        "CREATE TABLE a (x INTEGER); CREATE TABLE b (x INTEGER); CREATE VIEW v AS SELECT * FROM b;",
    );
    let mut plans = Vec::new();
    for site in [&mut one, &mut other] {
        site.variables.insert("SOURCE_DATE_EPOCH".into(), epoch(0));
        site.plan().ends(0);
        plans.push(site.planned());
    }
    // Files lie in a place of the site's own, which their step names.
    let steps = |plan: &Plan, site: &Site| -> Vec<String> {
        let home = site.home.display().to_string();
        plan.steps.iter().map(|step| step.address.replace(&home, "")).collect()
    };
    assert_eq!(steps(&plans[0], &one), steps(&plans[1], &other));
    assert_eq!(plans[0].premises, plans[1].premises);
}

on_both!(planning_twice_gives_the_same_bytes, the_order_in_which_things_came_about_does_not_show);
