//! What is done to the sites under test: each a database to begin with and what a plan makes of it.

use ttplan::model::names::Moment;
use ttplan::model::plan::{Plan, lifetime};

use crate::site::at_first_revision;
use crate::site::at_head;
use crate::world::Engine;

/// One of them.
pub struct Scenario {
    pub name: &'static str,
    /// Statements that make the database.
    pub database: fn(Engine) -> String,
    /// What is to be done with tables that nothing explains.
    pub unexpected: &'static str,
    /// Columns that name uploaded files, as the configuration lists them.
    pub references: &'static str,
    /// Files that are where they belong from the beginning.
    pub copied: &'static [&'static str],
    /// Files with these names and another content that are there from the beginning.
    pub taken: &'static [&'static str],
    /// What is to be done about them.
    pub on_conflict: &'static str,
    /// What else `plan` is asked for.
    pub flags: &'static [&'static str],
    /// What is changed in the plan before it is signed.
    pub change: Option<fn(&mut Plan)>,
    /// The kinds of steps that its plan must have, or it shows nothing.
    pub kinds: fn(Engine) -> Vec<&'static str>,
}

/// What the others are made of: nothing is to be done but to move files across filesystems.
const PLAIN: Scenario = Scenario {
    name: "plain",
    database: |_| at_head(),
    unexpected: "keep",
    references: "",
    copied: &["b.png"],
    taken: &[],
    on_conflict: "stop",
    flags: &[],
    change: None,
    kinds: |_| vec!["move_files"],
};

/// All of them.
pub const ALL: [&Scenario; 10] = [
    &DROPS,
    &QUARANTINE,
    &MIGRATIONS,
    &LEFTOVER,
    &STAMP,
    &ANEW,
    &REFERENCES,
    &RELEASE,
    &REPLACE,
    &RENAME,
];

/// Strangers' tables go, with views and keys in a circle, and migrations begin anew.
pub const DROPS: Scenario = Scenario {
    name: "drops",
    database: strangers,
    unexpected: "drop",
    kinds: |engine| match engine {
        Engine::Postgres => {
            vec!["backup_database", "drop_constraint", "drop_table", "drop_view", "run_migrations"]
        }
        Engine::Sqlite => vec!["backup_database", "drop_table", "drop_view", "run_migrations"],
    },
    ..PLAIN
};

/// The same into quarantine.
pub const QUARANTINE: Scenario = Scenario {
    name: "quarantine",
    database: strangers,
    unexpected: "quarantine",
    kinds: |_| vec!["quarantine_table", "run_migrations"],
    ..PLAIN
};

/// A migration is to be run, and its name does not fit where it is recorded.
pub const MIGRATIONS: Scenario = Scenario {
    name: "migrations",
    database: |engine| match engine {
        Engine::Postgres => {
            format!(
                "{}ALTER TABLE alembic_version ALTER version_num TYPE varchar(8);",
                at_first_revision()
            )
        }
        Engine::Sqlite => at_first_revision(),
    },
    kinds: |engine| match engine {
        Engine::Postgres => vec!["widen_version_column", "run_migrations"],
        // Widths are not enforced there.
        Engine::Sqlite => vec!["run_migrations"],
    },
    ..PLAIN
};

/// An interrupted migration left its working copy.
pub const LEFTOVER: Scenario = Scenario {
    name: "leftover",
    database: |_| {
        format!(
            "{}CREATE TABLE _alembic_tmp_projects (id INTEGER PRIMARY KEY, name VARCHAR(99), code VARCHAR(9));
             CREATE INDEX on_code ON _alembic_tmp_projects (code);
             INSERT INTO _alembic_tmp_projects VALUES (1, 'Difference Engine', NULL), (7, 'only here', 'x');",
            at_first_revision()
        )
    },
    kinds: |_| vec!["backup_database", "drop_table"],
    ..PLAIN
};

/// A revision is recorded where none was.
pub const STAMP: Scenario = Scenario {
    name: "stamp",
    database: |_| format!("{}DROP TABLE alembic_version;", at_first_revision()),
    kinds: |_| vec!["move_files", "stamp_revision"],
    flags: &["--assume-revision", "002_project_codes"],
    ..PLAIN
};

/// A revision is recorded, and there is nothing that it could stand for, nor a place for files.
pub const ANEW: Scenario = Scenario {
    name: "anew",
    database: |_| {
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
         INSERT INTO alembic_version VALUES ('001');"
            .to_owned()
    },
    copied: &[],
    flags: &["--reinitialize"],
    kinds: |_| vec!["make_directory", "drop_version_table", "run_migrations"],
    ..PLAIN
};

