//! What is to become of the files of an upload: which are moved, which are in place already, and
//! what a name that is taken by another content comes to. Shared by the rules about uploads, so
//! that they never differ.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::config::{OnConflict, Upload};
use crate::model::files::references::Named;
use crate::model::files::uploads::{FileFact, RootState, Tree};
use crate::model::names::FilePath;
use crate::model::observation::{Facts, Presence};

/// What is to become of the files of one upload. Holds references: there may be a million files.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct UploadComparison<'a> {
    /// Files to copy, by the root they are in; no name twice.
    pub moves: BTreeMap<&'a FilePath, Vec<&'a FileFact>>,
    /// Files to copy over others, each with the one that it replaces.
    pub replaces: BTreeMap<&'a FilePath, Vec<(&'a FileFact, &'a FileFact)>>,
    /// Files to copy under names by their content.
    pub renames: BTreeMap<&'a FilePath, Vec<&'a FileFact>>,
    /// Names that stay as they are in both places.
    pub conflicts: Vec<Conflict>,
    /// How many are at both places with the same content.
    pub already: u64,
}

/// One name with two contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    pub path: FilePath,
    pub from: FilePath,
    /// The root in which the other content is.
    pub with: FilePath,
    /// Why what the configuration wants done cannot be done.
    pub obstacle: Option<String>,
}

impl UploadComparison<'_> {
    /// Every name with two contents, whatever becomes of it.
    pub fn all_conflicts(&self, to: &FilePath) -> Vec<Conflict> {
        let settled = |(root, path): (&FilePath, &FilePath)| Conflict {
            path: path.clone(),
            from: root.clone(),
            with: to.clone(),
            obstacle: None,
        };
        let replaced = self
            .replaces
            .iter()
            .flat_map(|(root, files)| files.iter().map(|(new, _)| (*root, new.path())));
        let renamed = self
            .renames
            .iter()
            .flat_map(|(root, files)| files.iter().map(|file| (*root, file.path())));
        self.conflicts.iter().cloned().chain(replaced.chain(renamed).map(settled)).collect()
    }

    /// The new names of renamed files by their old ones, where both can be said in a text.
    pub fn new_names(&self) -> BTreeMap<String, String> {
        let text = |path: &FilePath| std::str::from_utf8(path.as_bytes()).ok().map(str::to_owned);
        let names = |file: &&FileFact| Some((text(file.path())?, text(file.by_content().path())?));
        self.renames.values().flatten().filter_map(names).collect()
    }
}

/// Compares every old place of an upload with the new one.
pub fn compare_upload<'a>(facts: &'a Facts, upload: &Upload) -> UploadComparison<'a> {
    let places = UploadTrees::new(facts, upload);
    let mut sorted = UploadComparison::default();
    let mut taken = Taken { named: None, new_names: BTreeMap::new() };
    for (n, source) in places.sources.iter().enumerate() {
        for file in &source.files {
            let rival = match places.rival(n, file) {
                Collision::Nothing => {
                    sorted.moves.entry(&source.root).or_default().push(file);
                    continue;
                }
                Collision::Itself => {
                    sorted.already += 1;
                    continue;
                }
                rival => rival,
            };
            let settled = match upload.on_conflict {
                OnConflict::Stop | OnConflict::KeepDestination => Err(None),
                OnConflict::Replace => replaced(&rival).map_err(Some).map(|old| {
                    sorted.replaces.entry(&source.root).or_default().push((file, old));
                }),
                OnConflict::Rename => {
                    places.renamed(file, &mut taken).map_err(Some).map(|is_there| match is_there {
                        true => sorted.already += 1,
                        false => sorted.renames.entry(&source.root).or_default().push(file),
                    })
                }
            };
            if let Err(obstacle) = settled {
                let with = match rival {
                    Collision::Source(root) => root,
                    _ => &upload.to,
                };
                let (path, from, with) = (file.path().clone(), source.root.clone(), with.clone());
                sorted.conflicts.push(Conflict { path, from, with, obstacle });
            }
        }
    }
    sorted
}

