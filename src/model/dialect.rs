//! How SQL is spelled: pure text, one implementation per engine on the engines' shelf.
//!
//! Plans carry SQL, so it has to be the same wherever it is spelled: no connection, no
//! version of a server, no setting may have a say.

use crate::model::names::ObjectRef;

/// The spelling of one engine.
pub trait Dialect: Sync {
    /// The engine's name on its shelf.
    fn name(&self) -> &'static str;

    /// Whether the whole database is one file of its own, so that what other programs keep
    /// in it is unlikely to be rubbish.
    fn is_one_file(&self) -> bool;

    /// Drops exactly this object and nothing that depends on it; `None` where this engine
    /// cannot drop such an object by itself.
    fn drop_object(&self, object: &ObjectRef) -> Option<String>;

    /// Whether the object is part of the database system and no application's.
    fn is_of_the_system(&self, object: &ObjectRef) -> bool;

    /// Creates the table in which a framework records its revisions.
    fn create_book(&self, table: &ObjectRef, column: &str, width: u32) -> String;

    /// Makes a text column of a table at least `width` characters wide; `None` where the engine
    /// does not enforce widths and nothing needs to be done.
    fn widen_column(&self, table: &ObjectRef, column: &str, width: u32) -> Option<String>;
}

/// Quotes a name the way the SQL standard does. Works for every engine on the shelf.
pub fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// `"schema"."name"`.
pub fn qualified(schema: &str, name: &str) -> String {
    format!("{}.{}", quote(schema), quote(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_in_a_name_is_doubled() {
        assert_eq!(quote("My Table; drop"), "\"My Table; drop\"");
        assert_eq!(qualified("a\"b", "c"), "\"a\"\"b\".\"c\"");
    }
}
