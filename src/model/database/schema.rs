//! What a database holds, neutral to the engine: tables, views and all that hangs
//! on them. Definitions only, never rows, never row estimates.
//!
//! Every list is sorted, so that the same database always gives the same text and
//! with it the same digest.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::names::{Digest, ObjectKind, ObjectRef};

/// The schema (PostgreSQL) that quarantined objects wait in; no rule takes it for the
/// application's.
pub const QUARANTINE_SCHEMA: &str = "ttplan_quarantine";

/// A database's definitions at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// The engine's name on its shelf.
    pub engine: String,
    /// The schema that an unqualified new table goes into (`public`, `main`).
    pub home: String,
    pub schemas: Vec<String>,
    pub extensions: Vec<Extension>,
    pub tables: Vec<Table>,
    pub views: Vec<View>,
    pub sequences: Vec<Definition>,
    pub types: Vec<Definition>,
    pub functions: Vec<Definition>,
    /// Who cannot live without whom, across objects; what belongs to a table itself is not listed.
    pub dependencies: Vec<Dependency>,
}

/// An extension and the schema it lives in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Extension {
    pub name: String,
    pub schema: String,
    pub version: String,
}

/// What sort of table it is. Only ordinary tables are ever dropped.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum TableSort {
    #[default]
    Ordinary,
    Partitioned,
    Partition,
    Inherited,
    Foreign,
    /// SQLite's virtual tables, and the shadow tables that keep their content.
    Virtual,
}

/// One table with everything that belongs to it and goes when it goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Table {
    pub schema: String,
    pub name: String,
    pub sort: TableSort,
    /// The owning role; null where the engine has no owners.
    pub owner: Option<String>,
    /// Whether the connecting role may act as the owner.
    pub ours: bool,
    /// The extension it belongs to, if it belongs to one.
    pub extension: Option<String>,
    pub columns: Vec<Column>,
    pub primary_key: Option<Key>,
    pub uniques: Vec<Key>,
    pub foreign_keys: Vec<ForeignKey>,
    /// Check and exclusion constraints.
    pub checks: Vec<Definition>,
    pub indexes: Vec<Index>,
    /// Triggers, policies, rules, statistics.
    pub attachments: Vec<Attachment>,
    /// All else that a faithful copy must have: comments, grants, options, the engine's own text.
    pub attributes: BTreeMap<String, String>,
}

/// One column; the order in the table is the order of the list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Column {
    pub name: String,
    /// The type in the engine's own spelling.
    pub data_type: String,
    pub nullable: bool,
    pub default: Option<String>,
    /// The expression of a generated column.
    pub generated: Option<String>,
    /// `always` or `by default` for identity columns.
    pub identity: Option<String>,
    pub collation: Option<String>,
}

/// A primary key or unique constraint.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Null where the engine knows no name for it.
    pub name: Option<String>,
    pub columns: Vec<String>,
    /// What is special about it (`DEFERRABLE`, `NULLS NOT DISTINCT`), in the engine's spelling.
    pub options: Option<String>,
}

/// A foreign key.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct ForeignKey {
    /// Null where the engine knows no name for it.
    pub name: Option<String>,
    pub columns: Vec<String>,
    pub foreign_schema: String,
    pub foreign_table: String,
    /// Empty where the engine leaves the primary key implied.
    pub foreign_columns: Vec<String>,
    pub on_delete: String,
    pub on_update: String,
    /// `DEFERRABLE`, `MATCH FULL`, `NOT VALID`, in the engine's spelling.
    pub options: Option<String>,
}

/// An index that is not the backing of a constraint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Index {
    pub name: String,
    pub unique: bool,
    /// Columns, or expressions in the engine's spelling.
    pub columns: Vec<String>,
    /// The predicate of a partial index.
    pub predicate: Option<String>,
    pub definition: String,
}

/// Something with a name and a text that defines it whole.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    pub schema: String,
    pub name: String,
    /// The extension it belongs to, if it belongs to one.
    pub extension: Option<String>,
    /// The table it was made for (a serial column's sequence) and goes with.
    pub owned_by: Option<String>,
    pub definition: String,
}

/// A trigger, policy, rule or statistics object of a table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Attachment {
    pub kind: ObjectKind,
    pub name: String,
    pub definition: String,
}

/// A view or materialized view.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct View {
    pub schema: String,
    pub name: String,
    pub materialized: bool,
    pub owner: Option<String>,
    /// Whether the connecting role may act as the owner.
    pub ours: bool,
    pub extension: Option<String>,
    pub definition: String,
    pub attachments: Vec<Attachment>,
    pub attributes: BTreeMap<String, String>,
}

/// `dependent` cannot stay as it is when `on` goes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dependency {
    pub dependent: ObjectRef,
    pub on: ObjectRef,
}

