//! In which order a set of tables can be removed together with what stands on them, and what
//! keeps them from being removed. Shared by the rules that remove.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::database::schema::{Schema, TableSort};
use crate::model::names::{ObjectKind, ObjectRef};

/// What has to go, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct DropOrder {
    /// Views, those that stand on other views first.
    pub views: Vec<ObjectRef>,
    /// Foreign keys that have to come off first: of tables that stay, or of a circle of tables.
    pub constraints: Vec<ObjectRef>,
    /// Tables, those that point at others first.
    pub tables: Vec<ObjectRef>,
    /// What stands in the way, each with the object it stands in the way of.
    pub obstacles: Vec<(ObjectRef, String)>,
}

/// Orders the removal of `tables`.
///
/// `may_drop_constraints` is false on engines that cannot take a foreign key off a table; there, a
/// circle of tables can go in any order, and a table that stays and points at one that goes is an
/// obstacle.
pub fn order(schema: &Schema, tables: &[ObjectRef], may_drop_constraints: bool) -> DropOrder {
    let mut removal = DropOrder::default();
    let going: BTreeSet<&ObjectRef> = tables.iter().collect();
    let views = views_on(schema, tables, &mut removal.obstacles);
    removal.views = dependents_first(&views, |view| {
        schema
            .dependents_of(view)
            .into_iter()
            .filter(|dependent| views.contains(dependent))
            .collect()
    })
    .unwrap_or_else(|rest| rest);

    let mut pointing: BTreeMap<ObjectRef, BTreeSet<ObjectRef>> = BTreeMap::new();
    for object in tables {
        if let Some(table) = schema.table(&object.schema, &object.name)
            && table.sort != TableSort::Ordinary
        {
            removal.obstacles.push((
                object.clone(),
                format!("it is no ordinary table ({:?})", table.sort).to_lowercase(),
            ));
        }
        for dependent in schema.dependents_of(object) {
            let owner =
                dependent.table.as_ref().map(|table| ObjectRef::table(&dependent.schema, table));
            match (dependent.kind, owner) {
                (ObjectKind::View | ObjectKind::MaterializedView, _) => {}
                (ObjectKind::Constraint, Some(owner)) if going.contains(&owner) => {
                    pointing.entry(object.clone()).or_default().insert(owner);
                }
                (ObjectKind::Constraint, Some(_)) if may_drop_constraints => {
                    removal.constraints.push(dependent);
                }
                _ => removal.obstacles.push((object.clone(), format!("{dependent} depends on it"))),
            }
        }
    }
    let all: BTreeSet<ObjectRef> = tables.iter().cloned().collect();
    removal.tables = dependents_first(&all, |table| {
        pointing.get(table).cloned().unwrap_or_default().into_iter().collect()
    })
    .unwrap_or_else(|circle| {
        if may_drop_constraints {
            removal.constraints.extend(keys_within(schema, &circle));
        }
        circle
    });
    removal.constraints.sort();
    removal.constraints.dedup();
    removal
}

/// All views that stand on the tables, directly or through others.
fn views_on(
    schema: &Schema,
    tables: &[ObjectRef],
    obstacles: &mut Vec<(ObjectRef, String)>,
) -> BTreeSet<ObjectRef> {
    let mut views = BTreeSet::new();
    let mut waiting: Vec<ObjectRef> = tables.to_vec();
    while let Some(object) = waiting.pop() {
        for dependent in schema.dependents_of(&object) {
            let is_view = matches!(dependent.kind, ObjectKind::View | ObjectKind::MaterializedView);
            if is_view && !views.contains(&dependent) {
                let known = schema.views.iter().find(|view| view.reference() == dependent);
                match known {
                    Some(view) if view.extension.is_none() && view.ours => {}
                    _ => obstacles.push((
                        object.clone(),
                        format!("{dependent} depends on it and is not ours to drop"),
                    )),
                }
                views.insert(dependent.clone());
                waiting.push(dependent);
            } else if !is_view
                && matches!(object.kind, ObjectKind::View | ObjectKind::MaterializedView)
            {
                obstacles.push((object.clone(), format!("{dependent} depends on it")));
            }
        }
    }
    views
}

/// Foreign keys between different tables of a set.
fn keys_within(schema: &Schema, tables: &[ObjectRef]) -> Vec<ObjectRef> {
    let mut keys = Vec::new();
    for object in tables {
        let own = |dependent: &ObjectRef| {
            dependent.kind == ObjectKind::Constraint
                && dependent.table.as_ref().is_some_and(|table| {
                    tables.contains(&ObjectRef::table(&dependent.schema, table))
                })
        };
        keys.extend(schema.dependents_of(object).into_iter().filter(own));
    }
    keys
}

