//! STAGE: looks at a site and writes down what is there. Reads only: it is handed [`LiveReader`],
//! which has nothing to write with. Judges nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;

use crate::engines;
use crate::engines::database::{InspectedDatabase, ReadDatabase, RowQuery};
use crate::error::{Error, Kind, Result};
use crate::frameworks::{self, Framework};
use crate::live::LiveReader;
use crate::model::config::{Config, Upload};
use crate::model::database::catalogue::Catalogue;
use crate::model::database::offline::Offline;
use crate::model::database::revisions::{RecordedRevisions, Revisions};
use crate::model::database::schema::{Schema, Table};
use crate::model::database::version_table::VersionTable;
use crate::model::files::references::Referenced;
use crate::model::files::rewriting::{Rewriting, outdated};
use crate::model::files::uploads::{FileCircumstance, MountInfo, RootState, Tree};
use crate::model::host::HostFacts;
use crate::model::names::{FilePath, Moment, ObjectRef};
use crate::model::observation::{
    Circumstances, DatabaseFacts, FORMAT_VERSION, Facts, Identity, Observation, Presence,
};
use crate::offline;
use crate::stores::store::{DirectoryState, ReadStore};

mod merge;

pub use self::merge::merge;

/// What is to be looked at, and what is said of the observation from outside.
#[derive(Clone, Debug)]
pub struct InspectOptions {
    pub made_by: String,
    pub made_at: Moment,
    /// False for a place where only files can be seen.
    pub database: bool,
    /// The `PATH` along which the upgrade command's program is looked for.
    pub search: String,
    pub catalogue: Option<Catalogue>,
    /// The text of the offline script, where there is one.
    pub offline: Option<String>,
    /// What the host permits, where there is a host.toml.
    pub host: Option<HostFacts>,
}

