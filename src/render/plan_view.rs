//! What every format shows of a plan, and in which order: what it is for, in what state the site
//! is, what is destroyed, the steps, what to do before, what is blocked, what was found, the sum.
//! Each format only prints it. Asks the moves for their effects and never looks into one.
//!
//! Not escaped: whoever prints it does that. Nothing that is destroyed or blocked is ever folded.

use std::collections::BTreeMap;

use crate::model::diagnosis::{Finding, Severity};
use crate::model::plan::Plan;
use crate::model::plan::moves::effects::{Effects, Use};
use crate::model::plan::step::{By, Probe, Reversal, Risk, Step};
use crate::model::text::{bytes, counted};
use crate::render::style::when;
use crate::rules;

/// So many examples are shown of findings of one kind that block nothing.
pub const EXAMPLES: usize = 3;

/// One step on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub n: usize,
    /// `+` creates, `~` changes in place, `-` destroys, `>` runs the application's own program.
    pub symbol: char,
    pub title: String,
    /// How much of it; empty where the title says all.
    pub amount: String,
    /// Whether, and until when, it can be undone.
    pub undo: &'static str,
    pub destroys: bool,
}

/// Findings of one kind that block nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group<'a> {
    pub code: &'a str,
    /// One sentence for all of them.
    pub sentence: String,
    /// The first few, each with its subject; empty where the sentence says it.
    pub examples: Vec<String>,
    pub hint: Option<&'a str>,
    /// How many are not among the examples.
    pub more: usize,
}

/// A plan as it is shown.
#[derive(Clone, Debug)]
pub struct PlanView<'a> {
    /// `site `prod`: PostgreSQL database `shop` on `db``, with the ticket before it.
    pub of: String,
    pub state: Vec<String>,
    /// `4 tables with 8 rows, 1 view`; empty where nothing is destroyed.
    pub destroyed: String,
    pub rows: Vec<Row>,
    pub before: Vec<String>,
    /// What waits for a person, each in full.
    pub blocked: Vec<&'a Finding>,
    pub warnings: Vec<Group<'a>>,
    pub notes: Vec<Group<'a>>,
    pub sum: String,
    pub until: String,
}

impl<'a> PlanView<'a> {
    /// What is shown of the plan.
    pub fn of(plan: &'a Plan) -> Self {
        let rows: Vec<Row> = plan
            .steps
            .iter()
            .enumerate()
            .map(|(at, step)| row(at.saturating_add(1), step))
            .collect();
        let destroyed = destroyed(plan, &rows);
        let blocked: Vec<&Finding> =
            plan.findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
        let until = until(plan);
        let sum = sum(plan, &rows, &destroyed, blocked.len());
        Self {
            of: of(plan),
            state: state(plan),
            destroyed,
            before: before(plan, &rows),
            rows,
            blocked,
            warnings: groups(plan, Severity::Warning),
            notes: groups(plan, Severity::Info),
            sum,
            until,
        }
    }

    /// The rows that destroy, in order.
    pub fn destroying(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.destroys)
    }
}

fn of(plan: &Plan) -> String {
    let database = &plan.target.database;
    let ticket = plan.ticket.as_deref().map_or(String::new(), |ticket| format!("{ticket} "));
    let site =
        plan.target.site.as_deref().map_or("no site".into(), |site| format!("site `{site}`"));
    let host = database.host.as_deref().map_or(String::new(), |host| format!(" on `{host}`"));
    let engine = match database.engine.as_str() {
        "postgres" => "PostgreSQL",
        "sqlite" => "SQLite",
        other => other,
    };
    format!("{ticket}for {site}: {engine} database `{}`{host}", database.name)
}

/// So much of the evidence is shown; the rest stands in the document.
const EVIDENCE: usize = 3;

fn state(plan: &Plan) -> Vec<String> {
    let diagnosis = &plan.diagnosis;
    let mut lines = vec![format!("{} ({})", diagnosis.state.word(), diagnosis.strategy.word())];
    if let Some(revision) = &diagnosis.revision {
        let listed = |ids: &[String]| match ids {
            [] => "nothing".to_owned(),
            ids => ids.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", "),
        };
        lines.push(format!(
            "{} recorded, target {}, {} pending",
            listed(&revision.recorded),
            listed(&revision.target),
            revision.pending.len()
        ));
    }
    lines.extend(diagnosis.evidence.iter().take(EVIDENCE).cloned());
    let more = diagnosis.evidence.len().saturating_sub(EVIDENCE);
    lines.extend((more > 0).then(|| format!("{more} more reasons (--full)")));
    lines
}

