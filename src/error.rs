//! The one error of the house: what failed, why, and what to do next.
//!
//! Every room returns this type. A [`Kind`] alone decides the heading and the
//! exit code, in one table ([`KINDS`]), and only `cli` prints. An error never
//! carries a secret: whoever makes one puts a redacted text into it.

use std::fmt;

/// What sort of failure this is. The kind, and nothing else, gives the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Something went wrong that no other kind names.
    Failed,
    /// Our own configuration, or a document of ours, cannot be read as it stands.
    Config,
    /// The database or a directory could not be looked at.
    Unreachable,
    /// A person said no.
    Cancelled,
    /// The plan no longer fits what is there, or the plan is for another target.
    Stale,
    /// A signature, the host's policy or a recomputed value refuses the plan.
    Refused,
    /// Another run holds the lock.
    Locked,
    /// The run stopped midway; running the same plan again finishes it.
    Midway,
    /// What should hold after the run does not hold.
    Verification,
    /// A person has to decide something first.
    Blocked,
    /// The command line makes no sense as given.
    Usage,
    /// SIGINT was received.
    Interrupted,
    /// SIGTERM was received.
    Terminated,
}

/// Every kind with its exit code and its meaning in the user's words.
///
/// `docs/exit-codes.md` shows the same table; a test compares them.
pub const KINDS: &[(Kind, u8, &str)] = &[
    (Kind::Failed, 1, "error"),
    (Kind::Config, 1, "configuration or document that cannot be read"),
    (Kind::Unreachable, 1, "database or directory that cannot be looked at"),
    (Kind::Cancelled, 1, "cancelled by the person asked"),
    (Kind::Stale, 3, "stale plan, changed scripts, or wrong target"),
    (Kind::Refused, 4, "refused: signature, policy, host permission or mismatch"),
    (Kind::Locked, 5, "lock held by another run"),
    (Kind::Midway, 6, "stopped midway; run again to finish"),
    (Kind::Verification, 7, "verification failed"),
    (Kind::Blocked, 8, "blocked: a person must decide first"),
    (Kind::Usage, 64, "wrong usage, or a question that nobody is there to answer"),
    (Kind::Interrupted, 130, "interrupted (SIGINT)"),
    (Kind::Terminated, 143, "terminated (SIGTERM)"),
];

impl Kind {
    /// The process exit code of this kind.
    pub fn exit_code(self) -> u8 {
        KINDS.iter().find(|(kind, ..)| *kind == self).map_or(1, |(_, code, _)| *code)
    }
}

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

#[derive(Debug)]
struct Body {
    kind: Kind,
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
            message: message.into(),
            place: None,
            causes: Vec::new(),
            hints: Vec::new(),
            transient: false,
        }))
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
    fn every_kind_has_its_row_once() {
        for (kind, code, _) in KINDS {
            assert_eq!(kind.exit_code(), *code);
            assert_eq!(KINDS.iter().filter(|(other, ..)| other == kind).count(), 1);
        }
        assert_eq!(Kind::Refused.exit_code(), 4);
    }

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
    fn a_sentence_put_above_keeps_the_old_one_as_cause() {
        let error =
            Error::new(Kind::Failed, "disk full").because("no space").under("backup failed");
        assert_eq!(error.to_string(), "backup failed: disk full: no space");
    }
}
