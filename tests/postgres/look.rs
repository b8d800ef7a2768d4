//! Looking: everything is seen, nothing is touched.

use std::collections::BTreeSet;

use ttplan::engines::database::{OtherSessions, RowQuery};
use ttplan::engines::postgres::ENGINE;
use ttplan::model::database::schema::{Schema, Table, TableSort, View};
use ttplan::model::names::{ObjectKind, ObjectRef};
use ttplan::model::observation::Presence;

use crate::spelled::drop_object;
use crate::support::database;
use crate::{change, inspect, nasty, roles};

#[test]
fn an_empty_database_shows_its_identity_and_no_objects() {
    let database = database();
    let sight = inspect(&database.access()).look().unwrap();
    assert_eq!(sight.presence, Presence::Present);
    assert_eq!(sight.role.as_deref(), Some("postgres"));
    let oid = database.psql("SELECT oid FROM pg_database WHERE datname = current_database()");
    let system = database.psql("SELECT system_identifier FROM pg_control_system()");
    assert_eq!(
        sight.identity.identity,
        format!("{}/{}/{}", system.trim(), oid.trim(), database.name)
    );
    assert_eq!((sight.schema.engine.as_str(), sight.schema.home.as_str()), ("postgres", "public"));
    assert_eq!(sight.schema.schemas, ["public"]);
    assert!(sight.schema.tables.is_empty() && sight.schema.dependencies.is_empty());
    assert_eq!(
        sight.schema.extensions.iter().map(|e| e.name.as_str()).collect::<Vec<_>>(),
        ["plpgsql"]
    );
}

#[test]
fn a_role_that_may_not_know_the_system_still_looks() {
    roles();
    let database = database();
    database.psql("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC");
    let identity = inspect(&database.access_as("app")).look().unwrap().identity;
    assert!(identity.identity.starts_with("unknown-system/"), "{}", identity.identity);
    assert_eq!(
        (identity.name.as_str(), identity.engine.as_str()),
        (database.name.as_str(), "postgres")
    );
}

#[test]
fn the_home_is_where_a_normal_session_creates() {
    roles();
    let database = database();
    assert_eq!(inspect(&database.access_as("app")).look().unwrap().schema.home, "public");
    database.psql("CREATE SCHEMA app AUTHORIZATION app; CREATE SCHEMA \"Other\" AUTHORIZATION app");
    assert_eq!(inspect(&database.access_as("app")).look().unwrap().schema.home, "app");
    let mut access = database.access_as("app");
    access.database.options.insert("options".into(), "-c search_path=\"Other\"".into());
    assert_eq!(inspect(&access).look().unwrap().schema.home, "Other");
}

