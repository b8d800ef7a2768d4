//! What every reference in the database comes to, and which files nothing refers to. Shared by the
//! rules about uploads and by whoever reports on them.

use std::collections::BTreeSet;

use crate::analysis::upload_comparison::compare_upload;
use crate::model::config::Upload;
use crate::model::files::references::{
    ConflictReport, Named, ReferenceReport, ReferenceStatus, Referenced, UnusedReport,
    UploadsReport,
};
use crate::model::files::uploads::{RootState, Tree};
use crate::model::names::FilePath;
use crate::model::observation::Facts;

/// A value in the database, and the file it comes to.
#[derive(Clone, Debug)]
pub struct ReferenceResolution<'a> {
    pub upload: &'a Upload,
    pub referenced: &'a Referenced,
    pub key: &'a str,
    pub value: &'a str,
    pub named: Named,
    pub status: ReferenceStatus,
    /// The absolute path of the file.
    pub found_at: Option<FilePath>,
}

/// Every value of every configured column, looked up in all places of its upload.
pub fn resolve(facts: &Facts) -> Vec<ReferenceResolution<'_>> {
    let mut found = Vec::new();
    for referenced in &facts.references {
        let upload = facts.config.uploads.iter().find(|upload| upload.name == referenced.upload);
        let Some(upload) = upload else { continue };
        for (key, value) in &referenced.values {
            let named = referenced.reference.named(value, &upload.to, &upload.from);
            let (status, found_at) = look_up(facts, upload, &named);
            found.push(ReferenceResolution {
                upload,
                referenced,
                key,
                value,
                named,
                status,
                found_at,
            });
        }
    }
    found
}

/// What is at one place under a path.
enum At {
    File,
    Nothing,
    /// A directory, a link, a pipe: nothing that a value may name.
    NoFile,
    Unknown,
}

fn at(facts: &Facts, place: &FilePath, path: &FilePath) -> At {
    match facts.tree(place) {
        Some(tree) if tree.state == RootState::Present => match () {
            () if tree.file(path).is_some() => At::File,
            () if tree.odd_at(path).is_some() || tree.has_directory(path) => At::NoFile,
            () => At::Nothing,
        },
        Some(tree) if tree.state == RootState::Missing => At::Nothing,
        _ => At::Unknown,
    }
}

fn look_up(facts: &Facts, upload: &Upload, named: &Named) -> (ReferenceStatus, Option<FilePath>) {
    let Some(path) = &named.path else { return (ReferenceStatus::Invalid, None) };
    let mut otherwise = ReferenceStatus::Missing;
    for place in std::iter::once(&upload.to).chain(&upload.from) {
        match at(facts, place, path) {
            At::File => {
                let status = if *place == upload.to && !named.is_outdated {
                    ReferenceStatus::Ok
                } else {
                    ReferenceStatus::Misplaced
                };
                return (status, Some(place.join(path)));
            }
            At::NoFile => return (ReferenceStatus::Invalid, None),
            At::Unknown => otherwise = ReferenceStatus::Unknown,
            At::Nothing => {}
        }
    }
    (otherwise, None)
}

