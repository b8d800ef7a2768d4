//! Reading the SQL that `pg_restore` writes: whole texts made fit for a transaction of ours, and
//! rows streamed with a bounded memory. Pure: it reads from whatever it is given.

use std::io::BufRead;

use crate::error::{Error, Kind, Result};
use crate::model::names::ObjectRef;

/// How many bytes of rows are gathered at a time.
const LUMP: usize = 64 * 1024;

/// What stands next in the data part of a script.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Statement(String),
    /// A `COPY ... FROM stdin;` whose rows follow.
    Copy(String),
}

/// The data part of a script.
pub(super) struct Script<R> {
    reader: R,
    /// Whether it ended in the middle of something.
    pub(super) torn: bool,
    /// Whether the end of the rows being read was seen.
    ended: bool,
}

impl<R: BufRead> Script<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, torn: false, ended: false }
    }

    /// The next statement. Comments, what only `psql` understands, what is unwanted, and the
    /// statements that would end our transaction are left out.
    pub(super) fn next(&mut self) -> Result<Option<Piece>> {
        let mut text = Vec::new();
        let mut quoted = None;
        loop {
            let start = text.len();
            if self.line(&mut text)? == 0 {
                return if text.is_empty() { Ok(None) } else { Err(self.tear()) };
            }
            let line = &text[start..];
            if start == 0
                && (line.trim_ascii().is_empty()
                    || line.starts_with(b"--")
                    || line.starts_with(b"\\"))
            {
                text.clear();
                continue;
            }
            quoted = quote_at_end(line, quoted);
            if quoted.is_some() || !line.trim_ascii_end().ends_with(b";") {
                continue;
            }
            let statement = String::from_utf8(std::mem::take(&mut text)).map_err(|cause| {
                Error::new(Kind::Failed, "a name in the archive is not UTF-8").because(cause)
            })?;
            let statement = statement.trim();
            match statement {
                "BEGIN;" | "COMMIT;" => {}
                _ if UNWANTED.contains(&statement) => {}
                _ if statement.starts_with("COPY ") && statement.ends_with(" FROM stdin;") => {
                    return Ok(Some(Piece::Copy(statement.to_owned())));
                }
                _ => return Ok(Some(Piece::Statement(statement.to_owned()))),
            }
        }
    }

    /// Adds some of the rows of the `COPY` just read to `rows` and says how many; 0 after the last.
    pub(super) fn rows(&mut self, rows: &mut Vec<u8>) -> Result<u64> {
        let mut count = 0;
        if std::mem::take(&mut self.ended) {
            return Ok(0);
        }
        while rows.len() < LUMP {
            let start = rows.len();
            if self.line(rows)? == 0 {
                return Err(self.tear());
            }
            if &rows[start..] == b"\\.\n" {
                rows.truncate(start);
                self.ended = count > 0;
                return Ok(count);
            }
            count += 1;
        }
        Ok(count)
    }

    fn line(&mut self, into: &mut Vec<u8>) -> Result<usize> {
        self.reader.read_until(b'\n', into).map_err(|cause| {
            Error::new(Kind::Failed, "the output of `pg_restore` cannot be read").because(cause)
        })
    }

    fn tear(&mut self) -> Error {
        self.torn = true;
        Error::new(Kind::Failed, "the archive ends in the middle of something")
    }
}

/// The quotation mark that is still open at the end of a line, if one was open at its beginning.
/// A doubled mark closes and opens again, which comes to the same.
fn quote_at_end(line: &[u8], mut open: Option<u8>) -> Option<u8> {
    for byte in line {
        match open {
            Some(mark) if *byte == mark => open = None,
            None if matches!(byte, b'\'' | b'"') => open = Some(*byte),
            _ => {}
        }
    }
    open
}

/// The table that a `COPY schema.table (...) FROM stdin;` fills; `pg_restore` always names the
/// schema.
pub(super) fn table_of(copy: &str) -> Option<ObjectRef> {
    let (schema, rest) = identifier(copy.strip_prefix("COPY ")?)?;
    let (name, _) = identifier(rest.strip_prefix('.')?)?;
    Some(ObjectRef::table(schema, name))
}

/// The identifier at the beginning of a text, without its quotation marks, and what follows it.
fn identifier(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(['.', ' ', '(']).unwrap_or(text.len());
        return Some((text.get(..end)?.to_owned(), text.get(end..)?));
    };
    let mut name = String::new();
    let mut letters = quoted.char_indices();
    while let Some((at, letter)) = letters.next() {
        if letter != '"' {
            name.push(letter);
        } else if quoted[at + 1..].starts_with('"') {
            name.push('"');
            letters.next();
        } else {
            return Some((name, &quoted[at + 1..]));
        }
    }
    None
}

