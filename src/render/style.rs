//! How text looks: escaping of what comes from outside, and a few colours that never carry a
//! meaning alone. Colours are stripped by the printer where they are not wanted.

use std::borrow::Cow;

use anstyle::{AnsiColor, Style};

use crate::model::diagnosis::Severity;
use crate::model::names::Moment;
use crate::model::plan::step::Risk;
use crate::model::text::{is_printable, visible, visible_line};

/// Text from outside on one line: what cannot be seen or fools the eye is shown as an escape.
pub fn plain(text: &str) -> String {
    visible(text)
}

/// A moment for people, to the minute: all that they decide by is longer.
pub fn when(moment: Moment) -> String {
    let text = moment.to_string();
    let (day, time) = text.split_once('T').unwrap_or((&text, ""));
    format!("{day} {} UTC", time.get(..5).unwrap_or(time))
}

/// Text from outside that may have several lines: each is escaped and indented.
pub fn block(text: &str, indent: &str) -> String {
    text.lines().map(|line| format!("{indent}{}\n", visible_line(line))).collect()
}

/// Text of ours as it may leave the house, whatever got into it: no character but those that can
/// be seen, our own colours and line ends; no command of a CI runner. What was escaped where it
/// came in passes unchanged.
pub fn at_the_door(text: &str) -> Cow<'_, str> {
    let is_ours = |c: char| matches!(c, '\n' | '\t' | '\x1b') || is_printable(c);
    if text.chars().all(is_ours)
        && !RUNNERS.iter().any(|command| text.contains(command))
        && !text.lines().any(begins_a_command)
    {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let mut line = line.to_owned();
        for command in RUNNERS {
            line = line.replace(command, &command.replacen("##", "#\\u{23}", 1));
        }
        if begins_a_command(&line) {
            line = line.replacen("::", "\\u{3a}:", 1);
        }
        for c in line.chars() {
            match is_ours(c) {
                true => safe.push(c),
                false => safe.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            }
        }
    }
    Cow::Owned(safe)
}

/// What CI runners take for a command wherever it stands in a line.
const RUNNERS: [&str; 3] = ["##[", "##vso[", "##teamcity["];

/// Others look at the beginning of a line, without blanks and colours.
fn begins_a_command(line: &str) -> bool {
    let mut rest = line.trim_start();
    while let Some((_, after)) = rest.strip_prefix("\x1b[").and_then(|rest| rest.split_once('m')) {
        rest = after.trim_start();
    }
    rest.starts_with("::")
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
        let moment = Moment::parse("2026-12-06T09:03:59Z").unwrap();
        assert_eq!(when(moment), "2026-12-06 09:03 UTC");
    }

    #[test]
    fn what_slipped_through_is_stopped_at_the_door() {
        let fine = format!("{} naïve\n  {}: x::y\n", strong("a"), bad("##"));
        assert!(matches!(at_the_door(&fine), Cow::Borrowed(_)));
        for (text, safe) in [
            ("a\n ::error::b\n", "a\n \\u{3a}:error::b\n"),
            ("x ##vso[task.x]y ##[z]", "x #\\u{23}vso[task.x]y #\\u{23}[z]"),
            ("a\u{3164}\u{202e}b\r", "a\\u{3164}\\u{202e}b\\u{d}"),
        ] {
            assert_eq!(at_the_door(text), safe);
        }
        let coloured = at_the_door(&strong("::error::")).into_owned();
        assert!(!begins_a_command(&coloured), "{coloured:?}");
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_fools_the_eye_gets_through(text in "\\PC*|.*") {
            proptest::prop_assert!(plain(&text).chars().all(is_printable));
        }
    }
}