/// Looks at the whole site once: at the database and at the files at the same time.
///
/// Errors: `Kind::Unreachable` when the database or the migration scripts cannot be read.
pub fn inspect(
    config: &Config,
    live: &mut dyn LiveReader,
    wishes: &InspectOptions,
) -> Result<Observation> {
    let framework = match &config.revisions {
        Some(revisions) => Some(frameworks::by_name(&revisions.system).ok_or_else(|| {
            let known: Vec<String> =
                frameworks::ALL.iter().map(|known| format!("`{}`", known.name)).collect();
            Error::new(
                Kind::Config,
                format!("there is no migration framework `{}`", revisions.system),
            )
            .hint(format!(
                "set `[revisions] system` to one of those that are known: {}",
                known.join(", ")
            ))
        })?),
        None => None,
    };
    let mut circumstances = Circumstances::default();
    let (database, files) = live.both();
    let (in_database, in_files) = thread::scope(|scope| {
        let in_files = scope.spawn(|| look_at_files(config, framework, files, wishes));
        let in_database = match wishes.database {
            true => look_at_database(config, framework, database, &mut circumstances),
            false => Ok((not_looked(config), Vec::new())),
        };
        (in_database, in_files.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    let (database, references) = in_database?;
    let Found { revisions, programs, uploads, lies, free_bytes, places } = in_files?;
    Ok(Observation {
        format_version: FORMAT_VERSION.to_owned(),
        made_by: wishes.made_by.clone(),
        made_at: wishes.made_at,
        facts: Facts {
            config: config.clone(),
            database,
            revisions,
            catalogue: wishes.catalogue.clone(),
            offline: read_offline(config, framework, wishes.offline.as_deref()),
            program: programs.0,
            check_program: programs.1,
            host: wishes.host.clone(),
            uploads,
            references,
        },
        circumstances: Circumstances { files: lies, free_bytes, places, ..circumstances },
    })
}

/// What was found on the disk.
#[derive(Default)]
struct Found {
    revisions: Option<Revisions>,
    /// Of the upgrade command, and of its check.
    programs: (Option<FilePath>, Option<FilePath>),
    uploads: Vec<Tree>,
    /// How the files of each root lie there, in the order of its tree.
    lies: BTreeMap<String, Vec<FileCircumstance>>,
    free_bytes: BTreeMap<String, String>,
    places: BTreeMap<String, MountInfo>,
}

fn look_at_files(
    config: &Config,
    framework: Option<&Framework>,
    files: &mut dyn ReadStore,
    wishes: &InspectOptions,
) -> Result<Found> {
    let mut found = Found {
        revisions: framework.map(|framework| read_scripts(config, framework, files)).transpose()?,
        programs: programs(config, wishes, files),
        ..Found::default()
    };
    for root in roots(config) {
        let seen =
            inside_another(root, &found, files)?.filter(|_| ignored(config, root).is_empty());
        let (tree, lie) = match seen {
            Some(seen) => seen,
            None => files.scan(root, &ignored(config, root))?,
        };
        let name = root.to_text().into_owned();
        found
            .free_bytes
            .extend(files.free_bytes(root).map(|free| (name.clone(), free.to_string())));
        found.places.extend(files.place(root).map(|place| (name.clone(), place)));
        found.lies.insert(name, lie);
        found.uploads.push(tree);
    }
    Ok(found)
}

fn read_offline(
    config: &Config,
    framework: Option<&Framework>,
    script: Option<&str>,
) -> Vec<Offline> {
    let parts = framework
        .zip(script)
        .map(|(framework, script)| (framework.offline)(script))
        .unwrap_or_default();
    offline::read(&parts, &config.database.engine)
}

/// A root that lies in one that was walked already is not walked again.
fn inside_another(
    root: &FilePath,
    found: &Found,
    files: &mut dyn ReadStore,
) -> Result<Option<(Tree, Vec<FileCircumstance>)>> {
    let outer = found
        .uploads
        .iter()
        .find(|tree| tree.state == RootState::Present && root.is_within(&tree.root));
    let Some((outer, lie)) =
        outer.and_then(|tree| Some((tree, found.lies.get(&*tree.root.to_text())?)))
    else {
        return Ok(None);
    };
    // What the walk did not enter it knows nothing of.
    let hidden = outer.odd.iter().any(|odd| root.is_within(&outer.root.join(&odd.path)));
    if hidden || files.directory(root)? != DirectoryState::Present {
        return Ok(None);
    }
    Ok(outer.below(root, lie))
}

/// What every upload that has this root says is nobody's upload.
fn ignored(config: &Config, root: &FilePath) -> Vec<String> {
    let has = |upload: &&Upload| upload.to == *root || upload.from.contains(root);
    config.uploads.iter().filter(has).flat_map(|upload| upload.ignore.clone()).collect()
}

/// Every upload root once, sorted.
fn roots(config: &Config) -> BTreeSet<&FilePath> {
    config.uploads.iter().flat_map(|upload| upload.from.iter().chain([&upload.to])).collect()
}

fn programs(
    config: &Config,
    wishes: &InspectOptions,
    files: &mut dyn ReadStore,
) -> (Option<FilePath>, Option<FilePath>) {
    let upgrade = config.revisions.as_ref().and_then(|revisions| revisions.upgrade.as_ref());
    let mut find = |words: &[String]| files.program(words.first()?, &wishes.search);
    match upgrade {
        Some(upgrade) => (find(&upgrade.command), find(&upgrade.check)),
        None => (None, None),
    }
}

fn not_looked(config: &Config) -> DatabaseFacts {
    DatabaseFacts {
        presence: Presence::NotLooked,
        identity: Identity {
            engine: config.database.engine.clone(),
            name: config.database.name.clone(),
            host: config.database.host.clone(),
            identity: String::new(),
        },
        schema: Schema::default(),
        book: None,
        rows: Vec::new(),
    }
}

fn read_scripts(
    config: &Config,
    framework: &Framework,
    files: &mut dyn ReadStore,
) -> Result<Revisions> {
    let Some(revisions) = &config.revisions else { return Ok(Revisions::default()) };
    let directory = &revisions.directory;
    if files.directory(directory)? != DirectoryState::Present {
        return Ok(Revisions {
            system: framework.name.to_owned(),
            directory: directory.clone(),
            ..Revisions::default()
        });
    }
    let sources = files.sources(&(framework.tree)(directory))?;
    Ok((framework.read)(directory, &sources))
}

fn look_at_database(
    config: &Config,
    framework: Option<&Framework>,
    database: &mut dyn ReadDatabase,
    circumstances: &mut Circumstances,
) -> Result<(DatabaseFacts, Vec<Referenced>)> {
    let InspectedDatabase {
        presence,
        identity,
        schema,
        estimated_rows,
        server_version,
        role,
        not_compared,
    } = database.look()?;
    circumstances.estimated_rows = estimated_rows;
    circumstances.server_version = server_version;
    circumstances.role = role;
    circumstances.not_compared = not_compared;

    let book_table =
        framework.map(|framework| ObjectRef::table(&schema.home, framework.book_table));
    let recorded_in =
        book_table.as_ref().and_then(|table| schema.table(&table.schema, &table.name));
    let book_column = framework.map_or("", |framework| framework.book_column);
    let recorded_in = recorded_in.filter(|table| table.column(book_column).is_some());
    let counted = tables_to_count(config, framework, &schema);
    let references = references(config, &schema);

    let mut questions = Vec::new();
    questions.extend(recorded_in.map(|table| RowQuery::Column {
        table: table.reference(),
        column: book_column.to_owned(),
    }));
    questions.extend(counted.iter().cloned().map(RowQuery::Count));
    questions.extend(references.iter().filter_map(|(_, question)| question.clone()));
    let mut answers =
        if questions.is_empty() { Vec::new() } else { database.ask(&questions)? }.into_iter();

    let recorded = recorded_in.map(|_| {
        answers
            .next()
            .unwrap_or_default()
            .into_iter()
            .filter_map(|row| row.into_iter().next())
            .collect::<Vec<_>>()
    });
    let book = book_table.map(|table| RecordedRevisions {
        width: recorded_in.and_then(|found| enforced_width(&schema, found, book_column)),
        versions: VersionTable::of_heads(table, book_column),
        recorded,
    });
    let mut rows = Vec::new();
    for table in counted {
        let count = answers
            .next()
            .and_then(|rows| rows.first()?.first()?.parse().ok())
            .ok_or_else(|| {
                Error::new(Kind::Unreachable, format!("the rows of {table} could not be counted"))
            })?;
        rows.push((table, count));
    }
    let mut referenced = Vec::new();
    for (mut reference, question) in references {
        if question.is_some() {
            let rows = answers.next().unwrap_or_default().into_iter().filter_map(pair).collect();
            take_values(&mut reference, rows, config, &schema);
        }
        referenced.push(reference);
    }
    Ok((DatabaseFacts { presence, identity, schema, book, rows }, referenced))
}

/// The number in `varchar(32)` and its like, on engines that hold a value to it.
fn enforced_width(schema: &Schema, table: &Table, column: &str) -> Option<u32> {
    let (_, rest) = table.column(column)?.data_type.split_once('(')?;
    let width = rest.strip_suffix(')')?.trim().parse().ok()?;
    engines::by_name(&schema.engine)?.dialect.enforces_widths().then_some(width)
}

/// The tables whose exact number of rows a plan could need: those that might have to go. Counting
/// every table would read the whole database at every look.
fn tables_to_count(
    config: &Config,
    framework: Option<&Framework>,
    schema: &Schema,
) -> Vec<ObjectRef> {
    let is_book =
        |table: &Table| framework.is_some_and(|framework| framework.book_table == table.name);
    let is_leftover = |table: &Table| {
        framework.is_some_and(|framework| (framework.leftover)(&table.name).is_some())
    };
    let home: Vec<&Table> = schema
        .tables
        .iter()
        .filter(|table| table.schema == schema.home && table.extension.is_none())
        .collect();
    let explained =
        home.iter().any(|table| is_book(table) || config.tables.core.contains_key(&table.name));
    home.into_iter()
        .filter(|table| if explained { is_leftover(table) } else { table.ours })
        .map(Table::reference)
        .collect()
}

/// Every configured reference with the question that reads it, where its table and column exist.
fn references(config: &Config, schema: &Schema) -> Vec<(Referenced, Option<RowQuery>)> {
    let mut found = Vec::new();
    for upload in &config.uploads {
        for reference in &upload.references {
            let table = schema.home_table(&reference.table);
            let table = table.filter(|table| table.column(&reference.column).is_some());
            let question = table.map(|table| RowQuery::Keyed {
                table: table.reference(),
                key: table.primary_key.as_ref().map(|key| key.columns.clone()).unwrap_or_default(),
                column: reference.column.clone(),
                containing: reference.catchword().to_owned(),
            });
            let referenced = Referenced {
                upload: upload.name.clone(),
                reference: reference.clone(),
                present: question.is_some(),
                values: Vec::new(),
                outdated: None,
            };
            found.push((referenced, question));
        }
    }
    found
}

fn pair(row: Vec<String>) -> Option<(String, String)> {
    let mut row = row.into_iter();
    Some((row.next()?, row.next()?))
}

/// Takes from a column's rows what is to be known of them: what names files, and which rows would
/// be rewritten. The rest of a text is nobody's business.
fn take_values(
    referenced: &mut Referenced,
    rows: Vec<(String, String)>,
    config: &Config,
    schema: &Schema,
) {
    let reference = &referenced.reference;
    let mut values: Vec<(String, String)> = rows
        .iter()
        .flat_map(|(key, value)| reference.parts(value).into_iter().map(|part| (key.clone(), part)))
        .collect();
    values.sort();
    values.dedup();
    let upload = config.uploads.iter().find(|upload| upload.name == referenced.upload);
    let rewriting = upload.zip(schema.home_table(&reference.table));
    let rewriting = rewriting.and_then(|(upload, table)| Rewriting::of(upload, reference, table));
    let changes = rewriting.map(|rewriting| rewriting.changes(rows)).unwrap_or_default();
    referenced.outdated = Some(outdated(&changes)).filter(|outdated| outdated.rows > 0);
    referenced.values = values;
}
