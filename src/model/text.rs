//! GROUND: words and numbers for people: plurals, sizes, quoting for hints, characters that may
//! be shown as they are. Never colours, never prints.

use unicode_properties::{
    GeneralCategory, GeneralCategoryGroup as Group, UnicodeGeneralCategory as _,
};

/// `1 table`, `2 tables`: the only place where plurals are made.
pub fn counted(n: u64, what: &str) -> String {
    let plural = match what.strip_suffix('y') {
        Some(stem) if n != 1 => format!("{stem}ies"),
        _ if n != 1 => format!("{what}s"),
        _ => what.to_owned(),
    };
    format!("{n} {plural}")
}

/// A size for people, in decimal units.
pub fn bytes(size: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if size < 1000 {
        return format!("{size} B");
    }
    let (mut whole, mut tenths, mut unit) = (size / 1000, size % 1000 / 100, 0);
    while whole >= 1000 && unit + 1 < UNITS.len() {
        (tenths, whole, unit) = (whole % 1000 / 100, whole / 1000, unit + 1);
    }
    format!("{whole}.{tenths} {}", UNITS[unit])
}

/// `text` as one word for a shell, for hints that people paste: a file's name may come from
/// anywhere.
pub fn shell_word(text: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "/._-+@%=:,".contains(c);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(harmless) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Whether a character may be shown as itself: letters, numbers, punctuation, symbols and the
/// blank, as far as there is something to be seen of them. An allow list: what nobody has thought
/// of is not on it.
pub fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return c == ' ' || c.is_ascii_graphic();
    }
    match c.general_category_group() {
        Group::Letter | Group::Number | Group::Punctuation | Group::Symbol => !shows_nothing(c),
        Group::Mark => is_mark(c),
        Group::Separator | Group::Other => false,
    }
}

/// Letters and symbols by name that no font draws.
fn shows_nothing(c: char) -> bool {
    matches!(
        c,
        '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}' | '\u{fffc}' | '\u{1d159}'
    )
}

/// Marks that sit on a letter. Those that enclose several, and those that no font draws, do not
/// count.
fn is_mark(c: char) -> bool {
    let ignorable = matches!(c, '\u{34f}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{16fe4}' | '\u{e0100}'..='\u{e01ef}');
    !ignorable && c.general_category() != GeneralCategory::EnclosingMark
}

/// So many marks may sit on one letter: more run into the lines above and below.
const MARKS: usize = 3;

/// So many blanks may stand beside each other in a quoted line, and so many begin it.
const BLANKS: (usize, usize) = (8, 40);

/// Text from outside on one line: what cannot be seen, fools the eye or steers whoever runs us
/// is shown as an escape. So are blanks at the ends and all but the first of several, and what
/// would be read as a command of a CI runner.
pub fn visible(text: &str) -> String {
    escaped(text, 1, true)
}

/// A line of quoted text, such as a program's output, in which some blanks are usual.
pub fn visible_line(text: &str) -> String {
    let rest = text.trim_start_matches(' ');
    let indent = (text.len() - rest.len()).min(BLANKS.1);
    format!("{:indent$}{}", "", escaped(rest, BLANKS.0, false))
}

