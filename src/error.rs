//! The one error of the house: what failed, why, and what to do next.
//!
//! Every room returns this type. A [`Kind`] alone decides the heading and the
//! exit code, in one table ([`KINDS`]), and only `cli` prints. Besides its
//! sentences an error has a stable code out of [`CODES`], by which programs judge
//! it. An error never carries a secret: whoever makes one puts a redacted text
//! into it.

use std::fmt;

mod codes;
mod kind;

pub use codes::CODES;
pub use kind::{KINDS, Kind};

/// A place in a text file that a person wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextPosition {
    /// The file's name as the user knows it.
    pub file: String,
    /// The whole text of the file, so that the place can be shown.
    pub source: String,
    /// Byte range within `source`.
    pub span: std::ops::Range<usize>,
}

impl TextPosition {
    /// Line and column of the start of the span, both counted from 1; columns count characters.
    pub fn line_column(&self) -> (usize, usize) {
        let mut start = self.span.start.min(self.source.len());
        while !self.source.is_char_boundary(start) {
            start -= 1;
        }
        let before = &self.source[..start];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        (line, column)
    }
}

/// One of the reasons for which something is refused, as programs judge it and people read it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reason {
    /// One of [`CODES`]; empty where the kind of the error says all.
    pub code: &'static str,
    /// What it is about: `step 3`, a file, a table.
    pub subject: Option<String>,
    /// What is there.
    pub found: Option<String>,
    /// What should be there.
    pub expected: Option<String>,
    /// The whole in words.
    pub message: String,
    /// What would mend it.
    pub hint: Option<String>,
}

impl Reason {
    /// A reason of the code `code` that says `message`.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), ..Self::default() }
    }

    /// Says what would mend it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says what it is about.
    pub fn about(mut self, subject: impl fmt::Display) -> Self {
        self.subject = Some(subject.to_string());
        self
    }

    /// Says what is there.
    pub fn found(mut self, found: impl fmt::Display) -> Self {
        self.found = Some(found.to_string());
        self
    }

    /// Says what should be there.
    pub fn expected(mut self, expected: impl fmt::Display) -> Self {
        self.expected = Some(expected.to_string());
        self
    }
}

#[derive(Debug)]
struct Body {
    kind: Kind,
    /// All but the message: what programs judge the error itself by.
    facts: Reason,
    /// Everything for which it is refused, where there is more than one thing to say.
    reasons: Vec<Reason>,
    message: String,
    place: Option<TextPosition>,
    causes: Vec<String>,
    hints: Vec<String>,
    transient: bool,
}

/// A failure, told in one voice: one sentence in lower case, literals in
/// backticks, causes below it, and hints that can be pasted into a shell.
pub struct Error(Box<Body>);

