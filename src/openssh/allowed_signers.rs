//! The allowed-signers file: which key may sign as whom, for what, and when.
//!
//! Says what `ssh-keygen -Y verify` and `-Y find-principals` say of the same file (ALLOWED
//! SIGNERS in `ssh-keygen(1)`). A line that cannot be used allows nobody anything and does
//! not disturb the others; [`AllowedSigners::problems`] names it.

use jiff::tz::TimeZone;

use crate::openssh::allowed_line::AllowedLine;
use crate::openssh::certificate::Key;
use crate::openssh::patterns;

/// An allowed-signers file as it was read.
#[derive(Clone, Debug)]
pub struct AllowedSigners {
    file: String,
    lines: Vec<AllowedLine>,
    problems: Vec<Problem>,
}

/// A line that cannot be used, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Counted from 1.
    pub line: usize,
    pub why: String,
}

/// As whom one line of the file lets a key sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principals {
    /// Whoever matches this pattern list.
    Listed(Vec<u8>),
    /// These, which are both in the certificate and in the line's pattern list.
    Certified(Vec<Vec<u8>>),
}

impl Principals {
    /// Whether the key may sign as `who`.
    pub fn include(&self, who: &[u8]) -> bool {
        match self {
            Self::Listed(list) => patterns::matches_list(who, list),
            Self::Certified(names) => names.iter().any(|name| name == who),
        }
    }

    /// The names that are spelled out, without wildcards.
    pub fn spelled_out(&self) -> Vec<&[u8]> {
        match self {
            Self::Listed(list) => {
                patterns::names(list).filter(|name| patterns::matches_list(name, list)).collect()
            }
            Self::Certified(names) => names.iter().map(Vec::as_slice).collect(),
        }
    }
}

impl AllowedSigners {
    /// Reads the content of `file`; times without `Z` are in `zone`, the machine's own.
    pub fn parse(file: &str, content: &[u8], zone: &TimeZone) -> Self {
        let (mut lines, mut problems) = (Vec::new(), Vec::new());
        for (number, line) in (1..).zip(content.split(|byte| *byte == b'\n')) {
            match AllowedLine::read(number, line, zone) {
                Ok(Some(line)) => lines.push(line),
                Ok(None) => {}
                Err(why) => problems.push(Problem { line: number, why }),
            }
        }
        Self { file: file.to_owned(), lines, problems }
    }

    /// The file's name, for messages.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The lines that cannot be used.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Whether `who` may sign with `key` for `namespace` at `now`, seconds since 1970: what
    /// `ssh-keygen -Y verify -I WHO` says. The error is why not.
    pub fn permit(&self, who: &str, key: &Key, namespace: &str, now: u64) -> Result<(), String> {
        let mut reasons = Vec::new();
        for line in &self.lines {
            match line
                .names(key, now)
                .and_then(|names| line.is_open(namespace, now).map(|()| names))
            {
                Ok(names) if names.include(who.as_bytes()) => return Ok(()),
                Ok(_) => {
                    reasons.push(format!("line {}: the key may not sign as `{who}`", line.number));
                }
                Err(Closed::OtherKey) => {}
                Err(Closed::Because(why)) => reasons.push(format!("line {}: {why}", line.number)),
            }
        }
        Err(self.no_line(&reasons))
    }

    /// As whom `key` may sign for `namespace` at `now`, one entry for each line that lets it.
    /// Never empty; the error is why nobody.
    pub fn names(&self, key: &Key, namespace: &str, now: u64) -> Result<Vec<Principals>, String> {
        let (mut found, mut reasons) = (Vec::new(), Vec::new());
        for line in &self.lines {
            match line
                .names(key, now)
                .and_then(|names| line.is_open(namespace, now).map(|()| names))
            {
                Ok(names) => found.push(names),
                Err(Closed::OtherKey) => {}
                Err(Closed::Because(why)) => reasons.push(format!("line {}: {why}", line.number)),
            }
        }
        if found.is_empty() { Err(self.no_line(&reasons)) } else { Ok(found) }
    }

