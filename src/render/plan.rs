//! A plan, and what led to it, for a terminal: what is destroyed first, then the steps in order,
//! then what was found, the sum last. At most 80 columns, but for names and commands, which are
//! never cut.

use crate::engines::dialect::Dialect;
use crate::model::diagnosis::Finding;
use crate::model::names::Digest;
use crate::model::plan::Plan;
use crate::model::plan::step::{Probe, Step};
use crate::model::text::counted;
use crate::render::detail;
use crate::render::plan_view::{Group, PlanView, Row};
use crate::render::style;
use crate::render::style::{bad, care, faint, plain, strong, when};

/// The widest a title is beside its amount; a longer one has a line of its own.
const TITLE: usize = 44;

/// What is shown beyond the usual.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Everything that the plan says.
    pub full: bool,
    /// These steps to the letter.
    pub steps: Vec<usize>,
    /// Every finding of these kinds.
    pub findings: Vec<String>,
    /// The plan as a command names it, for hints.
    pub file: String,
}

/// The whole plan.
pub fn plan(plan: &Plan, sha256: &Digest, wanted: &Wanted) -> String {
    let view = PlanView::of(plan);
    let mut text = head(plan, &view);
    text.push_str(&state(&view));
    text.push_str(&steps(&view));
    text.push_str(&blocked(&view));
    text.push_str(&found(plan, &view, wanted));
    text.push_str(&to_the_letter(plan, wanted));
    if wanted.full {
        text.push_str(&everything_said(plan));
    }
    text.push_str(&sum(&view));
    text.push_str(&format!("sha256 {sha256}\n"));
    text
}

/// What a person puts a name under: what it is for, what it destroys, every step to the letter, the
/// sum, the digest. Not why: whoever asks that looks at the whole plan.
pub fn to_sign(plan: &Plan, sha256: &Digest) -> String {
    let view = PlanView::of(plan);
    let wanted = Wanted { full: true, ..Wanted::default() };
    let mut text = head(plan, &view);
    text.push_str(&steps(&view));
    text.push_str(&blocked(&view));
    text.push_str(&to_the_letter(plan, &wanted));
    text.push_str(&sum(&view));
    text.push_str(&format!("sha256 {sha256}\n"));
    text
}

fn head(plan: &Plan, view: &PlanView<'_>) -> String {
    let author = plan
        .author
        .as_deref()
        .map_or(String::new(), |author| format!("; says its author is {}", plain(author)));
    format!(
        "{} {}\nMade   {} by {}{author}\n",
        strong("Plan"),
        plain(&view.of),
        when(plan.made_at),
        plain(&plan.made_by)
    )
}

fn state(view: &PlanView<'_>) -> String {
    let mut text = String::new();
    for (at, line) in view.state.iter().enumerate() {
        let word = if at == 0 { "State " } else { "      " };
        text.push_str(&format!("{word} {}\n", plain(line)));
    }
    text
}

fn steps(view: &PlanView<'_>) -> String {
    if view.rows.is_empty() {
        return String::new();
    }
    let mut text = String::from("\n");
    let width = view.rows.iter().map(|row| columns(&row.title)).filter(|n| *n <= TITLE).max();
    let width = width.unwrap_or(0).max(24);
    if !view.destroyed.is_empty() {
        text.push_str(&bad(&format!("Destroys {}", plain(&view.destroyed))));
        text.push('\n');
        view.destroying().for_each(|row| text.push_str(&line(row, width)));
    }
    text.push_str(&strong("Steps"));
    text.push_str(&faint(&format!("{:>pad$}  amount            undo\n", "", pad = width + 2)));
    let mut rest = view.rows.iter().peekable();
    while let Some(row) = rest.next() {
        if !row.destroys {
            text.push_str(&line(row, width));
            continue;
        }
        let mut last = row;
        while let Some(next) = rest.next_if(|next| next.destroys) {
            last = next;
        }
        let which = if last.n == row.n {
            format!("{:>3}", row.n)
        } else {
            format!("{:>3}-{}", row.n, last.n)
        };
        text.push_str(&format!("{which} {} as above\n", bad("-")));
    }
    for (at, line) in view.before.iter().enumerate() {
        let word = if at == 0 { "Before apply:" } else { "            " };
        text.push_str(&format!("{word} {}\n", plain(line)));
    }
    text
}

fn columns(text: &str) -> usize {
    plain(text).chars().count()
}