/// Values name their files as an older release did: a path, links in a text, links in a JSON
/// document.
pub const REFERENCES: Scenario = Scenario {
    name: "references",
    database: |engine| {
        let json = if engine == Engine::Postgres { "jsonb" } else { "TEXT" };
        format!(
            "{}CREATE TABLE pages (id INTEGER, lang VARCHAR(9), path TEXT, body TEXT, data {json}, PRIMARY KEY (id, lang));
             INSERT INTO pages VALUES
                 (1, 'en', '{{home}}/app/avatars/a.png', 'see /old/a.png and it''s /old/b.png \\ 100%', '{{\"a\": \"/old/a.png\", \"n\": 1}}'),
                 (1, 'de', '{{home}}/app/avatars/b.png', 'x', '{{\"u\": \"/media/b.png\"}}'),
                 (2, 'en', NULL, '%2Fold%2Fa.png', NULL);
             CREATE TABLE lists (path TEXT);
             INSERT INTO lists VALUES ('{{home}}/app/avatars/a.png'), ('{{home}}/app/avatars/a.png'), ('');",
            at_head()
        )
    },
    references: "{ table = 'pages', column = 'path', form = 'absolute' },
        { table = 'lists', column = 'path', form = 'absolute' },
        { table = 'pages', column = 'body', form = 'text', prefix = '/media/', formerly = ['/old/'] },
        { table = 'pages', column = 'data', form = 'json', prefix = '/media/', formerly = ['/old/'] }",
    kinds: |_| vec!["move_files", "rewrite_references"],
    ..PLAIN
};

/// What an earlier plan copied is removed from its old place.
pub const RELEASE: Scenario = Scenario {
    name: "release",
    references: "{ table = 'users', column = 'avatar', form = 'name' }",
    copied: &["a.png", "b.png", "old/c.png", "d.png"],
    flags: &["--release-sources"],
    kinds: |_| vec!["release_sources"],
    ..PLAIN
};

/// Names are taken by other contents, which are to be replaced.
pub const REPLACE: Scenario = Scenario {
    name: "replace",
    references: "{ table = 'users', column = 'avatar', form = 'name' }",
    taken: &["a.png", "old/c.png", "d.png"],
    on_conflict: "replace",
    kinds: |_| vec!["replace_files"],
    ..PLAIN
};

/// Names are taken by other contents, and both are to be there; values that mean the moved ones
/// follow.
pub const RENAME: Scenario = Scenario {
    name: "rename",
    taken: &["a.png", "old/c.png"],
    on_conflict: "rename",
    kinds: |_| vec!["move_files", "rewrite_references"],
    ..REFERENCES
};

/// A plan that nobody began in time.
pub const EXPIRED: Scenario = Scenario {
    name: "expired",
    change: Some(|plan| {
        plan.made_at = Moment::from_unix(1_700_000_000).unwrap();
        plan.expires_at = plan.made_at.plus_seconds(lifetime(plan.risk()));
    }),
    ..LEFTOVER
};

fn strangers(engine: Engine) -> String {
    let mut sql = "
        CREATE TABLE orders (id INTEGER PRIMARY KEY, what VARCHAR(99) DEFAULT 'nothing', amount NUMERIC(9, 2) CHECK (amount > 0));
        CREATE TABLE order_lines (id INTEGER PRIMARY KEY, of_order INTEGER REFERENCES orders (id), n INTEGER NOT NULL);
        CREATE UNIQUE INDEX one_line ON order_lines (of_order, n);
        CREATE VIEW large_orders AS SELECT id, what FROM orders WHERE amount > 100;
        INSERT INTO orders VALUES (1, 'engine', 1000.50), (2, NULL, 3);
        INSERT INTO order_lines VALUES (1, 1, 1), (2, 1, 2), (3, 2, 1);
    "
    .to_owned();
    if engine == Engine::Postgres {
        sql += "
            ALTER TABLE orders ADD COLUMN main_line integer REFERENCES order_lines (id);
            UPDATE orders SET main_line = 2 WHERE id = 1;
            COMMENT ON TABLE orders IS 'what people ordered';
            COMMENT ON COLUMN orders.what IS 'in words';
            GRANT SELECT ON orders TO PUBLIC;
            ALTER TABLE order_lines ENABLE ROW LEVEL SECURITY;
            CREATE POLICY only_small ON order_lines FOR SELECT USING (n < 9);
            CREATE STATISTICS what_amount ON what, amount FROM orders;
            ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC;
        ";
    }
    sql
}
