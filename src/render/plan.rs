//! A plan, and what led to it, for a terminal. Destructive things first, nothing of them left out;
//! the summary line last.

use crate::engines::dialect::Dialect;
use crate::model::diagnosis::{Diagnosis, Finding, Severity};
use crate::model::names::Digest;
use crate::model::plan::Plan;
use crate::model::plan::step::{Probe, Risk, Step};
use crate::model::text;
use crate::render::detail;
use crate::render::style;
use crate::render::style::{faint, plain, strong};

/// How many findings of a kind that stops nothing are shown; the rest are counted.
const FINDINGS_SHOWN: usize = 5;

/// The whole plan.
pub fn plan(plan: &Plan, sha256: &Digest) -> String {
    let mut text = head(plan, sha256);
    text.push_str(&diagnosis(&plan.diagnosis));
    text.push_str(&findings(&plan.findings));
    text.push_str(&steps(plan));
    text.push_str(&summary(plan));
    text
}

/// What a person puts a name under: what it is for, what it destroys, every step to the letter, the
/// sum, the digest. Not why: whoever asks that looks at the whole plan.
pub fn to_sign(plan: &Plan, sha256: &Digest) -> String {
    let mut text = head(plan, sha256);
    text.push_str(&steps(plan));
    text.push_str(&summary(plan));
    text
}

fn head(plan: &Plan, sha256: &Digest) -> String {
    let database = &plan.target.database;
    let site = plan
        .target
        .site
        .as_deref()
        .map_or("no site".to_owned(), |site| format!("site `{}`", plain(site)));
    let host =
        database.host.as_deref().map_or(String::new(), |host| format!(" on {}", plain(host)));
    let author =
        plan.author.as_deref().map_or(String::new(), |author| format!(" for {}", plain(author)));
    let ticket = plan
        .ticket
        .as_deref()
        .map_or(String::new(), |ticket| format!(", ticket {}", plain(ticket)));
    let mut text = format!(
        "{} {site}, {} database `{}`{host}\n",
        strong("plan for"),
        plain(&database.engine),
        plain(&database.name)
    );
    text.push_str(&format!(
        "  made {} by {}{author}, expires {}{ticket}\n",
        plan.made_at,
        plain(&plan.made_by),
        plan.expires_at
    ));
    text.push_str(&format!("  sha256 {sha256}\n"));
    text
}

/// The state with its evidence.
pub fn diagnosis(diagnosis: &Diagnosis) -> String {
    let (state, strategy) = (diagnosis.state.word(), diagnosis.strategy.word());
    let mut text = format!("{} {} ({strategy})\n", strong("state:"), strong(state));
    for evidence in &diagnosis.evidence {
        text.push_str(&format!("  {}\n", plain(evidence)));
    }
    if let Some(revision) = &diagnosis.revision {
        let listed = |ids: &[String]| match ids {
            [] => "nothing".to_owned(),
            ids => ids.iter().map(|id| plain(id)).collect::<Vec<_>>().join(", "),
        };
        text.push_str(&format!(
            "  recorded {}, target {}, {} pending\n",
            listed(&revision.recorded),
            listed(&revision.target),
            revision.pending.len()
        ));
    }
    text
}

/// Findings, the worst first. Errors are all told; of others of one kind a few, and how many more.
pub fn findings(findings: &[Finding]) -> String {
    let mut text = String::new();
    if !findings.is_empty() {
        text.push_str(&format!("{}\n", strong("findings:")));
    }
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by_key(|finding| finding.severity);
    let alike = |a: &&Finding, b: &&Finding| (a.severity, &a.code) == (b.severity, &b.code);
    for kind in sorted.chunk_by(alike) {
        let is_long = kind.len() > FINDINGS_SHOWN + 1
            && kind.iter().all(|finding| finding.severity != Severity::Error);
        let shown = if is_long { FINDINGS_SHOWN } else { kind.len() };
        kind.iter().take(shown).for_each(|finding| text.push_str(&of_finding(finding)));
        if let (true, Some(first)) = (is_long, kind.first()) {
            let (word, more) = (style::severity(first.severity), kind.len() - shown);
            let code = faint(&format!("[{}]", plain(&first.code)));
            text.push_str(&format!(
                "  {word} and {more} more of the same; `--format json` tells them all {code}\n"
            ));
        }
    }
    text
}

fn of_finding(finding: &Finding) -> String {
    let (code, subject) = (faint(&format!("[{}]", plain(&finding.code))), plain(&finding.subject));
    let severity = style::severity(finding.severity);
    let mut text = format!("  {severity} {subject}: {} {code}\n", plain(&finding.message));
    if let Some(hint) = &finding.hint {
        text.push_str(&format!("    {} {}\n", strong("hint:"), plain(hint)));
    }
    text
}

/// The destructive steps, all of them.
fn destroys(steps: &[Step]) -> String {
    let destructive: Vec<&Step> =
        steps.iter().filter(|step| step.risk == Risk::Destructive).collect();
    if destructive.is_empty() {
        return String::new();
    }
    let mut text = format!("{}\n", style::bad("destroys:"));
    for step in destructive {
        text.push_str(&format!("  step {}: {}\n", plain(&step.id), plain(&step.title)));
    }
    text
}

fn steps(plan: &Plan) -> String {
    let (steps, dialect) = (&plan.steps, detail::dialect_of(plan));
    if steps.is_empty() {
        return String::new();
    }
    let mut text = destroys(steps);
    text.push_str(&format!("{}\n", strong("steps:")));
    for step in steps {
        text.push_str(&of_step(step, dialect));
    }
    text
}

fn of_step(step: &Step, dialect: Option<&dyn Dialect>) -> String {
    let mut text =
        format!("  {:>2}. {}  {}\n", plain(&step.id), plain(&step.title), style::risk(step.risk));
    for line in detail::lines(step, dialect) {
        text.push_str(&format!("      {}\n", plain(&line)));
    }
    if step.ready.contains(&Probe::NoOtherWriter {}) {
        text.push_str(&format!(
            "      {}\n",
            faint("only while nobody else has the database open")
        ));
    }
    text
}

/// The last line.
pub fn summary(plan: &Plan) -> String {
    let line = plan.summary.line(plan.steps.len());
    let blocked = match plan.diagnosis.blocked.len() {
        0 => String::new(),
        n => format!("; {} for a person to decide", text::counted(n as u64, "matter")),
    };
    format!("{} {line}{blocked}\n", strong("plan:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(severity: Severity, code: &str, n: usize) -> Finding {
        Finding {
            severity,
            code: code.into(),
            subject: format!("row {n}"),
            message: "is wrong".into(),
            hint: None,
        }
    }

    #[test]
    fn errors_are_all_told_and_of_the_rest_a_few_of_each_kind() {
        let mut all: Vec<Finding> =
            (0..9).map(|n| finding(Severity::Warning, "dangling", n)).collect();
        all.extend((0..6).map(|n| finding(Severity::Warning, "odd", n)));
        all.extend((0..9).map(|n| finding(Severity::Error, "conflict", n)));
        let text = anstream::adapter::strip_str(&findings(&all)).to_string();
        let count = |what: &str| text.matches(what).count();
        assert_eq!(
            (count("wrong [conflict]"), count("wrong [dangling]"), count("wrong [odd]")),
            (9, 5, 6),
            "{text}"
        );
        let more = "  warning and 4 more of the same; `--format json` tells them all [dangling]\n";
        assert_eq!((count(more), count(" more of the same")), (1, 1), "{text}");
        assert!(text.starts_with("findings:\n  error row 0: is wrong [conflict]\n"), "{text}");
    }
}
