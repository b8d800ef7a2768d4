//! The real databases, each as its owner knows it to be: what is said of them, what is planned.

use std::collections::BTreeSet;
use std::time::Instant;

use serde_json::Value as Json;
use ttplan::model::names::ObjectKind;
use ttplan::model::plan::Plan;
use ttplan::model::plan::step::Move;

use crate::ground::Ground;
use crate::site::{PLAN, Site, assert_same};
use crate::timetracker;

/// What is known to be wrong: a case, and the aspects in which its plan is not what its owner
/// expects.
const EXCEPTIONS: &[(&str, &[&str])] = &[];

fn texts(list: &Json) -> BTreeSet<String> {
    list.as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn moves(plan: &Plan) -> impl Iterator<Item = &Move> {
    plan.steps.iter().flat_map(|step| &step.moves)
}

/// The tables that the plan takes away.
fn going(plan: &Plan) -> BTreeSet<String> {
    let table = |mv: &Move| match mv {
        Move::DropObject(drop) if drop.object.kind == ObjectKind::Table => {
            Some(drop.object.name.clone())
        }
        Move::Quarantine(put) if put.object.kind == ObjectKind::Table => {
            Some(put.object.name.clone())
        }
        _ => None,
    };
    moves(plan).filter_map(table).collect()
}

fn stamped(plan: &Plan) -> BTreeSet<String> {
    let ids = |mv: &Move| match mv {
        Move::SetRevisions(set) => set.ids(),
        _ => Vec::new(),
    };
    moves(plan).flat_map(ids).collect()
}

/// The aspects in which a plan is not what its owner expects.
fn wrong(plan: &Plan, expected: &Json, engine: &str) -> Vec<&'static str> {
    let mut wrong = Vec::new();
    let mut demand = |aspect, holds: bool| {
        if !holds {
            wrong.push(aspect);
        }
    };
    demand("state", texts(&expected["state"]).contains(plan.diagnosis.state.word()));
    let inferred = &plan.diagnosis.revision.as_ref().unwrap().inferred;
    match expected.get("inferred") {
        None => {}
        Some(Json::Null) => demand("inferred", inferred.exact.is_none()),
        Some(ids) => {
            let is_it =
                |set: &Vec<String>| set.iter().cloned().collect::<BTreeSet<_>>() == texts(ids);
            demand("inferred", inferred.exact.iter().chain(&inferred.candidates).any(is_it));
        }
    }
    if let Some(ids) = expected.get("stamp") {
        demand("stamp", stamped(plan) == texts(ids));
    }
    demand("never_stamp", stamped(plan).is_disjoint(&texts(&expected["never_stamp"])));
    let by_engine = if engine == "sqlite" { "drops_sqlite" } else { "drops_pg" };
    demand("drops", going(plan) == texts(expected.get(by_engine).unwrap_or(&expected["drops"])));
    demand("steps", expected["steps"] != 0 || plan.steps.is_empty());
    let of_files =
        |step: &ttplan::model::plan::step::Step| step.moves.iter().all(Move::touches_files);
    demand("steps_db", expected["steps_db"] != 0 || plan.steps.iter().all(of_files));
    wrong
}

fn every_case_is_what_its_owner_says(ground: &dyn Ground) {
    let Some(folder) = timetracker::folder() else { return };
    let (mut faults, mut right, engine) = (Vec::new(), 0, ground.engine().name);
    for (case, expected) in timetracker::json(&folder, "expected.json").as_object().unwrap() {
        if !timetracker::holds(&folder, engine, case) {
            continue;
        }
        let site = timetracker::site(&folder, ground, case);
        let before = site.picture();
        let said = site.plan();
        assert!([0, 8].contains(&said.code), "{case}: {}", said.err);
        assert_same(&site.picture(), &before, case);
        let excused = EXCEPTIONS
            .iter()
            .find(|(name, _)| name == case)
            .map_or(&[][..], |(_, aspects)| aspects);
        let wrong = wrong(&site.planned(), expected, engine);
        right += usize::from(wrong.is_empty());
        if wrong != excused {
            faults.push(format!(
                "{case}: wrong in {wrong:?}, known to be wrong in {excused:?}\n{}",
                said.out
            ));
        }
    }
    println!(
        "{engine}: {right} cases right in everything, {} known to be wrong in something",
        EXCEPTIONS.len()
    );
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(right >= 12, "only {right} cases were looked at");
}

