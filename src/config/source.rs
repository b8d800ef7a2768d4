//! The texts a configuration is written in, and the way from a span back to file, line and column.
//!
//! A configuration comes from up to two texts, a file and a profile. Each is parsed behind as
//! many blanks as the text before it is long, so that all their spans lie on one line of
//! numbers and a span alone says which text it belongs to, also after both were merged.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::redact::covered;
use crate::config::suggest::nearest;
use crate::error::{Error, Kind, Result, TextPosition};

/// More than any configuration holds; nothing longer is read.
const LONGEST: u64 = 1 << 20;

/// No key of ours lies deeper than this, so nothing below it needs to be understood.
const DEEPEST: usize = 16;

/// The parser stops at 80 levels, but counts dotted keys apart: a text can nest 80 times 80
/// levels, and parsing and dropping those takes 8 MiB, which not every thread has.
const STACK: usize = 32 << 20;

/// One text with its name and its place among the others.
pub struct ConfigText {
    /// The file's name as the user knows it.
    name: String,
    start: usize,
    /// The text behind `start` blanks.
    padded: String,
    /// Whether errors may show what stands in it. A repository can name any file of the host as a
    /// profile, and whoever wrote the repository reads the errors.
    secret: bool,
}

impl ConfigText {
    /// The text `content`, placed behind all of `before`.
    pub fn new(name: impl Into<String>, content: &str, before: Option<&ConfigText>) -> Self {
        // A span may end one behind its text, so texts keep a distance of one.
        let start = before.map_or(0, |source| source.padded.len() + 1);
        let content = content.strip_prefix('\u{feff}').unwrap_or(content);
        Self { name: name.into(), start, padded: " ".repeat(start) + content, secret: false }
    }

    /// The same, and no error shows anything of it.
    pub fn kept_secret(self) -> Self {
        Self { secret: true, ..self }
    }

    /// Reads a file whole.
    pub fn read(path: &Path, before: Option<&ConfigText>) -> Result<Self> {
        let name = path.to_string_lossy();
        let unread = |cause: &dyn std::fmt::Display| {
            Error::new(Kind::Config, format!("`{name}` cannot be read")).because(cause)
        };
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(|error| unread(&error))?;
        file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(|error| unread(&error))?;
        if bytes.len() as u64 > LONGEST {
            return Err(unread(&format!("it is longer than {LONGEST} bytes")));
        }
        let content = String::from_utf8(bytes).map_err(|error| unread(&error.utf8_error()))?;
        Ok(Self::new(name, &content, before))
    }

    /// The text as TOML. Errors: what is not TOML, and what nests deeper than any key of ours.
    pub fn parse(&self) -> Result<Spanned<DeTable<'_>>> {
        let failed = || Error::new(Kind::Failed, "there is no stack to parse a configuration on");
        std::thread::scope(|scope| {
            let parser = std::thread::Builder::new().stack_size(STACK);
            let parser = parser
                .spawn_scoped(scope, || self.parse_here())
                .map_err(|error| failed().because(error))?;
            parser.join().map_err(|_| failed())?
        })
    }

    fn parse_here(&self) -> Result<Spanned<DeTable<'_>>> {
        let table = DeTable::parse(&self.padded).map_err(|error| {
            let span = error.span().unwrap_or(self.top());
            let message = format!("this is not TOML: {}", error.message());
            self.at(Error::new(Kind::Config, message), span)
        })?;
        let mut open: Vec<(usize, &Spanned<DeValue<'_>>)> =
            table.get_ref().values().map(|value| (1, value)).collect();
        while let Some((depth, value)) = open.pop() {
            if depth > DEEPEST {
                let error = Error::new(Kind::Config, "no key of a configuration lies this deep");
                return Err(self.at(error, value.span()));
            }
            match value.get_ref() {
                DeValue::Array(array) => open.extend(array.iter().map(|value| (depth + 1, value))),
                DeValue::Table(table) => {
                    open.extend(table.values().map(|value| (depth + 1, value)));
                }
                _ => {}
            }
        }
        Ok(table)
    }

    /// The very beginning of the text.
    pub fn top(&self) -> Range<usize> {
        self.start..self.start
    }

    /// The place of a span of this text, passwords in it covered up.
    pub fn place(&self, span: Range<usize>) -> TextPosition {
        let content = self.padded.get(self.start..).unwrap_or_default();
        let span = span.start.saturating_sub(self.start)..span.end.saturating_sub(self.start);
        TextPosition { file: self.name.clone(), source: covered(content), span }
    }

    /// An error that stands at a span of this text. Where nothing of the text may be shown, neither
    /// is the error's own sentence, which may repeat some of it.
    pub fn at(&self, error: Error, span: Range<usize>) -> Error {
        if !self.secret {
            return error.at(self.place(span));
        }
        let (line, column) = self.place(span).line_column();
        Error::new(error.kind(), format!("`{}` cannot be used as it stands", self.name))
            .because(format!("something is wrong at line {line}, column {column}"))
            .because("what stands there is not shown: the file is not one of the application's own")
    }

    fn holds(&self, span: &Range<usize>) -> bool {
        (self.start..=self.padded.len()).contains(&span.start)
    }
}

/// The texts that one table was merged from.
pub struct ConfigTexts<'a>(pub Vec<&'a ConfigText>);

