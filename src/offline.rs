//! SHELF-SIDE: reads offline scripts of migrations: which tables each statement creates, alters,
//! drops or rewrites, and whom it keeps waiting. Pure; what it cannot read it calls unknown.

use sqlparser::ast::{
    AlterColumnOperation, AlterTable, AlterTableOperation, ColumnOption, Expr, FromTable,
    ObjectType, Statement, TableConstraint,
};
use sqlparser::dialect::{Dialect, PostgreSqlDialect, SQLiteDialect};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use crate::model::database::offline::{LockEffect, LockMode, Offline, StatementKind};

/// Reads the scripts of revisions, each with its SQL. Locks are told where the engine is a server.
pub fn read(scripts: &[(String, String)], engine: &str) -> Vec<Offline> {
    let one_file = engine == "sqlite";
    let dialect: &dyn Dialect = if one_file { &SQLiteDialect {} } else { &PostgreSqlDialect {} };
    let effects = |sql: &str| {
        let mut effects: Vec<LockEffect> = Vec::new();
        for mut effect in statements(dialect, sql)
            .into_iter()
            .flat_map(|statement| effects_of(dialect, statement))
        {
            if one_file {
                effect.holds = LockMode::Nobody;
            }
            if !effects.contains(&effect) {
                effects.push(effect);
            }
        }
        effects
    };
    scripts
        .iter()
        .map(|(id, sql)| Offline { revision: id.clone(), effects: effects(sql) })
        .collect()
}

/// The tokens of each statement; one that is not even tokens is a single unknown.
fn statements(dialect: &dyn Dialect, sql: &str) -> Vec<Option<Vec<TokenWithSpan>>> {
    let Ok(tokens) = Tokenizer::new(dialect, sql).tokenize_with_location() else {
        return vec![None];
    };
    let is_empty = |tokens: &[TokenWithSpan]| {
        tokens.iter().all(|t| matches!(t.token, Token::Whitespace(_) | Token::EOF))
    };
    let parts =
        tokens.split(|token| token.token == Token::SemiColon).filter(|part| !is_empty(part));
    parts.map(|part| Some(part.to_vec())).collect()
}

fn effects_of(dialect: &dyn Dialect, tokens: Option<Vec<TokenWithSpan>>) -> Vec<LockEffect> {
    let parse =
        |tokens| Parser::new(dialect).with_tokens_with_locations(tokens).parse_statement().ok();
    tokens.and_then(parse).map_or_else(
        || vec![effect(StatementKind::Unknown, &"", LockMode::Everybody)],
        |read| of(&read),
    )
}

fn effect(does: StatementKind, on: &impl ToString, holds: LockMode) -> LockEffect {
    LockEffect { does, on: on.to_string(), holds }
}

fn of(statement: &Statement) -> Vec<LockEffect> {
    match statement {
        Statement::CreateTable(create) => {
            let mut found = vec![effect(StatementKind::Creates, &create.name, LockMode::Nobody)];
            let keys = create.constraints.iter().filter_map(|constraint| match constraint {
                TableConstraint::ForeignKey(key) => {
                    Some(effect(StatementKind::Alters, &key.foreign_table, LockMode::Briefly))
                }
                _ => None,
            });
            found.extend(keys);
            found
        }
        Statement::CreateIndex(create) => {
            let holds = if create.concurrently { LockMode::Nobody } else { LockMode::Writers };
            vec![effect(StatementKind::Alters, &create.table_name, holds)]
        }
        Statement::CreateView(create) => {
            vec![effect(StatementKind::Creates, &create.name, LockMode::Nobody)]
        }
        Statement::CreateType { name, .. } => {
            vec![effect(StatementKind::Creates, name, LockMode::Nobody)]
        }
        Statement::CreateSequence { name, .. } => {
            vec![effect(StatementKind::Creates, name, LockMode::Nobody)]
        }
        Statement::AlterTable(alter) => vec![of_alter(alter)],
        Statement::AlterType(alter) => {
            vec![effect(StatementKind::Alters, &alter.name, LockMode::Briefly)]
        }
        Statement::Drop { object_type, names, .. } => {
            let does = if *object_type == ObjectType::Index {
                StatementKind::Alters
            } else {
                StatementKind::Drops
            };
            names.iter().map(|name| effect(does, name, LockMode::Briefly)).collect()
        }
        Statement::Truncate(truncate) => truncate
            .table_names
            .iter()
            .map(|table| effect(StatementKind::Drops, &table.name, LockMode::Briefly))
            .collect(),
        Statement::Insert(insert) => {
            vec![effect(StatementKind::Writes, &insert.table, LockMode::Nobody)]
        }
        Statement::Update(update) => {
            vec![effect(StatementKind::Writes, &update.table.relation, LockMode::Nobody)]
        }
        Statement::Delete(delete) => {
            let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
            from.iter()
                .map(|from| effect(StatementKind::Writes, &from.relation, LockMode::Nobody))
                .collect()
        }
        Statement::StartTransaction { .. }
        | Statement::Commit { .. }
        | Statement::Comment { .. }
        | Statement::Query(_) => Vec::new(),
        _ => vec![effect(StatementKind::Unknown, &"", LockMode::Everybody)],
    }
}

/// The heaviest of what the operations do.
fn of_alter(alter: &AlterTable) -> LockEffect {
    let operations = alter.operations.iter().map(of_operation);
    let (does, holds) = operations
        .max_by_key(|(_, holds)| *holds)
        .unwrap_or((StatementKind::Alters, LockMode::Briefly));
    effect(does, &alter.name, holds)
}

