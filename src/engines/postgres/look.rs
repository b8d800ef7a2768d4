//! Looking at the whole schema: one query that gives the model's own shape as JSON, whatever the
//! number of tables.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::engines::database::InspectedDatabase;
use crate::engines::postgres::snapshot::PostgresSnapshot;
use crate::error::{Error, Kind, Result};
use crate::model::database::schema::{Definition, Dependency, Extension, Schema, Table, View};
use crate::model::names::ObjectRef;
use crate::model::observation::{Identity, Presence};

/// Columns of the catalogue that not every server has: the first major version with it, and what
/// stands in for it before.
const LATER: &[(u32, &str, &str)] = &[
    (13, "t.tgparentid", "0"),
    (14, "a.attcompression", "''"),
    (15, "x.indnullsnotdistinct", "false"),
    (15, "k.confdelsetcols", "null::int2[]"),
    (15, "m.prattrs::int2[]", "null::int2[]"),
    (15, "m.prqual", "null"),
    (18, "k.conperiod", "false"),
    (18, "k.conenforced", "true"),
];

/// The user's tables and views, and what is attached to them.
pub(super) const ATTACHED: &str = concat!(
    include_str!("sql/places.sql"),
    ", ",
    include_str!("sql/relations.sql"),
    ", ",
    include_str!("sql/options.sql"),
    ", ",
    include_str!("sql/attached.sql"),
);

/// What the query gives; but for the order, this is the model.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shown {
    system: Option<String>,
    schemas: Vec<String>,
    extensions: Vec<Extension>,
    tables: Vec<Table>,
    views: Vec<View>,
    sequences: Vec<Definition>,
    types: Vec<Definition>,
    functions: Vec<Definition>,
    dependencies: Vec<Dependency>,
    estimates: Vec<(String, String, Option<u64>)>,
    not_compared: Vec<(String, String)>,
}

impl PostgresSnapshot {
    pub(super) fn sight(&mut self) -> Result<InspectedDatabase> {
        let query = query(self.facts.major, self.facts.may_identify);
        let text = self.read_value(&query)?.unwrap_or_default();
        let shown: Shown = serde_json::from_str(&text).map_err(|cause| {
            Error::new(
                Kind::Unreachable,
                "the database describes itself in a way that is not understood",
            )
            .because(cause)
        })?;
        Ok(self.sighted(shown))
    }

    fn sighted(&self, mut shown: Shown) -> InspectedDatabase {
        let facts = &self.facts;
        let system = shown.system.take().unwrap_or_else(|| "unknown-system".to_owned());
        let mut estimated_rows: Vec<(ObjectRef, Option<u64>)> = shown
            .estimates
            .drain(..)
            .map(|(schema, name, rows)| (ObjectRef::table(schema, name), rows))
            .collect();
        estimated_rows.sort();
        let mut not_compared: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (kind, option) in shown.not_compared.drain(..) {
            not_compared.entry(kind).or_default().push(option);
        }
        InspectedDatabase {
            presence: Presence::Present,
            identity: Identity {
                engine: super::NAME.to_owned(),
                name: facts.database.clone(),
                host: self.target.host.clone(),
                identity: format!("{system}/{}/{}", facts.oid, facts.database),
            },
            schema: sorted(facts.home.clone(), shown),
            estimated_rows,
            server_version: Some(facts.version.clone()),
            role: Some(facts.role.clone()),
            not_compared,
        }
    }
}

/// The whole query for a server of this version.
fn query(major: u32, may_identify: bool) -> String {
    // A function that we may not call must not even stand in the query.
    let system = if may_identify {
        "(SELECT system_identifier::text FROM pg_control_system())"
    } else {
        "null"
    };
    let text = [
        "WITH ",
        ATTACHED,
        ", ",
        include_str!("sql/members.sql"),
        ", ",
        include_str!("sql/attributes.sql"),
        ", ",
        include_str!("sql/parts.sql"),
        ", ",
        include_str!("sql/lists.sql"),
        "\nSELECT json_build_object(\n'system', ",
        system,
        ",\n'tables', (",
        include_str!("sql/tables.sql"),
        "),\n'views', (",
        include_str!("sql/views.sql"),
        "),\n'sequences', (",
        include_str!("sql/sequences.sql"),
        "),\n'types', (",
        include_str!("sql/types.sql"),
        "),\n'functions', (",
        include_str!("sql/functions.sql"),
        "),\n'dependencies', (",
        include_str!("sql/dependencies.sql"),
        "),\n'not_compared', (",
        include_str!("sql/not_compared.sql"),
        "),\n",
        include_str!("sql/rest.sql"),
        ")::text",
    ]
    .concat();
    for_server(text, major)
}

/// A query over the catalogue in the words that a server of this version knows.
pub(super) fn for_server(mut query: String, major: u32) -> String {
    for (since, column, before) in LATER {
        if *since > major {
            query = query.replace(column, before);
        }
    }
    query
}

/// Puts everything in the one order: by schema and name, bytewise.
fn sorted(home: String, mut shown: Shown) -> Schema {
    shown.schemas.sort();
    shown.extensions.sort();
    shown.tables.sort_by(|a, b| (&a.schema, &a.name).cmp(&(&b.schema, &b.name)));
    for table in &mut shown.tables {
        table.uniques.sort();
        table.foreign_keys.sort();
        table.checks.sort();
        table.indexes.sort_by(|a, b| a.name.cmp(&b.name));
        table.attachments.sort();
    }
    shown.views.sort_by(|a, b| (&a.schema, &a.name).cmp(&(&b.schema, &b.name)));
    for view in &mut shown.views {
        view.attachments.sort();
    }
    shown.sequences.sort();
    shown.types.sort();
    shown.functions.sort();
    shown.dependencies.sort();
    Schema {
        engine: super::NAME.to_owned(),
        home,
        schemas: shown.schemas,
        extensions: shown.extensions,
        tables: shown.tables,
        views: shown.views,
        sequences: shown.sequences,
        types: shown.types,
        functions: shown.functions,
        dependencies: shown.dependencies,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_server_is_asked_for_nothing_that_it_does_not_know() {
        let text = query(13, true);
        for (_, column, _) in LATER {
            assert!(!text.contains(column), "{column}");
        }
    }

    #[test]
    fn a_role_that_may_not_know_the_system_does_not_ask() {
        assert!(!query(15, false).contains("pg_control_system"));
    }
}