#[test]
fn everything_of_a_table_is_seen() {
    let database = nasty();
    let schema = inspect(&database.access_as("app")).look().unwrap().schema;
    assert_eq!(schema.schemas, ["Odd Schema", "public"]);
    let clients = schema.home_table("clients").unwrap();
    assert_eq!(
        (clients.owner.as_deref(), clients.ours, clients.sort),
        (Some("app"), true, TableSort::Ordinary)
    );
    let column = |name: &str| clients.column(name).unwrap();
    assert!(
        clients.column("gone").is_none()
            && clients.column("........pg.dropped.13........").is_none()
    );
    assert_eq!(column("id").identity.as_deref(), Some("always"));
    assert_eq!(column("name").data_type, "character varying(200)");
    assert_eq!(column("name").collation.as_deref(), Some("pg_catalog.\"C\""));
    assert!(!column("name").nullable && column("mood").nullable);
    assert_eq!(column("mood").data_type, "public.mood");
    assert_eq!(column("mood").default.as_deref(), Some("'ok'::public.mood"));
    assert_eq!(column("twice").generated.as_deref(), Some("(100 * 2)"));
    assert_eq!(column("twice").default, None);
    let key = clients.primary_key.as_ref().unwrap();
    assert_eq!(
        (key.columns.as_slice(), key.options.as_deref()),
        (&["id".to_owned()][..], Some("INCLUDE (name)"))
    );
    let unique = &clients.uniques[0];
    assert_eq!(unique.options.as_deref(), Some("NULLS NOT DISTINCT DEFERRABLE INITIALLY DEFERRED"));
    assert_eq!(clients.checks[0].definition, "CHECK ((length((name)::text) > 0)) NO INHERIT");
    let names: Vec<&str> = clients.indexes.iter().map(|index| index.name.as_str()).collect();
    assert_eq!(names, ["clients_lower", "clients_replica"]);
    assert_eq!(clients.indexes[0].columns, ["lower(name::text)", "note"]);
    assert_eq!(clients.indexes[0].predicate.as_deref(), Some("(note IS NOT NULL)"));
    let attached: Vec<(ObjectKind, &str)> =
        clients.attachments.iter().map(|a| (a.kind, a.name.as_str())).collect();
    assert_eq!(
        attached,
        [
            (ObjectKind::Trigger, "clients_always"),
            (ObjectKind::Trigger, "clients_off"),
            (ObjectKind::Trigger, "clients_replica"),
            (ObjectKind::Trigger, "clients_touch"),
            (ObjectKind::Policy, "everybody"),
            (ObjectKind::Policy, "own"),
            (ObjectKind::Other, "rule clients_quiet"),
            (ObjectKind::Other, "statistics clients_stats"),
        ]
    );
    assert!(clients.attachments[1].definition.ends_with("DISABLE TRIGGER clients_off"));
    attributes_of_clients(clients);
    let orders = schema.home_table("orders").unwrap();
    let key = &orders.foreign_keys[0];
    assert_eq!((key.on_delete.as_str(), key.on_update.as_str()), ("SET NULL", "CASCADE"));
    let options = "MATCH FULL SET (client) ON DELETE DEFERRABLE INITIALLY DEFERRED NOT VALID";
    assert_eq!(key.options.as_deref(), Some(options));
    assert!(orders.checks[0].definition.starts_with("EXCLUDE USING gist"));
}

fn attributes_of_clients(clients: &Table) {
    let attribute = |name: &str| clients.attributes.get(name).map(String::as_str);
    assert_eq!(attribute("comment"), Some("people; with 'quotes' and\nlines"));
    assert_eq!(attribute("comment on column name"), Some("a name"));
    assert_eq!(attribute("comment on trigger clients_touch"), Some("touches"));
    assert_eq!(attribute("comment on rule clients_quiet"), Some("quiet"));
    assert_eq!(attribute("comment on policy everybody"), Some("all"));
    assert_eq!(attribute("row security"), Some("enabled"));
    assert_eq!(attribute("options"), Some("fillfactor=50, autovacuum_enabled=false"));
    assert_eq!(attribute("toast options"), Some("autovacuum_enabled=false"));
    assert_eq!(attribute("statistics target of column note"), Some("77"));
    assert_eq!(attribute("storage of column big"), Some("external"));
    assert_eq!(attribute("compression of column big"), Some("pglz"));
    assert_eq!(attribute("options of column weight"), Some("n_distinct=5"));
    assert_eq!(attribute("grants on column name"), Some("reader=r/app"));
    let grants = attribute("grants").unwrap();
    assert!(
        grants.starts_with("app=rwdDxt") && grants.ends_with("/app, boss=aw*/app, reader=r/app"),
        "{grants}"
    );
    assert_eq!(attribute("replica identity index clients_replica"), Some("yes"));
    assert_eq!(attribute("clustered on index clients_replica"), Some("yes"));
    assert_eq!(attribute("publication news"), Some("member (id, name) WHERE (id > 3)"));
}