/// Orders a set so that what depends on others comes before them; ties by name. Where there is a
/// circle, the error holds everything in the order that comes nearest.
fn dependents_first(
    set: &BTreeSet<ObjectRef>,
    dependents: impl Fn(&ObjectRef) -> Vec<ObjectRef>,
) -> Result<Vec<ObjectRef>, Vec<ObjectRef>> {
    let mut ordered = Vec::with_capacity(set.len());
    let mut left: BTreeMap<&ObjectRef, Vec<ObjectRef>> =
        set.iter().map(|object| (object, dependents(object))).collect();
    while !left.is_empty() {
        let free: Vec<&ObjectRef> = left
            .iter()
            .filter(|(_, on)| on.iter().all(|d| !left.contains_key(d)))
            .map(|(object, _)| *object)
            .collect();
        if free.is_empty() {
            ordered.extend(left.keys().map(|object| (*object).clone()));
            return Err(ordered);
        }
        for object in free {
            left.remove(object);
            ordered.push(object.clone());
        }
    }
    Ok(ordered)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::database::schema::{Dependency, ForeignKey, Table, View};

    fn table(name: &str, points_at: &[&str]) -> Table {
        let foreign_keys = points_at
            .iter()
            .map(|other| ForeignKey {
                name: Some(format!("{name}_{other}_fk")),
                foreign_schema: "public".into(),
                foreign_table: (*other).into(),
                ..ForeignKey::default()
            })
            .collect();
        Table {
            schema: "public".into(),
            name: name.into(),
            ours: true,
            foreign_keys,
            ..Table::default()
        }
    }

    fn view(name: &str) -> View {
        View { schema: "public".into(), name: name.into(), ours: true, ..View::default() }
    }

    fn object(name: &str) -> ObjectRef {
        ObjectRef::table("public", name)
    }

    fn names(objects: &[ObjectRef]) -> Vec<&str> {
        objects.iter().map(|object| object.name.as_str()).collect()
    }

    #[test]
    fn what_points_at_others_goes_first_and_views_before_all() {
        let on = |dependent: &str, on: ObjectRef| Dependency {
            dependent: ObjectRef::free(ObjectKind::View, "public", dependent),
            on,
        };
        let schema = Schema {
            tables: vec![table("a", &[]), table("b", &["a"]), table("c", &["b"])],
            views: vec![view("v"), view("w")],
            dependencies: vec![
                on("v", object("a")),
                on("w", ObjectRef::free(ObjectKind::View, "public", "v")),
            ],
            ..Schema::default()
        };
        let removal = order(&schema, &[object("a"), object("b"), object("c")], true);
        assert_eq!(names(&removal.views), ["w", "v"]);
        assert_eq!(names(&removal.tables), ["c", "b", "a"]);
        assert!(removal.constraints.is_empty() && removal.obstacles.is_empty(), "{removal:?}");
    }

    #[test]
    fn a_circle_needs_its_keys_taken_off_where_that_can_be_done() {
        let schema =
            Schema { tables: vec![table("a", &["b"]), table("b", &["a"])], ..Schema::default() };
        let both = [object("a"), object("b")];
        assert_eq!(names(&order(&schema, &both, true).constraints), ["a_b_fk", "b_a_fk"]);
        assert!(order(&schema, &both, false).constraints.is_empty());
    }

    #[test]
    fn a_table_that_stays_loses_its_key_or_is_an_obstacle() {
        let schema = Schema {
            tables: vec![table("gone", &[]), table("stays", &["gone"])],
            ..Schema::default()
        };
        assert_eq!(names(&order(&schema, &[object("gone")], true).constraints), ["stays_gone_fk"]);
        assert_eq!(order(&schema, &[object("gone")], false).obstacles.len(), 1);
    }

    #[test]
    fn what_cannot_be_made_again_is_an_obstacle() {
        let function = ObjectRef::free(ObjectKind::Function, "public", "f");
        let schema = Schema {
            tables: vec![table("a", &[])],
            dependencies: vec![Dependency { dependent: function, on: object("a") }],
            ..Schema::default()
        };
        let removal = order(&schema, &[object("a")], true);
        assert_eq!(removal.obstacles[0].1, "function `f` depends on it");
    }
}
