//! How text looks: escaping of what comes from outside, and a few colours that never carry a
//! meaning alone. Colours are stripped by the printer where they are not wanted.

use anstyle::{AnsiColor, Style};

use crate::model::diagnosis::Severity;
use crate::model::plan::step::Risk;
use crate::model::text::deceives;

/// Text from outside on one line: what cannot be seen or fools the eye is shown as an escape.
pub fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => shown.push_str("\\n"),
            '\t' => shown.push_str("\\t"),
            '\r' => shown.push_str("\\r"),
            c if deceives(c) => shown.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            c => shown.push(c),
        }
    }
    shown
}

/// Text from outside that may have several lines: each is escaped and indented.
pub fn block(text: &str, indent: &str) -> String {
    text.lines().map(|line| format!("{indent}{}\n", plain(line))).collect()
}

const BAD: Style = AnsiColor::Red.on_default().bold();
const CARE: Style = AnsiColor::Yellow.on_default();
const GOOD: Style = AnsiColor::Green.on_default();
const FAINT: Style = Style::new().dimmed();
const STRONG: Style = Style::new().bold();

fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// Something bad.
pub fn bad(text: &str) -> String {
    styled(BAD, text)
}

/// Something that went well.
pub fn good(text: &str) -> String {
    styled(GOOD, text)
}

/// Something to be careful with.
pub fn care(text: &str) -> String {
    styled(CARE, text)
}

/// Something of less weight.
pub fn faint(text: &str) -> String {
    styled(FAINT, text)
}

/// A heading.
pub fn strong(text: &str) -> String {
    styled(STRONG, text)
}

/// The sign and word of a risk.
pub fn risk(risk: Risk) -> String {
    match risk {
        Risk::Destructive => bad("- destructive"),
        Risk::Caution => care("~ caution"),
        Risk::Safe => good("+ safe"),
    }
}

/// The word of a severity.
pub fn severity(severity: Severity) -> String {
    match severity {
        Severity::Error => bad("error"),
        Severity::Warning => care("warning"),
        Severity::Info => faint("info"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_move_the_cursor_or_turn_the_text_is_shown() {
        assert_eq!(plain("a\x1b[2Jb\u{202e}c\u{200b}\n"), "a\\u{1b}[2Jb\\u{202e}c\\u{200b}\\n");
        assert_eq!(plain("naïve \"quoted\" 名"), "naïve \"quoted\" 名");
        assert_eq!(block("a\n\x07b", "  "), "  a\n  \\u{7}b\n");
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_fools_the_eye_gets_through(text in "\\PC*|.*") {
            proptest::prop_assert!(!plain(&text).chars().any(deceives));
        }
    }
}