#[test]
fn every_sort_of_object_is_seen() {
    let database = nasty();
    database.psql(
        "CREATE EXTENSION postgres_fdw; CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw; \
        CREATE FOREIGN TABLE elsewhere (a integer) SERVER far; CREATE EXTENSION pg_freespacemap SCHEMA \"Odd Schema\"",
    );
    let mut engine = inspect(&database.access());
    let sight = engine.look().unwrap();
    let schema = &sight.schema;
    let sort = |name: &str| schema.home_table(name).unwrap().sort;
    assert_eq!(sort("parent"), TableSort::Ordinary);
    assert_eq!(sort("child"), TableSort::Inherited);
    assert_eq!(sort("parted"), TableSort::Partitioned);
    assert_eq!(sort("parted_1"), TableSort::Partition);
    assert_eq!(sort("elsewhere"), TableSort::Foreign);
    assert!(schema.home_table("nothing_in_it").unwrap().columns.is_empty());
    let view = |name: &str| schema.views.iter().find(|view| view.name == name).unwrap();
    assert!(
        view("names").definition.contains("FROM public.clients"),
        "{}",
        view("names").definition
    );
    assert!(view("totals").materialized && view("totals").attachments[0].name == "totals_client");
    assert_eq!(view("names").attributes["default of column name"], "'nobody'::character varying");
    assert_eq!(view("empty_totals").attributes["populated"], "no");
    let sequence =
        |name: &str| schema.sequences.iter().find(|sequence| sequence.name == name).unwrap();
    assert_eq!(sequence("clients_id_seq").owned_by.as_deref(), Some("clients"));
    assert_eq!(sequence("alone").owned_by, None);
    assert!(
        sequence("alone")
            .definition
            .contains("INCREMENT BY -2 MINVALUE -50 MAXVALUE 50 START WITH 10")
    );
    let types: Vec<(&str, &str)> = schema
        .types
        .iter()
        .map(|t| (t.name.as_str(), t.definition.split(" AS ").nth(1).unwrap_or("")))
        .collect();
    let domain = "integer DEFAULT 1 CONSTRAINT above_zero CHECK ((VALUE > 0))";
    for expected in [
        ("mood", "ENUM ('sad', 'ok', 'it''s fine')"),
        ("place", "(x integer, y numeric(10,2))"),
        ("positive", domain),
        ("span", "RANGE (SUBTYPE = double precision)"),
    ] {
        assert!(types.contains(&expected), "{expected:?} in {types:?}");
    }
    let functions: Vec<&str> = schema
        .functions
        .iter()
        .filter(|f| f.extension.is_none())
        .map(|f| f.name.as_str())
        .collect();
    for expected in [
        "plus(integer, integer)",
        "of_client(public.clients)",
        "total(integer)",
        "work()",
        "We(ird()",
    ] {
        assert!(functions.contains(&expected), "{expected} in {functions:?}");
    }
    let extension = |name: &str| {
        schema.functions.iter().find(|f| f.name.starts_with(name)).unwrap().extension.clone()
    };
    assert_eq!(extension("pg_freespace("), Some("pg_freespacemap".into()));
    assert_sorted(schema);
    assert_eq!(engine.look().unwrap().schema, *schema);
}

fn assert_sorted(schema: &Schema) {
    let names: Vec<(&str, &str)> =
        schema.tables.iter().map(|t| (t.schema.as_str(), t.name.as_str())).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert_eq!(names, sorted);
    assert!(
        schema.dependencies.is_sorted() && schema.functions.is_sorted() && schema.types.is_sorted()
    );
}

#[test]
fn estimates_are_none_until_somebody_made_one() {
    let database = database();
    database
        .psql("CREATE TABLE a (x int); INSERT INTO a SELECT generate_series(1, 7); CREATE TABLE b (x int); ANALYZE a");
    let rows = inspect(&database.access()).look().unwrap().estimated_rows;
    assert_eq!(
        rows,
        [(ObjectRef::table("public", "a"), Some(7)), (ObjectRef::table("public", "b"), None)]
    );
}

#[test]
fn the_quarantine_is_not_shown_but_what_it_holds_back_is() {
    let database = database();
    database.psql(
        "CREATE TABLE a (x int PRIMARY KEY); CREATE SCHEMA ttplan_quarantine; \
        CREATE TABLE ttplan_quarantine.q (x int CONSTRAINT held REFERENCES a)",
    );
    let schema = inspect(&database.access()).look().unwrap().schema;
    assert_eq!(schema.schemas, ["public"]);
    assert_eq!(schema.tables.len(), 1);
    let held = ObjectRef::of_table(ObjectKind::Constraint, "ttplan_quarantine", "q", "held");
    assert_eq!(schema.dependents_of(&ObjectRef::table("public", "a")), [held]);
}

