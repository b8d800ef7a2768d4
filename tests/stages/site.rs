//! The site that every story begins with, and the verbs by which a story makes it another: a small
//! application whose schema is that of its newest revision, as recorded and as catalogued, with its
//! one avatar where it belongs.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};

use ttplan::model::config::{
    Backup, Cleanup, Config, Database, OnConflict, RevisionsConfig, Tables, Upgrade, Upload, Wait,
};
use ttplan::model::database::catalogue::{Catalogue, Ran};
use ttplan::model::database::revisions::{RecordedRevisions, Revisions, Script};
use ttplan::model::database::schema::{Column, ForeignKey, Index, Key, Schema, Table};
use ttplan::model::database::shape::Shape;
use ttplan::model::database::version_table::VersionTable;
use ttplan::model::diagnosis::Decisions;
use ttplan::model::files::references::{Form, Reference, Referenced};
use ttplan::model::files::uploads::{FileFact, RootState, Tree};
use ttplan::model::host::HostFacts;
use ttplan::model::host_command::HostCommand;
use ttplan::model::host_profile::{HostProfile, HostVersionTable};
use ttplan::model::names::{Digest, FilePath, Moment, ObjectRef};
use ttplan::model::observation::{
    Circumstances, DatabaseFacts, FORMAT_VERSION, Facts, Identity, Observation, Presence,
};

/// Where avatars lay, and where they belong.
pub const OLD: &str = "/app/static/avatars";
pub const NEW: &str = "/data/avatars";

/// The column of the framework's record.
pub const VERSION_COLUMN: &str = "version_num";

/// What the pure stages are given.
#[derive(Clone)]
pub struct Site {
    pub observation: Observation,
    pub decisions: Decisions,
}

impl Deref for Site {
    type Target = Facts;

    fn deref(&self) -> &Facts {
        &self.observation.facts
    }
}

impl DerefMut for Site {
    fn deref_mut(&mut self) -> &mut Facts {
        &mut self.observation.facts
    }
}

impl Site {
    /// The site on a server.
    pub fn new() -> Self {
        let mut site = Self {
            observation: Observation {
                format_version: FORMAT_VERSION.to_owned(),
                made_by: "ttplan".to_owned(),
                made_at: Moment::parse("2026-05-04T09:00:00Z").unwrap(),
                facts: facts(),
                circumstances: Circumstances::default(),
            },
            decisions: Decisions::default(),
        };
        site.catalogue = Some(site.recorded_catalogue());
        site
    }

    /// The same site in one file.
    pub fn in_one_file() -> Self {
        let mut site = Self::new();
        let database = &mut site.config.database;
        database.engine = "sqlite".to_owned();
        (database.host, database.port, database.user) = (None, None, None);
        database.name = "board.db".to_owned();
        database.path = Some("/data/board.db".into());
        site.database.identity = Identity {
            engine: "sqlite".to_owned(),
            name: "board.db".to_owned(),
            host: None,
            identity: "/data/board.db".to_owned(),
        };
        let schema = &mut site.database.schema;
        schema.engine = "sqlite".to_owned();
        schema.home = "main".to_owned();
        schema.schemas = vec!["main".to_owned()];
        for table in &mut schema.tables {
            table.schema = "main".to_owned();
            table.owner = None;
        }
        let book = site.book();
        book.versions.table.schema = "main".to_owned();
        book.width = None;
        site.catalogue = Some(site.recorded_catalogue());
        site
    }

    /// What `catalogue record` would write: the schema without and with what the second script
    /// adds.
    fn recorded_catalogue(&self) -> Catalogue {
        let engine = self.config.database.engine.clone();
        let mut catalogue = Catalogue::new("ttplan".to_owned(), "alembic", &engine);
        let mut schema = self.database.schema.clone();
        let book = self.database.book.as_ref().map(|book| &book.versions.table);
        let newest = Shape::of(&schema, book);
        without_codes(&mut schema);
        for (n, shape) in [Shape::of(&schema, book), newest].iter().enumerate() {
            let script = &self.revisions.as_ref().unwrap().scripts[n];
            let (id, sha256) = (script.id.clone(), script.sha256);
            let ran = Ran { id: id.clone(), sha256, empty: false, stumbles: Vec::new() };
            catalogue.push(vec![id], n.checked_sub(1), ran, shape);
        }
        catalogue
    }

    /// Nobody recorded what the revisions have.
    pub fn without_catalogue(&mut self) {
        self.catalogue = None;
    }

    /// The framework's record says this.
    pub fn recorded(&mut self, ids: &[&str]) {
        self.book().recorded = Some(words(ids));
    }

    /// There is no record of the framework.
    pub fn without_record(&mut self) {
        let name = self.book().versions.table.name.clone();
        self.book().recorded = None;
        self.drop(&name);
    }

    pub fn book(&mut self) -> &mut RecordedRevisions {
        self.database.book.as_mut().unwrap()
    }

