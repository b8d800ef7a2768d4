//! How an error looks. One voice, one place.

use serde_json::{Value, json};

use crate::artifact::json;
use crate::error::{Error, Reason, TextPosition};
use crate::render::style::{bad, block, faint, plain, strong};

/// No line of a shown file is longer, counted in characters; the rest is left out.
const WIDEST: usize = 100;

/// The whole error, several lines.
pub fn error(error: &Error) -> String {
    let mut text = format!("{} {}\n", bad("error:"), plain(error.message()));
    if let Some(place) = error.place() {
        text.push_str(&snippet(place));
    }
    for cause in error.causes() {
        let mut lines = cause.lines();
        text.push_str(&format!(
            "  {} {}\n",
            faint("because:"),
            plain(lines.next().unwrap_or_default())
        ));
        text.push_str(&block(&lines.collect::<Vec<_>>().join("\n"), "    "));
    }
    for hint in error.hints() {
        text.push_str(&format!("  {} {}\n", strong("hint:"), plain(hint)));
    }
    text
}

/// The error as programs read it, one line: by its code they judge it, never by its sentences.
pub fn as_json(error: &Error) -> String {
    let mut told = facts(&error.facts());
    told["causes"] = json!(error.causes());
    told["hints"] = json!(error.hints());
    told["reasons"] = error.reasons().iter().map(facts).collect();
    format!("{}\n", json::to_line(&json!({ "error": told })))
}

fn facts(of: &Reason) -> Value {
    json!({
        "code": of.code,
        "subject": of.subject,
        "found": of.found,
        "expected": of.expected,
        "message": of.message,
    })
}

/// Where in a file it stands, with the line and a mark below it.
fn snippet(place: &TextPosition) -> String {
    let (line, column) = place.line_column();
    let mut text = format!("  {} {}:{line}:{column}\n", faint("at:"), plain(&place.file));
    let Some(source) = place.source.lines().nth(line - 1) else { return text };
    let from = column.saturating_sub(1 + WIDEST / 2);
    let before: String = source.chars().skip(from).take(column - 1 - from).collect();
    let marked: String = place
        .source
        .get(place.span.clone())
        .unwrap_or_default()
        .lines()
        .next()
        .unwrap_or_default()
        .into();
    let shown: String = source.chars().skip(from).take(WIDEST).collect();
    let indent = " ".repeat(plain(&before).chars().count());
    let room = WIDEST.saturating_sub(column - 1 - from).max(1);
    let mark = "^".repeat(plain(&marked).chars().count().clamp(1, room));
    text.push_str(&format!("    {}\n    {indent}{}\n", plain(&shown), bad(&mark)));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    fn stripped(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn an_error_says_what_where_why_and_what_to_do() {
        let source = "version = 1\nprofil = \"x\"\n";
        let told = Error::new(Kind::Config, "unknown key `profil`")
            .at(TextPosition { file: "ttplan.toml".into(), source: source.into(), span: 12..18 })
            .because("it is not a key of ttplan.toml\nsecond \x1b[1mline")
            .hint("did you mean `profile`?");
        let expected = "error: unknown key `profil`\n  at: ttplan.toml:2:1\n    profil = \"x\"\n    ^^^^^^\n  \
                        because: it is not a key of ttplan.toml\n    second \\u{1b}[1mline\n  \
                        hint: did you mean `profile`?\n";
        assert_eq!(stripped(&error(&told)), expected);
    }

    #[test]
    fn a_program_reads_code_subject_and_what_was_found() {
        let reason = Reason::new("title_differs", "no").about("step 2").found("a").expected("b");
        let told = Error::refused(Kind::Refused, "plan `x`", vec![reason]).hint("ttplan plan");
        let value: Value = serde_json::from_str(&as_json(&told)).unwrap();
        let error = &value["error"];
        let read = ["code", "subject", "found", "expected", "message"].map(|key| &error[key]);
        assert_eq!(read, ["title_differs", "step 2", "a", "b", "plan `x`"]);
        assert_eq!(error["hints"], json!(["ttplan plan"]));
        assert_eq!(error["reasons"][0]["message"], "no");
    }

    #[test]
    fn a_place_far_out_in_a_long_line_is_shown_in_part() {
        let source = format!("{}x{}", "a".repeat(5000), "b".repeat(5000));
        let place = TextPosition { file: "f".into(), source, span: 5000..5001 };
        let told = error(&Error::new(Kind::Config, "no").at(place));
        let told = stripped(&told);
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines[1], "  at: f:1:5001");
        assert_eq!(lines[2].find('x'), lines[3].find('^'));
    }
}