/// The result type of every room.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Makes an error of `kind` that says `message`.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self(Box::new(Body {
            kind,
            facts: Reason::default(),
            reasons: Vec::new(),
            message: message.into(),
            place: None,
            causes: Vec::new(),
            hints: Vec::new(),
            transient: false,
        }))
    }

    /// Makes an error that refuses something for all `reasons`: the first gives its code.
    pub fn refused(kind: Kind, message: impl Into<String>, reasons: Vec<Reason>) -> Self {
        let mut error = Self::new(kind, message);
        if let Some(first) = reasons.first() {
            error.0.facts = Reason { message: String::new(), ..first.clone() };
        }
        error.0.causes = reasons.iter().map(|reason| reason.message.clone()).collect();
        error.0.hints = reasons.iter().filter_map(|reason| reason.hint.clone()).collect();
        error.0.hints.dedup();
        error.0.reasons = reasons;
        error
    }

    /// Adds a reason with a code of its own. What the error itself says is the first.
    pub fn also(mut self, reason: Reason) -> Self {
        if self.0.reasons.is_empty() {
            self.0.reasons.push(self.facts());
        }
        self.0.causes.push(reason.message.clone());
        self.0.hints.extend(reason.hint.clone());
        self.0.reasons.push(reason);
        self
    }

    /// Gives it a code out of [`CODES`], which stays whatever is put above it.
    pub fn code(mut self, code: &'static str) -> Self {
        self.0.facts.code = code;
        self
    }

    /// Says what it is about: `step 3`, a file, a table.
    pub fn about(mut self, subject: impl fmt::Display) -> Self {
        self.0.facts.subject = Some(subject.to_string());
        self
    }

    /// Says what is there.
    pub fn found(mut self, found: impl fmt::Display) -> Self {
        self.0.facts.found = Some(found.to_string());
        self
    }

    /// Says what should be there.
    pub fn expected(mut self, expected: impl fmt::Display) -> Self {
        self.0.facts.expected = Some(expected.to_string());
        self
    }

    /// Adds why it failed; the first cause given stands first.
    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        self.0.causes.push(cause.to_string());
        self
    }

    /// Adds what the user can do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hints.push(hint.into());
        self
    }

    /// Says where in a file the cause stands.
    pub fn at(mut self, place: TextPosition) -> Self {
        self.0.place = Some(place);
        self
    }

    /// Says that the same call may well succeed a little later.
    pub fn transient(mut self) -> Self {
        self.0.transient = true;
        self
    }

    /// The same error under another kind, for a caller that knows better what it means.
    pub fn of_kind(mut self, kind: Kind) -> Self {
        self.0.kind = kind;
        self
    }

    /// Puts a new sentence above this error; the old sentence becomes the first cause.
    pub fn under(mut self, message: impl Into<String>) -> Self {
        let old = std::mem::replace(&mut self.0.message, message.into());
        self.0.causes.insert(0, old);
        self
    }

    /// By what programs judge it: its own code, else that of its kind.
    pub fn stable_code(&self) -> &'static str {
        match self.0.facts.code {
            "" => self.0.kind.default_code(),
            own => own,
        }
    }

    /// Its code, subject and what was found and expected, and its sentence.
    pub fn facts(&self) -> Reason {
        let message = self.0.message.clone();
        Reason { code: self.stable_code(), message, ..self.0.facts.clone() }
    }

    /// Everything for which it is refused: itself, where it says one thing only.
    pub fn reasons(&self) -> Vec<Reason> {
        if self.0.reasons.is_empty() { vec![self.facts()] } else { self.0.reasons.clone() }
    }

    /// What sort of failure this is.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// Whether the same call may well succeed a little later.
    pub fn is_transient(&self) -> bool {
        self.0.transient
    }

    /// The sentence.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where in a file the cause stands, if it stands in one.
    pub fn place(&self) -> Option<&TextPosition> {
        self.0.place.as_ref()
    }

    /// Why it failed, outermost first.
    pub fn causes(&self) -> &[String] {
        &self.0.causes
    }

    /// What the user can do.
    pub fn hints(&self) -> &[String] {
        &self.0.hints
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        for cause in &self.0.causes {
            write!(f, ": {cause}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_characters_and_survives_a_span_inside_one() {
        let place =
            TextPosition { file: "x".into(), source: "a = 1\nbé = ?".into(), span: 11..12 };
        assert_eq!(place.line_column(), (2, 5));
        let inside = TextPosition { span: 8..9, ..place };
        assert_eq!(inside.line_column(), (2, 2));
    }

    #[test]
    fn an_error_is_not_transient_unless_it_says_so() {
        assert!(!Error::new(Kind::Locked, "locked").is_transient());
        assert!(
            Error::new(Kind::Locked, "locked")
                .transient()
                .of_kind(Kind::Unreachable)
                .is_transient()
        );
    }

    #[test]
    fn a_code_of_its_own_outlives_what_is_put_above_it() {
        let error = Error::new(Kind::Stale, "no").code("expired").found("1").under("plan");
        let facts = error.of_kind(Kind::Refused).facts();
        assert_eq!((facts.code, facts.found.as_deref()), ("expired", Some("1")));
        assert_eq!(Error::new(Kind::Stale, "no").of_kind(Kind::Refused).stable_code(), "refused");
    }

    #[test]
    fn a_refusal_is_judged_by_its_first_reason_and_tells_all() {
        let reasons = vec![
            Reason::new("title_differs", "one").about("step 1"),
            Reason::new("risk_differs", "two"),
        ];
        let error = Error::refused(Kind::Refused, "no", reasons.clone());
        assert_eq!((error.stable_code(), error.reasons()), ("title_differs", reasons));
        assert_eq!(error.to_string(), "no: one: two");
    }

    #[test]
    fn a_sentence_put_above_keeps_the_old_one_as_cause() {
        let error =
            Error::new(Kind::Failed, "disk full").because("no space").under("backup failed");
        assert_eq!(error.to_string(), "backup failed: disk full: no space");
    }
}
