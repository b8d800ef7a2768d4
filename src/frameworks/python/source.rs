//! From the bytes of a Python file to its text and syntax tree, within bounds.
//!
//! Whatever CPython would refuse to load should be refused here too, with the line.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

use tree_sitter::{Node, ParseOptions, ParseState, Parser, Tree};

/// The size in bytes above which a file is not read as source.
const LARGEST: usize = 16 << 20;

/// How many different indentations a file may have. The grammar's scanner keeps open blocks in
/// a buffer of 1,024 bytes, two bytes each beside up to 257 others, and ends the process where
/// they do not fit. CPython itself permits 100 open blocks.
const INDENTATIONS: usize = 300;

/// How much work parsing a file may be, in hundreds of the parser's steps: about a second.
/// Python as people write it takes about half a step a byte, dense data up to four.
const STEPS: usize = 30_000;

/// How many of those may follow an error, to find where it begins.
const STEPS_AFTER_ERROR: usize = 200;

/// The source is handed to the parser in pieces of so many bytes ...
const PIECE: usize = 4096;

/// ... and so often at most. The scanner looks ahead over comments and empty lines and forgets
/// what it saw, which no count of steps shows. Usually it asks for a piece three times.
const PIECES: usize = 100_000;

/// The reason why a file with a syntax error cannot be read.
pub(super) fn not_python(line: usize) -> String {
    format!("not valid Python near line {line}")
}

/// The text as CPython's tokenizer sees it: decoded, without byte order mark, lines ending in LF.
///
/// In encodings of one byte a character, what is not ASCII becomes U+FFFD.
pub(super) fn prepare(source: &[u8]) -> Result<Cow<'_, str>, String> {
    if source.len() > LARGEST {
        return Err(format!("larger than {} MiB", LARGEST >> 20));
    }
    if let Some(at) = source.iter().position(|byte| *byte == 0) {
        return Err(not_python(line_at(source, at)));
    }
    let text = decode(source)?;
    let text = match text.contains('\r') {
        true => Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")),
        false => text,
    };
    match count_indentations(&text) > INDENTATIONS {
        true => Err(format!("more than {INDENTATIONS} different indentations")),
        false => Ok(text),
    }
}

/// Parses the text, and gives up where that is too much work: a count, so that it is the same
/// file everywhere. A tree that is returned has no error in it.
pub(super) fn parse(text: &str) -> Result<Tree, String> {
    let mut parser = Parser::new();
    let language = tree_sitter_python::LANGUAGE.into();
    parser
        .set_language(&language)
        .map_err(|error| format!("the grammar cannot be used: {error}"))?;

    let (mut steps, pieces, mut error_near) = (STEPS, Cell::new(PIECES), None);
    let mut spend = |state: &ParseState| {
        if state.has_error() && error_near.is_none() {
            error_near = Some(state.current_byte_offset());
            steps = steps.min(STEPS_AFTER_ERROR);
        }
        steps = steps.saturating_sub(1);
        if steps == 0 || pieces.get() == 0 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let mut piece = |from: usize, _| {
        pieces.set(pieces.get().saturating_sub(1));
        let end = text.len().min((from / PIECE + 1).saturating_mul(PIECE));
        text.as_bytes().get(from..end).filter(|_| pieces.get() > 0).unwrap_or_default()
    };
    let options = ParseOptions::new().progress_callback(&mut spend);
    let tree =
        parser.parse_with_options(&mut piece, None, Some(options)).filter(|_| pieces.get() > 0);
    match (tree, error_near) {
        (Some(tree), _) => match first_error(tree.root_node()) {
            Some(line) => Err(not_python(line)),
            None => Ok(tree),
        },
        (None, Some(offset)) => Err(not_python(line_at(text.as_bytes(), offset))),
        (None, None) => Err("too large or too intricate to be read".to_owned()),
    }
}

fn first_error(root: Node<'_>) -> Option<usize> {
    let mut cursor = root.walk();
    let mut node = root;
    while node.has_error() && !node.is_error() && !node.is_missing() {
        node = node.children(&mut cursor).find(Node::has_error)?;
    }
    root.has_error().then(|| super::line(node))
}

fn decode(source: &[u8]) -> Result<Cow<'_, str>, String> {
    let (text, encoding) = match source.strip_prefix(b"\xef\xbb\xbf") {
        Some(text) => (text, None),
        None => (source, declared_encoding(source)),
    };
    match encoding.as_deref() {
        None | Some("utf-8" | "utf8" | "utf-8-sig") => std::str::from_utf8(text)
            .map(Cow::Borrowed)
            .map_err(|error| format!("not UTF-8 at line {}", line_at(text, error.valid_up_to()))),
        Some(name) if has_one_byte_a_character(name) => {
            let decoded = text
                .iter()
                .map(|byte| if byte.is_ascii() { char::from(*byte) } else { '\u{fffd}' });
            Ok(Cow::Owned(decoded.collect()))
        }
        Some(name) => Err(format!("its encoding `{name}` is not understood")),
    }
}

/// The encoding that one of the first two lines names in a comment (PEP 263), in lower case
/// and with hyphens.
fn declared_encoding(source: &[u8]) -> Option<String> {
    for line in source.split(|byte| matches!(byte, b'\n' | b'\r')).take(2) {
        let line = line.trim_ascii();
        let Some(comment) = line.strip_prefix(b"#") else {
            if line.is_empty() {
                continue;
            } else {
                return None;
            };
        };
        let comment = String::from_utf8_lossy(comment);
        let named = comment.match_indices("coding").find_map(|(at, word)| {
            let name = comment
                .get(at + word.len()..)?
                .strip_prefix([':', '='])?
                .trim_start_matches([' ', '\t']);
            let end = name
                .find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)))
                .unwrap_or(name.len());
            name.get(..end).filter(|name| !name.is_empty())
        });
        if let Some(name) = named {
            return Some(name.to_ascii_lowercase().replace('_', "-"));
        }
    }
    None
}

/// Whether every byte below 128 is that ASCII character, and no character takes two bytes.
fn has_one_byte_a_character(encoding: &str) -> bool {
    const FAMILIES: &[&str] = &["iso-8859-", "iso8859-", "windows-125", "cp125", "koi8-"];
    matches!(encoding, "ascii" | "us-ascii" | "latin-1" | "latin1" | "iso-latin-1")
        || FAMILIES.iter().any(|family| encoding.starts_with(family))
}

/// In how many different widths, as the grammar's scanner measures them, lines begin.
fn count_indentations(text: &str) -> usize {
    let mut widths = BTreeSet::new();
    let (mut width, mut leading) = (0_u16, true);
    let mut previous = 0;
    for byte in text.bytes() {
        match byte {
            b'\n' if leading && previous == b'\\' => {}
            b'\n' => (width, leading) = (0, true),
            _ if !leading => {}
            b' ' => width = width.wrapping_add(1),
            b'\t' => width = width.wrapping_add(8),
            b'\x0c' => width = 0,
            b'\\' => {}
            _ => {
                widths.insert(width);
                leading = false;
            }
        }
        previous = byte;
    }
    widths.len()
}

fn line_at(source: &[u8], at: usize) -> usize {
    1 + source.iter().take(at).filter(|byte| **byte == b'\n').count()
}
