//! A schema in the words that catalogues compare: for every table the set of its facts, one line
//! each. Two schemas have the same shape if their applications could not tell them apart.
//!
//! Left out on purpose: owners, grants, comments, the order of columns, names of constraints (each
//! engine and each way of creating a table makes up its own). The quirks of an engine are evened
//! out here and nowhere else; a test shows each.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::database::schema::{Column, ForeignKey, Index, Schema, Table};
use crate::model::names::{Digest, ObjectRef};

/// The version of these words. A catalogue recorded in others says nothing about shapes in these.
pub const NORMALISER: u32 = 1;

/// The facts of each table, view and type, by what it is called: `users`, `view open_orders`, `type
/// mood`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape(pub BTreeMap<String, BTreeSet<String>>);

impl Shape {
    /// The shape of everything in the home schema that belongs to no extension, but the framework's
    /// own record.
    pub fn of(schema: &Schema, book: Option<&ObjectRef>) -> Self {
        let mut shape = BTreeMap::new();
        let home = |name: &str| name == schema.home;
        for table in &schema.tables {
            if home(&table.schema) && table.extension.is_none() && book != Some(&table.reference())
            {
                shape.insert(table.name.clone(), facts_of(schema, table));
            }
        }
        for view in
            schema.views.iter().filter(|view| home(&view.schema) && view.extension.is_none())
        {
            let facts = BTreeSet::from([format!("as {}", spaced(&view.definition))]);
            shape.insert(format!("view {}", view.name), facts);
        }
        for kind in
            schema.types.iter().filter(|kind| home(&kind.schema) && kind.extension.is_none())
        {
            shape.insert(format!("type {}", kind.name), BTreeSet::from([spaced(&kind.definition)]));
        }
        for facts in shape.values_mut() {
            *facts = facts.iter().map(|fact| at_home(fact, &schema.home)).collect();
        }
        Self(shape)
    }

    /// Only what is called so.
    pub fn only(&self, names: &BTreeSet<String>) -> Self {
        Self(
            self.0
                .iter()
                .filter(|(name, _)| names.contains(*name))
                .map(|(n, f)| (n.clone(), f.clone()))
                .collect(),
        )
    }

    /// All but what is called so.
    pub fn without(mut self, names: &[String]) -> Self {
        self.0.retain(|name, _| !names.contains(name));
        self
    }

    /// One digest for equal shapes.
    pub fn digest(&self) -> Digest {
        Digest::of_json(&self.0)
    }

    /// Every fact with what it is of.
    pub fn facts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().flat_map(|(name, facts)| {
            // A table without any column is still there.
            std::iter::once((name.as_str(), ""))
                .chain(facts.iter().map(move |fact| (name.as_str(), fact.as_str())))
        })
    }
}

fn facts_of(schema: &Schema, table: &Table) -> BTreeSet<String> {
    let mut facts: BTreeSet<String> = table.columns.iter().map(column).collect();
    facts.extend(
        table.primary_key.as_ref().map(|key| format!("primary key ({})", key.columns.join(", "))),
    );
    facts.extend(table.uniques.iter().map(|key| {
        let options = key.options.as_deref().map_or(String::new(), |options| format!(" {options}"));
        format!("unique ({}){options}", key.columns.join(", "))
    }));
    facts.extend(table.foreign_keys.iter().map(|key| foreign_key(schema, table, key)));
    facts.extend(table.checks.iter().map(|check| spaced(&check.definition)));
    facts.extend(table.indexes.iter().map(index));
    facts.extend(table.attachments.iter().map(|attached| {
        let definition = at_home(&spaced(&attached.definition), &schema.home);
        format!("{} {} {}", attached.kind.words(), attached.name, Digest::of(definition).short(16))
    }));
    facts
}

fn column(column: &Column) -> String {
    let mut fact = format!("column {} {}", column.name, type_of(&column.data_type));
    if !column.nullable {
        fact.push_str(" not null");
    }
    if let Some(default) = &column.default {
        fact.push_str(&format!(" default {}", default_of(default)));
    }
    for (word, value) in [
        ("generated", &column.generated),
        ("identity", &column.identity),
        ("collate", &column.collation),
    ] {
        if let Some(value) = value {
            fact.push_str(&format!(" {word} {}", spaced(value)));
        }
    }
    fact
}

