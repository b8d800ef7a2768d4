//! The places that a run may touch: the host's roots, reached without a link that is not pinned, and
//! never what ttplan itself relies on, by whatever name it is reached. What was seen before the
//! first change has to be there, the very same, at each later one. Opens; changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fd::OwnedFd;
use rustix::io::Errno;

use crate::error::{Error, Kind, Result};
use crate::fs::ownership;
use crate::fs::root::Root;
use crate::fs::way::{Key, Links, Way, above};
use crate::model::names::FilePath;

/// What the host permits, and what no run may touch all the same.
#[derive(Debug)]
pub struct PermittedRoots {
    roots: Vec<FilePath>,
    links: Links,
    state: FilePath,
    /// The directories that hold what ttplan relies on.
    own: Arc<BTreeSet<Key>>,
    /// Every directory above such, with what it is there for.
    above_own: BTreeMap<Key, FilePath>,
    /// Every directory that was reached, as it was first.
    seen: Mutex<BTreeMap<FilePath, Key>>,
}

/// What a place is reached for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Files of the site come from there, go there, are removed there.
    Files,
    /// Backups lie there, beside other things.
    Backups,
}

/// The last directory that is there on a way, its path, and the names behind it that are missing.
pub type Last = (OwnedFd, FilePath, Vec<Vec<u8>>);

/// A directory of a place, open.
#[derive(Debug)]
pub struct OpenPlace {
    pub fd: OwnedFd,
    /// Whether nobody but root and the running user could change what it holds, or where it lies.
    pub is_ours_alone: bool,
}

impl PermittedRoots {
    /// The host's roots with the links on the way to them. `state` is the state directory; `files`
    /// are what else nobody may touch: the host's own files, the plan.
    ///
    /// Errors: `Kind::Refused` where one of these is reached over a link that is not pinned.
    pub fn new(
        roots: Vec<FilePath>,
        links: Links,
        state: FilePath,
        files: &[FilePath],
    ) -> Result<Self> {
        let (mut own, mut above_own) = (BTreeSet::new(), BTreeMap::new());
        for (path, is_state) in [(&state, true)].into_iter().chain(files.iter().map(|f| (f, false)))
        {
            let directory = if is_state { path.clone() } else { above(path) };
            let way = Way::to(&directory, &links)?;
            above_own.extend(way.passed.iter().map(|passed| (passed.key(), path.clone())));
            if is_state {
                own.extend(directories(&way.passed.last().map(|last| last.path.clone())));
            }
        }
        let (own, seen) = (Arc::new(own), Mutex::default());
        Ok(Self { roots, links, state, own, above_own, seen })
    }

    /// Whether the path is one of ttplan's own, by its name.
    fn is_own(&self, path: &FilePath) -> bool {
        path.is_within(&self.state)
    }

    /// Goes to a place as far as it is there.
    ///
    /// Errors: `Kind::Refused` for a place outside the roots, for a way over a link that is not
    /// pinned, for what ttplan relies on, and for a directory that was swapped since it was seen.
    pub fn reach(&self, path: &FilePath, purpose: Purpose) -> Result<Way> {
        let is_own = self.is_own(path);
        let root = self.roots.iter().find(|root| path.is_within(root));
        if !path.is_plain_absolute() || root.is_none() && !is_own {
            let message = format!("`{}` is in no directory that the host permits", path.to_text());
            return Err(Error::new(Kind::Refused, message)
                .code("path_outside_roots")
                .about(path.to_text())
                .hint("`roots` of host.toml says which directories plans may touch"));
        }
        let way = Way::to(path, &self.links)?;
        if !is_own {
            self.check_apart(path, &way, purpose)?;
        }
        for place in [Some(path), root].into_iter().flatten() {
            self.check_same(place, &way, path)?;
        }
        Ok(way)
    }

    /// Opens the directory at a place, to reach what is below; an errno where it is not there.
    ///
    /// Errors: as [`PermittedRoots::reach`].
    pub fn open(&self, path: &FilePath, modern: bool) -> Result<rustix::io::Result<Root>> {
        let way = self.reach(path, Purpose::Files)?;
        let forbidden = if self.is_own(path) { Arc::default() } else { Arc::new(self.own_now()?) };
        Ok(match way.end() {
            Some((fd, _)) => Ok(Root::at(fd, path, modern, forbidden)),
            None => Err(Errno::NOENT),
        })
    }

