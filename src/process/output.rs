//! What a command says: secrets taken out, the whole into its log, the last lines kept.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};

use crate::model::names::Secret;

/// So many lines of the end are kept,
const LINES: usize = 40;

/// and of each so many bytes.
const WIDTH: usize = 2000;

/// What stands where a secret stood.
const HIDDEN: &[u8] = b"***";

/// Receives everything that a command says.
pub(super) struct Output<'a> {
    redaction: Redaction<'a>,
    log: File,
    /// The first failure to write; the command is not stopped for it.
    written: io::Result<()>,
    tail: Tail,
}

impl<'a> Output<'a> {
    pub fn new(log: File, secrets: &'a [Secret]) -> Self {
        Self { redaction: Redaction::new(secrets), log, written: Ok(()), tail: Tail::default() }
    }

    /// The next piece, cut anywhere.
    pub fn take(&mut self, bytes: &[u8]) {
        let text = self.redaction.pass(bytes);
        self.put(&text);
    }

    /// The last lines, and whether the log is complete.
    pub fn finish(mut self) -> (String, io::Result<()>) {
        let rest = self.redaction.rest();
        self.put(&rest);
        (self.tail.text(), self.written)
    }

    fn put(&mut self, text: &[u8]) {
        self.tail.take(text);
        if self.written.is_ok() {
            self.written = self.log.write_all(text);
        }
    }
}

/// Replaces every occurrence of a secret in a stream, wherever the pieces are cut. Where
/// occurrences overlap, no byte of any of them remains.
struct Redaction<'a> {
    secrets: Vec<&'a [u8]>,
    /// The end of the stream so far: a secret may have begun in it.
    held: Vec<u8>,
    /// So many bytes ahead belong to an occurrence that was already replaced.
    covered: usize,
}

impl<'a> Redaction<'a> {
    fn new(secrets: &'a [Secret]) -> Self {
        let secrets = secrets
            .iter()
            .map(|secret| secret.reveal().as_bytes())
            .filter(|secret| !secret.is_empty());
        Self { secrets: secrets.collect(), held: Vec::new(), covered: 0 }
    }

    fn pass(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.held.extend_from_slice(bytes);
        let longest = self.secrets.iter().map(|secret| secret.len()).max().unwrap_or(0);
        self.release(self.held.len().saturating_sub(longest.saturating_sub(1)))
    }

    fn rest(&mut self) -> Vec<u8> {
        self.release(self.held.len())
    }

    /// Lets the first `end` bytes go, in which every occurrence that begins there can be seen
    /// whole.
    fn release(&mut self, end: usize) -> Vec<u8> {
        let mut text = Vec::with_capacity(end);
        for (at, byte) in self.held.iter().enumerate().take(end) {
            let beginning =
                self.secrets.iter().filter(|secret| self.held[at..].starts_with(secret));
            if let Some(length) = beginning.map(|secret| secret.len()).max() {
                if self.covered == 0 {
                    text.extend_from_slice(HIDDEN);
                }
                self.covered = self.covered.max(length);
            }
            if self.covered == 0 {
                text.push(*byte);
            } else {
                self.covered -= 1;
            }
        }
        self.held.drain(..end);
        text
    }
}

/// The last lines of a stream.
#[derive(Default)]
struct Tail {
    lines: VecDeque<Vec<u8>>,
    /// Whether the last line goes on.
    open: bool,
}

impl Tail {
    fn take(&mut self, text: &[u8]) {
        for piece in text.split_inclusive(|byte| *byte == b'\n') {
            if !self.open {
                if self.lines.len() == LINES {
                    self.lines.pop_front();
                }
                self.lines.push_back(Vec::new());
            }
            let line = piece.strip_suffix(b"\n");
            self.open = line.is_none();
            if let Some(last) = self.lines.back_mut() {
                let room = WIDTH.saturating_sub(last.len());
                last.extend(line.unwrap_or(piece).iter().take(room));
            }
        }
    }

    fn text(&self) -> String {
        let lines: Vec<_> = self.lines.iter().map(|line| String::from_utf8_lossy(line)).collect();
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn redacted(secrets: &[&str], pieces: &[&str]) -> String {
        let secrets: Vec<Secret> = secrets.iter().copied().map(Secret::new).collect();
        let mut redaction = Redaction::new(&secrets);
        let mut text: Vec<u8> =
            pieces.iter().flat_map(|piece| redaction.pass(piece.as_bytes())).collect();
        text.extend(redaction.rest());
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn a_secret_is_replaced_wherever_it_is_cut() {
        assert_eq!(redacted(&["hunter2"], &["pw=hun", "t", "er2!"]), "pw=***!");
        assert_eq!(redacted(&["hunter2"], &["hunter2hunter2"]), "******");
        assert_eq!(redacted(&["two\nlines"], &["a two\n", "lines b"]), "a *** b");
        assert_eq!(redacted(&["hunter2"], &["hunter"]), "hunter");
    }

    #[test]
    fn of_overlapping_secrets_nothing_remains() {
        assert_eq!(redacted(&["abcd", "cdef"], &["xabcdefx"]), "x***x");
        assert_eq!(redacted(&["ab", "abcd"], &["abc", "d ab"]), "*** ***");
        assert_eq!(redacted(&["aa"], &["aaa"]), "***");
    }

    #[test]
    fn an_empty_secret_hides_nothing() {
        assert_eq!(redacted(&["", "x"], &["axb"]), "a***b");
        assert_eq!(redacted(&[], &["ab", "c"]), "abc");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn cutting_a_stream_changes_nothing_and_no_secret_survives(text in "[ab]{0,40}", cut in 0usize..40, secret in "[ab]{2,4}") {
            let cut = cut.min(text.len());
            let whole = redacted(&[&secret], &[&text]);
            prop_assert_eq!(&redacted(&[&secret], &[&text[..cut], &text[cut..]]), &whole);
            prop_assert!(!whole.contains(&secret));
            prop_assert_eq!(whole.contains("***"), text.contains(&secret));
        }
    }

    #[test]
    fn the_tail_is_the_last_lines_and_bounded() {
        let mut tail = Tail::default();
        for n in 0..100 {
            tail.take(b"li");
            tail.take(format!("ne {n}\n").as_bytes());
        }
        tail.take(b"unfinished");
        let text = tail.text();
        assert!(text.starts_with("line 61\nline 62\n") && text.ends_with("line 99\nunfinished"));
        let mut tail = Tail::default();
        for _ in 0..100 {
            tail.take(&[b'x'; 100_000]);
        }
        assert_eq!(tail.text().len(), WIDTH);
    }
}