/// What has a file's name already.
enum Collision<'a> {
    Nothing,
    /// The same content: there is nothing to do.
    Itself,
    /// Another content, where the file belongs.
    File(&'a FileFact),
    /// Something that is not a file.
    Odd,
    /// Another content in an old place that comes first.
    Source(&'a FilePath),
}

/// The places of an upload, and what the database says of them.
struct UploadTrees<'a, 'u> {
    facts: &'a Facts,
    upload: &'u Upload,
    destination: Option<&'a Tree>,
    sources: Vec<&'a Tree>,
}

/// What is known once a first file is to be renamed.
struct Taken {
    /// The names that values hold: as of now, and as of old.
    named: Option<Result<[BTreeSet<FilePath>; 2], String>>,
    /// Which file has which new name.
    new_names: BTreeMap<FilePath, FileFact>,
}

impl<'a, 'u> UploadTrees<'a, 'u> {
    fn new(facts: &'a Facts, upload: &'u Upload) -> Self {
        let sources = upload
            .from
            .iter()
            .filter_map(|root| facts.tree(root))
            .filter(|tree| tree.root != upload.to);
        Self { facts, upload, destination: facts.tree(&upload.to), sources: sources.collect() }
    }

    fn rival(&self, n: usize, file: &FileFact) -> Collision<'a> {
        let there = self.destination.and_then(|tree| tree.file(file.path()));
        match there {
            Some(there) if there.sha256() == file.sha256() => return Collision::Itself,
            Some(there) => return Collision::File(there),
            None if self.destination.is_some_and(|tree| tree.odd_at(file.path()).is_some()) => {
                return Collision::Odd;
            }
            None => {}
        }
        // The first place that has a name has it for itself.
        match self.sources[..n].iter().find_map(|tree| Some((tree.file(file.path())?, &tree.root)))
        {
            None => Collision::Nothing,
            Some((other, _)) if other.sha256() == file.sha256() => Collision::Itself,
            Some((_, root)) => Collision::Source(root),
        }
    }

    /// Whether the file is there under its new name already.
    ///
    /// Errors: why it cannot have that name.
    fn renamed(&self, file: &FileFact, taken: &mut Taken) -> Result<bool, String> {
        let [now, of_old] =
            taken.named.get_or_insert_with(|| self.named()).as_ref().map_err(Clone::clone)?;
        let path = file.path();
        if now.contains(path) {
            return Err(
                "values in the database name it, and nobody can tell which of the two they mean"
                    .to_owned(),
            );
        }
        let one_content = self
            .sources
            .iter()
            .filter_map(|tree| tree.file(path))
            .all(|other| other.sha256() == file.sha256());
        if of_old.contains(path) && !one_content {
            return Err(
                "values in the database name it as of old, and several old places have one"
                    .to_owned(),
            );
        }
        if of_old.contains(path) && std::str::from_utf8(path.as_bytes()).is_err() {
            return Err("values in the database name it, and its name is no text".to_owned());
        }
        let copy = file.by_content();
        let other = || format!("its new name `{}` is taken too", copy.path().to_text());
        let first = taken.new_names.entry(copy.path().clone()).or_insert_with(|| file.clone());
        if first.sha256() != file.sha256() || first.path() != path {
            return Err(other());
        }
        let is_taken = |tree: &&Tree| {
            tree.odd_at(copy.path()).is_some()
                || tree.file(copy.path()).is_some_and(|file| file.sha256() != copy.sha256())
        };
        if self.sources.iter().chain(&self.destination).any(is_taken) {
            return Err(other());
        }
        Ok(self.destination.is_some_and(|tree| tree.file(copy.path()).is_some()))
    }

    /// The names that values of this upload hold.
    ///
    /// Errors: why they are not known.
    fn named(&self) -> Result<[BTreeSet<FilePath>; 2], String> {
        let Upload { name, to, from, references, .. } = self.upload;
        if references.is_empty() {
            return Ok(Default::default());
        }
        if self.facts.database.presence != Presence::Present {
            return Err("what the database says of it is not known".to_owned());
        }
        let mut found: [BTreeSet<FilePath>; 2] = Default::default();
        for referenced in self.facts.references.iter().filter(|one| one.upload == *name) {
            for (_, value) in &referenced.values {
                if let Named { path: Some(path), is_outdated } =
                    referenced.reference.named(value, to, from)
                {
                    found[usize::from(is_outdated)].insert(path);
                }
            }
        }
        Ok(found)
    }
}

fn replaced<'a>(rival: &Collision<'a>) -> Result<&'a FileFact, String> {
    match rival {
        Collision::File(old) => Ok(old),
        Collision::Source(_) => {
            Err("both are in old places, and nobody can tell which is right".to_owned())
        }
        _ => Err("what is there is no file that could be kept".to_owned()),
    }
}