    /// Opens the directory at a place.
    ///
    /// Errors: as [`PermittedRoots::reach`]; `Kind::Failed` where it is not there.
    pub fn place(&self, path: &FilePath, purpose: Purpose) -> Result<OpenPlace> {
        let way = self.reach(path, purpose)?;
        let is_ours_alone = ownership::is_ours_alone(&way);
        let (fd, _) = way.end().ok_or_else(|| {
            Error::new(Kind::Failed, format!("there is no directory `{}`", path.to_text()))
                .hint("make it, or name another one")
        })?;
        Ok(OpenPlace { fd, is_ours_alone })
    }

    /// The last directory that is there on the way to a place, its path as it was asked for, and the
    /// names behind it that are not there yet.
    ///
    /// Errors: as [`PermittedRoots::reach`].
    pub fn last(&self, path: &FilePath) -> Result<Option<Last>> {
        let Some((fd, _, missing)) = self.reach(path, Purpose::Files)?.last() else {
            return Ok(None);
        };
        let mut there = path.clone();
        for _ in &missing {
            there = above(&there);
        }
        Ok(Some((fd, there, missing)))
    }

    /// Refuses a way over a link that is not pinned, to whatever place.
    pub fn check_way(&self, path: &FilePath) -> Result<()> {
        match Way::to(path, &self.links) {
            Err(error) if error.kind() == Kind::Refused => Err(error),
            _ => Ok(()),
        }
    }

    /// The directory that holds a place, whatever that is itself; none where it is not there.
    ///
    /// Errors: as [`PermittedRoots::reach`].
    pub fn above(&self, path: &FilePath) -> Result<Option<OwnedFd>> {
        let whole = self.reach(path, Purpose::Files)?;
        let is_there = whole.missing.len() < 2;
        let way = Way::to(&above(path), &self.links)?;
        Ok(way.end().map(|(fd, _)| fd).filter(|_| is_there))
    }

    /// The directories of the state as they are now.
    fn own_now(&self) -> Result<BTreeSet<Key>> {
        let way = Way::to(&self.state, &self.links)?;
        Ok(directories(&way.passed.last().map(|last| last.path.clone())))
    }

