//! JSON that the program prints is what its schemas say, and the schemas in the pages are its own.

use serde_json::Value;

use crate::help::commands;
use crate::json_schema::faults;
use crate::site::Site;

const HOST: [&str; 2] = ["--host-config", "host/host.toml"];

fn schema(site: &Site, name: &str) -> Value {
    serde_json::from_str(&site.printed(&["schema", name], 0)).unwrap()
}

fn assert_valid(site: &Site, name: &str, text: &str) {
    let value: Value =
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}\n{text}"));
    let found = faults(&schema(site, name), &value);
    assert!(found.is_empty(), "{name}: {found:#?}");
}

#[test]
fn the_schemas_in_the_pages_are_those_of_the_program() {
    let site = Site::new();
    let (_, command) = commands().into_iter().find(|(name, _)| name == "ttplan schema").unwrap();
    let names = command
        .get_arguments()
        .find(|argument| argument.get_id() == "name")
        .unwrap()
        .get_possible_values();
    assert!(names.len() > 5);
    for name in names {
        let path = format!("docs/formats/schemas/{}.json", name.get_name());
        let now = site.printed(&["schema", name.get_name()], 0);
        if std::env::var_os("TTPLAN_SNAP").is_some() {
            std::fs::create_dir_all("docs/formats/schemas").unwrap();
            std::fs::write(&path, &now).unwrap();
        }
        let page = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(page == now, "{path} is old; TTPLAN_SNAP=1 mends it");
    }
}

#[test]
fn every_json_output_is_what_its_schema_says() {
    let site = Site::with_signed_plan();
    let on_host = |words: &[&'static str]| [words, &HOST].concat();
    let json = ["--format", "json"];
    assert_valid(&site, "observation", &site.printed(&["inspect", "--format", "json"], 0));
    assert_valid(&site, "plan", &site.printed(&["plan", "--format", "json"], 8));
    assert_valid(
        &site,
        "plan",
        &site.printed(&["show", "plans/change.ttplan.json", "--format", "json"], 0),
    );
    let verify = on_host(&["verify", "plans/change.ttplan.json", "--format", "json"]);
    assert_valid(&site, "verification", &site.printed(&verify, 0));
    let apply =
        on_host(&["apply", "plans/change.ttplan.json", "--auto-approve", "--format", "json"]);
    run_is_valid(&site, &apply);
    run_is_valid(&site, &apply);
    assert_valid(
        &site,
        "status",
        &site.printed(&[on_host(&["status"]).as_slice(), &json].concat(), 0),
    );
    run_is_valid(&site, &on_host(&["undo", "--last", "--auto-approve", "--format", "json"]));
    assert_valid(
        &site,
        "history",
        &site.printed(&[on_host(&["history"]).as_slice(), &json].concat(), 0),
    );
    let run =
        std::fs::read_dir(site.home.join("state/runs")).unwrap().next().unwrap().unwrap().path();
    let journal = std::fs::read_to_string(run.join("journal.jsonl")).unwrap();
    assert!(journal.lines().count() > 10);
    journal.lines().for_each(|line| assert_valid(&site, "journal", line));
}

/// Events as JSON lines, then the report.
fn run_is_valid(site: &Site, words: &[&str]) {
    let printed = site.printed(words, 0);
    let lines: Vec<&str> = printed.lines().collect();
    let (report, events) = lines.split_last().unwrap();
    assert_valid(site, "report", report);
    for event in events {
        let event: Value = serde_json::from_str(event).unwrap();
        assert!(event["event"].is_string(), "{event}");
    }
}

#[test]
fn a_document_that_is_not_as_its_schema_says_is_found_out() {
    let site = Site::new();
    let schema = schema(&site, "plan");
    let plan: Value =
        serde_json::from_str(&site.printed(&["plan", "--format", "json"], 8)).unwrap();
    let changes: [(&str, Value); 5] = [
        ("/ticket", Value::from(1)),
        ("/observation_sha256", Value::from("abc")),
        ("/steps/0/risk", Value::from("none")),
        ("/steps/0/moves/0/move", Value::from("hope")),
        ("/summary/destructive_steps", Value::from(-1)),
    ];
    for (pointer, value) in changes {
        let mut changed = plan.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        assert!(!faults(&schema, &changed).is_empty(), "{pointer}");
    }
    let mut more = plan.clone();
    more["more"] = Value::Null;
    assert!(!faults(&schema, &more).is_empty());
    let mut less = plan;
    less.as_object_mut().unwrap().remove("goal");
    assert!(!faults(&schema, &less).is_empty());
}