impl Table {
    /// How the table is named in a plan.
    pub fn reference(&self) -> ObjectRef {
        ObjectRef::table(&self.schema, &self.name)
    }

    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// What does more than it says when the table is written: triggers that fire, and rules.
    pub fn acting(&self) -> impl Iterator<Item = &Attachment> {
        self.attachments
            .iter()
            .filter(|one| one.kind == ObjectKind::Trigger || one.name.starts_with("rule "))
    }

    /// What two tables must share to be the same table.
    pub fn digest(&self) -> Digest {
        Digest::of_json(self)
    }
}

impl View {
    /// How the view is named in a plan.
    pub fn reference(&self) -> ObjectRef {
        let kind = if self.materialized { ObjectKind::MaterializedView } else { ObjectKind::View };
        ObjectRef::free(kind, &self.schema, &self.name)
    }
}

impl Schema {
    /// The table `schema.name`.
    pub fn table(&self, schema: &str, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.schema == schema && table.name == name)
    }

    /// The table of that name in the home schema.
    pub fn home_table(&self, name: &str) -> Option<&Table> {
        self.table(&self.home, name)
    }

    /// The definition digest of one object, or `None` where there is no such object.
    pub fn digest_of(&self, object: &ObjectRef) -> Option<Digest> {
        self.definition_of(object).map(Digest::of)
    }

    /// The definition of one object as text, or `None` where there is no such object.
    pub fn definition_of(&self, object: &ObjectRef) -> Option<String> {
        match object.kind {
            ObjectKind::Table => self.table(&object.schema, &object.name).map(text),
            ObjectKind::View | ObjectKind::MaterializedView => {
                self.views.iter().find(|view| view.reference() == *object).map(text)
            }
            ObjectKind::Sequence => text_in(&self.sequences, object),
            ObjectKind::Type => text_in(&self.types, object),
            ObjectKind::Function => text_in(&self.functions, object),
            ObjectKind::Schema => self.schemas.iter().find(|name| **name == object.name).cloned(),
            ObjectKind::Constraint => {
                self.owning_table(object).and_then(|table| constraint_text(table, &object.name))
            }
            ObjectKind::Index => self
                .owning_table(object)
                .and_then(|table| table.indexes.iter().find(|index| index.name == object.name))
                .map(text),
            ObjectKind::Trigger | ObjectKind::Policy | ObjectKind::Other => self
                .owning_table(object)
                .and_then(|table| {
                    table
                        .attachments
                        .iter()
                        .find(|a| a.kind == object.kind && a.name == object.name)
                })
                .map(text),
        }
    }

    fn owning_table(&self, object: &ObjectRef) -> Option<&Table> {
        self.table(&object.schema, object.table.as_deref()?)
    }

    /// Everything that would have to go before `object` can go, direct dependents only,
    /// foreign keys of other tables included; sorted.
    pub fn dependents_of(&self, object: &ObjectRef) -> Vec<ObjectRef> {
        let mut found: BTreeSet<ObjectRef> = self
            .dependencies
            .iter()
            .filter(|d| d.on == *object)
            .map(|d| d.dependent.clone())
            .collect();
        if object.kind == ObjectKind::Table {
            for table in &self.tables {
                if table.schema == object.schema && table.name == object.name {
                    continue;
                }
                for key in &table.foreign_keys {
                    if key.foreign_schema == object.schema && key.foreign_table == object.name {
                        let name = key.name.clone().unwrap_or_else(|| key.columns.join("_"));
                        found.insert(ObjectRef::of_table(
                            ObjectKind::Constraint,
                            &table.schema,
                            &table.name,
                            name,
                        ));
                    }
                }
            }
        }
        found.into_iter().collect()
    }

    /// The digest of every definition but those of `except`: what a plan rests on.
    /// The version table is excepted by its callers, because its rows are probed by themselves.
    pub fn digest_without(&self, except: &[ObjectRef]) -> Digest {
        let rest: Vec<&Table> =
            self.tables.iter().filter(|table| !except.contains(&table.reference())).collect();
        Digest::of_json(&(
            &self.schemas,
            &rest,
            &self.views,
            &self.sequences,
            &self.types,
            &self.functions,
        ))
    }
}

/// A definition's one written form: what its digest is taken of.
fn text(definition: &impl Serialize) -> String {
    // Our documents have string keys and no floats, so writing them cannot fail; were it to fail
    // after all, nothing would have the digest of this text.
    serde_json::to_string(definition).unwrap_or_default()
}

fn text_in(list: &[Definition], object: &ObjectRef) -> Option<String> {
    list.iter().find(|d| d.schema == object.schema && d.name == object.name).map(text)
}

fn constraint_text(table: &Table, name: &str) -> Option<String> {
    let named = |key: &&Key| key.name.as_deref() == Some(name);
    if let Some(key) = table.foreign_keys.iter().find(|key| key.name.as_deref() == Some(name)) {
        return Some(text(key));
    }
    if let Some(key) =
        table.uniques.iter().find(named).or(table.primary_key.as_ref().filter(|key| named(key)))
    {
        return Some(text(key));
    }
    table.checks.iter().find(|check| check.name == name).map(text)
}
