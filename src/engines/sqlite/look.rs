//! Makes the neutral schema out of SQLite's catalogue and the texts of its objects.

use std::collections::BTreeMap;

use crate::engines::database::InspectedDatabase;
use crate::engines::sqlite::catalogue::{
    self, Catalogue, ForeignKeyEntry, IndexEntry, Object, folded,
};
use crate::engines::sqlite::connection::Connection;
use crate::engines::sqlite::ddl::{self, TableText};
use crate::engines::sqlite::dependencies;
use crate::engines::sqlite::place::DatabasePath;
use crate::error::Result;
use crate::model::database::schema::{
    Attachment, Column, ForeignKey, Index, Key, Schema, Table, TableSort, View,
};
use crate::model::names::ObjectKind;
use crate::model::observation::Presence;

/// Stands for an expression or predicate of an index whose text cannot be read; the definition has
/// it.
const UNREAD: &str = "?";

/// What there is of a database that is not there.
pub(super) fn nothing(place: &DatabasePath) -> InspectedDatabase {
    InspectedDatabase {
        presence: Presence::Absent,
        identity: place.identity(),
        schema: Schema {
            engine: super::NAME.into(),
            home: super::HOME.into(),
            ..Schema::default()
        },
        estimated_rows: Vec::new(),
        server_version: None,
        role: None,
        not_compared: BTreeMap::new(),
    }
}

/// Looks at all definitions. The caller holds a transaction, so that nothing changes meanwhile.
pub(super) fn look(connection: &mut Connection, place: &DatabasePath) -> Result<InspectedDatabase> {
    let catalogue = catalogue::read(connection)?;
    let schema = schema(&catalogue, place.is_ours());
    let estimate =
        |table: &Table| (table.reference(), catalogue.estimates.get(&table.name).copied());
    Ok(InspectedDatabase {
        presence: Presence::Present,
        identity: place.identity(),
        estimated_rows: schema.tables.iter().map(estimate).collect(),
        schema,
        server_version: Some(catalogue.version),
        role: None,
        not_compared: BTreeMap::new(),
    })
}

fn schema(catalogue: &Catalogue, ours: bool) -> Schema {
    let of_kind =
        |kind: &'static str| catalogue.objects.iter().filter(move |object| object.kind == kind);
    let mut tables: Vec<Table> =
        of_kind("table").map(|object| table(catalogue, object, ours)).collect();
    let mut views: Vec<View> =
        of_kind("view").map(|object| view(catalogue, object, ours)).collect();
    tables.sort_by(|a, b| a.name.cmp(&b.name));
    views.sort_by(|a, b| a.name.cmp(&b.name));
    name_foreign_tables(&mut tables);
    Schema {
        engine: super::NAME.into(),
        home: super::HOME.into(),
        schemas: vec![super::HOME.into()],
        dependencies: dependencies::of(&tables, &views),
        tables,
        views,
        ..Schema::default()
    }
}

fn table(catalogue: &Catalogue, object: &Object, ours: bool) -> Table {
    let sql = object.sql.clone().unwrap_or_default();
    let sort = sort(catalogue, object);
    let mut attributes = BTreeMap::from([("definition".to_owned(), sql.clone())]);
    // The text of a virtual table belongs to its module.
    let text = if object.stored { ddl::table(&sql) } else { Ok(TableText::default()) };
    let text = text.unwrap_or_else(|reason| {
        attributes.insert("definition_unread".to_owned(), reason);
        TableText::default()
    });
    let known = catalogue.sorts.get(&object.name).cloned().unwrap_or_default();
    let marks = [
        ("autoincrement", text.autoincrement),
        ("strict", known.strict),
        ("without_rowid", known.without_rowid),
    ];
    for (mark, _) in marks.iter().filter(|(_, is_so)| *is_so) {
        attributes.insert((*mark).to_owned(), "true".to_owned());
    }
    let indexes = catalogue.indexes.get(&object.name).map(Vec::as_slice).unwrap_or_default();
    let foreign_keys =
        catalogue.foreign_keys.get(&object.name).map(Vec::as_slice).unwrap_or_default();
    Table {
        schema: super::HOME.into(),
        name: object.name.clone(),
        sort,
        ours,
        columns: columns(catalogue, &object.name, &text),
        primary_key: primary_key(catalogue, &object.name, &text),
        uniques: uniques(catalogue, indexes, &text),
        foreign_keys: self::foreign_keys(foreign_keys, &text),
        indexes: made_indexes(catalogue, indexes),
        attachments: triggers(catalogue, &object.name),
        checks: text.checks,
        attributes,
        owner: None,
        extension: None,
    }
}

/// Shadow tables of a module that this SQLite does not have look like ordinary ones, so every
/// table named after such a virtual table counts as its shadow.
fn sort(catalogue: &Catalogue, object: &Object) -> TableSort {
    let word = catalogue.sorts.get(&object.name).map(|sort| sort.word.as_str());
    let shadows = |owner: &Object| {
        owner.kind == "table"
            && !owner.stored
            && !module_of(owner).is_some_and(|module| catalogue.modules.contains(&module))
            && folded(&object.name).starts_with(&format!("{}_", folded(&owner.name)))
    };
    match word {
        _ if !object.stored => TableSort::Virtual,
        Some("virtual" | "shadow") => TableSort::Virtual,
        _ if catalogue.objects.iter().any(shadows) => TableSort::Virtual,
        _ => TableSort::Ordinary,
    }
}

/// The module of a virtual table: the word after `USING`.
fn module_of(object: &Object) -> Option<String> {
    let sql = folded(object.sql.as_deref()?);
    let (_, module) = sql.split_once(" using ")?;
    Some(
        module
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .find(|word| !word.is_empty())?
            .to_owned(),
    )
}

