//! The pure stages, told by stories: each is an observation, and the diagnosis and plan that the
//! stages make of it, byte for byte as they stand in `fixtures/`. Beside each lies its near miss,
//! which differs in one fact and does not give what the story shows.
//!
//! Every state, every rule and every kind of step that a plan can come to by itself has its story.
//! TTPLAN_SNAP=1 writes the stories anew; read the diff.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod database;
mod facts;
mod site;
mod stories;
mod uploads;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde::Serialize;
use ttplan::artifact::{document, json};
use ttplan::diagnose::diagnose;
use ttplan::model::diagnosis::{DatabaseState, Decisions, Diagnosis, Finding};
use ttplan::model::names::Moment;
use ttplan::model::observation::Observation;
use ttplan::model::plan::Plan;
use ttplan::plan::{PlanOptions, draft};
use ttplan::trust::validation;

use crate::site::Site;
use crate::stories::{Gives, Story};

const FIXTURES: &str = "fixtures";

/// The examples of today's format.
const PLANS: &str = "plans/0.9";

/// Other things that lie beside the stories.
const NO_STORIES: &[&str] = &["demo", "golden", "shop", "state-0.9"];

/// Kinds of steps that no observation leads to: a person asks for them by another command.
const ASKED_FOR: &[&str] = &["purge_run"];

/// What the stages make of an observation.
struct Outcome {
    diagnosis: Diagnosis,
    findings: Vec<Finding>,
    plan: Plan,
}

/// The first stage's answer, as it stands in a fixture.
#[derive(Serialize)]
struct Diagnosed<'a> {
    diagnosis: &'a Diagnosis,
    findings: &'a [Finding],
}

/// Both stages, at a time of their own.
fn stages(observation: &Observation, decisions: &Decisions) -> Outcome {
    let examined = diagnose(observation, decisions);
    let options = PlanOptions {
        made_by: "ttplan".to_owned(),
        made_at: Moment::parse("2026-05-04T10:00:00Z").unwrap(),
        author: None,
        ticket: Some("CHG-1042".to_owned()),
    };
    Outcome {
        findings: examined.case.findings.clone(),
        plan: draft(&examined.case, examined.diagnosis.clone(), options),
        diagnosis: examined.diagnosis,
    }
}

impl Outcome {
    fn gives(&self, what: Gives) -> bool {
        match what {
            Gives::State(state) => self.diagnosis.state == state,
            Gives::Finding(code) => self.findings.iter().any(|finding| finding.code == code),
            Gives::Step(kind) => self.plan.steps.iter().any(|step| step.kind == kind),
            Gives::Waits(subject) => self.diagnosis.blocked.iter().any(|one| one == subject),
        }
    }
}

/// All files of the stories as they are to be, by path.
fn told() -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    for story in stories::all() {
        let folder = Path::new(FIXTURES).join(story.name);
        put(&mut files, &folder, &story.site);
        files.insert(folder.join("observation.json"), json::to_text(&story.site.observation));
        if story.site.decisions != Decisions::default() {
            let decisions = facts::of_decisions(&story.site.decisions);
            files.insert(folder.join("decisions.json"), json::to_text(&decisions));
        }
        let folder = folder.join("near_miss");
        put(&mut files, &folder, &story.near_miss);
        let facts = facts::differences(&facts::given(&story.site), &facts::given(&story.near_miss));
        assert_eq!(facts.len(), 1, "{}: a near miss differs in one fact", story.name);
        files.insert(folder.join("fact.json"), json::to_text(&facts[0]));
    }
    files.insert(Path::new(FIXTURES).join("README.md"), readme());
    files.extend(examples());
    files
}

/// What the stages make of a site.
fn put(files: &mut BTreeMap<PathBuf, String>, folder: &Path, site: &Site) {
    let outcome = stages(&site.observation, &site.decisions);
    let diagnosed = Diagnosed { diagnosis: &outcome.diagnosis, findings: &outcome.findings };
    files.insert(folder.join("diagnosis.json"), json::to_text(&diagnosed));
    files.insert(folder.join("plan.json"), json::to_text(&outcome.plan));
}

