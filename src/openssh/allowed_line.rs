//! One line of an allowed-signers file: principals, options, key.
//!
//! Says exactly what `parse_principals_key_and_options` and `sshsigopt_parse` of OpenSSH's
//! `sshsig.c` say, odd corners included: a line that one of the two can use and the other
//! cannot would make the two disagree about a signature.

use jiff::tz::TimeZone;

use crate::openssh::certificate::{Key, skip_blanks};
use crate::openssh::validity;

/// What a line allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedLine {
    /// Counted from 1.
    pub number: usize,
    /// A pattern list.
    pub principals: Vec<u8>,
    pub key: Key,
    pub options: SignerOptions,
}

/// The options of a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignerOptions {
    /// The key is an authority that may certify others; by itself it signs nothing.
    pub authority: bool,
    /// A pattern list; `None` allows every namespace.
    pub namespaces: Option<Vec<u8>>,
    /// Seconds since 1970; the first and the last second in which the key is allowed.
    pub valid_after: Option<u64>,
    pub valid_before: Option<u64>,
}

impl AllowedLine {
    /// Reads a line without its newline; `None` for a comment or an empty one. The error is why
    /// the line allows nobody anything.
    pub fn read(number: usize, line: &[u8], zone: &TimeZone) -> Result<Option<Self>, String> {
        // To C, a line ends at a NUL.
        let line = line.split(|byte| *byte == 0).next().unwrap_or_default();
        let line = skip_blanks(line);
        if line.trim_ascii().is_empty() || line.starts_with(b"#") {
            return Ok(None);
        }
        let (principals, rest) = principals(line)
            .ok_or("there is nothing after the principals, or a quote is not closed")?;
        let (key, options) = match Key::from_line(rest) {
            Ok((key, _comment)) => (key, SignerOptions::default()),
            Err(why) => {
                let end = end_of_options(rest).ok_or("a quote in its options is not closed")?;
                let (options, key) = rest.split_at(end);
                let key = skip_blanks(key);
                if key.is_empty() {
                    // There was one word only: it was meant to be the key.
                    return Err(if rest.is_empty() { "there is no key".to_owned() } else { why });
                }
                (Key::from_line(key)?.0, SignerOptions::read(options, zone)?)
            }
        };
        Ok(Some(Self { number, principals, key, options }))
    }
}

/// The first word of a line and what follows. A quoted part may hold blanks; it ends the word.
fn principals(line: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let end = line.iter().position(|byte| is_blank(byte) || *byte == b'"')?;
    let (head, rest) = line.split_at(end);
    let mut word = head.to_vec();
    let mut rest = rest.get(1..)?;
    if line.get(end) == Some(&b'"') {
        let close = rest.iter().position(|byte| *byte == b'"')?;
        word.extend(rest.get(..close)?);
        rest = rest.get(close + 1..)?;
    }
    let start = rest.iter().position(|byte| !is_blank(byte)).unwrap_or(rest.len());
    Some((word, rest.get(start..)?))
}

/// Where the options end: at the first blank outside quotes. `None` where a quote is not closed.
fn end_of_options(text: &[u8]) -> Option<usize> {
    let (mut at, mut quoted) = (0, false);
    while let Some(byte) = text.get(at) {
        match byte {
            b' ' | b'\t' if !quoted => return Some(at),
            b'\\' if text.get(at + 1) == Some(&b'"') => at += 1,
            b'"' => quoted = !quoted,
            _ => {}
        }
        at += 1;
    }
    (!quoted).then_some(text.len())
}

impl SignerOptions {
    fn read(text: &[u8], zone: &TimeZone) -> Result<Self, String> {
        let mut options = Self::default();
        let mut rest = text;
        while !rest.is_empty() {
            rest = options.take_one(rest, zone)?;
            // An empty option between two commas is allowed, one after the last comma is not.
            rest = match rest {
                [] => break,
                [b','] => return Err("its options end with a comma".to_owned()),
                [b',', more @ ..] => more,
                _ => {
                    let unknown = rest.split(|byte| *byte == b',').next().unwrap_or_default();
                    return Err(format!(
                        "option `{}` is not known",
                        String::from_utf8_lossy(unknown)
                    ));
                }
            };
        }
        match (options.valid_after, options.valid_before) {
            (Some(after), Some(before)) if before <= after => {
                Err("its `valid-before` is not later than its `valid-after`".to_owned())
            }
            _ => Ok(options),
        }
    }

    /// Takes one option off the front; what it does not know it leaves there.
    fn take_one<'a>(&mut self, text: &'a [u8], zone: &TimeZone) -> Result<&'a [u8], String> {
        if let Some(rest) = strip_word(text, "cert-authority") {
            self.authority = true;
            return Ok(rest);
        }
        if let Some(rest) = strip_word(text, "namespaces=") {
            let (value, rest) = quoted("namespaces", rest)?;
            return once("namespaces", &mut self.namespaces, value).map(|()| rest);
        }
        for (name, place) in
            [("valid-after", &mut self.valid_after), ("valid-before", &mut self.valid_before)]
        {
            if let Some(rest) = strip_word(text, &format!("{name}=")) {
                let (value, rest) = quoted(name, rest)?;
                let time = validity::read_time(&value, zone);
                let shown = String::from_utf8_lossy(&value);
                let time = time
                    .ok_or_else(|| format!("the time `{shown}` of its `{name}` cannot be read"))?;
                return once(name, place, time).map(|()| rest);
            }
        }
        Ok(text)
    }
}