impl ConfigTexts<'_> {
    /// An error that stands at `span`.
    pub fn error(&self, message: impl Into<String>, span: Range<usize>) -> Error {
        self.at(Error::new(Kind::Config, message), span)
    }

    /// Puts an error where `span` is.
    pub fn at(&self, error: Error, span: Range<usize>) -> Error {
        match self.0.iter().find(|source| source.holds(&span)) {
            Some(source) => source.at(error, span),
            None => error,
        }
    }

    /// What is written at `span`.
    pub fn written(&self, span: &Range<usize>) -> &str {
        let source = self.0.iter().find(|source| source.holds(span));
        source.and_then(|source| source.padded.get(span.clone())).unwrap_or_default()
    }

    /// Reads a table as a `T`, and words what is wrong with it.
    pub fn read<T: DeserializeOwned>(&self, table: Spanned<DeTable<'_>>) -> Result<T> {
        let whole = table.span();
        T::deserialize(toml::Deserializer::from(table)).map_err(|error| {
            let span = error.span().unwrap_or(whole);
            self.at(worded(error.message(), self.written(&span)), span)
        })
    }
}

/// An error in our words for one of `serde`'s, whose sentences are fixed. A value is never
/// repeated: it may have come out of a variable, and what was written is shown with the place.
fn worded(message: &str, written: &str) -> Error {
    let quoted =
        |text: &str| text.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let error = |message: String| Error::new(Kind::Config, message);
    if message.starts_with("unknown field `") {
        let known =
            message.rsplit_once("`, expected ").map_or(Vec::new(), |(_, known)| quoted(known));
        let key = written.trim_matches(['"', '\'']);
        let error = error(format!("the key `{key}` is not known here"));
        return match nearest(key, known.iter().map(String::as_str)) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint(format!("known here: `{}`", known.join("`, `"))),
        };
    }
    if let Some(key) = message.strip_prefix("missing field ") {
        return error(format!("the key {key} is missing here"));
    }
    if let Some((found, expected)) = wrong(message, "invalid type: ") {
        return error(format!("expected {}, found {}", expectation(expected), finding(found)));
    }
    if let Some((_, expected)) = wrong(message, "invalid value: ") {
        return error(format!("expected {}", expectation(expected)));
    }
    error(message.to_owned())
}

/// What was found and what was expected instead.
fn wrong<'a>(message: &'a str, start: &str) -> Option<(&'a str, &'a str)> {
    message.strip_prefix(start)?.rsplit_once(", expected ")
}

/// What was expected, for people who do not write Rust.
fn expectation(expected: &str) -> &str {
    match expected {
        "u32" => "a whole number that is not negative",
        "a nonzero u32" => "a whole number above zero",
        "i64" => "a whole number",
        "a sequence" => "an array",
        "a map" => "a table",
        other => other,
    }
}

/// The type of what was found, without its value.
fn finding(found: &str) -> &str {
    let kinds = [
        ("string", "a string"),
        ("integer", "a number"),
        ("floating point", "a number with a point"),
        ("boolean", "`true` or `false`"),
        ("sequence", "an array"),
        ("map", "a table"),
    ];
    kinds
        .iter()
        .find(|(start, _)| found.starts_with(start))
        .map_or("something else", |(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_says_which_text_it_is_of() {
        let file = ConfigText::new("file", "\u{feff}a = 1\nb = 'x'\n", None);
        let profile = ConfigText::new("profile", "c = 2", Some(&file));
        let sources = ConfigTexts(vec![&file, &profile]);
        let of_file = file.parse().unwrap().get_ref()["b"].span();
        let of_profile = profile.parse().unwrap().get_ref()["c"].span();
        assert_eq!((sources.written(&of_file), sources.written(&of_profile)), ("'x'", "2"));
        let place = sources.error("", of_file).place().cloned().unwrap();
        assert_eq!((place.file.as_str(), place.line_column()), ("file", (2, 5)));
        let place = sources.error("", of_profile).place().cloned().unwrap();
        assert_eq!((place.file.as_str(), place.line_column()), ("profile", (1, 5)));
    }

    #[test]
    fn a_text_behind_a_long_one_keeps_its_spans() {
        let file = ConfigText::new("file", &format!("# {}\n", "x".repeat(200_000)), None);
        let profile = ConfigText::new("profile", "c = 2", Some(&file));
        let span = profile.parse().unwrap().get_ref()["c"].span();
        assert_eq!(ConfigTexts(vec![&file, &profile]).written(&span), "2");
    }

    #[test]
    fn what_is_not_toml_is_shown_where_it_stands() {
        for (text, at) in [
            ("a = ", (1, 5)),
            ("a = 1\na = 2", (2, 1)),
            ("a = {b = 1, b = 2}", (1, 13)),
            ("x", (1, 2)),
        ] {
            let error = ConfigText::new("f", text, None).parse().unwrap_err();
            assert_eq!(error.place().unwrap().line_column(), at, "{text}: {error}");
        }
    }

    #[test]
    fn nesting_without_end_is_refused_and_not_followed() {
        let dotted = vec!["a"; 80].join(".");
        let inline = format!("{}1{}", format!("{{{dotted}=").repeat(79), "}".repeat(79));
        for text in [format!("x = {inline}"), format!("x = {}{}", "[".repeat(79), "]".repeat(79))] {
            let error = ConfigText::new("f", &text, None).parse().unwrap_err();
            assert!(error.message().contains("deep"), "{error}");
        }
        let error = ConfigText::new("f", &format!("x = {}", "[".repeat(100_000)), None)
            .parse()
            .unwrap_err();
        assert!(error.message().contains("not TOML"), "{error}");
    }
}
