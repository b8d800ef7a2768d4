//! Tests of what is derived: an honest plan has no difference, and every guard, save and way back
//! that is taken out, every field that says something else, is found.

use serde_json::Value;

use crate::engines;
use crate::model::plan::Plan;
use crate::model::plan::difference::differences;
use crate::model::plan::step::{Probe, Reversal};
use crate::trust::test_plans::{all, every_move, gentle_plan, plan, plan_of, said};
use crate::trust::validation::offences;

fn codes(plan: &Plan) -> Vec<&'static str> {
    let dialect = engines::by_name("postgres").unwrap().dialect;
    offences(plan, dialect).iter().map(|reason| reason.code).collect()
}

#[test]
fn an_honest_plan_follows_from_what_it_says() {
    assert_eq!(codes(&plan()), Vec::<&str>::new());
    assert_eq!(codes(&gentle_plan()), Vec::<&str>::new());
    assert_eq!(differences(&every_move()), vec![]);
}

#[test]
fn each_derived_thing_that_is_taken_out_is_missed() {
    let honest = every_move();
    let mut taken = 0;
    for at in 0..honest.steps.len() {
        let step = &honest.steps[at];
        let lists: [(usize, &str); 4] = [
            (step.ready.len(), "guard_differs"),
            (step.done.len(), "guard_differs"),
            (step.save.len(), "save_differs"),
            (step.undo.len(), "undo_differs"),
        ];
        for (which, (length, code)) in lists.into_iter().enumerate() {
            for n in 0..length {
                let mut plan = honest.clone();
                let step = &mut plan.steps[at];
                match which {
                    0 => drop(step.ready.remove(n)),
                    1 => drop(step.done.remove(n)),
                    2 => drop(step.save.remove(n)),
                    _ => drop(step.undo.remove(n)),
                }
                assert!(differences(&plan).iter().any(|one| one.code == code), "{at} {which} {n}");
                taken += 1;
            }
        }
    }
    assert!(taken > 80, "{taken}");
}

#[test]
fn a_step_is_what_the_action_of_its_kind_makes() {
    let (mut steps, texts) = all();
    steps[5].kind = "drop_view".into();
    assert!(codes(&plan_of(steps, texts)).contains(&"kind_differs"));
    let (mut steps, texts) = all();
    steps[2].kind = "tidy_up".into();
    assert!(codes(&plan_of(steps, texts)).contains(&"kind_differs"));
}

#[test]
fn nothing_is_changed_before_a_backup_and_no_premise_left_out() {
    let (mut steps, texts) = all();
    steps.remove(0);
    assert!(codes(&plan_of(steps, texts)).contains(&"backup_missing"));
    let mut bare = plan();
    bare.premises.pop();
    assert!(codes(&bare).contains(&"premise_missing"));
    let mut more = plan();
    more.premises.push(Probe::NoOtherWriter {});
    assert!(codes(&more).contains(&"premise_missing"));
}

#[test]
fn definitions_are_exactly_those_that_moves_name() {
    let mut other = plan();
    for text in other.definitions.values_mut() {
        text.push(' ');
    }
    assert_eq!(codes(&other), ["definition_differs"]);
    let mut none = plan();
    none.definitions.clear();
    assert_eq!(codes(&none), ["definition_differs"]);
    let mut more = plan();
    more.definitions.insert(crate::model::names::Digest::of("x"), "x".into());
    assert_eq!(codes(&more), ["definition_differs"]);
}

#[test]
fn a_reversal_is_that_of_the_moves_or_none_at_all() {
    let (mut steps, texts) = all();
    steps[5].reversal = Reversal::OneWay("the extension is not there any more".into());
    let one_way = plan_of(steps, texts);
    assert_eq!(codes(&one_way), Vec::<&str>::new());
    assert!(one_way.steps[5].undo.is_empty() && one_way.steps[5].title.ends_with("(one-way)"));
    assert_eq!(one_way.summary.one_way_steps, 1);
    for reversal in [Reversal::OneWay(" ".into()), steps_of(0)] {
        let (mut steps, texts) = all();
        steps[5].reversal = reversal;
        assert!(codes(&plan_of(steps, texts)).contains(&"reversal_differs"));
    }
}

fn steps_of(at: usize) -> Reversal {
    all().0[at].reversal.clone()
}

#[test]
fn what_saves_or_takes_back_is_never_said() {
    let undo = plan().steps[5].undo.clone();
    let (mut steps, texts) = all();
    steps.push(said("drop_table", "database/x", undo));
    assert!(codes(&plan_of(steps, texts)).contains(&"move_invalid"));
}

#[test]
fn the_systems_own_objects_are_left_alone() {
    let mut text = serde_json::to_value(plan()).unwrap();
    fn replace(value: &mut Value) {
        match value {
            Value::String(text) if text == "public" => *text = "pg_catalog".into(),
            Value::Array(all) => all.iter_mut().for_each(replace),
            Value::Object(all) => all.values_mut().for_each(replace),
            Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    replace(&mut text);
    let plan: Plan = serde_json::from_value(text).unwrap();
    assert!(codes(&plan).contains(&"system_object"));
}

/// Every leaf of the document, by its path.
fn leaves(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Array(all) => {
            for (n, one) in all.iter().enumerate() {
                leaves(one, &format!("{path}/{n}"), found);
            }
        }
        Value::Object(all) => {
            for (key, one) in all {
                let key = key.replace('~', "~0").replace('/', "~1");
                leaves(one, &format!("{path}/{key}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            found.push(path.to_owned());
        }
    }
}

/// What is said and bound to nothing; all of it is shown by `show --full`.
const FREE: &[&str] = &[
    "/made_by",
    "/author",
    "/ticket",
    "/config_sha256",
    "/observation_sha256",
    "/diagnosis",
    "/findings",
    "/target/site",
    "/target/database",
    "/format_version",
    "/made_at",
    "/expires_at",
];

#[test]
fn of_what_is_derived_no_leaf_says_something_else_unseen() {
    let honest = serde_json::to_value(plan()).unwrap();
    let mut paths = Vec::new();
    leaves(&honest, "", &mut paths);
    let (mut tried, mut unread) = (0, 0);
    for path in paths {
        let part = path.split('/').nth(3).unwrap_or_default();
        let is_said = ["reason", "address", "kind", "moves", "reversal"].contains(&part);
        let free = FREE.iter().any(|free| path.starts_with(free));
        let premise = path.starts_with("/premises");
        if free || premise || path.starts_with("/steps") && is_said {
            continue;
        }
        let mut other = honest.clone();
        let leaf = other.pointer_mut(&path).unwrap();
        *leaf = match &*leaf {
            Value::String(text) if text.len() == 64 => Value::String("0".repeat(64)),
            Value::String(text) => Value::String(format!("{text}x")),
            Value::Number(n) => Value::from(n.as_u64().unwrap_or_default().saturating_add(1)),
            Value::Bool(yes) => Value::Bool(!yes),
            Value::Null => Value::String("x".into()),
            Value::Array(_) | Value::Object(_) => continue,
        };
        tried += 1;
        match serde_json::from_value::<Plan>(other) {
            Err(_) => unread += 1,
            Ok(mutant) => assert!(!codes(&mutant).is_empty(), "{path} says something else"),
        }
    }
    assert!(tried > 200 && unread < tried, "{tried} {unread}");
}