/// Statements in the head of a script that are not for us: one would have us wait for locks for
/// ever, the other is not known to a server that is older than the program.
const UNWANTED: &[&str] = &["SET lock_timeout = 0;", "SET transaction_timeout = 0;"];

/// How the lines in the head of a script begin.
const HEAD: &[&str] = &["--", "\\", "SET ", "SELECT pg_catalog.set_config("];

/// Makes a whole script fit to be run as one batch in a transaction of ours: without the two lines
/// that are meant for `psql` (their key cannot be guessed by whoever made the objects), and without
/// what is unwanted.
pub(super) fn fit(script: &str) -> String {
    let in_head = |line: &str| line.is_empty() || HEAD.iter().any(|word| line.starts_with(word));
    let mut head = script.lines().take_while(|line| in_head(line));
    let key = head.find_map(|line| line.strip_prefix("\\restrict ")).map(str::trim);
    let mut unwanted = UNWANTED.to_vec();
    let kept = script.split_inclusive('\n').filter(|line| {
        let line = line.trim_end();
        let guard = line.strip_prefix("\\restrict ").or_else(|| line.strip_prefix("\\unrestrict "));
        if guard.is_some() && guard == key {
            return false;
        }
        if !in_head(line) {
            // Here somebody's text begins.
            unwanted.clear();
        }
        !unwanted.contains(&line)
    });
    kept.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str) -> Vec<Piece> {
        let mut script = Script::new(text.as_bytes());
        let mut pieces = Vec::new();
        while let Some(piece) = script.next().unwrap() {
            pieces.push(piece);
        }
        pieces
    }

    #[test]
    fn statements_end_where_no_quotation_is_open() {
        let text = "\\restrict k\n\n-- Data; for\nSET lock_timeout = 0;\nSET x = 'a;\nb';\nBEGIN;\nSELECT 1;\nCOMMIT;\n\\unrestrict k\n";
        let statement = |text: &str| Piece::Statement(text.to_owned());
        assert_eq!(pieces(text), [statement("SET x = 'a;\nb';"), statement("SELECT 1;")]);
    }

    #[test]
    fn rows_are_given_in_lumps_and_counted() {
        let rows = "1\tone\n2\t\\\\.\n".repeat(LUMP / 8);
        let text = format!("COPY public.\"a;\n\"\"b\" (x) FROM stdin;\n{rows}\\.\n\nSELECT 2;\n");
        let mut script = Script::new(text.as_bytes());
        let Some(Piece::Copy(copy)) = script.next().unwrap() else { panic!("no copy") };
        assert_eq!(table_of(&copy), Some(ObjectRef::table("public", "a;\n\"b")));
        let (mut total, mut all) = (0, Vec::new());
        loop {
            let mut lump = Vec::new();
            let count = script.rows(&mut lump).unwrap();
            assert!(lump.len() < LUMP + 100);
            if count == 0 {
                break;
            }
            total += count;
            all.extend(lump);
        }
        assert_eq!(total, 2 * (LUMP as u64 / 8));
        assert_eq!(all, rows.as_bytes());
        assert_eq!(script.next().unwrap(), Some(Piece::Statement("SELECT 2;".to_owned())));
        assert_eq!(script.next().unwrap(), None);
    }

    #[test]
    fn an_empty_table_has_no_rows_and_a_torn_one_is_an_error() {
        let mut script =
            Script::new("COPY a.b (x) FROM stdin;\n\\.\nCOPY a.c (x) FROM stdin;\n1\n".as_bytes());
        script.next().unwrap();
        assert_eq!(script.rows(&mut Vec::new()).unwrap(), 0);
        script.next().unwrap();
        assert!(script.rows(&mut Vec::new()).is_err());
        assert!(script.torn);
        assert!(Script::new("SELECT 'a".as_bytes()).next().is_err());
    }

    #[test]
    fn tables_are_read_from_copies_as_they_are_spelled() {
        assert_eq!(
            table_of("COPY public.test (a) FROM stdin;"),
            Some(ObjectRef::table("public", "test"))
        );
        assert_eq!(table_of("COPY \"A.b\".\"c\" FROM stdin;"), Some(ObjectRef::table("A.b", "c")));
        assert_eq!(table_of("COPY \"A"), None);
        assert_eq!(table_of("SELECT"), None);
    }

    #[test]
    fn only_the_scripts_own_lines_are_taken_out() {
        let text = "\\restrict k\nSET lock_timeout = 0;\nSET x = 1;\nSET transaction_timeout = 0;\n\n\
            CREATE FUNCTION f() AS '\nSET lock_timeout = 0;\n\\unrestrict other\n';\n\\unrestrict k\n";
        assert_eq!(
            fit(text),
            "SET x = 1;\n\nCREATE FUNCTION f() AS '\nSET lock_timeout = 0;\n\\unrestrict other\n';\n"
        );
    }
}