fn columns(catalogue: &Catalogue, table: &str, text: &TableText) -> Vec<Column> {
    let entries = catalogue.columns.get(table).map(Vec::as_slice).unwrap_or_default();
    let column = |entry: &catalogue::ColumnEntry| Column {
        name: entry.name.clone(),
        data_type: entry.data_type.clone(),
        nullable: !entry.not_null,
        default: entry.default.clone(),
        generated: text.generated.get(&folded(&entry.name)).cloned(),
        identity: None,
        collation: text.collations.get(&folded(&entry.name)).cloned(),
    };
    entries.iter().map(column).collect()
}

fn primary_key(catalogue: &Catalogue, table: &str, text: &TableText) -> Option<Key> {
    let mut columns: Vec<_> =
        catalogue.columns.get(table)?.iter().filter(|column| column.key > 0).collect();
    columns.sort_by_key(|column| column.key);
    let columns: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    (!columns.is_empty()).then(|| Key { name: text.primary_key.clone(), columns, options: None })
}

/// The names of an index's columns; its text has the expressions.
fn index_columns(catalogue: &Catalogue, index: &str, expressions: &[String]) -> Vec<String> {
    let columns = catalogue.index_columns.get(index).map(Vec::as_slice).unwrap_or_default();
    let expression =
        |place: usize| expressions.get(place).map_or(UNREAD, String::as_str).to_owned();
    columns
        .iter()
        .enumerate()
        .map(|(place, name)| name.clone().unwrap_or_else(|| expression(place)))
        .collect()
}

fn uniques(catalogue: &Catalogue, entries: &[IndexEntry], text: &TableText) -> Vec<Key> {
    let key = |entry: &IndexEntry| {
        let columns = index_columns(catalogue, &entry.name, &[]);
        let lower: Vec<String> = columns.iter().map(|column| folded(column)).collect();
        let name = text
            .uniques
            .iter()
            .find(|(columns, _)| *columns == lower)
            .map(|(_, name)| name.clone());
        Key { name, columns, options: None }
    };
    let mut keys: Vec<Key> = entries.iter().filter(|entry| entry.origin == "u").map(key).collect();
    keys.sort();
    keys
}

fn made_indexes(catalogue: &Catalogue, entries: &[IndexEntry]) -> Vec<Index> {
    let index = |entry: &IndexEntry| {
        let is_it = |object: &&Object| object.kind == "index" && object.name == entry.name;
        let definition = catalogue
            .objects
            .iter()
            .find(is_it)
            .and_then(|object| object.sql.clone())
            .unwrap_or_default();
        let text = ddl::index(&definition);
        let expressions = text.as_ref().map(|text| text.columns.as_slice()).unwrap_or_default();
        let columns = index_columns(catalogue, &entry.name, expressions);
        let predicate = entry
            .partial
            .then(|| text.and_then(|text| text.predicate).unwrap_or_else(|| UNREAD.into()));
        Index { name: entry.name.clone(), unique: entry.unique, columns, predicate, definition }
    };
    let mut indexes: Vec<Index> =
        entries.iter().filter(|entry| entry.origin == "c").map(index).collect();
    indexes.sort_by(|a, b| a.name.cmp(&b.name));
    indexes
}

fn foreign_keys(entries: &[ForeignKeyEntry], text: &TableText) -> Vec<ForeignKey> {
    let mut keys: Vec<ForeignKey> = Vec::new();
    for group in entries.chunk_by(|a, b| a.id == b.id) {
        let Some(first) = group.first() else { continue };
        let columns: Vec<String> = group.iter().map(|entry| entry.from.clone()).collect();
        let lower: Vec<String> = columns.iter().map(|column| folded(column)).collect();
        // SQLite counts from the last key of the text.
        let place = usize::try_from(first.id)
            .ok()
            .and_then(|id| text.foreign_keys.len().checked_sub(id + 1));
        let said = place
            .and_then(|place| text.foreign_keys.get(place))
            .filter(|said| said.columns == lower);
        keys.push(ForeignKey {
            name: said.and_then(|said| said.name.clone()),
            columns,
            foreign_schema: super::HOME.into(),
            foreign_table: first.table.clone(),
            foreign_columns: group.iter().filter_map(|entry| entry.to.clone()).collect(),
            on_delete: first.on_delete.clone(),
            on_update: first.on_update.clone(),
            options: said.and_then(|said| said.options.clone()),
        });
    }
    keys.sort();
    keys
}

/// A foreign key may spell its table in other letters than the table itself does.
fn name_foreign_tables(tables: &mut [Table]) {
    let names: BTreeMap<String, String> =
        tables.iter().map(|table| (folded(&table.name), table.name.clone())).collect();
    for key in tables.iter_mut().flat_map(|table| &mut table.foreign_keys) {
        if let Some(name) = names.get(&folded(&key.foreign_table)) {
            key.foreign_table.clone_from(name);
        }
    }
}

fn triggers(catalogue: &Catalogue, owner: &str) -> Vec<Attachment> {
    let belongs =
        |object: &&Object| object.kind == "trigger" && object.table.eq_ignore_ascii_case(owner);
    let mut triggers: Vec<Attachment> = catalogue
        .objects
        .iter()
        .filter(belongs)
        .map(|object| Attachment {
            kind: ObjectKind::Trigger,
            name: object.name.clone(),
            definition: object.sql.clone().unwrap_or_default(),
        })
        .collect();
    triggers.sort();
    triggers
}

fn view(catalogue: &Catalogue, object: &Object, ours: bool) -> View {
    View {
        schema: super::HOME.into(),
        name: object.name.clone(),
        ours,
        definition: object.sql.clone().unwrap_or_default(),
        attachments: triggers(catalogue, &object.name),
        ..View::default()
    }
}