/// Whether files can be put there.
pub(crate) fn can_receive(tree: Option<&Tree>) -> bool {
    tree.is_some_and(|tree| matches!(tree.state, RootState::Present | RootState::Missing))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::reference_resolution::tests::{column, facts, tree, upload};
    use crate::model::files::references::Form;

    /// What becomes of `a.png`, which is in `/old` and, with another content, in `/new`.
    fn sorted(on_conflict: OnConflict, values: Option<(Form, &[&str])>, more: &[&str]) -> String {
        let mut facts = facts();
        let mut upload = Upload { on_conflict, ..upload() };
        if let Some((form, values)) = values {
            let referenced = column(form, values);
            upload.references = vec![referenced.reference.clone()];
            facts.references = vec![referenced];
        }
        facts.uploads = vec![
            tree("/new", &[more, &["a.png=new"]].concat()),
            tree("/old", &["a.png=old", "b.png=1"]),
        ];
        let sorted = compare_upload(&facts, &upload);
        assert_eq!(sorted.moves.values().flatten().count(), 1);
        assert_eq!(sorted.all_conflicts(&upload.to).len() as u64 + sorted.already, 1);
        match (&sorted.conflicts[..], sorted.replaces.len(), sorted.renames.len()) {
            ([], 1, 0) => "replaced".to_owned(),
            ([], 0, 1) => sorted.new_names()["a.png"].clone(),
            ([], 0, 0) => "already".to_owned(),
            ([one], 0, 0) => one.obstacle.clone().unwrap_or_default(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_conflict_comes_to_what_the_configuration_says() {
        let name = FileFact("a.png".into(), 3, crate::model::names::Digest::of("old")).by_content();
        let name = name.path().to_text();
        assert_eq!(sorted(OnConflict::Stop, None, &[]), "");
        assert_eq!(sorted(OnConflict::KeepDestination, None, &[]), "");
        assert_eq!(sorted(OnConflict::Replace, None, &[]), "replaced");
        assert_eq!(sorted(OnConflict::Rename, None, &[]), name);
        assert_eq!(sorted(OnConflict::Rename, None, &[&format!("{name}=old")]), "already");
        assert!(
            sorted(OnConflict::Rename, None, &[&format!("{name}=other")]).contains("is taken too")
        );
    }

    #[test]
    fn a_file_is_renamed_only_where_its_references_can_follow() {
        let renamed = |form, values: &[&str]| sorted(OnConflict::Rename, Some((form, values)), &[]);
        assert!(renamed(Form::Name, &["a.png"]).contains("which of the two"));
        assert!(
            renamed(Form::Absolute, &["/old/a.png", "/new/a.png"]).contains("which of the two")
        );
        assert!(renamed(Form::Absolute, &["/old/a.png", "/new/b.png"]).starts_with("a."));
        assert!(renamed(Form::Name, &["b.png"]).starts_with("a."));
    }

    #[test]
    fn what_is_not_known_or_not_clear_is_left_to_a_person() {
        let mut facts = facts();
        let referenced = column(Form::Absolute, &["/old/a.png"]);
        let mut upload = Upload { on_conflict: OnConflict::Rename, ..upload() };
        (upload.references, upload.from) =
            (vec![referenced.reference.clone()], vec!["/old".into(), "/older".into()]);
        facts.references = vec![referenced];
        facts.uploads = vec![
            tree("/new", &["a.png=new"]),
            tree("/old", &["a.png=old"]),
            tree("/older", &["a.png=older"]),
        ];
        let obstacles = |facts: &Facts| {
            let sorted = compare_upload(facts, &upload);
            assert!(sorted.renames.is_empty());
            sorted.conflicts.into_iter().filter_map(|one| one.obstacle).collect::<Vec<_>>()
        };
        assert!(
            obstacles(&facts).iter().all(|why| why.contains("several old places")),
            "{:?}",
            obstacles(&facts)
        );
        facts.database.presence = Presence::Absent;
        assert!(obstacles(&facts).iter().all(|why| why.contains("is not known")));
        assert_eq!(obstacles(&facts).len(), 2);
    }

    #[test]
    fn of_two_old_places_neither_replaces_the_other() {
        let mut facts = facts();
        let mut upload = Upload { on_conflict: OnConflict::Replace, ..upload() };
        upload.from.push("/older".into());
        facts.uploads = vec![tree("/new", &[]), tree("/old", &["a=1"]), tree("/older", &["a=2"])];
        let sorted = compare_upload(&facts, &upload);
        assert!(sorted.replaces.is_empty() && sorted.conflicts[0].obstacle.is_some());
    }
}
