//! A plan for a ticket or a merge request. Short enough to be posted; what is destroyed stands
//! first and is never left out.

use crate::model::diagnosis::Severity;
use crate::model::names::Digest;
use crate::model::plan::Plan;
use crate::model::plan::step::{Risk, Step};
use crate::render::detail;
use crate::render::style::plain;

/// Forges cut or refuse comments that are longer, in bytes (65,536 on the largest).
const LONGEST: usize = 60_000;

/// Text from outside as code: nothing in it can end the span, start a tag or a table cell.
pub fn code(text: &str) -> String {
    format!("<code>{}</code>", inner(text))
}

/// The inside of such a span.
pub(in crate::render) fn inner(text: &str) -> String {
    let text = plain(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('|', "&#124;").replace('`', "&#96;").replace('@', "&#64;")
}

/// Text from outside in a sentence.
fn inline(text: &str) -> String {
    let mut shown = String::new();
    for c in plain(text).chars() {
        match c {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '@' => shown.push_str("&#64;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '(' | ')' | '#' | '|' | '!' | '~' | ':' => {
                shown.push_str(&format!("&#{};", u32::from(c)));
            }
            c => shown.push(c),
        }
    }
    shown
}

/// The whole plan.
pub fn plan(plan: &Plan, sha256: &Digest) -> String {
    let destructive = |step: &&Step| step.risk == Risk::Destructive;
    let site = plan.target.site.as_deref().unwrap_or("no site");
    let mut head =
        format!("## Plan for {}, database {}\n\n", code(site), code(&plan.target.database.name));
    let author =
        plan.author.as_deref().map_or(String::new(), |author| format!(" for {}", code(author)));
    let ticket =
        plan.ticket.as_deref().map_or(String::new(), |ticket| format!(", ticket {}", code(ticket)));
    head.push_str(&format!(
        "Made {} by {}{author}, expires {}{ticket}.\n",
        plan.made_at,
        inline(&plan.made_by),
        plan.expires_at
    ));
    head.push_str(&format!("SHA-256 `{sha256}`\n\n"));
    if plan.steps.iter().any(|step| destructive(&step)) {
        head.push_str("### Destroys\n\n");
        for step in plan.steps.iter().filter(destructive) {
            head.push_str(&format!("- step {}: {}\n", code(&step.id), inline(&step.title)));
        }
        head.push('\n');
    }
    let diagnosis = &plan.diagnosis;
    head.push_str(&format!(
        "**State:** `{}` (`{}`)\n\n",
        diagnosis.state.word(),
        diagnosis.strategy.word()
    ));

    let tail = format!("**{}**\n", inline(&plan.summary.line(plan.steps.len())));
    let mut rest: Vec<String> = Vec::new();
    let mut findings: Vec<_> = plan.findings.iter().collect();
    findings.sort_by_key(|finding| finding.severity);
    for finding in findings {
        let mark = match finding.severity {
            Severity::Error => "**error**",
            Severity::Warning => "warning",
            Severity::Info => "info",
        };
        let hint = finding
            .hint
            .as_deref()
            .map_or(String::new(), |hint| format!(" Hint: {}.", inline(hint)));
        rest.push(format!(
            "- {mark} {}: {}.{hint}\n",
            code(&finding.subject),
            inline(&finding.message)
        ));
    }
    if !plan.steps.is_empty() {
        rest.push("\n| step | what | risk |\n| --- | --- | --- |\n".to_owned());
    }
    for step in &plan.steps {
        let (title, risk) = (inline(&step.title), step.risk.word());
        rest.push(format!("| {} | {title} | {risk} |\n", code(&step.id)));
    }
    for step in &plan.steps {
        let lines = detail::lines(step, detail::dialect_of(plan));
        let first = format!("\n**Step {}, to the letter**\n\n", code(&step.id));
        rest.extend((!lines.is_empty()).then_some(first));
        rest.extend(lines.iter().map(|line| format!("- {}\n", code(line))));
    }
    let mut room = LONGEST.saturating_sub(head.len() + tail.len() + 200);
    let mut text = head;
    for (n, piece) in rest.iter().enumerate() {
        if piece.len() > room {
            text.push_str(&format!(
                "\n… and {} more lines; `ttplan show` has all of them.\n",
                rest.len() - n
            ));
            break;
        }
        room -= piece.len();
        text.push_str(piece);
    }
    format!("{text}\n{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_cannot_break_out() {
        assert_eq!(code("a`b|<script>@all"), "<code>a&#96;b&#124;&lt;script&gt;&#64;all</code>");
        assert_eq!(
            inline("[x](y) **z** @all"),
            "&#91;x&#93;&#40;y&#41; &#42;&#42;z&#42;&#42; &#64;all"
        );
    }
}