fn row(n: usize, step: &Step) -> Row {
    let all: Vec<Effects<'_>> = step.moves.iter().map(|mv| mv.effects()).collect();
    let destroys = step.risk == Risk::Destructive;
    let creates = |effects: &Effects<'_>| {
        let mut uses = effects.objects.iter().map(|(_, what)| *what);
        let mut paths = effects.paths.iter().map(|path| path.what);
        uses.all(|what| what == Use::Create) && paths.all(|what| what != Use::Change)
    };
    let symbol = match &all {
        all if all.iter().any(|effects| effects.command.is_some()) => '>',
        _ if destroys => '-',
        all if all.iter().all(creates) => '+',
        _ => '~',
    };
    let (title, amount) = in_parts(&step.title);
    let counted_amount = amount_of(&all);
    let (title, amount) = match (amount, counted_amount) {
        (Some(amount), _) => (title, amount.to_owned()),
        (None, Some(amount)) => (step.title.as_str(), amount),
        (None, None) => (step.title.as_str(), String::new()),
    };
    Row { n, symbol, title: title.to_owned(), amount, undo: undo(step), destroys }
}

/// A title that ends with its amount, `drop table `x` (2 rows)`, without and with it. What stands
/// in backticks came from outside and is no amount.
fn in_parts(title: &str) -> (&str, Option<&str>) {
    let after = title.rfind('`').unwrap_or(0);
    let Some(rest) = title.strip_suffix(')') else { return (title, None) };
    match rest.rfind(" (") {
        Some(at) if at >= after => (&title[..at], Some(&rest[at.saturating_add(2)..])),
        _ => (title, None),
    }
}

fn amount_of(all: &[Effects<'_>]) -> Option<String> {
    let sum = |of: &dyn Fn(&Effects<'_>) -> u64| all.iter().map(of).fold(0, u64::saturating_add);
    let migrations = sum(&|effects| effects.counts.migrations_to_run);
    if migrations > 0 {
        return Some(counted(migrations, "migration"));
    }
    None
}

fn undo(step: &Step) -> &'static str {
    match &step.reversal {
        Reversal::OneWay(_) => "no (one-way)",
        Reversal::By(By::Nothing) => "-",
        Reversal::By(By::Inverse | By::Saved) => "yes",
        Reversal::By(By::Restore) => "until next write",
    }
}

/// What is destroyed, by kind of object and with the rows in it.
fn destroyed(plan: &Plan, rows: &[Row]) -> String {
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    let (mut files, mut bytes_of, mut of_rows, mut others) = (0_u64, 0_u64, 0_u64, 0_u64);
    for (step, row) in plan.steps.iter().zip(rows).filter(|(_, row)| row.destroys) {
        let before = (kinds.len(), files, kinds.values().sum::<u64>());
        for effects in step.moves.iter().map(|mv| mv.effects()) {
            let removed = effects.objects.iter().filter(|(_, what)| *what == Use::Remove);
            for (object, _) in removed {
                let count = kinds.entry(object.kind.words()).or_default();
                *count = count.saturating_add(1);
            }
            if effects.paths.iter().any(|path| path.what == Use::Remove) {
                let (n, size) = effects.lists.first().map_or((0, 0), |list| list.totals());
                (files, bytes_of) = (files.saturating_add(n), bytes_of.saturating_add(size));
            }
        }
        let rows_of = row.amount.strip_suffix(" rows").or(row.amount.strip_suffix(" row"));
        let n = rows_of.and_then(|n| n.parse::<u64>().ok()).unwrap_or_default();
        of_rows = of_rows.saturating_add(n);
        if (kinds.len(), files, kinds.values().sum::<u64>()) == before {
            others = others.saturating_add(1);
        }
    }
    let mut parts = Vec::new();
    // Tables first: they hold the rows.
    if let Some(tables) = kinds.remove("table") {
        let with =
            if of_rows > 0 { format!(" with {}", counted(of_rows, "row")) } else { String::new() };
        parts.push(format!("{}{with}", counted(tables, "table")));
    }
    parts.extend(kinds.into_iter().map(|(kind, n)| counted(n, kind)));
    if files > 0 {
        parts.push(format!("{} ({})", counted(files, "file"), bytes(bytes_of)));
    }
    if others > 0 {
        parts.push(format!("what {} may lose", counted(others, "more step")));
    }
    parts.join(", ")
}

fn before(plan: &Plan, rows: &[Row]) -> Vec<String> {
    let alone: Vec<String> = plan
        .steps
        .iter()
        .zip(rows)
        .filter(|(step, _)| step.ready.contains(&Probe::NoOtherWriter {}))
        .map(|(_, row)| row.n.to_string())
        .collect();
    let mut lines = Vec::new();
    match (alone.first(), alone.last()) {
        (Some(only), Some(last)) if only == last => lines.push(format!(
            "stop the application: step {only} needs the database to itself"
        )),
        (Some(first), Some(last)) => lines.push(format!(
            "stop the application: {} of the steps {first} to {last} need the database to themselves",
            alone.len()
        )),
        _ => {}
    }
    for row in rows.iter().filter(|row| row.symbol == '>') {
        lines.push(format!(
            "step {} runs the application's own code; what it does to the data is not known here",
            row.n
        ));
    }
    lines
}

fn groups(plan: &Plan, severity: Severity) -> Vec<Group<'_>> {
    let mut by_code: Vec<(&str, Vec<&Finding>)> = Vec::new();
    for finding in plan.findings.iter().filter(|finding| finding.severity == severity) {
        match by_code.iter_mut().find(|(code, _)| *code == finding.code) {
            Some((_, alike)) => alike.push(finding),
            None => by_code.push((&finding.code, vec![finding])),
        }
    }
    by_code.into_iter().map(|(code, alike)| group(code, &alike)).collect()
}

