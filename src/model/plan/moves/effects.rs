//! What a move does to the world, for every reader: locks, transactions, permissions, titles, risk,
//! sums. Nobody else looks into a move but the executor and the dialects.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::model::database::version_table::VersionTable;
use crate::model::files::location::Location;
use crate::model::files::rewriting::Rewriting;
use crate::model::names::{Digest, FilePath, ObjectRef};

use crate::model::plan::moves::copy_files::CopyFiles;
use crate::model::plan::moves::database_backup::BackupDatabase;
use crate::model::plan::moves::discard_saved::DiscardSaved;
use crate::model::plan::moves::file_list::FileList;
use crate::model::plan::moves::release_files::ReleaseFiles;
use crate::model::plan::moves::replace_files::ReplaceFiles;
use crate::model::plan::moves::run::Run;
use crate::model::plan::moves::set_revisions::ShapeFact;
use crate::model::plan::probe::Probe;
use crate::model::plan::reversal::Reversal;
use crate::model::plan::risk::Risk;
use crate::model::plan::step::Move;
use crate::model::plan::summary::Summary;

/// Which half of a site a move changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// Inside a transaction of ours, or not.
    Database {
        transactional: bool,
    },
    Files,
    /// What runs have kept, in the state directory.
    State,
}

/// What is done to a path or an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Use {
    Read,
    Create,
    Change,
    Remove,
}

/// What a path is to a move; the host permits each sort by a rule of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathRole {
    /// A directory itself.
    Directory,
    /// A root of listed files.
    Files,
    /// Where copies of a database are kept.
    Backups,
    /// Where a command is started.
    Working,
}

/// One path that a move names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathUse<'a> {
    pub place: Cow<'a, Location>,
    pub role: PathRole,
    pub what: Use,
}

/// All that a move does.
#[derive(Clone, Debug)]
pub struct Effects<'a> {
    pub domain: Domain,
    pub paths: Vec<PathUse<'a>>,
    pub objects: Vec<(&'a ObjectRef, Use)>,
    pub lists: Vec<&'a FileList>,
    /// The name of the copy that it makes in the run's keeping.
    pub saves: Option<&'a str>,
    /// The name of the copy that it brings back.
    pub needs: Option<&'a str>,
    /// The command that it runs, by the host's name.
    pub command: Option<&'a Run>,
    /// Whether it goes beyond every change of the database that an earlier step made.
    pub supersedes: bool,
    /// Whether it names files that earlier steps may have to copy first.
    pub names_files: bool,
    /// The transaction that it shares with its like in neighbouring steps.
    pub shares: Option<&'static str>,
    pub risk: Risk,
    /// What it does, as a phrase: `drop table `x` (2 rows)`.
    pub title: String,
    /// All that the title does not say; not escaped.
    pub details: Vec<String>,
    /// What it adds to the sum of a plan.
    pub counts: Summary,
}

impl<'a> Effects<'a> {
    /// Of a move that does nothing but what is added.
    pub fn new(domain: Domain, risk: Risk, title: impl Into<String>) -> Self {
        Self {
            domain,
            paths: Vec::new(),
            objects: Vec::new(),
            lists: Vec::new(),
            saves: None,
            needs: None,
            command: None,
            supersedes: false,
            names_files: false,
            shares: None,
            risk,
            title: title.into(),
            details: Vec::new(),
            counts: Summary::default(),
        }
    }

    /// Of a change inside a transaction of the database.
    pub fn in_database(risk: Risk, title: impl Into<String>) -> Self {
        Self::new(Domain::Database { transactional: true }, risk, title)
    }

    /// Of something done with a whole database.
    pub fn on_database(risk: Risk, title: impl Into<String>) -> Self {
        Self::new(Domain::Database { transactional: false }, risk, title)
    }

    /// Of a change of files.
    pub fn in_files(risk: Risk, title: impl Into<String>) -> Self {
        Self::new(Domain::Files, risk, title)
    }

    pub fn path(mut self, place: &'a Location, role: PathRole, what: Use) -> Self {
        self.paths.push(PathUse { place: Cow::Borrowed(place), role, what });
        self
    }