    /// There is nothing in the database.
    pub fn without_tables(&mut self) {
        self.without_record();
        self.database.schema.tables.clear();
        self.references[0].present = false;
        self.references[0].values.clear();
    }

    /// The schema is that of the first revision.
    pub fn with_first_schema(&mut self) {
        without_codes(&mut self.database.schema);
    }

    /// One more table of the connecting role, with this column beside its key.
    pub fn add(&mut self, name: &str, other: &str) {
        let schema = &mut self.database.schema;
        let owner = (schema.engine != "sqlite").then(|| "board".to_owned());
        let columns = vec![column("id", "integer"), column(other, "text")];
        schema.tables.push(Table { owner, ..table(&schema.home, name, columns) });
        schema.tables.sort_by(|one, next| one.name.cmp(&next.name));
    }

    /// The rows of a table were counted.
    pub fn count(&mut self, name: &str, rows: u64) {
        let counted = (self.table(name).reference(), rows);
        self.database.rows.push(counted);
        self.database.rows.sort();
    }

    /// The table of that name.
    pub fn table(&mut self, name: &str) -> &mut Table {
        let tables = &mut self.database.schema.tables;
        tables.iter_mut().find(|table| table.name == name).unwrap()
    }

    /// The table is not there.
    pub fn drop(&mut self, name: &str) {
        self.database.schema.tables.retain(|table| table.name != name);
    }

    /// One more script after these.
    pub fn script(&mut self, id: &str, parents: &[&str]) {
        let revisions = self.revisions.as_mut().unwrap();
        revisions.scripts.push(script(id, parents));
        revisions.digest = Some(Digest::of(id));
    }

    pub fn scripts(&mut self) -> &mut Vec<Script> {
        &mut self.revisions.as_mut().unwrap().scripts
    }

    /// A file in an upload directory; files with equal content have equal text.
    pub fn file(&mut self, root: &str, path: &str, content: &str) {
        let files = &mut self.tree(root).files;
        files.push(FileFact(path.into(), content.len() as u64, Digest::of(content)));
        files.sort();
    }

    /// The upload directory.
    pub fn tree(&mut self, root: &str) -> &mut Tree {
        let root: FilePath = root.into();
        self.uploads.iter_mut().find(|tree| tree.root == root).unwrap()
    }

    /// A user with this avatar.
    pub fn user(&mut self, key: &str, avatar: &str) {
        self.references[0].values.push((key.to_owned(), avatar.to_owned()));
    }

    pub fn upload(&mut self) -> &mut Upload {
        &mut self.config.uploads[0]
    }

    /// What the host would have to permit for all that the configuration says.
    pub fn host(&mut self) -> &mut HostFacts {
        let upgrade = self.revisions_config().upgrade.clone().unwrap();
        let program = self.program.clone();
        let check = HostCommand::of_check(&upgrade, program.as_ref()).unwrap();
        let upgrade = HostCommand::of_upgrade(&upgrade, program.as_ref());
        self.host.get_or_insert_with(|| HostFacts {
            commands: [("upgrade".to_owned(), upgrade), ("check".to_owned(), check)].into(),
            profile: Some(HostProfile {
                source: "/etc/ttplan/profile.toml".to_owned(),
                version_table: Some(HostVersionTable {
                    table: "alembic_version".to_owned(),
                    column: VERSION_COLUMN.to_owned(),
                }),
                columns: Vec::new(),
                tolerate: Vec::new(),
            }),
        })
    }

    pub fn revisions_config(&mut self) -> &mut RevisionsConfig {
        self.config.revisions.as_mut().unwrap()
    }
}

/// What the second script of the application adds, taken away.
pub fn without_codes(schema: &mut Schema) {
    let projects = schema.tables.iter_mut().find(|table| table.name == "projects").unwrap();
    projects.columns.retain(|column| column.name != "code");
    projects.indexes.clear();
}

pub fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

pub fn column(name: &str, data_type: &str) -> Column {
    Column { name: name.to_owned(), data_type: data_type.to_owned(), ..Column::default() }
}

fn table(schema: &str, name: &str, columns: Vec<Column>) -> Table {
    Table {
        schema: schema.to_owned(),
        name: name.to_owned(),
        owner: Some("board".to_owned()),
        ours: true,
        primary_key: columns
            .first()
            .map(|first| Key { columns: vec![first.name.clone()], ..Key::default() }),
        columns,
        ..Table::default()
    }
}

/// A key of one column that points to another table's `id`.
pub fn points_to(column: &str, schema: &str, table: &str) -> ForeignKey {
    ForeignKey {
        name: Some(format!("{column}_fkey")),
        columns: vec![column.to_owned()],
        foreign_schema: schema.to_owned(),
        foreign_table: table.to_owned(),
        foreign_columns: vec!["id".to_owned()],
        on_delete: "no action".to_owned(),
        on_update: "no action".to_owned(),
        options: None,
    }
}