fn line(row: &Row, width: usize) -> String {
    let symbol = match row.symbol {
        '-' => bad("-"),
        '+' => "+".to_owned(),
        other => care(&other.to_string()),
    };
    let undo = match row.undo {
        "no (one-way)" => bad(row.undo),
        "until next write" => care(row.undo),
        undo => undo.to_owned(),
    };
    let (title, amount) = (plain(&row.title), plain(&row.amount));
    let has_room = columns(&row.title) <= width;
    match (has_room, amount.is_empty()) {
        (true, _) => {
            let pad = " ".repeat(width.saturating_sub(columns(&row.title)));
            format!("{:>3} {symbol} {title}{pad}  {amount:<16}  {undo}\n", row.n)
        }
        (false, true) => format!("{:>3} {symbol} {title}\n      undo: {undo}\n", row.n),
        (false, false) => {
            format!("{:>3} {symbol} {title}\n      {amount} · undo: {undo}\n", row.n)
        }
    }
}

fn blocked(view: &PlanView<'_>) -> String {
    if view.blocked.is_empty() {
        return String::new();
    }
    let items = counted(view.blocked.len() as u64, "item");
    let head = care(&format!("Blocked {items}: left out; all else can be applied (exit code 8)"));
    let mut text = format!("\n{head}\n");
    for (at, finding) in view.blocked.iter().enumerate() {
        let n = at.saturating_add(1);
        text.push_str(&format!("{n:>3} {}\n", in_full(finding)));
        if let Some(hint) = &finding.hint {
            text.push_str(&format!("    decide  {}\n", plain(hint)));
        }
    }
    text
}

fn in_full(finding: &Finding) -> String {
    let code = faint(&format!("[{}]", plain(&finding.code)));
    format!("{}: {} {code}", plain(&finding.subject), plain(&finding.message))
}

fn found(plan: &Plan, view: &PlanView<'_>, wanted: &Wanted) -> String {
    let mut text = String::new();
    if !view.warnings.is_empty() {
        text.push_str(&format!("\n{}\n", care("Warnings")));
        view.warnings.iter().for_each(|group| text.push_str(&of_group(group, wanted)));
    }
    if wanted.full && !view.notes.is_empty() {
        text.push_str(&format!("\n{}\n", strong("Notes")));
        view.notes.iter().for_each(|group| text.push_str(&of_group(group, wanted)));
    } else if !view.notes.is_empty() {
        let n: usize =
            view.notes.iter().map(|group| group.examples.len().max(1) + group.more).sum();
        text.push_str(&format!("Notes {n}: ttplan show {} --full\n", wanted.file));
    }
    for code in &wanted.findings {
        let all = plan.findings.iter().filter(|finding| finding.code == *code);
        let lines: String = all.map(|finding| format!("  {}\n", in_full(finding))).collect();
        text.push_str(&format!("\n{} {}\n{lines}", strong("Findings"), plain(code)));
    }
    text
}

fn of_group(group: &Group<'_>, wanted: &Wanted) -> String {
    let code = faint(&format!("[{}]", plain(group.code)));
    let mut text = format!("  {} {code}\n", plain(&group.sentence));
    for example in &group.examples {
        text.push_str(&format!("    {}\n", plain(example)));
    }
    if group.more > 0 {
        text.push_str(&format!(
            "    {} more: ttplan show {} --findings {}\n",
            group.more,
            wanted.file,
            plain(group.code)
        ));
    }
    if let Some(hint) = group.hint {
        text.push_str(&format!("    {} {}\n", strong("hint:"), plain(hint)));
    }
    text
}

fn to_the_letter(plan: &Plan, wanted: &Wanted) -> String {
    let dialect = detail::dialect_of(plan);
    let mut text = String::new();
    for (at, step) in plan.steps.iter().enumerate() {
        let n = at.saturating_add(1);
        if wanted.full || wanted.steps.contains(&n) {
            text.push_str(&of_step(n, step, dialect));
        }
    }
    let head = strong("Steps to the letter");
    if text.is_empty() { text } else { format!("\n{head}\n{text}") }
}

fn of_step(n: usize, step: &Step, dialect: Option<&dyn Dialect>) -> String {
    let mut text = format!("{n:>3} {}  {}\n", plain(&step.title), style::risk(step.risk));
    for line in detail::lines(step, dialect) {
        text.push_str(&format!("      {}\n", plain(&line)));
    }
    if step.ready.contains(&Probe::NoOtherWriter {}) {
        let alone = "only while nobody else has the database open";
        text.push_str(&format!("      {}\n", faint(alone)));
    }
    text
}

