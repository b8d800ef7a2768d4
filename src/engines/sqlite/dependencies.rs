//! Who cannot live without whom: views without what they read, triggers without the tables
//! they mention. What cannot be read depends on everything.

use std::collections::{BTreeMap, BTreeSet};

use crate::engines::sqlite::catalogue::folded;
use crate::engines::sqlite::relations::relations_in;
use crate::model::database::schema::{Attachment, Dependency, Table, View};
use crate::model::names::{ObjectKind, ObjectRef};

/// All dependencies across objects, sorted. What belongs to a table itself is not listed.
pub(super) fn of(tables: &[Table], views: &[View]) -> Vec<Dependency> {
    let relations: BTreeMap<String, ObjectRef> = tables
        .iter()
        .map(|table| (folded(&table.name), table.reference()))
        .chain(views.iter().map(|view| (folded(&view.name), view.reference())))
        .collect();
    let mut found = BTreeSet::new();
    for view in views {
        add(&mut found, &relations, &view.reference(), &view.name, &view.definition);
    }
    let of_tables = tables.iter().map(|table| (&table.name, &table.attachments));
    let of_views = views.iter().map(|view| (&view.name, &view.attachments));
    for (owner, attachments) in of_tables.chain(of_views) {
        for Attachment { name, definition, .. } in attachments {
            let trigger = ObjectRef::of_table(ObjectKind::Trigger, super::HOME, owner, name);
            add(&mut found, &relations, &trigger, owner, definition);
        }
    }
    found.into_iter().collect()
}

/// Adds what `definition` mentions, without `own`, the relation it is part of.
fn add(
    found: &mut BTreeSet<Dependency>,
    relations: &BTreeMap<String, ObjectRef>,
    dependent: &ObjectRef,
    own: &str,
    definition: &str,
) {
    let mentioned: BTreeSet<String> = match relations_in(definition) {
        Some(relations) => relations.into_iter().map(|(_, name)| folded(&name)).collect(),
        None => relations.keys().cloned().collect(),
    };
    for name in mentioned.iter().filter(|name| **name != folded(own)) {
        if let Some(on) = relations.get(name) {
            found.insert(Dependency { dependent: dependent.clone(), on: on.clone() });
        }
    }
}
