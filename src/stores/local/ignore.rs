//! Which entries of a root are nobody's upload: the patterns of a configuration, those of a
//! `.ttplanignore` in the root and in any directory below it, and a few names that are known
//! everywhere. The patterns are those of gitignore.
//!
//! Pure: whoever walks reads the files. Patterns come from people, so matching one takes no more
//! than the product of the lengths.

use std::collections::BTreeMap;

/// The file with a directory's own patterns; never an upload itself.
pub(super) const FILE: &[u8] = b".ttplanignore";

/// Names that are part of a directory, not somebody's upload.
const KEEPERS: [&[u8]; 1] = [b".gitkeep"];

/// Names of what desktops leave.
const LITTER: [&[u8]; 3] = [b".DS_Store", b"Thumbs.db", b"desktop.ini"];

/// What is to become of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Upload,
    Ignored,
    /// Ignored, and of no use to anybody.
    Litter,
}

/// All patterns of a root, in their order: the last that fits decides.
#[derive(Debug, Default)]
pub(super) struct Ignore {
    patterns: Vec<Pattern>,
    /// Those of directories below the root, by their paths. They speak of what lies below them
    /// alone.
    below: BTreeMap<Vec<u8>, Vec<Pattern>>,
}

#[derive(Debug)]
struct Pattern {
    parts: Vec<Part>,
    /// `!`: what fits is an upload after all.
    is_negated: bool,
    /// A slash at the end: only directories fit.
    only_directories: bool,
}

/// One component of a pattern.
#[derive(Debug)]
enum Part {
    /// `**`: any number of components.
    Any,
    Name(Vec<Glob>),
}

/// One element of a component's pattern.
#[derive(Debug)]
enum Glob {
    Byte(u8),
    One,
    Star,
    Class { is_negated: bool, ranges: Vec<(u8, u8)> },
}

impl Ignore {
    /// Adds a pattern a line; a line that says nothing adds none.
    pub fn add(&mut self, text: &[u8]) {
        self.patterns.extend(text.split(|byte| *byte == b'\n').filter_map(pattern));
    }

    /// Adds the patterns that stand in a directory below the root. They win over those above it.
    pub fn add_below(&mut self, directory: &[u8], text: &[u8]) {
        self.below.insert(
            directory.to_vec(),
            text.split(|byte| *byte == b'\n').filter_map(pattern).collect(),
        );
    }

    /// The pattern that decides about the entry at `path`: the last that fits, of the innermost
    /// directory that has one.
    fn deciding(&self, path: &[u8], is_directory: bool) -> Option<&Pattern> {
        let last = |patterns: &'_ [Pattern], path: &[u8]| {
            let components: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
            let fits = |pattern: &&Pattern| {
                (is_directory || !pattern.only_directories) && fits(&pattern.parts, &components)
            };
            patterns.iter().rposition(|pattern| fits(&pattern))
        };
        let slashes =
            path.iter().enumerate().rev().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        for at in slashes.filter(|_| !self.below.is_empty()) {
            if let Some(patterns) = self.below.get(&path[..at])
                && let Some(found) = last(patterns, &path[at + 1..])
            {
                return patterns.get(found);
            }
        }
        self.patterns.get(last(&self.patterns, path)?)
    }

    /// What is to become of the entry at `path`. Of what lies in an ignored directory nobody asks.
    pub fn verdict(&self, path: &[u8], is_directory: bool) -> Verdict {
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
        if name == FILE && !is_directory {
            return Verdict::Ignored;
        }
        match self.deciding(path, is_directory) {
            Some(pattern) if pattern.is_negated => Verdict::Upload,
            Some(_) => Verdict::Ignored,
            None if is_directory => Verdict::Upload,
            None if KEEPERS.contains(&name) => Verdict::Ignored,
            None if LITTER.contains(&name) => Verdict::Litter,
            None => Verdict::Upload,
        }
    }
}