fn of_operation(operation: &AlterTableOperation) -> (StatementKind, LockMode) {
    use AlterTableOperation as Operation;
    match operation {
        Operation::AddColumn { column_def, .. } => {
            let computed = column_def.options.iter().any(|option| match &option.option {
                ColumnOption::Default(value) => !is_constant(value),
                ColumnOption::Generated { .. } => true,
                _ => false,
            });
            if computed {
                (StatementKind::Rewrites, LockMode::Everybody)
            } else {
                (StatementKind::Alters, LockMode::Briefly)
            }
        }
        Operation::AddConstraint { not_valid: true, .. } => {
            (StatementKind::Alters, LockMode::Briefly)
        }
        Operation::AddConstraint { constraint: TableConstraint::ForeignKey(_), .. } => {
            (StatementKind::Alters, LockMode::Writers)
        }
        Operation::AddConstraint { .. } => (StatementKind::Alters, LockMode::Everybody),
        Operation::AlterColumn { op: AlterColumnOperation::SetDataType { .. }, .. } => {
            (StatementKind::Rewrites, LockMode::Everybody)
        }
        Operation::AlterColumn { op: AlterColumnOperation::SetNotNull, .. } => {
            (StatementKind::Alters, LockMode::Everybody)
        }
        _ => (StatementKind::Alters, LockMode::Briefly),
    }
}

/// Whether a default is the same for every row, so that none has to be written. What is not known
/// is not.
fn is_constant(value: &Expr) -> bool {
    match value {
        Expr::Value(_) => true,
        Expr::Cast { expr, .. } | Expr::Nested(expr) | Expr::UnaryOp { expr, .. } => {
            is_constant(expr)
        }
        Expr::Function(call) => {
            let name = call.name.to_string().to_ascii_lowercase();
            ["now", "current_timestamp", "current_date", "localtimestamp"].contains(&name.as_str())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(sql: &str) -> Vec<(StatementKind, String, LockMode)> {
        let scripts = [("1".to_owned(), sql.to_owned())];
        let read = read(&scripts, "postgres").remove(0);
        read.effects.into_iter().map(|effect| (effect.does, effect.on, effect.holds)).collect()
    }

    #[test]
    fn every_statement_is_told_with_its_table_and_its_lock() {
        for (sql, does, on, holds) in [
            ("CREATE TABLE a (id INT)", StatementKind::Creates, "a", LockMode::Nobody),
            ("ALTER TABLE a ADD COLUMN b TEXT", StatementKind::Alters, "a", LockMode::Briefly),
            (
                "ALTER TABLE a ADD COLUMN b INT DEFAULT 0 NOT NULL",
                StatementKind::Alters,
                "a",
                LockMode::Briefly,
            ),
            (
                "ALTER TABLE a ADD COLUMN b UUID DEFAULT gen_random_uuid()",
                StatementKind::Rewrites,
                "a",
                LockMode::Everybody,
            ),
            (
                "ALTER TABLE a ALTER COLUMN b TYPE BIGINT",
                StatementKind::Rewrites,
                "a",
                LockMode::Everybody,
            ),
            (
                "ALTER TABLE a ALTER COLUMN b SET NOT NULL",
                StatementKind::Alters,
                "a",
                LockMode::Everybody,
            ),
            (
                "ALTER TABLE a ADD CONSTRAINT f FOREIGN KEY(b) REFERENCES c (id)",
                StatementKind::Alters,
                "a",
                LockMode::Writers,
            ),
            (
                "ALTER TABLE a ADD CONSTRAINT u UNIQUE (b)",
                StatementKind::Alters,
                "a",
                LockMode::Everybody,
            ),
            ("ALTER TABLE a DROP COLUMN b", StatementKind::Alters, "a", LockMode::Briefly),
            ("CREATE INDEX i ON a (b)", StatementKind::Alters, "a", LockMode::Writers),
            ("CREATE INDEX CONCURRENTLY i ON a (b)", StatementKind::Alters, "a", LockMode::Nobody),
            ("DROP TABLE a", StatementKind::Drops, "a", LockMode::Briefly),
            ("UPDATE a SET b = 1", StatementKind::Writes, "a", LockMode::Nobody),
            ("DELETE FROM a", StatementKind::Writes, "a", LockMode::Nobody),
            ("DO $$ BEGIN DROP TABLE a; END $$", StatementKind::Unknown, "", LockMode::Everybody),
        ] {
            assert_eq!(told(sql), [(does, on.to_owned(), holds)], "{sql}");
        }
    }

    #[test]
    fn statements_are_parted_outside_of_quotes_and_frames_do_nothing() {
        let sql = "BEGIN; -- a; b\nINSERT INTO a VALUES ('x; y'); COMMIT;";
        assert_eq!(told(sql), [(StatementKind::Writes, "a".to_owned(), LockMode::Nobody)]);
        assert_eq!(told("'"), [(StatementKind::Unknown, String::new(), LockMode::Everybody)]);
        assert_eq!(told(""), []);
    }

    #[test]
    fn where_the_database_is_one_file_nobody_waits_for_a_table() {
        let scripts = [("1".to_owned(), "CREATE INDEX i ON a (b)".to_owned())];
        assert_eq!(read(&scripts, "sqlite")[0].effects[0].holds, LockMode::Nobody);
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_it_stop(sql in r"(?s)(CREATE|ALTER|TABLE|DROP|'|\$\$|;|\(|a|--|\n|.){0,30}") {
            let _ = told(&sql);
        }
    }
}
