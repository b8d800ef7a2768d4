//! Where a plan is not what follows from what it says: each difference with a stable code.
//!
//! Linear in the size of the plan. Knows no host, no action, no engine: those are for `trust`.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Reason;
use crate::model::names::{Digest, ObjectRef};
use crate::model::plan::derive::{self, Said};
use crate::model::plan::moves::effects::{PathRole, Use};
use crate::model::plan::probe::Probe;
use crate::model::plan::step::{Move, Step};
use crate::model::plan::{Plan, lifetime};

/// How much of a difference is shown.
const SHOWN: usize = 300;

struct Found(Vec<Reason>);

impl Found {
    fn add(&mut self, code: &'static str, subject: &str, message: impl AsRef<str>) {
        let message = format!("{subject}: {}", message.as_ref());
        self.0.push(Reason::new(code, message).about(subject));
    }

    fn differs(&mut self, code: &'static str, subject: &str, what: &str, pair: (String, String)) {
        let cut = |text: String| -> String { text.chars().take(SHOWN).collect() };
        let message = format!("{subject}: {what} does not follow from its moves");
        let reason = Reason::new(code, message).about(subject);
        self.0.push(reason.found(cut(pair.0)).expected(cut(pair.1)));
    }
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// All differences, in the order of the document; empty for an honest plan.
pub fn differences(plan: &Plan) -> Vec<Reason> {
    let mut found = Found(Vec::new());
    if let Some(reason) = plan.too_large(0) {
        return vec![reason];
    }
    let derived = derive::derive(plan.steps.iter().map(Said::of).collect());
    for (step, derived) in plan.steps.iter().zip(&derived) {
        compare(step, derived, &mut found);
    }
    say(plan, &derived, &mut found);
    order(plan, &mut found);
    if plan.target.roots != derive::roots(&derived) {
        let pair = (json(&plan.target.roots), json(&derive::roots(&derived)));
        found.differs("roots_differ", "plan", "the list of its roots", pair);
    }
    let goal = derive::goal(&derived);
    if plan.goal != goal {
        found.differs("goal_differs", "plan", "its goal", (json(&plan.goal), json(&goal)));
    }
    let summary = derive::summary(&derived);
    if plan.summary != summary {
        let pair = (json(&plan.summary), json(&summary));
        found.differs("summary_differs", "plan", "its summary", pair);
    }
    let worst = derived.iter().map(|step| step.risk).max().unwrap_or(plan.risk());
    let latest = plan.made_at.plus_seconds(lifetime(worst));
    if plan.expires_at > latest || plan.expires_at < plan.made_at {
        let message = format!(
            "it says that it expires at {}, and by its risk it does at {latest}",
            plan.expires_at
        );
        found.add("expiry_differs", "plan", message);
    }
    definitions(plan, &derived, &mut found);
    premises(plan, &derived, &mut found);
    found.0
}

/// Every derived field of one step.
fn compare(step: &Step, derived: &Step, found: &mut Found) {
    let subject = format!("step {}", derived.id);
    let mut field = |code, what: &str, equal: bool, pair: &dyn Fn() -> (String, String)| {
        if !equal {
            found.differs(code, &subject, what, pair());
        }
    };
    field("id_differs", "its id", step.id == derived.id, &|| (step.id.clone(), derived.id.clone()));
    field("title_differs", "its title", step.title == derived.title, &|| {
        (step.title.clone(), derived.title.clone())
    });
    field("risk_differs", "its risk", step.risk == derived.risk, &|| {
        (step.risk.word().to_owned(), derived.risk.word().to_owned())
    });
    field("requires_differs", "what it requires", step.requires == derived.requires, &|| {
        (json(&step.requires), json(&derived.requires))
    });
    field(
        "superseded_differs",
        "what supersedes it",
        step.superseded_by == derived.superseded_by,
        &|| (json(&step.superseded_by), json(&derived.superseded_by)),
    );
    field(
        "transaction_differs",
        "its transaction",
        step.transaction == derived.transaction,
        &|| (json(&step.transaction), json(&derived.transaction)),
    );
    let ready = || (json(&step.ready), json(&derived.ready));
    field("guard_differs", "what has to hold before it", step.ready == derived.ready, &ready);
    let done = || (json(&step.done), json(&derived.done));
    field("guard_differs", "what has to hold after it", step.done == derived.done, &done);
    let save = || (json(&step.save), json(&derived.save));
    field("save_differs", "what it saves", step.save == derived.save, &save);
    let undo = || (json(&step.undo), json(&derived.undo));
    field("undo_differs", "its undo", step.undo == derived.undo, &undo);
}

/// What each step says, for itself.
fn say(plan: &Plan, derived: &[Step], found: &mut Found) {
    let mut addresses = BTreeSet::new();
    for (step, derived) in plan.steps.iter().zip(derived) {
        let subject = format!("step {}", derived.id);
        if step.moves.is_empty() {
            found.add("move_invalid", &subject, "it does nothing");
            continue;
        }
        if step.kind.is_empty() || step.address.is_empty() {
            found.add("address_invalid", &subject, "it does not say what it is about");
        }
        if !addresses.insert((&step.kind, &step.address)) {
            let message = format!("another step is a `{}` of `{}` too", step.kind, step.address);
            found.add("address_invalid", &subject, message);
        }
        for (index, mv) in step.moves.iter().enumerate() {
            if let Some(problem) = mv.problem() {
                let message = format!("its `{}` makes no sense: {problem}", mv.word());
                found.add("move_invalid", &subject, message);
            }
            copies(step, index, mv, &subject, found);
        }
        let mut domains = step.moves.iter().map(|mv| mv.effects().is_of_database());
        let first = domains.next();
        if domains.any(|domain| Some(domain) != first) {
            found.add("move_invalid", &subject, "it touches both the database and files");
        }
        if !derive::fits(&step.reversal, &step.moves) {
            let pair = (json(&step.reversal), json(&derive::natural_reversal(&step.moves)));
            found.differs("reversal_differs", &subject, "how it is undone", pair);
        }
    }
}

/// Moves that bring something back, or save for others, are derived and never said; and a copy has
/// the name that its step gives it.
fn copies(step: &Step, index: usize, mv: &Move, subject: &str, found: &mut Found) {
    let effects = mv.effects();
    if effects.needs.is_some() {
        let message = format!("`{}` stands among its moves, and only undoes", mv.word());
        found.add("move_invalid", subject, message);
    }
    let Some(name) = effects.saves else { return };
    let expected = match mv.act().backup() {
        Some(_) => derive::BACKUP.to_owned(),
        None => derive::copy_name(&step.kind, &step.address, index),
    };
    if name != expected {
        let pair = (name.to_owned(), expected);
        found.differs("copy_name_differs", subject, "the name of its copy", pair);
    }
}

/// That nothing is changed before there is a backup, and nothing named before it is there.
fn order(plan: &Plan, found: &mut Found) {
    let mut backed_up = false;
    let removed = removed(plan);
    let mut named = false;
    for (at, step) in plan.steps.iter().enumerate() {
        let subject = format!("step {}", at + 1);
        for mv in &step.moves {
            let effects = mv.effects();
            if derive::changes_database(&effects) && !backed_up {
                found.add("backup_missing", &subject, "no earlier step backs up the database");
            }
            let creates = |what| matches!(what, Use::Create | Use::Change);
            if named
                && effects
                    .paths
                    .iter()
                    .any(|path| path.role == PathRole::Files && creates(path.what))
            {
                let message = "it copies files that an earlier step names already";
                found.add("order_differs", &subject, message);
            }
            named |= effects.names_files;
            for object in mv.act().dependents() {
                let owner = object.table.as_ref();
                let owner = owner.map(|table| ObjectRef::table(&object.schema, table));
                if !removed.contains(object) && !owner.is_some_and(|of| removed.contains(&of)) {
                    let message = format!("{object} depends on it, and no step removes it");
                    found.add("dependent_remains", &subject, message);
                }
            }
            backed_up |= mv.act().backup().is_some();
        }
    }
}

/// What the steps of a plan remove.
fn removed(plan: &Plan) -> BTreeSet<ObjectRef> {
    let moves = plan.steps.iter().flat_map(|step| &step.moves);
    let gone = |mv: &Move| -> Vec<ObjectRef> {
        let objects = mv.effects().objects.into_iter();
        objects.filter(|(_, what)| *what == Use::Remove).map(|(of, _)| of.clone()).collect()
    };
    moves.flat_map(gone).collect()
}

/// Exactly the texts that the moves name, each hashing to its key.
fn definitions(plan: &Plan, derived: &[Step], found: &mut Found) {
    let named = derive::definitions(derived);
    let held: BTreeMap<&Digest, &String> = plan.definitions.iter().collect();
    for sha256 in &named {
        if !held.contains_key(sha256) {
            let message = format!("the text of the definition {} is missing", sha256.short(12));
            found.add("definition_differs", "plan", message);
        }
    }
    for (sha256, text) in held {
        if !named.contains(sha256) {
            let message = format!("no move names the definition {}", sha256.short(12));
            found.add("definition_differs", "plan", message);
        } else if Digest::of(text) != *sha256 {
            let message = format!("the definition {} has another text", sha256.short(12));
            found.add("definition_differs", "plan", message);
        }
    }
}

/// A plan that changes the database rests on its schema and on what is recorded.
fn premises(plan: &Plan, derived: &[Step], found: &mut Found) {
    let moves = || derived.iter().flat_map(|step| &step.moves);
    let changes = moves().any(|mv| derive::changes_database(&mv.effects()));
    if !changes {
        if !plan.premises.is_empty() {
            let message = "it has premises, and changes nothing that they are about";
            found.add("premise_missing", "plan", message);
        }
        return;
    }
    let versions: BTreeSet<&ObjectRef> =
        moves().filter_map(|mv| mv.act().versions()).map(|versions| &versions.table).collect();
    let mut schemas = 0;
    let mut recorded = BTreeSet::new();
    let mut excepted: Vec<&ObjectRef> = Vec::new();
    for premise in &plan.premises {
        match premise {
            Probe::SchemaIs { except, .. } => {
                schemas += 1;
                excepted.extend(except);
            }
            Probe::RevisionsAre { versions, .. } => {
                recorded.insert(&versions.table);
            }
            Probe::CorePresent { .. } => {}
            Probe::ObjectIs { .. }
            | Probe::ObjectAbsent { .. }
            | Probe::Rows { .. }
            | Probe::NoDependentsBut { .. }
            | Probe::NoTriggers { .. }
            | Probe::ColumnIs { .. }
            | Probe::ColumnHas { .. }
            | Probe::FilesReady { .. }
            | Probe::FilesDone { .. }
            | Probe::PermissionsReady { .. }
            | Probe::PermissionsDone { .. }
            | Probe::RunUndone { .. }
            | Probe::SavedIsGone { .. }
            | Probe::DirectoryIs { .. }
            | Probe::PlaceIs { .. }
            | Probe::ScriptsAre { .. }
            | Probe::BackupReads { .. }
            | Probe::ArchiveIs { .. }
            | Probe::ShapeIs { .. }
            | Probe::ValuesAgree { .. }
            | Probe::OutdatedRowsAre { .. }
            | Probe::NoOtherWriter {} => {
                found.add("premise_missing", "plan", "a premise is none that a plan rests on");
            }
        }
    }
    if schemas != 1 {
        let message = format!("it rests on {schemas} schemas, and has to rest on the one");
        found.add("premise_missing", "plan", message);
    }
    if excepted.iter().any(|object| !recorded.contains(object)) {
        let message = "what it leaves out of the schema is no version table that it looks at";
        found.add("premise_missing", "plan", message);
    }
    if let Some(table) = versions.iter().find(|table| !recorded.contains(**table)) {
        let message = format!("it does not look at what {table} records");
        found.add("premise_missing", "plan", message);
    }
    if recorded.len() > 1 {
        found.add("premise_missing", "plan", "it looks at more than one version table");
    }
}