/// The files of all roots that no value comes to, each once, under the innermost root it lies in.
/// Copies with the same name and content in the other places of an upload are not unused. A value
/// that may have any meaning makes nothing unused: without the references nothing is said at
/// all.
pub fn unused(facts: &Facts, resolved: &[ReferenceResolution<'_>]) -> Vec<UnusedReport> {
    let mut claimed: BTreeSet<FilePath> = BTreeSet::new();
    for one in resolved {
        let (Some(path), Some(at)) = (&one.named.path, &one.found_at) else { continue };
        let places = || {
            std::iter::once(&one.upload.to)
                .chain(&one.upload.from)
                .filter_map(|place| facts.tree(place))
        };
        let content =
            places().find(|tree| tree.root.join(path) == *at).and_then(|tree| tree.file(path));
        let same = |tree: &&Tree| {
            tree.file(path)
                .is_some_and(|file| content.is_some_and(|found| found.sha256() == file.sha256()))
        };
        claimed.extend(places().filter(same).map(|tree| tree.root.join(path)));
    }
    let mut found = Vec::new();
    for tree in &facts.uploads {
        let inner: Vec<&FilePath> = facts
            .uploads
            .iter()
            .filter(|other| other.root != tree.root && other.root.is_within(&tree.root))
            .filter(|other| other.state == RootState::Present)
            .map(|other| &other.root)
            .collect();
        let files = tree.files.iter().map(|file| (file.path(), file.size()));
        for (path, size) in files.chain(tree.litter.iter().map(|(path, size)| (path, *size))) {
            let absolute = tree.root.join(path);
            if !claimed.contains(&absolute) && !inner.iter().any(|root| absolute.is_within(root)) {
                found.push(UnusedReport { root: tree.root.clone(), path: path.clone(), size });
            }
        }
    }
    found.sort();
    found
}

/// The whole report.
pub fn report(facts: &Facts) -> UploadsReport {
    let resolved = resolve(facts);
    let conflicts = facts
        .config
        .uploads
        .iter()
        .flat_map(|upload| compare_upload(facts, upload).all_conflicts(&upload.to));
    UploadsReport {
        unused: unused(facts, &resolved),
        conflicts: conflicts
            .map(|one| ConflictReport { path: one.path, from: one.from, with: one.with })
            .collect(),
        references: resolved
            .into_iter()
            .map(|one| ReferenceReport {
                table: one.referenced.reference.table.clone(),
                column: one.referenced.reference.column.clone(),
                key: one.key.to_owned(),
                value: one.value.to_owned(),
                form: one.referenced.reference.form,
                status: one.status,
                found_at: one.found_at,
            })
            .collect(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::model::config::{Backup, Cleanup, Config, Database, OnConflict, Tables, Wait};
    use crate::model::database::schema::Schema;
    use crate::model::files::references::{Form, Reference};
    use crate::model::files::uploads::{FileFact, Odd, OddKind};
    use crate::model::names::Digest;
    use crate::model::observation::{DatabaseFacts, Identity, Presence};

    /// A site with nothing in it.
    pub(crate) fn facts() -> Facts {
        let database = Database {
            engine: "sqlite".into(),
            host: None,
            port: None,
            user: None,
            name: "app.db".into(),
            path: Some("/data/app.db".into()),
            options: Default::default(),
            wait: Wait { attempts: 1, delay_seconds: 0, timeout_seconds: 1 },
        };
        Facts {
            config: Config {
                profile: None,
                site: None,
                root: "/app".into(),
                database,
                revisions: None,
                tables: Tables::default(),
                cleanup: Cleanup::default(),
                uploads: Vec::new(),
                backup: Backup { directory: None, keep: 1 },
            },
            database: DatabaseFacts {
                presence: Presence::Present,
                identity: Identity {
                    engine: "sqlite".into(),
                    name: "app.db".into(),
                    host: None,
                    identity: "x".into(),
                },
                schema: Schema::default(),
                book: None,
                rows: Vec::new(),
            },
            revisions: None,
            program: None,
            check_program: None,
            host: None,
            uploads: Vec::new(),
            references: Vec::new(),
            catalogue: None,
            offline: Vec::new(),
        }
    }

    /// An upload from `/old` to `/new`.
    pub(crate) fn upload() -> Upload {
        Upload {
            name: "a".into(),
            from: vec!["/old".into()],
            to: "/new".into(),
            on_conflict: OnConflict::Stop,
            ignore: Vec::new(),
            references: Vec::new(),
            mode: None,
            owner: None,
        }
    }

    /// A directory in which every file holds what is named behind its `=`.
    pub(crate) fn tree(root: &str, files: &[&str]) -> Tree {
        let file = |text: &&str| {
            let (path, content) = text.split_once('=').unwrap_or((*text, ""));
            FileFact(path.into(), content.len() as u64, Digest::of(content))
        };
        Tree {
            root: root.into(),
            state: RootState::Present,
            files: files.iter().map(file).collect(),
            odd: Vec::new(),
            ignored: 0,
            litter: Vec::new(),
        }
    }

    /// A column of upload `a` with these values, the first in row 1.
    pub(crate) fn column(form: Form, values: &[&str]) -> Referenced {
        let values =
            (1..).zip(values).map(|(key, value): (u64, _)| (key.to_string(), (*value).to_owned()));
        let reference = Reference {
            table: "t".into(),
            column: "c".into(),
            form,
            prefix: None,
            formerly: Vec::new(),
        };
        Referenced {
            upload: "a".into(),
            reference,
            present: true,
            values: values.collect(),
            outdated: None,
        }
    }

    fn site(values: &[&str], form: Form) -> Facts {
        let mut facts = facts();
        facts.config.uploads = vec![upload()];
        let mut new = tree("/new", &["conflict=1", "d/x=2", "here=3", "twice=4"]);
        new.odd.push(Odd { path: "link".into(), what: OddKind::Symlink });
        new.litter.push((".DS_Store".into(), 6));
        facts.uploads = vec![new, tree("/old", &["conflict=5", "late=6", "twice=4"])];
        facts.references = vec![column(form, values)];
        facts
    }

    #[test]
    fn every_value_is_told_from_every_other() {
        use ReferenceStatus::{Invalid, Misplaced, Missing, Ok};
        let expected = [
            ("here", Ok, Some("/new/here")),
            ("late", Misplaced, Some("/old/late")),
            ("gone", Missing, None),
            ("link", Invalid, None),
            ("d", Invalid, None),
            ("../etc/passwd", Invalid, None),
            ("https://h.example/x", Invalid, None),
            ("d/x", Ok, Some("/new/d/x")),
        ];
        let values: Vec<&str> = expected.iter().map(|(value, ..)| *value).collect();
        let facts = site(&values, Form::Relative);
        let found = resolve(&facts);
        assert_eq!(found.len(), expected.len());
        for (one, (value, status, at)) in found.iter().zip(expected) {
            assert_eq!(
                (one.value, one.status, one.found_at.clone()),
                (value, status, at.map(FilePath::from))
            );
        }
    }

    #[test]
    fn a_place_that_was_not_seen_makes_nothing_missing() {
        let mut facts = site(&["gone"], Form::Name);
        facts.uploads[1].state = RootState::Unreadable;
        assert_eq!(resolve(&facts)[0].status, ReferenceStatus::Unknown);
    }

    #[test]
    fn unused_is_what_no_value_comes_to_and_copies_of_a_file_are_none() {
        let facts = site(&["conflict", "here", "late", "twice"], Form::Name);
        let report = report(&facts);
        let found: Vec<_> = report.unused.iter().map(|one| one.root.join(&one.path)).collect();
        assert_eq!(found, ["/new/.DS_Store", "/new/d/x", "/old/conflict"].map(FilePath::from));
        assert_eq!(report.conflicts.len(), 1);
    }

    #[test]
    fn a_file_below_two_roots_is_unused_once() {
        let mut facts = site(&[], Form::Name);
        facts.uploads = vec![tree("/new", &["d/x=1", "y=2"]), tree("/new/d", &["x=1"])];
        let found: Vec<_> =
            report(&facts).unused.iter().map(|one| one.root.join(&one.path)).collect();
        assert_eq!(found, ["/new/y", "/new/d/x"].map(FilePath::from));
    }
}
