//! Reads the text of a table or an index for what no pragma tells: checks, names of constraints,
//! collations, expressions. What sqlparser cannot read is not known, and never an error.

use std::collections::BTreeMap;

use sqlparser::ast::{
    CheckConstraint, ColumnDef, ColumnOption, CreateIndex, Expr, ForeignKeyConstraint, Ident,
    IndexColumn, Statement, TableConstraint,
};
use sqlparser::dialect::SQLiteDialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use crate::engines::sqlite::catalogue::folded;
use crate::model::database::schema::Definition;

/// What the text of a table says. Column names are in lower case, for comparison.
#[derive(Clone, Debug, Default)]
pub(super) struct TableText {
    pub(super) checks: Vec<Definition>,
    pub(super) primary_key: Option<String>,
    /// Columns with the name of the unique constraint over them.
    pub(super) uniques: Vec<(Vec<String>, String)>,
    /// In the order of the text.
    pub(super) foreign_keys: Vec<ForeignKeyText>,
    pub(super) collations: BTreeMap<String, String>,
    pub(super) generated: BTreeMap<String, String>,
    pub(super) autoincrement: bool,
}

#[derive(Clone, Debug)]
pub(super) struct ForeignKeyText {
    pub(super) name: Option<String>,
    pub(super) columns: Vec<String>,
    /// `DEFERRABLE INITIALLY DEFERRED`.
    pub(super) options: Option<String>,
}

/// What the text of an index says.
#[derive(Clone, Debug)]
pub(super) struct IndexText {
    /// One per column of the index.
    pub(super) columns: Vec<String>,
    pub(super) predicate: Option<String>,
}

/// Reads `CREATE TABLE`; the error says why it cannot be read.
pub(super) fn table(sql: &str) -> Result<TableText, String> {
    let Statement::CreateTable(create) = statement(sql)? else {
        return Err("it creates no table".to_owned());
    };
    let mut text = TableText::default();
    for column in &create.columns {
        text.add_column(column);
    }
    for constraint in &create.constraints {
        text.add_constraint(constraint);
    }
    text.checks.sort();
    Ok(text)
}

/// Reads `CREATE INDEX`.
pub(super) fn index(sql: &str) -> Option<IndexText> {
    match statement(sql).ok()? {
        Statement::CreateIndex(CreateIndex { columns, predicate, .. }) => Some(IndexText {
            columns: columns.iter().map(|column| column.column.expr.to_string()).collect(),
            predicate: predicate.map(|predicate| predicate.to_string()),
        }),
        _ => None,
    }
}

fn statement(sql: &str) -> Result<Statement, String> {
    let mut statements =
        Parser::parse_sql(&SQLiteDialect {}, sql).map_err(|error| error.to_string())?;
    match (statements.pop(), statements.is_empty()) {
        (Some(statement), true) => Ok(statement),
        _ => Err("it is not one statement".to_owned()),
    }
}

impl TableText {
    fn add_column(&mut self, column: &ColumnDef) {
        let name = folded(&column.name.value);
        for option in &column.options {
            let constraint = option.name.as_ref().map(|name| name.value.clone());
            match &option.option {
                ColumnOption::Check(check) => {
                    self.add_check(option.name.as_ref().or(check.name.as_ref()), check);
                }
                ColumnOption::PrimaryKey(_) => self.primary_key = constraint,
                ColumnOption::Unique(_) => self.add_unique(vec![name.clone()], constraint),
                ColumnOption::ForeignKey(key) => {
                    self.add_foreign_key(constraint, vec![name.clone()], key);
                }
                ColumnOption::Collation(collation) => {
                    self.collations.insert(name.clone(), collation.to_string());
                }
                ColumnOption::Generated { generation_expr: Some(expression), .. } => {
                    self.generated.insert(name.clone(), expression.to_string());
                }
                ColumnOption::DialectSpecific(tokens) => {
                    self.autoincrement |= tokens.iter().any(is_autoincrement);
                }
                _ => {}
            }
        }
    }