/// What `plans/` shows: a few plans of stories, named by what they do.
const EXAMPLES: &[(&str, &str)] = &[
    ("drop_leftover_table", "leftover_table"),
    ("drop_unexpected_tables", "unexpected_tables_dropped"),
    ("first_installation", "fresh"),
    ("move_avatars", "first_move"),
    ("quarantine", "unexpected_tables_quarantined"),
    ("record_and_upgrade", "false_stamp"),
    ("release_sources", "release_sources"),
    ("replace_files", "upload_conflict_replace"),
    ("rewrite_references", "outdated_reference"),
    ("start_anew", "reinitialize"),
    ("upgrade", "behind"),
    ("widen_version_column", "narrow_version_column"),
];

fn examples() -> impl Iterator<Item = (PathBuf, String)> {
    let stories = stories::all();
    EXAMPLES.iter().map(move |(name, of)| {
        let story = stories.iter().find(|story| story.name == *of).unwrap();
        let plan = stages(&story.site.observation, &story.site.decisions).plan;
        let path = format!("{PLANS}/{name}.ttplan.json");
        (PathBuf::from(path), json::to_text(&plan))
    })
}

/// The page with all stories on it.
fn readme() -> String {
    let page = fs::read_to_string(Path::new(FIXTURES).join("README.md")).unwrap();
    let (head, _) = page.split_once("\n## The stories\n").expect("a heading `The stories`");
    let mut page =
        format!("{head}\n## The stories\n\n| story | gives | near miss |\n| --- | --- | --- |\n");
    for Story { name, about, but, gives, .. } in stories::all() {
        let gives: Vec<String> = gives.iter().map(ToString::to_string).collect();
        let gives = gives.join(", ");
        page.push_str(&format!("| `{name}`: {about} | {gives} | {but} |\n"));
    }
    page
}

/// What is to stand there, once it was written where that is wished.
fn written() -> &'static BTreeMap<PathBuf, String> {
    static WRITTEN: LazyLock<BTreeMap<PathBuf, String>> = LazyLock::new(|| {
        let told = told();
        if std::env::var_os("TTPLAN_SNAP").is_some() {
            for story in stories::all() {
                let _ = fs::remove_dir_all(Path::new(FIXTURES).join(story.name));
            }
            for (path, text) in &told {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
        }
        told
    });
    &WRITTEN
}

#[test]
fn every_story_is_told_as_it_stands_in_its_folder() {
    let told = written();
    let mut wrong = String::new();
    for (path, text) in told {
        let recorded = fs::read_to_string(path).unwrap_or_default();
        if recorded != *text {
            wrong.push_str(&format!("{}:\n{}", path.display(), changes(&recorded, text)));
        }
    }
    assert!(wrong.is_empty(), "{wrong}\nTTPLAN_SNAP=1 writes them anew");
    let stray: Vec<PathBuf> = files_of(FIXTURES, NO_STORIES)
        .into_iter()
        .chain(files_of(PLANS, &[]))
        .filter(|path| !told.contains_key(path))
        .collect();
    assert!(stray.is_empty(), "of no story: {stray:#?}");
}

/// What lies in the folders is what a run would be given: read strictly, and through the stages.
#[test]
fn every_recorded_observation_gives_its_recorded_diagnosis_and_plan() {
    let mut seen = 0;
    for path in written().keys().filter(|path| path.ends_with("observation.json")) {
        let folder = path.parent().unwrap();
        let bytes = fs::read(path).unwrap();
        let observation = document::read_observation(&path.display().to_string(), &bytes);
        let observation = observation.unwrap_or_else(|error| panic!("{error}"));
        let decisions = fs::read_to_string(folder.join("decisions.json"));
        let decisions = decisions.map_or_else(
            |_| Decisions::default(),
            |text| facts::decisions(&serde_json::from_str(&text).unwrap()),
        );
        let site = Site { observation, decisions };
        check(folder, &site);
        let folder = folder.join("near_miss");
        let fact = fs::read_to_string(folder.join("fact.json")).unwrap();
        let mut given = facts::given(&site);
        facts::apply(&mut given, &serde_json::from_str(&fact).unwrap());
        check(&folder, &facts::site(&given));
        seen += 1;
    }
    assert_eq!(seen, stories::all().len());
}

