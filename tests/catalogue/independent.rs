//! The shipped catalogues against schemas that somebody else's program wrote down after each
//! migration, where the real data has them.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;
use ttplan::model::database::schema::{Column, Schema, Table};
use ttplan::model::database::shape::Shape;

use crate::real::real_data;
use crate::{ENGINES, shipped};

/// Tables as they were written down: columns, names of indexes, how many foreign keys.
#[derive(Default)]
struct Written {
    columns: BTreeMap<String, Value>,
    indexes: BTreeSet<String>,
    foreign_keys: i64,
}

impl Written {
    fn change(&mut self, change: &Value) {
        for (name, column) in entries(&change["columns"]["added"]) {
            self.columns.insert(name, column);
        }
        for name in names(&change["columns"]["removed"]) {
            assert!(self.columns.remove(&name).is_some());
        }
        for (name, column) in entries(&change["columns"]["changed"]) {
            self.columns.insert(name, column["to"].clone());
        }
        self.indexes.extend(entries(&change["indexes"]["added"]).into_keys());
        for name in names(&change["indexes"]["removed"]) {
            assert!(self.indexes.remove(&name));
        }
        self.foreign_keys += count(&change["fks"]["added"]) - count(&change["fks"]["removed"]);
    }

    fn new(table: &Value) -> Self {
        Self {
            columns: entries(&table["columns"]),
            indexes: entries(&table["indexes"]).into_keys().collect(),
            foreign_keys: count(&table["fks"]),
        }
    }

    /// Its columns in the words of a shape.
    fn facts(&self, name: &str) -> BTreeSet<String> {
        let columns = self.columns.iter().map(|(name, column)| Column {
            name: name.clone(),
            data_type: column["type"].as_str().unwrap().into(),
            nullable: column["nullable"].as_bool().unwrap(),
            default: column["default"].as_str().map(str::to_owned),
            ..Column::default()
        });
        let table = Table {
            schema: "s".into(),
            name: name.into(),
            columns: columns.collect(),
            ..Table::default()
        };
        let schema = Schema { home: "s".into(), tables: vec![table], ..Schema::default() };
        Shape::of(&schema, None).0.remove(name).unwrap()
    }
}

fn entries(value: &Value) -> BTreeMap<String, Value> {
    value
        .as_object()
        .map(|all| all.iter().map(|(k, v)| (k.clone(), v.clone())).collect())
        .unwrap_or_default()
}

fn names(value: &Value) -> Vec<String> {
    value
        .as_array()
        .map(|all| all.iter().map(|name| name.as_str().unwrap().to_owned()).collect())
        .unwrap_or_default()
}

/// How many there are, of a list or of a table of numbers.
fn count(value: &Value) -> i64 {
    match value {
        Value::Object(all) => all.values().map(|n| n.as_i64().unwrap_or(1)).sum(),
        Value::Array(all) => all.len() as i64,
        _ => 0,
    }
}

fn beginning<'a>(facts: &'a BTreeSet<String>, with: &str) -> BTreeSet<&'a str> {
    facts.iter().map(String::as_str).filter(|fact| fact.starts_with(with)).collect()
}

#[test]
fn every_revision_has_the_schema_that_others_have_seen() {
    let Some(folder) = real_data("timetracker") else { return };
    for engine in ENGINES {
        let (catalogue, bytes) = shipped(engine);
        assert!(bytes < 50_000, "{engine}: {bytes} bytes");
        let packed = folder.join(format!("catalogue-{engine}.json.gz"));
        let unpacked = Command::new("gzip").arg("-dc").arg(packed).output().unwrap();
        let written: Value = serde_json::from_slice(&unpacked.stdout).unwrap();
        let mut tables: BTreeMap<String, Written> = BTreeMap::new();
        let (mut compared, mut columns) = (0, 0);
        for revision in written["revisions"].as_array().unwrap() {
            let delta = &revision["delta"];
            for (name, table) in entries(&delta["tables_added"]) {
                tables.insert(name, Written::new(&table));
            }
            for name in names(&delta["tables_removed"]) {
                tables.remove(&name).unwrap();
            }
            for (name, change) in entries(&delta["tables_changed"]) {
                tables.get_mut(&name).unwrap().change(&change);
            }
            let mut heads = names(&revision["alembic_version_rows"]);
            heads.sort();
            // They went through a few of the branches in another order.
            let Some(at) = catalogue.position(&heads) else { continue };
            let shape = catalogue.shape(at);
            let ours: Vec<&String> = shape.0.keys().filter(|name| !name.contains(' ')).collect();
            assert_eq!(ours, tables.keys().collect::<Vec<_>>(), "{engine}: {heads:?}");
            for (name, table) in &tables {
                let (ours, theirs) = (&shape.0[name], table.facts(name));
                assert_eq!(
                    beginning(ours, "column "),
                    beginning(&theirs, "column "),
                    "{engine}: {heads:?}: {name}"
                );
                assert_eq!(
                    beginning(ours, "foreign key ").len() as i64,
                    table.foreign_keys,
                    "{engine}: {heads:?}: {name}"
                );
                let indexes = ours
                    .iter()
                    .filter_map(|fact| fact.trim_start_matches("unique ").strip_prefix("index "));
                let indexes: BTreeSet<&str> =
                    indexes.filter_map(|fact| fact.split(' ').next()).collect();
                assert_eq!(
                    indexes,
                    table.indexes.iter().map(String::as_str).collect(),
                    "{engine}: {heads:?}: {name}"
                );
                columns += table.columns.len();
            }
            compared += 1;
        }
        assert!(
            compared > 170,
            "{engine}: only {compared} of {} are in both",
            catalogue.entries.len()
        );
        println!(
            "{engine}: {compared} revisions with {columns} columns in all are the same; {bytes} bytes"
        );
    }
}
