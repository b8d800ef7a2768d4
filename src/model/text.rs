//! GROUND: words and numbers for people: plurals, sizes, quoting for hints, characters that must
//! not be shown as they are. Never colours, never prints.

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

/// Characters that change how their neighbours look or are not to be seen at all: controls,
/// zero-width and direction marks, line separators, tags.
pub fn deceives(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e01ef}')
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
    fn a_word_for_a_shell_stays_one_word() {
        assert_eq!(shell_word("/etc/ttplan/a_b-1.key"), "/etc/ttplan/a_b-1.key");
        assert_eq!(shell_word("a b"), "'a b'");
        assert_eq!(shell_word("$(x);'"), r"'$(x);'\'''");
        assert_eq!(shell_word(""), "''");
    }
}