/// Holds what the stages make of a site against what stands in its folder.
fn check(folder: &Path, site: &Site) {
    let mut made = BTreeMap::new();
    put(&mut made, folder, site);
    for (path, text) in made {
        let recorded = fs::read_to_string(&path).unwrap();
        assert!(text == recorded, "{}:\n{}", path.display(), changes(&recorded, &text));
    }
    let plan = fs::read(folder.join("plan.json")).unwrap();
    let plan = document::read_plan("plan.json", &plan).unwrap_or_else(|error| panic!("{error}"));
    // What a host would look for in it, whoever signed it.
    let faults = validation::faults(&plan);
    assert!(faults.is_empty(), "{}: {faults:#?}", folder.display());
}

#[test]
fn every_story_shows_what_it_says_and_its_near_miss_does_not() {
    let mut wrong = Vec::new();
    for story in stories::all() {
        let outcome = stages(&story.site.observation, &story.site.decisions);
        let near = stages(&story.near_miss.observation, &story.near_miss.decisions);
        for what in &story.gives {
            if !outcome.gives(*what) || near.gives(*what) {
                let codes = |of: &Outcome| {
                    let codes: Vec<_> = of.findings.iter().map(|one| one.code.clone()).collect();
                    let kinds: Vec<_> = of.plan.steps.iter().map(|one| one.kind.clone()).collect();
                    format!("{} {codes:?} {kinds:?}", of.diagnosis.state.word())
                };
                wrong.push(format!(
                    "{}: {what}: {}; near miss: {}",
                    story.name,
                    codes(&outcome),
                    codes(&near)
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn changes(recorded: &str, made: &str) -> String {
    similar::TextDiff::from_lines(recorded, made).unified_diff().context_radius(2).to_string()
}

/// From the shelves and the enum, so that a new one without a story fails here.
#[test]
fn every_state_rule_and_kind_of_step_has_its_story() {
    let given: BTreeSet<Gives> = stories::all().into_iter().flat_map(|story| story.gives).collect();
    let schema = schemars::schema_for!(DatabaseState).to_value();
    let states = facts::words_of(&schema);
    assert!(states.len() > 10, "the states were not found: {schema}");
    let states = states
        .into_iter()
        .map(|word| Gives::State(serde_json::from_value(serde_json::Value::String(word)).unwrap()));
    let rules = ttplan::rules::ALL.iter().map(|rule| Gives::Finding(rule.code));
    let kinds = ttplan::actions::ALL.iter().map(|action| action.kind);
    let kinds = kinds.filter(|kind| !ASKED_FOR.contains(kind)).map(Gives::Step);
    let missing: Vec<String> = states
        .chain(rules)
        .chain(kinds)
        .filter(|what| !given.contains(what))
        .map(|what| what.to_string())
        .collect();
    assert!(missing.is_empty(), "without a story: {missing:?}");
}

#[test]
fn every_kind_of_step_is_in_an_example_plan() {
    let plans = examples().map(|(path, text)| {
        document::read_plan(&path.display().to_string(), text.as_bytes()).unwrap()
    });
    let shown: BTreeSet<String> = plans.flat_map(|plan| plan.steps).map(|step| step.kind).collect();
    let kinds = ttplan::actions::ALL.iter().map(|action| action.kind);
    let missing: Vec<&str> =
        kinds.filter(|kind| !ASKED_FOR.contains(kind) && !shown.contains(*kind)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_example_plan_is_shown_on_a_page() {
    let mut pages = fs::read_to_string("README.md").unwrap();
    for path in files_of("docs", &[]) {
        if path.extension().is_some_and(|ending| ending == "md") {
            pages.push_str(&fs::read_to_string(path).unwrap());
        }
    }
    for (path, _) in examples() {
        let name = path.display().to_string();
        assert!(pages.contains(&name), "no page shows `{name}`");
    }
}

/// All files below a folder, but for those in the folders that are named.
fn files_of(folder: &str, but: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            match path.is_dir() {
                true if !but.contains(&name) => folders.push(path),
                true => {}
                false => found.push(path),
            }
        }
    }
    found.sort();
    found
}