    /// As whom `key` is known at `now`, whatever for: what `ssh-keygen -Y find-principals` prints.
    pub fn find_principals(&self, key: &Key, now: u64) -> Vec<Vec<u8>> {
        let mut usable = self.lines.iter().filter(|line| line.is_timely(now).is_ok());
        let found = usable.find_map(|line| match key.certificate() {
            Some(certificate) if line.certifies(key) && certificate.holds_at(now).is_ok() => {
                // Pattern by pattern, and a `!` is not understood here: as OpenSSH does it.
                let until_empty =
                    line.principals.split(|byte| *byte == b',').take_while(|part| !part.is_empty());
                let names = until_empty.flat_map(|pattern| {
                    certificate
                        .principals
                        .iter()
                        .filter(move |name| patterns::matches(name, pattern))
                        .cloned()
                });
                Some(names.collect::<Vec<_>>()).filter(|names| !names.is_empty())
            }
            _ if line.is_for(key) => {
                let until_empty =
                    line.principals.split(|byte| *byte == b',').take_while(|part| !part.is_empty());
                Some(until_empty.map(<[u8]>::to_vec).collect())
            }
            _ => None,
        });
        found.unwrap_or_default()
    }

    fn no_line(&self, reasons: &[String]) -> String {
        if reasons.is_empty() {
            return format!("no line of `{}` has this key", self.file);
        }
        format!("`{}`, {}", self.file, reasons.join("; "))
    }
}

/// Why a line does not let a key sign.
enum Closed {
    /// It is about another key.
    OtherKey,
    Because(String),
}

impl AllowedLine {
    /// Whether the line is about this very key (or, where it holds a certificate, this very
    /// certificate).
    fn is_for(&self, key: &Key) -> bool {
        !self.options.authority && self.key == *key
    }

    /// Whether the line is about the authority that certified the key.
    fn certifies(&self, key: &Key) -> bool {
        let authority = key.certificate().map(|certificate| &certificate.authority);
        self.options.authority && authority == Some(self.key.plain())
    }

    fn names(&self, key: &Key, now: u64) -> Result<Principals, Closed> {
        match key.certificate() {
            Some(certificate) if self.certifies(key) => {
                certificate.holds_at(now).map_err(Closed::Because)?;
                let both = certificate
                    .principals
                    .iter()
                    .filter(|name| patterns::matches_list(name, &self.principals));
                let both: Vec<Vec<u8>> = both.cloned().collect();
                if both.is_empty() {
                    return Err(Closed::Because(
                        "the certificate names nobody whom the line allows".to_owned(),
                    ));
                }
                Ok(Principals::Certified(both))
            }
            _ if self.is_for(key) => Ok(Principals::Listed(self.principals.clone())),
            _ => Err(Closed::OtherKey),
        }
    }

    fn is_open(&self, namespace: &str, now: u64) -> Result<(), Closed> {
        let listed = |list: &Vec<u8>| patterns::matches_list(namespace.as_bytes(), list);
        if !self.options.namespaces.as_ref().is_none_or(listed) {
            return Err(Closed::Because(format!(
                "the key is not allowed for the namespace `{namespace}`"
            )));
        }
        self.is_timely(now)
    }