fn escaped(text: &str, most_blanks: usize, ends: bool) -> String {
    let mut shown = String::with_capacity(text.len());
    let (mut blanks, mut marks, mut before) = (0_usize, 0_usize, None);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        blanks = if c == ' ' { blanks.saturating_add(1) } else { 0 };
        let is_mark = !c.is_ascii() && c.general_category_group() == Group::Mark;
        marks = if is_mark { marks.saturating_add(1) } else { 0 };
        let at_an_end = ends && c == ' ' && (before.is_none() || rest.peek().is_none());
        // `::set-env ...` at the start of a line; `##[` and `##vso[` anywhere in one.
        let of_a_runner = c == ':' && before.is_none() && rest.peek() == Some(&':')
            || c == '#' && before == Some('#');
        match c {
            '\n' => shown.push_str("\\n"),
            '\t' => shown.push_str("\\t"),
            '\r' => shown.push_str("\\r"),
            c if !is_printable(c)
                || blanks > most_blanks
                || at_an_end
                || is_mark && (before.is_none_or(|c| c == ' ') || marks > MARKS)
                || of_a_runner =>
            {
                shown.push_str(&format!("\\u{{{:x}}}", u32::from(c)));
            }
            c => shown.push(c),
        }
        before = Some(c);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plurals_and_sizes() {
        assert_eq!(counted(1, "file"), "1 file");
        assert_eq!(counted(0, "file"), "0 files");
        assert_eq!(counted(2, "directory"), "2 directories");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1000), "1.0 kB");
        assert_eq!(bytes(1_234_567), "1.2 MB");
        assert_eq!(bytes(u64::MAX), "18.4 EB");
    }

    #[test]
    fn what_shows_nothing_moves_the_cursor_or_turns_the_text_is_shown_as_an_escape() {
        for c in "\u{3164}\u{115f}\u{1160}\u{ffa0}\u{2800}\u{34f}\u{a0}\u{2003}\u{3000}\u{ad}\u{200b}\u{202e}\
                  \u{2066}\u{feff}\u{fe0f}\u{e0041}\u{85}\u{2028}\u{1b}\u{7f}\u{20dd}\u{fffc}\u{10ffff}\u{e000}"
            .chars()
        {
            assert!(!is_printable(c), "U+{:04X}", u32::from(c));
            assert_eq!(visible(&format!("a{c}b")), format!("a\\u{{{:x}}}b", u32::from(c)));
        }
        for text in ["naïve \"quoted\" 名", "हिन्दी", "e\u{301}", "5 € → ½", "a\u{fffd}b", "🦀"]
        {
            assert_eq!(visible(text), text);
        }
        assert_eq!(visible("\u{301}a"), "\\u{301}a");
        assert_eq!(visible("a\u{301}\u{301}\u{301}\u{301}"), "a\u{301}\u{301}\u{301}\\u{301}");
    }

    #[test]
    fn blanks_that_could_hide_something_are_seen() {
        assert_eq!(visible("a b"), "a b");
        assert_eq!(visible("a   b"), "a \\u{20}\\u{20}b");
        assert_eq!(visible(" a "), "\\u{20}a\\u{20}");
        assert_eq!(visible(" "), "\\u{20}");
        assert_eq!(visible("a\nb\r\tc"), "a\\nb\\r\\tc");
        assert_eq!(visible_line("        File \"x\",  line 3"), "        File \"x\",  line 3");
        let long = visible_line(&format!("{}a{}b", " ".repeat(100), " ".repeat(50)));
        assert!(long.starts_with(&format!("{}a", " ".repeat(40))), "{long}");
        assert!(long.contains("\\u{20}") && !long.contains(&" ".repeat(41)), "{long}");
    }

    #[test]
    fn no_name_is_a_command_of_whoever_runs_us() {
        for (name, shown) in [
            ("::error::x", "\\u{3a}:error::x"),
            ("##vso[task.complete]", "#\\u{23}vso[task.complete]"),
            ("a ##[error]", "a #\\u{23}[error]"),
            ("'a'::text", "'a'::text"),
            ("a#b", "a#b"),
        ] {
            assert_eq!(visible(name), shown);
        }
        assert_eq!(visible_line("  ::add-mask::x"), "  \\u{3a}:add-mask::x");
    }

    #[test]
    fn a_word_for_a_shell_stays_one_word() {
        assert_eq!(shell_word("/etc/ttplan/a_b-1.key"), "/etc/ttplan/a_b-1.key");
        assert_eq!(shell_word("a b"), "'a b'");
        assert_eq!(shell_word("$(x);'"), r"'$(x);'\'''");
        assert_eq!(shell_word(""), "''");
    }
}