    fn add_constraint(&mut self, constraint: &TableConstraint) {
        let text = |name: &Option<Ident>| name.as_ref().map(|name| name.value.clone());
        match constraint {
            TableConstraint::Check(check) => self.add_check(check.name.as_ref(), check),
            TableConstraint::PrimaryKey(key) => self.primary_key = text(&key.name),
            TableConstraint::Unique(key) => {
                self.add_unique(key.columns.iter().map(column_name).collect(), text(&key.name));
            }
            TableConstraint::ForeignKey(key) => {
                let columns = key.columns.iter().map(|column| folded(&column.value)).collect();
                self.add_foreign_key(text(&key.name), columns, key);
            }
            _ => {}
        }
    }

    fn add_check(&mut self, name: Option<&Ident>, check: &CheckConstraint) {
        self.checks.push(Definition {
            schema: super::HOME.into(),
            // A check need not have a name in SQLite.
            name: name.map(|name| name.value.clone()).unwrap_or_default(),
            definition: format!("CHECK ({})", check.expr),
            ..Definition::default()
        });
    }

    fn add_unique(&mut self, columns: Vec<String>, name: Option<String>) {
        self.uniques.extend(name.map(|name| (columns, name)));
    }

    fn add_foreign_key(
        &mut self,
        name: Option<String>,
        columns: Vec<String>,
        key: &ForeignKeyConstraint,
    ) {
        let options = key
            .characteristics
            .as_ref()
            .map(ToString::to_string)
            .filter(|options| !options.is_empty());
        self.foreign_keys.push(ForeignKeyText { name, columns, options });
    }
}

fn is_autoincrement(token: &Token) -> bool {
    matches!(token, Token::Word(word) if word.keyword == Keyword::AUTOINCREMENT)
}

fn column_name(column: &IndexColumn) -> String {
    match &column.column.expr {
        Expr::Identifier(name) => folded(&name.value),
        other => folded(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pragmas_do_not_tell_is_read_from_the_text() {
        let text = table(
            "CREATE TABLE \"t\" (id INTEGER PRIMARY KEY AUTOINCREMENT, \
             Name VARCHAR(10) COLLATE NOCASE CONSTRAINT uq_name UNIQUE CONSTRAINT short CHECK (length(Name) < 9), \
             twice INT GENERATED ALWAYS AS (id * 2) STORED, \
             o INT CONSTRAINT fk_o REFERENCES o (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED, \
             CONSTRAINT uq_pair UNIQUE (Name, o), CHECK (id > 0), FOREIGN KEY (id, o) REFERENCES p)",
        )
        .unwrap();
        assert!(text.autoincrement);
        assert_eq!(text.collations["name"], "NOCASE");
        assert_eq!(text.generated["twice"], "id * 2");
        let uniques = [
            (vec!["name".into()], "uq_name".into()),
            (vec!["name".into(), "o".into()], "uq_pair".into()),
        ];
        assert_eq!(text.uniques, uniques);
        let checks: Vec<_> =
            text.checks.iter().map(|check| (&*check.name, &*check.definition)).collect();
        assert_eq!(checks, [("", "CHECK (id > 0)"), ("short", "CHECK (length(Name) < 9)")]);
        let keys: Vec<_> = text
            .foreign_keys
            .iter()
            .map(|key| (key.name.as_deref(), key.columns.join(",")))
            .collect();
        assert_eq!(keys, [(Some("fk_o"), "o".into()), (None, "id,o".into())]);
        assert_eq!(text.foreign_keys[0].options.as_deref(), Some("DEFERRABLE INITIALLY DEFERRED"));
    }

    #[test]
    fn an_index_gives_its_expressions_and_its_predicate() {
        let text =
            index("CREATE UNIQUE INDEX i ON t (lower(a), b DESC) WHERE b IS NOT NULL").unwrap();
        assert_eq!(text.columns, ["lower(a)", "b"]);
        assert_eq!(text.predicate.as_deref(), Some("b IS NOT NULL"));
    }

    #[test]
    fn what_cannot_be_read_gives_a_reason_and_no_panic() {
        assert!(table("CREATE TABLE t (a FOO BAR BAZ)").is_err());
        assert!(table("CREATE VIEW v AS SELECT 1").is_err());
        assert!(
            table(&format!("CREATE TABLE t (a CHECK ({}1{}))", "(".repeat(9999), ")".repeat(9999)))
                .is_err()
        );
        assert!(index("").is_none());
    }
}