/// SQLite keeps a type as it was typed; its case and spaces mean nothing.
fn type_of(data_type: &str) -> String {
    let lower = spaced(data_type).to_lowercase();
    lower
        .replace(" (", "(")
        .replace("( ", "(")
        .replace(" )", ")")
        .replace(", ", ",")
        .replace(" ,", ",")
}

/// A default without what engines and histories add to it: PostgreSQL names a serial column's
/// sequence, and a renamed table keeps its old one; SQLite keeps the parentheses one typed.
fn default_of(default: &str) -> String {
    let text = spaced(default);
    if text.starts_with("nextval(") {
        return "nextval".to_owned();
    }
    let mut text = text.as_str();
    while let Some(inner) = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        if !is_balanced(inner) {
            break;
        }
        text = inner.trim();
    }
    let keyword = text.to_ascii_uppercase();
    if ["CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME", "NULL", "TRUE", "FALSE"]
        .contains(&keyword.as_str())
    {
        keyword
    } else {
        text.to_owned()
    }
}

/// Whether no parenthesis is closed that was not opened; texts in quotes are passed over.
fn is_balanced(text: &str) -> bool {
    let (mut depth, mut quoted) = (0_i64, false);
    for c in text.chars() {
        match c {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => {
                depth -= 1;
                if depth < 0 {
                    return false;
                }
            }
            _ => {}
        }
    }
    depth == 0
}

fn foreign_key(schema: &Schema, table: &Table, key: &ForeignKey) -> String {
    // SQLite may leave the other table's primary key implied.
    let implied = || {
        let other = schema.table(&key.foreign_schema, &key.foreign_table);
        other
            .and_then(|other| other.primary_key.as_ref())
            .map(|key| key.columns.clone())
            .unwrap_or_default()
    };
    let columns =
        if key.foreign_columns.is_empty() { implied() } else { key.foreign_columns.clone() };
    let mut fact = format!(
        "foreign key ({}) references {} ({})",
        key.columns.join(", "),
        key.foreign_table,
        columns.join(", ")
    );
    if key.foreign_schema != table.schema {
        fact.push_str(&format!(" in {}", key.foreign_schema));
    }
    for (word, action) in [("delete", &key.on_delete), ("update", &key.on_update)] {
        if !action.is_empty() && !action.eq_ignore_ascii_case("no action") {
            fact.push_str(&format!(" on {word} {}", action.to_lowercase()));
        }
    }
    if let Some(options) = &key.options {
        fact.push_str(&format!(" {}", options.to_lowercase()));
    }
    fact
}

fn index(index: &Index) -> String {
    let unique = if index.unique { "unique " } else { "" };
    let predicate =
        index.predicate.as_deref().map_or(String::new(), |text| format!(" where {}", spaced(text)));
    format!("{unique}index {} ({}){predicate}", index.name, index.columns.join(", "))
}

/// Without the name of the home schema before other names: the same application may live elsewhere.
/// Texts in quotes are left alone.
fn at_home(text: &str, home: &str) -> String {
    let before = format!("{home}.");
    let mut plain = String::with_capacity(text.len());
    let (mut rest, mut quoted, mut last) = (text, false, ' ');
    while let Some(c) = rest.chars().next() {
        let begins_name = !(last.is_alphanumeric() || last == '_' || last == '"' || last == '.');
        if !quoted
            && begins_name
            && let Some(name) = rest.strip_prefix(before.as_str())
        {
            rest = name;
            last = '.';
            continue;
        }
        quoted ^= c == '\'';
        plain.push(c);
        last = c;
        rest = &rest[c.len_utf8()..];
    }
    plain
}