fn group<'a>(code: &'a str, alike: &[&'a Finding]) -> Group<'a> {
    let hint = alike.iter().find_map(|finding| finding.hint.as_deref());
    let told = |finding: &Finding| format!("{}: {}", finding.subject, finding.message);
    if let [only] = alike {
        return Group { code, sentence: told(only), examples: Vec::new(), hint, more: 0 };
    }
    let about = rules::by_code(code).map_or("of one kind", |rule| rule.about);
    Group {
        code,
        sentence: format!("{} times: {about}", alike.len()),
        examples: alike.iter().take(EXAMPLES).map(|finding| told(finding)).collect(),
        hint,
        more: alike.len().saturating_sub(EXAMPLES),
    }
}

fn sum(plan: &Plan, rows: &[Row], destroyed: &str, blocked: usize) -> String {
    let mut parts = Vec::new();
    if rows.is_empty() {
        parts.push("no changes".to_owned());
    } else {
        parts.push(counted(rows.len() as u64, "step"));
        let of = rows.iter().filter(|row| row.destroys).count();
        parts.push(match of {
            0 => "nothing is destroyed by ttplan's own steps".to_owned(),
            1 => format!("1 destroys {destroyed}"),
            n => format!("{n} destroy {destroyed}"),
        });
        let one_way = plan.summary.one_way_steps;
        parts.extend((one_way > 0).then(|| format!("{one_way} cannot be undone")));
    }
    parts.extend((blocked > 0).then(|| format!("{blocked} blocked")));
    parts.join("; ")
}

fn until(plan: &Plan) -> String {
    let why =
        if plan.risk() == Risk::Destructive { " (24 hours, because it destroys)" } else { "" };
    format!("{}{why}", when(plan.expires_at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_what_stands_last_and_is_ours() {
        assert_eq!(in_parts("drop table `x` (2 rows)"), ("drop table `x`", Some("2 rows")));
        assert_eq!(in_parts("drop table `x (9 rows)`"), ("drop table `x (9 rows)`", None));
        assert_eq!(in_parts("back up the database"), ("back up the database", None));
        assert_eq!(in_parts("drop view `a (b)`)"), ("drop view `a (b)`)", None));
    }
}