/// Whatever makes a plain DROP fail stands among the dependents, and nothing stands there for
/// nothing: the one exception is what a DROP takes along without a word.
#[test]
fn every_dependent_is_known() {
    let database = nasty();
    database.psql(
        "CREATE TEMP VIEW passing AS SELECT 1; CREATE CAST (place AS text) WITH INOUT; \
        CREATE FUNCTION same(a place, b place) RETURNS boolean LANGUAGE sql AS 'SELECT true'; \
        CREATE OPERATOR === (LEFTARG = place, RIGHTARG = place, FUNCTION = same)",
    );
    let schema = inspect(&database.access()).look().unwrap().schema;
    let mut objects: Vec<ObjectRef> = schema.tables.iter().map(Table::reference).collect();
    objects.extend(schema.views.iter().map(View::reference));
    for (kind, list) in [
        (ObjectKind::Sequence, &schema.sequences),
        (ObjectKind::Type, &schema.types),
        (ObjectKind::Function, &schema.functions),
    ] {
        objects.extend(list.iter().map(|d| ObjectRef::free(kind, &d.schema, &d.name)));
    }
    let mut engine = change(&database.access());
    let mut silent = BTreeSet::new();
    for object in &objects {
        let Some(sql) = drop_object(ENGINE.dialect, object) else {
            assert_eq!(object.name, "We(ird()");
            continue;
        };
        engine.begin().unwrap();
        let dropped = engine.execute(&sql);
        engine.rollback().unwrap();
        let dependents = schema.dependents_of(object);
        match dropped {
            Ok(_) if dependents.is_empty() => {}
            Ok(_) => drop(silent.insert(object.name.as_str())),
            // A sequence of its own column is no dependent of anything else.
            Err(_) if object.kind == ObjectKind::Sequence && dependents.is_empty() => {
                let sequence =
                    schema.sequences.iter().find(|sequence| sequence.name == object.name).unwrap();
                assert!(sequence.owned_by.is_some(), "{object}");
            }
            Err(error) => assert!(!dependents.is_empty(), "{object}: {error}"),
        }
    }
    // Partitions go with their parent, and nothing but them is lost so.
    assert_eq!(silent, BTreeSet::from(["parted"]));
    let of = |name: &str| schema.dependents_of(&ObjectRef::table("public", name));
    let words: Vec<String> = of("clients").iter().map(ToString::to_string).collect();
    assert_eq!(
        words,
        [
            "view `names`",
            "constraint `orders_client_fk` of table `orders`",
            "trigger `orders_late` of table `orders`",
            "policy `by_client` of table `orders`",
            "function `of_client(public.clients)`",
            "type `pair`",
            "object `column c` of table `borrower`",
            "object `rule orders_see` of table `orders`",
        ]
    );
    let words: Vec<String> = of("orders").iter().map(ToString::to_string).collect();
    assert_eq!(
        words,
        [
            "view `grouped`",
            "materialized view `totals`",
            "function `all_orders()`",
            "function `newest()`",
            "type `some_orders`",
            "object `column b` of table `borrower`",
            "object `column d` of table `borrower`",
        ]
    );
}

#[test]
fn questions_are_answered_as_texts_in_one_go() {
    let database = nasty();
    let mut engine = inspect(&database.access());
    let clients = ObjectRef::table("public", "clients");
    let odd = ObjectRef::table("public", "My \"Table\"; drop");
    let answers = engine
        .ask(&[
            RowQuery::Count(clients.clone()),
            RowQuery::Column { table: odd.clone(), column: "a\"b".into() },
            RowQuery::Keyed {
                table: clients.clone(),
                key: vec!["id".into(), "note".into()],
                column: "raw".into(),
                containing: String::new(),
            },
            RowQuery::Keyed {
                table: odd,
                key: vec![],
                column: "Ünï.*?$".into(),
                containing: String::new(),
            },
            RowQuery::Count(ObjectRef::table("public", "child")),
        ])
        .unwrap();
    assert_eq!(answers[0], [["3"]]);
    assert_eq!(answers[1], [["\\."], ["one"], ["one"]]);
    assert_eq!(answers[2], [["100,touched", "\\x00ff"], ["105,", "\\x"]]);
    assert_eq!(answers[3], [["", "it's\n\\"], ["", "it's\n\\"], ["", "two"]]);
    assert_eq!(answers[4], [["1"]]);
    let error = engine.ask(&[RowQuery::Count(ObjectRef::table("public", "missing"))]).unwrap_err();
    assert!(error.to_string().contains("missing"), "{error}");
    // The snapshot survives a question that made no sense.
    assert_eq!(engine.ask(&[RowQuery::Count(clients)]).unwrap()[0], [["3"]]);
}