    pub fn directory(mut self, path: Option<&FilePath>, role: PathRole, what: Use) -> Self {
        let place = path.map(|path| Cow::Owned(Location::Directory(path.clone())));
        self.paths.extend(place.map(|place| PathUse { place, role, what }));
        self
    }

    pub fn object(mut self, object: &'a ObjectRef, what: Use) -> Self {
        self.objects.push((object, what));
        self
    }

    pub fn list(mut self, list: &'a FileList) -> Self {
        self.lists.push(list);
        self
    }

    pub fn detail(mut self, line: impl Into<String>) -> Self {
        self.details.push(line.into());
        self
    }

    pub fn details(mut self, lines: impl IntoIterator<Item = String>) -> Self {
        self.details.extend(lines);
        self
    }

    pub fn count(mut self, add: impl FnOnce(&mut Summary)) -> Self {
        add(&mut self.counts);
        self
    }

    /// Whether it changes the database.
    pub fn is_of_database(&self) -> bool {
        matches!(self.domain, Domain::Database { .. })
    }
}

/// What stands around a move, for what is derived from it.
pub struct Surroundings<'a> {
    /// Its place among the moves of its step.
    pub index: usize,
    /// Under what name its step keeps what it saves.
    pub copy: &'a str,
    /// The backup of an earlier step, which a restore can give back.
    pub backup: Option<&'a BackupDatabase>,
    /// Tables that an earlier step of the plan takes something off, by schema and name: their
    /// definitions will be others.
    pub changed: &'a BTreeSet<(String, String)>,
}

impl Surroundings<'_> {
    /// Whether an earlier step takes something off this table.
    pub fn is_changed(&self, object: &ObjectRef) -> bool {
        !self.changed.is_empty()
            && self.changed.contains(&(object.schema.clone(), object.name.clone()))
    }
}

/// What has to hold before a move, what is saved first, and what holds after it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guards {
    pub ready: Vec<Probe>,
    pub save: Vec<Move>,
    pub done: Vec<Probe>,
}

/// A move as one of those that put listed files into a place.
#[derive(Clone, Copy, Debug)]
pub enum Files<'a> {
    Copy(&'a CopyFiles),
    Replace(&'a ReplaceFiles),
    Release(&'a ReleaseFiles),
    None,
}

/// One act with its way back: what every move can say of itself.
pub trait Act {
    fn effects(&self) -> Effects<'_>;

    /// What guards it. All of it is derived; a plan that says less or more is refused.
    fn guards(&self, around: &Surroundings<'_>) -> Guards;

    /// How it is taken back by its nature.
    fn reversal(&self) -> Reversal;

    /// The moves that take it back; empty where there is nothing to undo, or no way.
    fn way_back(&self, around: &Surroundings<'_>) -> Vec<Move>;

    /// What in its fields makes no sense, whoever wrote them.
    fn problem(&self) -> Option<String>;

    /// The digests of the texts that it names.
    fn definitions(&self) -> Vec<Digest> {
        Vec::new()
    }

    /// What depends on the object that it removes, and has to be gone before.
    fn dependents(&self) -> &[ObjectRef] {
        &[]
    }

    /// The version table that it writes, itself or by a command.
    fn versions(&self) -> Option<&VersionTable> {
        None
    }

    /// The revisions that it records because the schema shows them, and the schema.
    fn stamp(&self) -> Option<(Vec<String>, &ShapeFact)> {
        None
    }

    /// What it rewrites in rows.
    fn rewriting(&self) -> Option<&Rewriting> {
        None
    }

    /// The lists of files that it has of its own.
    fn lists_mut(&mut self) -> Vec<&mut FileList> {
        Vec::new()
    }

    /// The listed files that it works through.
    fn files(&self) -> Files<'_> {
        Files::None
    }

    /// The object that it puts into quarantine.
    fn quarantines(&self) -> Option<&ObjectRef> {
        None
    }

    /// What it removes of another run.
    fn discards(&self) -> Option<&DiscardSaved> {
        None
    }

    /// The run's own backup that it restores.
    fn restored(&self) -> Option<&BackupDatabase> {
        None
    }

    /// The backup that it makes of the whole database.
    fn backup(&self) -> Option<&BackupDatabase> {
        None
    }
}
