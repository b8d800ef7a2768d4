//! Lets one statement through, and none that would end the transaction it runs in or reach
//! beyond the database.

use sqlparser::dialect::SQLiteDialect;
use sqlparser::tokenizer::{Token, Tokenizer};

use crate::error::{Error, Kind, Result};

/// First words of statements that may run inside a transaction. All others, such as `COMMIT`,
/// `ATTACH` and `PRAGMA`, belong to whoever holds the connection.
const ALLOWED: &[&str] = &[
    "ALTER", "ANALYZE", "CREATE", "DELETE", "DROP", "INSERT", "REINDEX", "REPLACE", "SELECT",
    "UPDATE", "WITH",
];

/// Whether `sql` is one statement that may run inside a transaction.
///
/// Errors: `Kind::Refused`.
pub(super) fn check(sql: &str) -> Result<()> {
    let refused =
        |why: String| Err(Error::new(Kind::Refused, "a statement is refused").because(why));
    if sql.contains('\0') {
        return refused("it contains a null byte".to_owned());
    }
    let tokens = match Tokenizer::new(&SQLiteDialect {}, sql).tokenize() {
        Ok(tokens) => tokens,
        Err(error) => return refused(format!("it cannot be read: {error}")),
    };
    let tokens: Vec<Token> =
        tokens.into_iter().filter(|token| !matches!(token, Token::Whitespace(_))).collect();
    let first = tokens.first().map(word).unwrap_or_default();
    if !ALLOWED.contains(&first.as_str()) {
        return refused(format!("it begins with `{first}`"));
    }
    let end = match is_trigger(&tokens) {
        true => tokens
            .windows(2)
            .position(|two| two[0] == Token::SemiColon && word(&two[1]) == "END")
            .map(|at| at + 2),
        false => tokens.iter().position(|token| *token == Token::SemiColon),
    };
    let rest = end.and_then(|end| tokens.get(end..)).unwrap_or_default();
    if rest.iter().any(|token| *token != Token::SemiColon) {
        return refused("it is more than one statement".to_owned());
    }
    Ok(())
}

/// A trigger has statements within it and ends at `; END`.
fn is_trigger(tokens: &[Token]) -> bool {
    let mut words = tokens.iter().map(word);
    if words.next().as_deref() != Some("CREATE") {
        return false;
    }
    words.find(|word| word != "TEMP" && word != "TEMPORARY").as_deref() == Some("TRIGGER")
}

/// An unquoted word in upper case; nothing for any other token.
fn word(token: &Token) -> String {
    match token {
        Token::Word(word) if word.quote_style.is_none() => word.value.to_ascii_uppercase(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_statement_passes_whatever_is_quoted_in_it() {
        for sql in [
            "DROP TABLE \"main\".\"My Table; drop\"",
            "INSERT INTO t VALUES ('a;b'); -- done; really",
            "CREATE TABLE \"COMMIT\" (a)",
            "CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE b SET x = CASE WHEN 1 THEN 2 END; DELETE FROM c; END;",
            "UPDATE [a;b] SET x = 1;",
        ] {
            assert!(check(sql).is_ok(), "{sql}");
        }
    }

    #[test]
    fn a_second_statement_or_an_end_of_the_transaction_is_refused() {
        for sql in [
            "",
            " ; ",
            "DROP TABLE a; DROP TABLE b",
            "CREATE TABLE a (b); /* x */ COMMIT",
            "commit",
            "END",
            "PRAGMA writable_schema = 1",
            "/* x */ ATTACH 'other.db' AS o",
            "VACUUM INTO 'x'",
            "CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM c; END; DROP TABLE c",
            "SELECT 'unterminated",
            "SELECT 1\0; DROP TABLE a",
            "\u{feff}COMMIT",
            ";COMMIT",
        ] {
            assert_eq!(check(sql).map_err(|error| error.kind()), Err(Kind::Refused), "{sql}");
        }
    }
}
