//! A real schema that somebody changed by hand is never taken for a revision's, and nothing is
//! stamped.

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config as Cases, TestRunner};
use ttplan::config::{CliOverrides, resolve};
use ttplan::diagnose::diagnose;
use ttplan::inspect::{InspectOptions, inspect};
use ttplan::live::open_to_inspect;
use ttplan::model::database::schema::{Column, Schema, Table};
use ttplan::model::diagnosis::{DatabaseState, Decisions};
use ttplan::model::names::{Moment, Secret};
use ttplan::model::observation::Observation;

use crate::postgres::database;
use crate::real::real_data;

/// What a person might do to a schema by hand.
#[derive(Clone, Debug)]
enum Mutation {
    DropColumn(Index, Index),
    ChangeType(Index, Index),
    ChangeNullable(Index, Index),
    AddColumn(Index),
    RenameColumn(Index, Index),
    DropTable(Index),
    RenameTable(Index),
    DropIndex(Index),
    DropForeignKey(Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = any::<Index>;
    prop_oneof![
        (at(), at()).prop_map(|(t, c)| Mutation::DropColumn(t, c)),
        (at(), at()).prop_map(|(t, c)| Mutation::ChangeType(t, c)),
        (at(), at()).prop_map(|(t, c)| Mutation::ChangeNullable(t, c)),
        at().prop_map(Mutation::AddColumn),
        (at(), at()).prop_map(|(t, c)| Mutation::RenameColumn(t, c)),
        at().prop_map(Mutation::DropTable),
        at().prop_map(Mutation::RenameTable),
        at().prop_map(Mutation::DropIndex),
        at().prop_map(Mutation::DropForeignKey),
    ]
}

impl Mutation {
    fn apply(&self, schema: &mut Schema) {
        let tables = schema.tables.len();
        let pick = |schema: &mut Schema, at: &Index| at.index(tables).min(schema.tables.len() - 1);
        let column = |table: &mut Table, at: &Index| at.index(table.columns.len());
        match self {
            Self::DropColumn(t, c) => {
                let t = pick(schema, t);
                let c = column(&mut schema.tables[t], c);
                schema.tables[t].columns.remove(c);
            }
            Self::ChangeType(t, c) => {
                let t = pick(schema, t);
                let c = column(&mut schema.tables[t], c);
                let kind = &mut schema.tables[t].columns[c].data_type;
                *kind =
                    if kind.eq_ignore_ascii_case("bytea") { "text".into() } else { "bytea".into() };
            }
            Self::ChangeNullable(t, c) => {
                let t = pick(schema, t);
                let c = column(&mut schema.tables[t], c);
                schema.tables[t].columns[c].nullable ^= true;
            }
            Self::AddColumn(t) => {
                let t = pick(schema, t);
                let new = Column {
                    name: "by_hand".into(),
                    data_type: "text".into(),
                    ..Column::default()
                };
                schema.tables[t].columns.push(new);
            }
            Self::RenameColumn(t, c) => {
                let t = pick(schema, t);
                let c = column(&mut schema.tables[t], c);
                schema.tables[t].columns[c].name.push_str("_old");
            }
            Self::DropTable(t) => {
                let t = pick(schema, t);
                schema.tables.remove(t);
            }
            Self::RenameTable(t) => {
                let t = pick(schema, t);
                schema.tables[t].name.push_str("_old");
            }
            Self::DropIndex(t) => {
                let with: Vec<usize> =
                    (0..tables).filter(|t| !schema.tables[*t].indexes.is_empty()).collect();
                schema.tables[with[t.index(with.len())]].indexes.pop();
            }
            Self::DropForeignKey(t) => {
                let with: Vec<usize> =
                    (0..tables).filter(|t| !schema.tables[*t].foreign_keys.is_empty()).collect();
                schema.tables[with[t.index(with.len())]].foreign_keys.pop();
            }
        }
    }
}

/// The unstamped database at revision 062, as it is seen.
fn seen(url: &str) -> Observation {
    let said = CliOverrides {
        profile: Some("timetracker".into()),
        database_url: Some(Secret::new(url)),
        root: Some("/nowhere".into()),
        working_directory: "/".into(),
        ..CliOverrides::default()
    };
    let settled = resolve(&said).unwrap();
    let wishes = InspectOptions {
        made_by: "test".into(),
        made_at: Moment::from_unix(0).unwrap(),
        database: true,
        search: String::new(),
        offline: None,
        host: None,
        catalogue: ttplan::config::catalogue(&settled.config).unwrap(),
    };
    inspect(&settled.config, open_to_inspect(&settled.access).unwrap().as_mut(), &wishes).unwrap()
}

#[test]
fn a_schema_changed_by_hand_is_never_stamped_as_it_was() {
    let Some(folder) = real_data("timetracker") else { return };
    let on_postgres = database();
    on_postgres.load(&folder.join("postgres/legacy_unstamped_062.sql"));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("x.db");
    std::fs::copy(folder.join("sqlite/legacy_unstamped_062.db"), &file).unwrap();
    let socket = on_postgres.cluster.socket().display();
    let urls = [
        format!("postgresql://postgres@/{}?host={socket}", on_postgres.name),
        format!("sqlite:///{}", file.display()),
    ];
    for url in urls {
        let whole = seen(&url);
        let decisions = Decisions::default();
        let exact = |seen: &Observation| {
            let diagnosis = diagnose(seen, &decisions).diagnosis;
            (diagnosis.state, diagnosis.revision.unwrap().inferred.exact)
        };
        let right = vec!["062".to_owned()];
        assert_eq!(exact(&whole), (DatabaseState::Legacy, Some(right)));
        let (mut exacts, mut stamps) = (0, 0);
        let mut runner = TestRunner::new(Cases { cases: 1000, ..Cases::default() });
        let outcome = runner.run(&proptest::collection::vec(mutation(), 1..3), |mutations| {
            let mut changed = whole.clone();
            mutations
                .iter()
                .for_each(|mutation| mutation.apply(&mut changed.facts.database.schema));
            prop_assume!(changed != whole);
            let case = diagnose(&changed, &decisions).case;
            prop_assert!(case.stamp.is_none(), "{:?} would be stamped", case.stamp);
            let (_, exact) = exact(&changed);
            prop_assert!(exact.is_none(), "taken for {exact:?}");
            Ok(())
        });
        if let Err(error) = outcome {
            exacts += 1;
            stamps += 1;
            println!("{error}");
        }
        println!("1000 changes by hand: {exacts} taken for a revision's, {stamps} stamped");
        assert_eq!((exacts, stamps), (0, 0));
    }
}