fn once<T>(name: &str, place: &mut Option<T>, value: T) -> Result<(), String> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(format!("it has `{name}` twice")),
    }
}

/// What follows `word`, in any case, at the front.
fn strip_word<'a>(text: &'a [u8], word: &str) -> Option<&'a [u8]> {
    let (front, rest) = text.split_at_checked(word.len())?;
    front.eq_ignore_ascii_case(word.as_bytes()).then_some(rest)
}

/// A value in double quotes, in which `\"` stands for a quote.
fn quoted<'a>(name: &str, text: &'a [u8]) -> Result<(Vec<u8>, &'a [u8]), String> {
    let mut rest = text
        .strip_prefix(b"\"")
        .ok_or_else(|| format!("the value of its `{name}` is not in double quotes"))?;
    let mut value = Vec::new();
    loop {
        rest = match rest {
            [b'\\', b'"', more @ ..] => {
                value.push(b'"');
                more
            }
            [b'"', more @ ..] => return Ok((value, more)),
            [byte, more @ ..] => {
                value.push(*byte);
                more
            }
            [] => return Err(format!("the quote of its `{name}` is not closed")),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openssh::signing_key::SigningKey;
    use proptest::prelude::*;

    fn read(line: &str) -> Result<Option<AllowedLine>, String> {
        AllowedLine::read(1, line.as_bytes(), &TimeZone::UTC)
    }

    fn key_text() -> String {
        SigningKey::generate("a comment").unwrap().public_line()
    }

    fn allowed(line: &str) -> AllowedLine {
        read(line).unwrap().unwrap()
    }

    #[test]
    fn comments_and_empty_lines_say_nothing() {
        for line in ["", "  ", "# alice ssh-ed25519 AAAA", " \t# x", "\r"] {
            assert_eq!(read(line), Ok(None), "{line:?}");
        }
    }

    #[test]
    fn principals_may_be_quoted_and_the_quote_ends_them() {
        let key = key_text();
        assert_eq!(allowed(&format!("alice,bob {key}")).principals, b"alice,bob");
        assert_eq!(allowed(&format!("\"alice b\" {key}")).principals, b"alice b");
        assert_eq!(allowed(&format!("a\"l i\"{key}")).principals, b"al i");
        assert!(read(&format!("\"alice {key}")).is_err());
        assert!(read("alice").is_err());
    }

    #[test]
    fn options_are_read_in_any_case_and_order_and_each_once() {
        let key = key_text();
        let line = allowed(&format!(
            "a VALID-BEFORE=\"20270101Z\",cert-authority,,Namespaces=\"x,\\\"y \",valid-after=\"20260101Z\" \t{key}"
        ));
        assert!(line.options.authority);
        assert_eq!(line.options.namespaces.as_deref(), Some(&b"x,\"y "[..]));
        assert_eq!(line.options.valid_after, Some(1_767_225_600));
        assert_eq!(line.options.valid_before, Some(1_798_761_600));
        for (options, why) in [
            ("no-touch-required", "not known"),
            ("cert-authorityx", "not known"),
            ("namespaces=x", "double quotes"),
            ("namespaces=\"x\",namespaces=\"x\"", "twice"),
            ("valid-after=\"20260101Z\",valid-after=\"20260101Z\"", "twice"),
            ("valid-after=\"yesterday\"", "yesterday"),
            ("valid-after=\"20270101Z\",valid-before=\"20260101Z\"", "not later"),
            ("cert-authority,", "comma"),
        ] {
            let found = read(&format!("a {options} {key}"));
            assert!(found.as_ref().is_err_and(|found| found.contains(why)), "{options}: {found:?}");
        }
        assert!(
            read("a namespaces=\"x ssh-ed25519 AAAA").is_err_and(|why| why.contains("not closed"))
        );
    }

    #[test]
    fn a_line_whose_key_cannot_be_read_says_so() {
        for (line, why) in [
            ("alice ssh-dss AAAA", "AAAA"),
            ("alice ssh-ed25519", "of the kind"),
            ("alice cert-authority ssh-dss AAAA", "DSA"),
            ("alice cert-authority", "not a kind of key"),
            ("\ralice ssh-ed25519 AAAA", "of the kind"),
        ] {
            let found = read(line);
            assert!(found.as_ref().is_err_and(|found| found.contains(why)), "{line}: {found:?}");
        }
        assert!(allowed(&format!("alice {}\r", key_text())).options == SignerOptions::default());
    }

    proptest! {
        #[test]
        fn no_line_makes_the_parser_panic(line: Vec<u8>, text in "[a,\"\\\\= \t]{0,12}(cert-authority|namespaces=|valid-after=)?[\"\\\\a, 0-9]{0,12}") {
            let _ = AllowedLine::read(1, &line, &TimeZone::UTC);
            let _ = read(&text);
        }
    }
}
