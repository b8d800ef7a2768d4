//! A plan for a ticket or a merge request. Short enough to be posted; what is destroyed stands
//! first and is never left out.

use crate::model::names::Digest;
use crate::model::plan::Plan;
use crate::model::text::counted;
use crate::render::detail;
use crate::render::plan_view::{PlanView, Row};
use crate::render::style::{plain, when};

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

/// The whole plan. What is destroyed and what is blocked stands first and always; then the steps,
/// then details as long as there is room.
pub fn plan(plan: &Plan, sha256: &Digest, file: &str) -> String {
    let view = PlanView::of(plan);
    let mut must = head(&view, plan, file);
    must.push_str(&table(&view, "destroys", |row| row.destroys));
    must.push_str(&before_and_blocked(&view));
    let tail = format!("\nSign the attached file, not this text: sha256 `{sha256}`\n");
    let room = LONGEST.saturating_sub(tail.len() + 300);
    if must.len() > room {
        let all = format!("{} destroy, {} blocked", view.destroying().count(), view.blocked.len());
        let cut = must.floor_char_boundary(room);
        let kept = must.get(..cut).and_then(|text| text.rsplit_once('\n')).map_or("", |two| two.0);
        let warning = format!(
            "**This text is cut: not all of what is destroyed or blocked stands in it ({all}). Read {}.**",
            code(file)
        );
        return format!("{warning}\n\n{kept}\n{tail}");
    }
    let mut text = must;
    let mut left_out = 0;
    for piece in details(&view, plan) {
        if left_out > 0 || text.len() + piece.len() > room {
            left_out += 1;
        } else {
            text.push_str(&piece);
        }
    }
    if left_out > 0 {
        let more = code(&format!("ttplan show {file} --full"));
        text.push_str(&format!("\n{left_out} details left out: {more}\n"));
    }
    format!("{text}{tail}")
}

fn head(view: &PlanView<'_>, plan: &Plan, file: &str) -> String {
    let destroys = match view.destroyed.as_str() {
        "" => String::new(),
        what => format!("**destroys {}** · ", inline(what)),
    };
    let blocked = match view.blocked.len() {
        0 => String::new(),
        n => format!(" · {n} blocked"),
    };
    let site = plan.target.site.as_deref().unwrap_or("no site");
    let ticket =
        plan.ticket.as_deref().map_or(String::new(), |ticket| format!(", ticket {}", code(ticket)));
    let author =
        plan.author.as_deref().map_or(String::new(), |author| format!(" for {}", code(author)));
    format!(
        "### ttplan for {}: {destroys}{}{blocked}\n\n{} · valid until {} · file {}\n\nMade {} by \
         {}{author}{ticket} · state {}\n\n",
        code(site),
        counted(view.rows.len() as u64, "step"),
        code(&view.of),
        view.until,
        code(file),
        when(plan.made_at),
        inline(&plan.made_by),
        code(plan.diagnosis.state.word()),
    )
}

fn table(view: &PlanView<'_>, name: &str, shown: impl Fn(&Row) -> bool) -> String {
    let rows: String = view.rows.iter().filter(|row| shown(row)).map(row).collect();
    match rows.is_empty() {
        true => String::new(),
        false => format!("{}{rows}\n", columns(name)),
    }
}

fn columns(name: &str) -> String {
    format!("| step | | {name} | amount | undo |\n|--:|:-:|---|---|---|\n")
}

fn row(row: &Row) -> String {
    let (title, amount) = (inline(&row.title), inline(&row.amount));
    format!("| {} | `{}` | {title} | {amount} | {} |\n", row.n, row.symbol, row.undo)
}

fn before_and_blocked(view: &PlanView<'_>) -> String {
    let mut text = String::new();
    for line in &view.before {
        text.push_str(&format!("**Before apply:** {}\n\n", inline(line)));
    }
    if !view.blocked.is_empty() {
        text.push_str(&format!("**Blocked: {}**\n\n", view.blocked.len()));
        for finding in &view.blocked {
            let hint = finding.hint.as_deref();
            let hint = hint.map_or(String::new(), |hint| format!(" Decide: {}.", inline(hint)));
            text.push_str(&format!(
                "- {}: {}.{hint}\n",
                code(&finding.subject),
                inline(&finding.message)
            ));
        }
        text.push('\n');
    }
    text
}

/// What may be left out, in the order of its weight, in pieces that stand by themselves.
fn details(view: &PlanView<'_>, plan: &Plan) -> Vec<String> {
    let mut pieces = Vec::new();
    if !view.rows.is_empty() {
        pieces.push(columns("steps"));
        pieces.extend(view.rows.iter().map(row));
        pieces.push("\n".to_owned());
    }
    let (warnings, notes) = (view.warnings.len(), view.notes.len());
    if warnings + notes > 0 {
        let mut text = format!(
            "<details><summary>{}, {}</summary>\n\n",
            counted(warnings as u64, "warning"),
            counted(notes as u64, "note")
        );
        for group in view.warnings.iter().chain(&view.notes) {
            text.push_str(&format!("- {} {}\n", inline(&group.sentence), code(group.code)));
            let examples = group.examples.iter();
            text.extend(examples.map(|example| format!("  - {}\n", inline(example))));
            if group.more > 0 {
                text.push_str(&format!("  - and {} more\n", group.more));
            }
        }
        pieces.push(text + "\n</details>\n\n");
    }
    let dialect = detail::dialect_of(plan);
    for (at, step) in plan.steps.iter().enumerate() {
        let lines = detail::lines(step, dialect);
        let lines: String = lines.iter().map(|line| format!("- {}\n", code(line))).collect();
        let n = at.saturating_add(1);
        if !lines.is_empty() {
            pieces.push(format!(
                "<details><summary>Step {n}, to the letter</summary>\n\n{lines}\n</details>\n\n"
            ));
        }
    }
    pieces
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