/// On PostgreSQL the strays and their view go, and nothing else; undo gives back the same dump.
#[test]
fn postgres_strays_go_and_come_back() {
    let Some(folder) = timetracker::folder() else { return };
    let site = timetracker::site(&folder, &crate::ground::postgres::PostgresGround, "corrupted");
    site.sql("CREATE SCHEMA other; CREATE TABLE other.things AS SELECT 1 AS one;");
    let before = site.database.dump();
    let plan = site.plan_and_sign(0);
    let expected = timetracker::json(&folder, "expected.json");
    assert_eq!(going(&plan), texts(&expected["corrupted"]["drops_pg"]));
    let others: Vec<_> = moves(&plan)
        .filter_map(|mv| match mv {
            Move::DropObject(drop) if drop.object.kind != ObjectKind::Table => {
                Some(drop.object.kind)
            }
            _ => None,
        })
        .collect();
    assert_eq!(others, [ObjectKind::View]);
    strays_are_replaced(&site, &before, &texts(&expected["corrupted"]["drops_pg"]));
    assert!(before.contains("CREATE TABLE other.things"));
}

/// A file may hold others' tables, so on SQLite nothing goes that nobody asked to go.
#[test]
fn sqlite_strays_go_only_when_asked() {
    let Some(folder) = timetracker::folder() else { return };
    let site = timetracker::site(&folder, &crate::ground::sqlite::SqliteGround, "corrupted");
    site.plan().ends(8);
    assert!(going(&site.planned()).is_empty());
    let drops = texts(&timetracker::json(&folder, "expected.json")["corrupted"]["drops_pg"]);
    let config = site.read("ttplan.toml");
    for wish in ["drop", "quarantine"] {
        site.put(
            "ttplan.toml",
            &format!("{config}\n[tables]\nunexpected_on_sqlite = \"{wish}\"\n"),
        );
        let before = site.database.dump();
        assert_eq!(going(&site.plan_and_sign(0)), drops);
        strays_are_replaced(&site, &before, &drops);
    }
}

/// Applies, sees the application's own tables instead of the strays, and takes it back.
fn strays_are_replaced(site: &Site, before: &str, drops: &BTreeSet<String>) {
    let defines = |dump: &str, table: &str| {
        let names = [format!("\"{table}\""), format!("public.{table} "), format!("TABLE {table} ")];
        dump.lines().any(|line| {
            line.starts_with("CREATE TABLE") && names.iter().any(|name| line.contains(name))
        })
    };
    assert!(drops.iter().all(|table| defines(before, table)));
    site.apply().ends(0);
    let after = site.database.dump();
    site.wait_for_silence();
    assert!(defines(&after, "time_entries") && !drops.iter().any(|table| defines(&after, table)));
    assert_eq!(after.contains("other.things"), before.contains("other.things"));
    site.apply().ends(0).says(&["nothing was changed"]);
    site.undo().ends(0);
    assert!(site.database.dump() == before, "undo did not bring everything back");
    site.wait_for_silence();
}

fn a_strangers_database_is_never_touched(ground: &dyn Ground) {
    let Some(folder) = timetracker::folder() else { return };
    let site = timetracker::site(&folder, ground, "other_app");
    site.put("app/app/static/uploads/avatars/a.png", "a");
    site.put(
        "ttplan.toml",
        &(site.read("ttplan.toml")
            + "[tables]\nunexpected = \"drop\"\nunexpected_on_sqlite = \"drop\"\n"),
    );
    let before = site.picture();
    for flags in [&[][..], &["--reinitialize"]] {
        site.run(&[&["plan", "-o", PLAN], flags].concat()).ends(8);
        assert!(site.planned().steps.is_empty());
        site.sign().ends(0);
        site.apply().ends(0).says(&["nothing was changed"]);
        assert_same(&site.picture(), &before, "a stranger's site was touched");
    }
}

/// What is read from the scripts is what their headers say.
#[test]
fn the_graph_of_the_scripts_is_the_known_one() {
    let Some(folder) = timetracker::folder() else { return };
    let site = timetracker::site(&folder, &crate::ground::sqlite::SqliteGround, "empty");
    let start = Instant::now();
    let said = site.run(&["inspect", "--format", "json"]).ends(0);
    println!("inspected with all scripts in {:?}", start.elapsed());
    let seen: Json = serde_json::from_str(&said.out).unwrap();
    let revisions = &seen["facts"]["revisions"];
    assert_eq!(revisions["unread"], Json::Array(Vec::new()));
    let graph = timetracker::json(&folder, "graph.json");
    let graph = graph.as_object().unwrap();
    let scripts = revisions["scripts"].as_array().unwrap();
    assert_eq!(scripts.len(), graph.len());
    let several = |value: &Json| match value {
        Json::String(id) => BTreeSet::from([id.clone()]),
        list => texts(list),
    };
    for script in scripts {
        let known = &graph[script["file"].as_str().unwrap()];
        assert_eq!(script["id"], known["revision"]);
        for (ours, theirs) in [
            ("parents", "down_revision"),
            ("depends_on", "depends_on"),
            ("labels", "branch_labels"),
        ] {
            assert_eq!(
                texts(&script[ours]),
                several(&known[theirs]),
                "{ours} of {}",
                script["file"]
            );
        }
    }
}

on_both!(every_case_is_what_its_owner_says, a_strangers_database_is_never_touched);
