//! Which relations a definition names, for the dependencies that SQLite does not keep.

use std::ops::ControlFlow;

use sqlparser::ast::{ObjectName, Visit, Visitor};
use sqlparser::dialect::SQLiteDialect;
use sqlparser::parser::Parser;

/// The tables and views that a definition reads, as `(schema or none, name)`; `None` where the
/// text cannot be read, and then it may depend on anything.
pub(super) fn relations_in(sql: &str) -> Option<Vec<(Option<String>, String)>> {
    struct Collect(Vec<(Option<String>, String)>);
    impl Visitor for Collect {
        type Break = ();
        fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<()> {
            let parts: Vec<String> = name
                .0
                .iter()
                .filter_map(|part| part.as_ident())
                .map(|ident| ident.value.clone())
                .collect();
            match parts.as_slice() {
                [.., schema, name] => self.0.push((Some(schema.clone()), name.clone())),
                [name] => self.0.push((None, name.clone())),
                [] => {}
            }
            ControlFlow::Continue(())
        }
    }
    let statements = Parser::parse_sql(&SQLiteDialect {}, sql).ok()?;
    let mut collect = Collect(Vec::new());
    let _ = statements.visit(&mut collect);
    Some(collect.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relations_are_found_in_views_and_not_in_what_cannot_be_read() {
        let found = relations_in("CREATE VIEW v AS SELECT * FROM a JOIN \"b c\" ON 1=1")
            .unwrap_or_default();
        assert!(
            found.contains(&(None, "a".into())) && found.contains(&(None, "b c".into())),
            "{found:?}"
        );
        assert_eq!(relations_in("CREATE GARBAGE"), None);
    }
}