fn script(id: &str, parents: &[&str]) -> Script {
    Script {
        file: format!("{id}.py").as_str().into(),
        id: id.to_owned(),
        parents: words(parents),
        sha256: Digest::of(format!("script {id}")),
        ..Script::default()
    }
}

fn facts() -> Facts {
    let schema = schema();
    let reference = Reference {
        table: "users".to_owned(),
        column: "avatar".to_owned(),
        form: Form::Name,
        prefix: None,
        formerly: Vec::new(),
    };
    let tree = |root: &str| Tree {
        root: root.into(),
        state: RootState::Present,
        files: Vec::new(),
        odd: Vec::new(),
        ignored: 0,
        litter: Vec::new(),
    };
    let mut new = tree(NEW);
    new.files.push(FileFact("ada.png".into(), 3, Digest::of("ada")));
    Facts {
        database: DatabaseFacts {
            presence: Presence::Present,
            identity: Identity {
                engine: "postgres".to_owned(),
                name: "board".to_owned(),
                host: Some("db".to_owned()),
                identity: "7391001844512345678/16385".to_owned(),
            },
            book: Some(RecordedRevisions {
                versions: VersionTable::of_heads(
                    ObjectRef::table(&schema.home, "alembic_version"),
                    VERSION_COLUMN,
                ),
                width: Some(32),
                recorded: Some(words(&["002_codes"])),
            }),
            schema,
            rows: Vec::new(),
        },
        revisions: Some(Revisions {
            system: "alembic".to_owned(),
            directory: "/app/migrations/versions".into(),
            digest: Some(Digest::of("scripts")),
            scripts: vec![script("001_initial", &[]), script("002_codes", &["001_initial"])],
            unread: Vec::new(),
        }),
        catalogue: None,
        offline: Vec::new(),
        program: Some("/opt/venv/bin/flask".into()),
        check_program: Some("/opt/venv/bin/flask".into()),
        host: None,
        uploads: vec![tree(OLD), new],
        references: vec![Referenced {
            upload: "avatars".to_owned(),
            reference: reference.clone(),
            present: true,
            values: vec![("1".to_owned(), "ada.png".to_owned())],
            outdated: None,
        }],
        config: config(reference),
    }
}

fn schema() -> Schema {
    let home = "public";
    let text = |name: &str| column(name, "character varying(80)");
    let mut projects = table(home, "projects", vec![column("id", "integer"), text("name")]);
    projects.columns.extend([text("status"), text("code")]);
    projects.indexes.push(Index {
        name: "projects_code".to_owned(),
        unique: true,
        columns: vec!["code".to_owned()],
        predicate: None,
        definition: "CREATE UNIQUE INDEX projects_code ON public.projects USING btree (code)"
            .to_owned(),
    });
    let mut users = table(home, "users", vec![column("id", "integer"), text("username")]);
    users.columns.extend([text("role"), text("avatar")]);
    Schema {
        engine: "postgres".to_owned(),
        home: home.to_owned(),
        schemas: vec![home.to_owned()],
        tables: vec![
            table(home, "alembic_version", vec![column(VERSION_COLUMN, "character varying(32)")]),
            projects,
            users,
        ],
        ..Schema::default()
    }
}

fn config(reference: Reference) -> Config {
    Config {
        profile: None,
        site: Some("board".to_owned()),
        root: "/app".into(),
        database: Database {
            engine: "postgres".to_owned(),
            host: Some("db".to_owned()),
            port: Some(5432),
            user: Some("board".to_owned()),
            name: "board".to_owned(),
            path: None,
            options: BTreeMap::new(),
            wait: Wait { attempts: 30, delay_seconds: 2, timeout_seconds: 60 },
        },
        revisions: Some(RevisionsConfig {
            system: "alembic".to_owned(),
            directory: "/app/migrations/versions".into(),
            target: words(&["head"]),
            catalogue: None,
            sql: None,
            upgrade: Some(Upgrade {
                command: words(&["flask", "db", "upgrade", "heads"]),
                check: words(&["flask", "--version"]),
                directory: "/app".into(),
                env: [("FLASK_APP".to_owned(), "app".to_owned())].into(),
                pass: Vec::new(),
                url_variable: Some("DATABASE_URL".to_owned()),
                timeout_seconds: 900,
                accept_stumbles: false,
            }),
            releases: BTreeMap::new(),
        }),
        tables: Tables {
            core: [
                ("projects".to_owned(), words(&["name", "status"])),
                ("users".to_owned(), words(&["username", "role"])),
            ]
            .into(),
            ..Tables::default()
        },
        cleanup: Cleanup::default(),
        uploads: vec![Upload {
            name: "avatars".to_owned(),
            from: vec![OLD.into()],
            to: NEW.into(),
            on_conflict: OnConflict::Stop,
            ignore: Vec::new(),
            references: vec![reference],
            mode: None,
            owner: None,
        }],
        backup: Backup { directory: None, keep: 5 },
    }
}