    /// Refuses what ttplan relies on, and what holds it.
    fn check_apart(&self, path: &FilePath, way: &Way, purpose: Purpose) -> Result<()> {
        let refused = |what: String| {
            Err(Error::new(Kind::Refused, format!("`{}` {what}", path.to_text()))
                .code("path_is_reserved")
                .about(path.to_text())
                .because("no plan may touch what ttplan itself relies on")
                .hint(
                    "keep the state directory, host.toml, its files and plans apart from uploads",
                ))
        };
        let ours =
            |own: &BTreeSet<Key>| way.passed.iter().any(|passed| own.contains(&passed.key()));
        // A number of the state's may have become another directory's since: it is looked up again.
        if ours(&self.own) && ours(&self.own_now()?) {
            return refused("is ttplan's own, by another name".to_owned());
        }
        match way.key().and_then(|key| self.above_own.get(&key)) {
            Some(own) if purpose == Purpose::Files => {
                refused(format!("holds ttplan's own `{}`", own.to_text()))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a directory that is another than it was when it was first seen.
    fn check_same(&self, place: &FilePath, way: &Way, path: &FilePath) -> Result<()> {
        let key = match place == path {
            true => way.key(),
            false => Way::to(place, &self.links)?.key(),
        };
        let Some(key) = key else { return Ok(()) };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen.entry(place.clone()).or_insert(key) == key {
            return Ok(());
        }
        let message = format!("`{}` is not the directory that it was before", place.to_text());
        Err(Error::new(Kind::Refused, message)
            .code("place_swapped")
            .about(place.to_text())
            .because("another one was put in its place while ttplan was at work")
            .hint("find out who did that, then run the same command again"))
    }
}

/// A directory of ours with all directories in it.
fn directories(top: &Option<FilePath>) -> BTreeSet<Key> {
    use std::os::unix::fs::MetadataExt;
    let mut found = BTreeSet::new();
    let mut ahead: Vec<_> = top.iter().map(|top| top.as_path().to_owned()).collect();
    while let Some(directory) = ahead.pop() {
        let Ok(about) = directory.symlink_metadata() else { continue };
        found.insert((about.dev(), about.ino()));
        let entries = std::fs::read_dir(&directory).into_iter().flatten().flatten();
        let inside = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        ahead.extend(inside.map(|entry| entry.path()));
    }
    found
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// `root` is permitted; `state` and `plan` are ttplan's.
    fn tree() -> (tempfile::TempDir, FilePath) {
        let tree = tempfile::tempdir().unwrap();
        let top = FilePath::new(tree.path().canonicalize().unwrap());
        for name in ["root/up/a", "state/runs", "plans", "outside"] {
            std::fs::create_dir_all(top.as_path().join(name)).unwrap();
        }
        std::fs::write(top.as_path().join("plans/p"), "").unwrap();
        (tree, top)
    }

    fn permitted(top: &FilePath, roots: &[&str]) -> PermittedRoots {
        let at = |name: &str| if name.is_empty() { top.clone() } else { top.join(&name.into()) };
        let roots = roots.iter().map(|root| at(root)).collect();
        PermittedRoots::new(roots, Links::new(), at("state"), &[at("plans/p")]).unwrap()
    }

    #[test]
    fn only_what_is_below_a_root_is_reached() {
        let (_tree, top) = tree();
        let at = |name: &str| top.join(&name.into());
        let roots = permitted(&top, &["root"]);
        for name in ["root", "root/up", "state/runs"] {
            assert!(roots.open(&at(name), true).unwrap().is_ok(), "{name}");
        }
        assert_eq!(roots.open(&at("root/none"), true).unwrap().err(), Some(Errno::NOENT));
        let new = roots.last(&at("root/new/er")).unwrap().unwrap();
        assert_eq!((new.1, new.2), (at("root"), vec![b"new".to_vec(), b"er".to_vec()]));
        for name in ["outside", "plans", "roots", "root/../outside"] {
            let error = roots.open(&at(name), true).err().unwrap();
            assert_eq!(error.kind(), Kind::Refused, "{name}");
        }
        assert!(roots.above(&at("root/up/none")).unwrap().is_some());
        assert!(roots.above(&at("root/none/none")).unwrap().is_none());
    }

    #[test]
    fn no_link_leads_anywhere() {
        let (_tree, top) = tree();
        let at = |name: &str| top.join(&name.into());
        let roots = permitted(&top, &["root", "far"]);
        symlink(at("outside").as_path(), at("root/out").as_path()).unwrap();
        symlink("up", at("root/in").as_path()).unwrap();
        symlink(at("root").as_path(), at("far").as_path()).unwrap();
        for name in ["root/out", "root/out/new", "root/in", "root/in/a", "far", "far/up"] {
            let error = roots.open(&at(name), true).err().unwrap();
            assert_eq!(error.kind(), Kind::Refused, "{name}: {error}");
            assert!(roots.last(&at(name)).is_err() && roots.above(&at(name)).is_err(), "{name}");
        }
    }

    #[test]
    fn what_ttplan_relies_on_is_not_touched_nor_what_holds_it() {
        let (_tree, top) = tree();
        let at = |name: &str| if name.is_empty() { top.clone() } else { top.join(&name.into()) };
        let roots = permitted(&top, &["", "root"]);
        for name in ["", "plans"] {
            let error = roots.open(&at(name), true).err().unwrap();
            assert!(error.to_string().contains("holds ttplan's own"), "{name}: {error}");
            roots.reach(&at(name), Purpose::Backups).unwrap();
        }
        assert!(roots.open(&at("root/up"), true).unwrap().is_ok());
    }

    #[test]
    fn a_directory_that_was_swapped_is_refused() {
        let (_tree, top) = tree();
        let at = |name: &str| top.join(&name.into());
        for swapped in ["root/up", "root"] {
            let roots = permitted(&top, &["root"]);
            roots.open(&at("root/up"), true).unwrap().unwrap();
            let aside = top.as_path().join("aside");
            std::fs::rename(at(swapped).as_path(), &aside).unwrap();
            // One that is not there is no other one.
            assert!(roots.open(&at("root/up"), true).unwrap().is_err());
            std::fs::create_dir_all(at("root/up").as_path()).unwrap();
            let error = roots.open(&at("root/up"), true).err().unwrap();
            assert!(error.to_string().contains("not the directory that it was"), "{error}");
            std::fs::remove_dir_all(at(swapped).as_path()).unwrap();
            std::fs::rename(&aside, at(swapped).as_path()).unwrap();
            roots.open(&at("root/up"), true).unwrap().unwrap();
        }
    }
}