#[test]
fn content_is_equal_for_equal_rows_in_any_order_and_under_any_setting() {
    let database = database();
    database.psql("CREATE TABLE a (x int, t timestamptz, f float8, i interval, b bytea); CREATE TABLE b (LIKE a); CREATE TABLE c (LIKE a); \
        INSERT INTO a SELECT g, to_timestamp(g), g / 3.0, g * interval '1 hour', int4send(g) FROM generate_series(1, 500) g; \
        INSERT INTO b SELECT * FROM a ORDER BY x DESC; INSERT INTO c SELECT * FROM a WHERE x > 1; \
        INSERT INTO c SELECT * FROM a WHERE x = 2; CREATE TABLE p (k int) PARTITION BY LIST (k); \
        CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); INSERT INTO p VALUES (1)");
    let before = inspect(&database.access()).content().unwrap();
    let names: Vec<(&str, u64)> =
        before.iter().map(|table| (table.table.name.as_str(), table.rows)).collect();
    assert_eq!(names, [("a", 500), ("b", 500), ("c", 500), ("p1", 1)]);
    assert_eq!(before[0].digest, before[1].digest);
    assert_ne!(before[0].digest, before[2].digest);
    database.psql(&format!(
        "ALTER DATABASE {0} SET timezone = 'Asia/Tokyo'; ALTER DATABASE {0} SET datestyle = 'German'; \
        ALTER DATABASE {0} SET intervalstyle = 'iso_8601'; ALTER DATABASE {0} SET bytea_output = 'escape'; \
        ALTER DATABASE {0} SET extra_float_digits = -10",
        database.name
    ));
    assert_eq!(inspect(&database.access()).content().unwrap(), before);
    database.psql("UPDATE a SET f = 0 WHERE x = 250");
    assert_ne!(inspect(&database.access()).content().unwrap()[0].digest, before[0].digest);
}

#[test]
fn other_sessions_are_told_and_our_own_are_not() {
    roles();
    let database = database();
    let mut engine = change(&database.access());
    engine.lock(std::time::Duration::ZERO).unwrap();
    assert_eq!(engine.writers().unwrap(), OtherSessions::None);
    let other = inspect(&database.access_as("app"));
    let OtherSessions::Some(words) = engine.writers().unwrap() else { panic!("nobody seen") };
    assert_eq!(words.len(), 1);
    assert!(words[0].contains("of `app` as `ttplan` from this host"), "{words:?}");
    let OtherSessions::Unknown(why) = inspect(&database.access_as("reader")).writers().unwrap()
    else {
        panic!("seen")
    };
    assert!(why.contains("pg_read_all_stats"), "{why}");
    drop(other);
}

#[test]
fn looking_writes_nothing() {
    let database = nasty();
    const COUNTERS: &str = "SELECT pg_stat_force_next_flush(); SELECT pg_stat_clear_snapshot(); \
        SELECT tup_inserted, tup_updated, tup_deleted FROM pg_stat_database WHERE datname = current_database(); \
        SELECT sum(n_tup_ins), sum(n_tup_upd), sum(n_tup_del) FROM pg_stat_all_tables \
        WHERE relid NOT IN (SELECT oid FROM pg_class WHERE relisshared)";
    let dump = database.dump();
    // Whoever is gone has told what it wrote.
    let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    assert!((0..500).any(|_| database.psql(others) == "0\n"));
    let counters = database.psql(COUNTERS);
    {
        let mut engine = inspect(&database.access());
        engine.look().unwrap();
        engine.ask(&[RowQuery::Count(ObjectRef::table("public", "orders"))]).unwrap();
        engine.content().unwrap();
        engine.writers().unwrap();
        // Nor does it stay in the way of anybody who wants to change a table.
        let held = "SELECT count(*) FROM pg_locks WHERE relation >= 16384 AND pid <> pg_backend_pid() \
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        assert_eq!(database.psql(held), "0\n");
    }
    assert_eq!(database.psql(COUNTERS), counters);
    assert_eq!(database.dump(), dump);
}