fn pattern(line: &[u8]) -> Option<Pattern> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.starts_with(b"#") {
        return None;
    }
    let (is_negated, line) = line.strip_prefix(b"!").map_or((false, line), |rest| (true, rest));
    let line = without_blanks(line);
    let (only_directories, line) =
        line.strip_suffix(b"/").map_or((false, line), |rest| (true, rest));
    // A slash anywhere but at the end binds the pattern to the root.
    let is_bound = line.contains(&b'/');
    let line = line.strip_prefix(b"/").unwrap_or(line);
    if line.is_empty() {
        return None;
    }
    let mut parts = if is_bound { Vec::new() } else { vec![Part::Any] };
    for component in line.split(|byte| *byte == b'/') {
        parts.push(if component == b"**" { Part::Any } else { Part::Name(globs(component)) });
    }
    // `a/**` is what lies in `a`, not `a` itself.
    if matches!(parts.last(), Some(Part::Any)) {
        parts.push(Part::Name(vec![Glob::Star]));
    }
    Some(Pattern { parts, is_negated, only_directories })
}

/// Without the blanks at the end, but for one behind a backslash.
fn without_blanks(mut line: &[u8]) -> &[u8] {
    while let Some(rest) = line.strip_suffix(b" ").filter(|rest| !rest.ends_with(b"\\")) {
        line = rest;
    }
    line
}

fn globs(component: &[u8]) -> Vec<Glob> {
    let mut globs = Vec::with_capacity(component.len());
    let mut rest = component;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        globs.push(match first {
            b'*' => Glob::Star,
            b'?' => Glob::One,
            b'\\' => match after.split_first() {
                Some((byte, after)) => {
                    rest = after;
                    Glob::Byte(*byte)
                }
                None => Glob::Byte(b'\\'),
            },
            b'[' => match class(after) {
                Some((class, after)) => {
                    rest = after;
                    class
                }
                None => Glob::Byte(b'['),
            },
            byte => Glob::Byte(*byte),
        });
    }
    globs
}

/// What stands behind a `[`, and what follows its `]`; `None` where there is none.
fn class(text: &[u8]) -> Option<(Glob, &[u8])> {
    let inverted = text.first().is_some_and(|byte| matches!(byte, b'!' | b'^'));
    let text = if inverted { text.get(1..)? } else { text };
    // A `]` right at the beginning is one of the class.
    let end = 1 + text.get(1..)?.iter().position(|byte| *byte == b']')?;
    let (mut inside, after) = (text.get(..end)?, text.get(end + 1..)?);
    let mut ranges = Vec::new();
    while let Some((first, rest)) = inside.split_first() {
        match rest {
            [b'-', last, rest @ ..] => {
                ranges.push((*first, *last));
                inside = rest;
            }
            _ => {
                ranges.push((*first, *first));
                inside = rest;
            }
        }
    }
    Some((Glob::Class { is_negated: inverted, ranges }, after))
}

/// Whether the whole path fits the whole pattern.
fn fits(parts: &[Part], path: &[&[u8]]) -> bool {
    // `reached[n]`: the parts so far fit the first n components.
    let mut reached = vec![false; path.len() + 1];
    reached[0] = true;
    for part in parts {
        let mut next = vec![false; path.len() + 1];
        match part {
            Part::Any => {
                let first = reached.iter().position(|is| *is).unwrap_or(next.len());
                next[first..].fill(true);
            }
            Part::Name(globs) => {
                for (n, name) in path.iter().enumerate() {
                    next[n + 1] = reached[n] && name_fits(globs, name);
                }
            }
        }
        reached = next;
    }
    reached.last().is_some_and(|is| *is)
}

fn name_fits(globs: &[Glob], name: &[u8]) -> bool {
    let mut reached = vec![false; name.len() + 1];
    reached[0] = true;
    for glob in globs {
        let mut next = vec![false; name.len() + 1];
        if let Glob::Star = glob {
            let first = reached.iter().position(|is| *is).unwrap_or(next.len());
            next[first..].fill(true);
        } else {
            for (n, byte) in name.iter().enumerate() {
                next[n + 1] = reached[n] && byte_fits(glob, *byte);
            }
        }
        reached = next;
    }
    reached.last().is_some_and(|is| *is)
}