    fn is_timely(&self, now: u64) -> Result<(), Closed> {
        if self.options.valid_after.is_some_and(|after| now < after) {
            return Err(Closed::Because("the key is not yet valid".to_owned()));
        }
        if self.options.valid_before.is_some_and(|before| now > before) {
            return Err(Closed::Because("the key has expired".to_owned()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openssh::signing_key::SigningKey;
    use proptest::prelude::*;

    const NOON: u64 = 1_795_176_000;

    struct Shop {
        alice: SigningKey,
        bob: SigningKey,
    }

    impl Shop {
        fn new() -> Self {
            Self {
                alice: SigningKey::generate("").unwrap(),
                bob: SigningKey::generate("").unwrap(),
            }
        }

        fn file(&self, text: &str) -> AllowedSigners {
            let text = text
                .replace("ALICE", &self.alice.public_line())
                .replace("BOB", &self.bob.public_line());
            AllowedSigners::parse("allowed_signers", text.as_bytes(), &TimeZone::UTC)
        }
    }

    fn plain(key: &SigningKey) -> Key {
        Key::Plain(key.public().clone())
    }

    #[test]
    fn a_key_signs_as_whom_its_line_names_and_as_nobody_else() {
        let shop = Shop::new();
        let file = shop.file("# us\nalice,al* ALICE\r\n\nbob BOB");
        assert_eq!(file.permit("alice", &plain(&shop.alice), "x", NOON), Ok(()));
        assert_eq!(file.permit("alfred", &plain(&shop.alice), "x", NOON), Ok(()));
        assert_eq!(file.permit("bob", &plain(&shop.bob), "x", NOON), Ok(()));
        let other = file.permit("bob", &plain(&shop.alice), "x", NOON);
        assert_eq!(
            other,
            Err("`allowed_signers`, line 2: the key may not sign as `bob`".to_owned())
        );
        let stranger = SigningKey::generate("").unwrap();
        let unknown = file.permit("bob", &plain(&stranger), "x", NOON);
        assert_eq!(unknown, Err("no line of `allowed_signers` has this key".to_owned()));
        let names = file.names(&plain(&shop.alice), "x", NOON).unwrap();
        assert_eq!(names[0].spelled_out(), [b"alice"]);
        assert_eq!(file.find_principals(&plain(&shop.alice), NOON), [&b"alice"[..], b"al*"]);
    }

    #[test]
    fn time_and_namespace_close_a_line_and_the_reason_is_said() {
        let shop = Shop::new();
        for (options, why) in [
            ("valid-before=\"20261119Z\"", "line 1: the key has expired"),
            ("valid-after=\"20261121Z\"", "line 1: the key is not yet valid"),
            ("namespaces=\"file,git\"", "not allowed for the namespace `x`"),
        ] {
            let file = shop.file(&format!("alice {options} ALICE"));
            let found = file.permit("alice", &plain(&shop.alice), "x", NOON);
            assert!(found.as_ref().is_err_and(|found| found.contains(why)), "{found:?}");
            assert_eq!(file.names(&plain(&shop.alice), "x", NOON), found.map(|()| Vec::new()));
        }
        let open = shop.file(
            "alice valid-after=\"20261120Z\",valid-before=\"202611201200Z\",namespaces=\"?\" ALICE",
        );
        assert_eq!(open.permit("alice", &plain(&shop.alice), "x", NOON), Ok(()));
        assert!(open.permit("alice", &plain(&shop.alice), "x", NOON + 1).is_err());
    }

    #[test]
    fn a_bad_line_is_named_and_disturbs_no_other() {
        let shop = Shop::new();
        let file = shop.file("alice what ALICE\nalice ALICE\nbob ssh-dss AAAA");
        assert_eq!(file.permit("alice", &plain(&shop.alice), "x", NOON), Ok(()));
        assert_eq!(file.problems().iter().map(|problem| problem.line).collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn an_authority_does_not_sign_by_itself() {
        let shop = Shop::new();
        let file = shop.file("* cert-authority ALICE");
        assert!(file.permit("alice", &plain(&shop.alice), "x", NOON).is_err());
        assert!(file.find_principals(&plain(&shop.alice), NOON).is_empty());
    }

    #[test]
    fn every_line_with_the_key_counts() {
        let shop = Shop::new();
        let file = shop.file("alice namespaces=\"git\" ALICE\nalice,ops ALICE\nboss,!boss ALICE");
        let names = file.names(&plain(&shop.alice), "x", NOON).unwrap();
        assert_eq!(
            names.iter().map(Principals::spelled_out).collect::<Vec<_>>(),
            [vec![&b"alice"[..], b"ops"], vec![]]
        );
    }

    proptest! {
        #[test]
        fn no_file_makes_the_parser_panic(content: Vec<u8>) {
            let file = AllowedSigners::parse("f", &content, &TimeZone::UTC);
            let key = plain(&SigningKey::generate("").unwrap());
            prop_assert!(file.permit("alice", &key, "x", NOON).is_err());
        }
    }
}