/// Any white space as one blank.
fn spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::database::schema::{Definition, Key};

    fn one_column(name: &str, data_type: &str, default: Option<&str>) -> Column {
        Column {
            name: name.into(),
            data_type: data_type.into(),
            default: default.map(Into::into),
            ..Column::default()
        }
    }

    #[test]
    fn how_a_type_was_typed_means_nothing() {
        assert_eq!(type_of("VARCHAR(200)"), type_of("varchar ( 200 )"));
        assert_eq!(type_of("NUMERIC(9, 2)"), type_of("numeric(9,2)"));
        assert_ne!(type_of("VARCHAR(200)"), type_of("VARCHAR(20)"));
    }

    #[test]
    fn a_sequence_that_kept_an_old_name_is_still_the_columns_own() {
        let renamed = one_column("id", "integer", Some("nextval('offers_id_seq'::regclass)"));
        let fresh = one_column("id", "integer", Some("nextval('quotes_id_seq'::regclass)"));
        assert_eq!(column(&renamed), column(&fresh));
        assert_ne!(column(&fresh), column(&one_column("id", "integer", None)));
    }

    #[test]
    fn parentheses_round_a_whole_default_mean_nothing_and_others_do() {
        assert_eq!(default_of("(CURRENT_TIMESTAMP)"), default_of("current_timestamp"));
        assert_eq!(default_of("((1))"), "1");
        assert_eq!(default_of("(1) + (2)"), "(1) + (2)");
        assert_eq!(default_of("(')' || '(')"), "')' || '('");
        assert_ne!(default_of("'a'"), default_of("'A'"), "texts keep their case");
    }

    #[test]
    fn the_name_of_the_home_schema_means_nothing_and_that_of_another_does() {
        assert_eq!(
            at_home("status public.mood default 'sad'::public.mood", "public"),
            "status mood default 'sad'::mood"
        );
        assert_eq!(at_home("(public.f(x) > 0)", "public"), "(f(x) > 0)");
        for other in
            ["other.public.t", "default 'public.t'", "republic.t", "\"public.t\"", "other.t"]
        {
            assert_eq!(at_home(other, "public"), other);
        }
    }

    #[test]
    fn a_primary_key_that_is_left_implied_is_filled_in() {
        let users = Table {
            schema: "main".into(),
            name: "users".into(),
            primary_key: Some(Key { columns: vec!["id".into()], ..Key::default() }),
            ..Table::default()
        };
        let schema = Schema { home: "main".into(), tables: vec![users], ..Schema::default() };
        let key = |columns: &[&str]| ForeignKey {
            columns: vec!["user_id".into()],
            foreign_schema: "main".into(),
            foreign_table: "users".into(),
            foreign_columns: columns.iter().map(|c| (*c).into()).collect(),
            on_update: "NO ACTION".into(),
            ..ForeignKey::default()
        };
        let table = Table { schema: "main".into(), ..Table::default() };
        let fact = foreign_key(&schema, &table, &key(&[]));
        assert_eq!(fact, "foreign key (user_id) references users (id)");
        assert_eq!(fact, foreign_key(&schema, &table, &key(&["id"])));
    }

    #[test]
    fn names_of_constraints_and_the_order_of_columns_mean_nothing_and_names_of_indexes_do() {
        let table = |columns: &[&str], constraint: &str, index_name: &str| Table {
            schema: "public".into(),
            name: "t".into(),
            columns: columns.iter().map(|name| one_column(name, "integer", None)).collect(),
            uniques: vec![Key {
                name: Some(constraint.into()),
                columns: vec!["a".into()],
                options: None,
            }],
            checks: vec![Definition {
                name: constraint.into(),
                definition: "CHECK (a  > 0)".into(),
                ..Definition::default()
            }],
            indexes: vec![Index {
                name: index_name.into(),
                columns: vec!["b".into()],
                ..Index::default()
            }],
            ..Table::default()
        };
        let shape = |table| {
            Shape::of(
                &Schema { home: "public".into(), tables: vec![table], ..Schema::default() },
                None,
            )
        };
        let one = shape(table(&["a", "b"], "t_a_key", "ix"));
        assert_eq!(one, shape(table(&["b", "a"], "uq_t_a", "ix")));
        assert_ne!(one, shape(table(&["a", "b"], "t_a_key", "ix_other")));
    }
}