/// Everything that the plan says, a value a line; what follows from it is left out.
fn everything_said(plan: &Plan) -> String {
    let mut text = format!("\n{}\n", strong("Everything that the plan says"));
    let mut value = serde_json::to_value(plan).unwrap_or_default();
    for derived in ["goal", "summary"] {
        value.as_object_mut().map(|plan| plan.remove(derived));
    }
    let steps = value.get_mut("steps").and_then(|steps| steps.as_array_mut());
    for step in steps.into_iter().flatten().filter_map(|step| step.as_object_mut()) {
        step.retain(|key, _| {
            ["kind", "address", "reason", "moves", "reversal"].contains(&key.as_str())
        });
    }
    values("", &value, &mut text);
    text
}

fn values(path: &str, value: &serde_json::Value, text: &mut String) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        serde_json::Value::Object(all) if !all.is_empty() => {
            all.iter().for_each(|(key, value)| values(&below(&plain(key)), value, text));
        }
        serde_json::Value::Array(all) if !all.is_empty() => {
            for (at, value) in all.iter().enumerate() {
                values(&below(&at.saturating_add(1).to_string()), value, text);
            }
        }
        serde_json::Value::String(said) => {
            text.push_str(&format!("  {path} = \"{}\"\n", plain(said)));
        }
        other => text.push_str(&format!("  {path} = {other}\n")),
    }
}

fn sum(view: &PlanView<'_>) -> String {
    format!("\n{} {}. Valid until {}\n", strong("Plan:"), plain(&view.sum), view.until)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::diagnosis::Severity;
    use crate::trust::test_plans;

    fn finding(severity: Severity, code: &str, n: usize) -> Finding {
        Finding {
            severity,
            code: code.into(),
            subject: format!("row {n}"),
            message: "is wrong".into(),
            hint: None,
        }
    }

    fn shown(plan: &Plan, wanted: &Wanted) -> String {
        let text = super::plan(plan, &Digest::of("plan"), wanted);
        anstream::adapter::strip_str(&text).to_string()
    }

    #[test]
    fn what_is_blocked_is_all_told_and_of_the_rest_a_few_of_each_kind() {
        let mut plan = test_plans::plan();
        let many =
            |severity, code: &str| (0..9).map(|n| finding(severity, code, n)).collect::<Vec<_>>();
        plan.findings = [
            many(Severity::Info, "note"),
            many(Severity::Warning, "missing_file"),
            many(Severity::Error, "conflict"),
        ]
        .concat();
        let wanted = Wanted { file: "a.json".into(), ..Wanted::default() };
        let text = shown(&plan, &wanted);
        let count = |what: &str| text.matches(what).count();
        assert_eq!((count("is wrong [conflict]"), count(": is wrong\n")), (9, 3), "{text}");
        assert!(text.contains("6 more: ttplan show a.json --findings missing_file\n"), "{text}");
        assert!(text.contains("Notes 9: ttplan show a.json --full\n"), "{text}");
        let wanted = Wanted { findings: vec!["missing_file".into()], ..wanted };
        assert_eq!(shown(&plan, &wanted).matches("is wrong [missing_file]").count(), 9);
    }

    #[test]
    fn what_is_destroyed_stands_once_and_first() {
        let plan = test_plans::plan();
        let text = shown(&plan, &Wanted::default());
        let (destroys, steps) = (text.find("Destroys ").unwrap(), text.find("\nSteps").unwrap());
        let view = PlanView::of(&plan);
        assert!(view.destroying().count() > 0 && destroys < steps, "{text}");
        for row in view.destroying() {
            assert_eq!(text.matches(&format!("- {}", plain(&row.title))).count(), 1, "{text}");
        }
    }

    #[test]
    fn whatever_the_plan_says_is_shown_in_full() {
        let plan = test_plans::plan();
        let wanted = Wanted { full: true, ..Wanted::default() };
        let before = shown(&plan, &wanted);
        let changes: [fn(&mut Plan); 6] = [
            |plan| plan.author = Some("eve".into()),
            |plan| plan.config_sha256 = Digest::of("other"),
            |plan| plan.diagnosis.evidence.push("more".into()),
            |plan| plan.premises.clear(),
            |plan| plan.steps[0].reason.push('x'),
            |plan| plan.target.database.host = Some("else".into()),
        ];
        for (at, change) in changes.iter().enumerate() {
            let mut other = plan.clone();
            change(&mut other);
            assert_ne!(shown(&other, &wanted), before, "change {at} is not seen");
        }
    }
}