fn byte_fits(glob: &Glob, byte: u8) -> bool {
    match glob {
        Glob::Byte(wanted) => *wanted == byte,
        Glob::One | Glob::Star => true,
        Glob::Class { is_negated, ranges } => {
            ranges.iter().any(|(first, last)| (*first..=*last).contains(&byte)) != *is_negated
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_ignored(patterns: &str, path: &str) -> bool {
        let mut ignore = Ignore::default();
        ignore.add(patterns.as_bytes());
        let (path, is_directory) =
            path.strip_suffix('/').map_or((path, false), |path| (path, true));
        ignore.verdict(path.as_bytes(), is_directory) != Verdict::Upload
    }

    #[test]
    fn patterns_mean_what_they_mean_to_git() {
        for (patterns, path, expected) in [
            ("*.tmp", "a.tmp", true),
            ("*.tmp", "d/e/a.tmp", true),
            ("*.tmp", "a.tmpx", false),
            ("/a.tmp", "d/a.tmp", false),
            ("/a.tmp", "a.tmp", true),
            ("d/a", "d/a", true),
            ("d/a", "x/d/a", false),
            ("cache/", "cache/", true),
            ("cache/", "cache", false),
            ("cache/", "d/cache/", true),
            ("**/x/a", "x/a", true),
            ("**/x/a", "b/c/x/a", true),
            ("a/**", "a/b/c", true),
            ("a/**", "a/", false),
            ("a/**/b", "a/b", true),
            ("a/**/b", "a/x/y/b", true),
            ("a/*", "a/x/y", false),
            ("?.png", "a.png", true),
            ("?.png", "ab.png", false),
            ("[a-c!].png", "b.png", true),
            ("[!a-c].png", "b.png", false),
            ("[]x].png", "].png", true),
            ("[x", "[x", true),
            ("*\n!keep", "keep", false),
            ("!keep\n*", "keep", true),
            ("# a", "# a", false),
            ("\\# a", "# a", true),
            ("\\!a", "!a", true),
            ("a  ", "a", true),
            ("a\\ ", "a ", true),
            ("", "a", false),
            ("/", "a", false),
            ("a\r", "a", true),
            ("", ".gitkeep", true),
            ("", "d/.DS_Store", true),
            ("!.DS_Store", "d/.DS_Store", false),
            ("!.ttplanignore", ".ttplanignore", true),
        ] {
            assert_eq!(is_ignored(patterns, path), expected, "{patterns:?} {path:?}");
        }
    }

    #[test]
    fn patterns_of_a_directory_speak_of_what_lies_below_it_and_win() {
        let mut ignore = Ignore::default();
        ignore.add(b"*.tmp\n/top\nd/e/seen");
        ignore.add_below(b"d", b"!keep.tmp\n/top\n*.log\n");
        ignore.add_below(b"d/e", b"!seen\nkeep.tmp\nx/y\n");
        for (path, expected) in [
            ("a.tmp", true),
            ("d/a.tmp", true),
            ("d/keep.tmp", false),
            ("keep.tmp", true),
            ("d/f/keep.tmp", false),
            ("d/e/keep.tmp", true),
            ("d/top", true),
            ("d/f/top", false),
            ("d/f/a.log", true),
            ("a.log", false),
            ("dd/a.log", false),
            ("d/e/seen", false),
            ("d/e/x/y", true),
            ("x/y", false),
        ] {
            assert_eq!(
                ignore.verdict(path.as_bytes(), false) != Verdict::Upload,
                expected,
                "{path}"
            );
        }
    }

    #[test]
    fn a_spiteful_pattern_takes_no_longer_than_any() {
        let pattern = "*a".repeat(500);
        assert!(!is_ignored(&pattern, &format!("{}b", "a".repeat(255))));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_pattern_makes_the_reader_panic(text: Vec<u8>, path in r"[a-z\[\]!*?/\\]{0,20}") {
            let mut ignore = Ignore::default();
            ignore.add(&text);
            ignore.add(path.as_bytes());
            ignore.verdict(path.as_bytes(), true);
        }
    }
}
