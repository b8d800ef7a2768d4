//! The way to a directory, from `/` on, one component after the other: no symbolic link is followed
//! but those that the host has pinned, word for word, and that only root can change. Never decides
//! whether what lies at the end may be touched.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fd::OwnedFd;
use rustix::fs::{self, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use crate::error::{Error, Kind, Result};
use crate::model::names::FilePath;
use crate::model::text::shell_word;

/// The links that the host has pinned: where each stands, on a way without links, and what it says.
pub type Links = BTreeMap<FilePath, FilePath>;

/// Device and inode: the very directory or file, whatever it is called.
pub type Key = (u64, u64);

/// More links than this on one way are a circle.
const MOST_LINKS: usize = 40;

const WRITABLE_BY_OTHERS: u32 = 0o022;
const STICKY: u32 = 0o1000;

const PASS: OFlags =
    OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// A directory on the way.
#[derive(Debug)]
pub struct Passed {
    fd: OwnedFd,
    /// Without links.
    pub path: FilePath,
    pub stat: Stat,
}

/// A way that was gone as far as there is one.
#[derive(Debug)]
pub struct Way {
    /// Every directory that was passed, `/` first; the last is where the way ends.
    pub passed: Vec<Passed>,
    /// The names behind the last directory that are not there.
    pub missing: Vec<Vec<u8>>,
}

/// What a way may meet besides directories.
enum Follow<'a> {
    Pinned(&'a Links),
    /// Any link that is root's own, as it is found: to be pinned.
    ToPin(&'a mut Links),
}

impl Passed {
    pub fn key(&self) -> Key {
        key(&self.stat)
    }

    /// Whether nobody but root could put another thing under a name in it: strictly, or as far as
    /// root's own things go.
    fn is_root_s(&self, strictly: bool) -> bool {
        let sticky = !strictly && self.stat.st_mode & STICKY != 0;
        self.stat.st_uid == 0 && (self.stat.st_mode & WRITABLE_BY_OTHERS == 0 || sticky)
    }
}

impl Way {
    /// Goes to the directory at a plain absolute path.
    ///
    /// Errors: `Kind::Refused` for a link that is not pinned, says something else by now or could be
    /// changed by others than root; `Kind::Stale` for what is no directory, `Kind::Failed` for what
    /// cannot be passed.
    pub fn to(path: &FilePath, links: &Links) -> Result<Self> {
        go(path, &mut Follow::Pinned(links))
    }

    /// The directory at its end; none where some of the way is missing.
    pub fn end(self) -> Option<(OwnedFd, FilePath)> {
        let Self { mut passed, missing } = self;
        passed.pop().filter(|_| missing.is_empty()).map(|last| (last.fd, last.path))
    }

    /// The last directory that is there, and the names behind it that are not.
    pub fn last(mut self) -> Option<(OwnedFd, FilePath, Vec<Vec<u8>>)> {
        self.passed.pop().map(|last| (last.fd, last.path, self.missing))
    }

    /// Which directory lies at its end; none where some of the way is missing.
    pub fn key(&self) -> Option<Key> {
        self.passed.last().filter(|_| self.missing.is_empty()).map(Passed::key)
    }
}

/// The links on the way to a directory that have to be pinned for it to be reached.
///
/// Errors: `Kind::Refused` for a link that others than root could change.
pub fn links_to_pin(path: &FilePath) -> Result<Links> {
    let mut links = Links::new();
    go(path, &mut Follow::ToPin(&mut links)).map(|_| links)
}

/// Device and inode.
pub fn key(stat: &Stat) -> Key {
    (stat.st_dev, stat.st_ino)
}

fn go(path: &FilePath, follow: &mut Follow<'_>) -> Result<Way> {
    if !path.is_plain_absolute() {
        let message = format!("`{}` is not a plain absolute path", path.to_text());
        return Err(Error::new(Kind::Failed, message));
    }
    let mut passed = vec![top()?];
    // The names still ahead, the next one last.
    let mut ahead: Vec<Vec<u8>> = Vec::new();
    put_ahead(&mut ahead, path.as_bytes());
    let mut links = 0;
    while let Some(name) = ahead.pop() {
        // Only what a pinned link says can hold such.
        if name == b".." {
            passed.truncate(passed.len().saturating_sub(1).max(1));
            continue;
        }
        let Some(here) = passed.last() else { break };
        let at = here.path.join(&FilePath::from_bytes(&name[..]));
        match fs::openat(&here.fd, &name[..], PASS, Mode::empty()) {
            Ok(fd) => {
                let stat = fs::fstat(&fd).map_err(|errno| unpassable(&at, errno))?;
                passed.push(Passed { fd, path: at, stat });
            }
            Err(Errno::NOENT) => {
                ahead.push(name);
                ahead.reverse();
                return Ok(Way { passed, missing: ahead });
            }
            Err(Errno::NOTDIR | Errno::LOOP) => {
                links += 1;
                if links > MOST_LINKS {
                    return Err(unpassable(&at, Errno::LOOP));
                }
                let says = followed(&passed, &name, &at, follow)?;
                if says.as_bytes().starts_with(b"/") {
                    passed.truncate(1);
                }
                put_ahead(&mut ahead, says.as_bytes());
            }
            Err(errno) => return Err(unpassable(&at, errno)),
        }
    }
    Ok(Way { passed, missing: Vec::new() })
}

fn top() -> Result<Passed> {
    let path = FilePath::from("/");
    let opened = fs::open("/", PASS, Mode::empty()).and_then(|fd| Ok((fs::fstat(&fd)?, fd)));
    let (stat, fd) = opened.map_err(|errno| unpassable(&path, errno))?;
    Ok(Passed { fd, path, stat })
}

fn put_ahead(ahead: &mut Vec<Vec<u8>>, path: &[u8]) {
    let names = path.split(|byte| *byte == b'/').rev();
    ahead.extend(names.filter(|name| !name.is_empty() && *name != b".").map(<[u8]>::to_vec));
}

/// What the link of this name says, where it may be followed.
fn followed(
    passed: &[Passed],
    name: &[u8],
    at: &FilePath,
    follow: &mut Follow<'_>,
) -> Result<FilePath> {
    let Some((here, above)) = passed.split_last() else { return Err(unpassable(at, Errno::NOENT)) };
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let read = fs::openat(&here.fd, name, flags, Mode::empty()).and_then(|fd| {
        let stat = fs::fstat(&fd)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::Symlink {
            return Err(Errno::NOTDIR);
        }
        Ok((stat, fs::readlinkat(&fd, c"", Vec::new())?.into_bytes()))
    });
    let (stat, says) = read.map_err(|errno| unpassable(at, errno))?;
    let says = FilePath::from_bytes(says);
    let refused = |why: String| {
        let message = format!("the way leads over the link `{}`", at.to_text());
        Error::new(Kind::Refused, message).code("path_over_link").about(at.to_text()).because(why)
    };
    let (shown, target) = (at.to_text(), says.to_text());
    let line = format!("[links] \"{shown}\" = \"{target}\"");
    if let Follow::Pinned(links) = &*follow {
        match links.get(at) {
            Some(pinned) if *pinned == says => {}
            Some(pinned) => {
                let why = format!("it says `{target}`, and host.toml pins `{}`", pinned.to_text());
                let hint = format!("find out who changed it; if it is right, pin it: {line}");
                return Err(refused(why).hint(hint));
            }
            None => {
                let hint = "name the directory by its own path, or let host.toml pin the link, \
                            where only root can change it";
                return Err(refused(format!(
                    "it says `{target}`, and host.toml pins no such link"
                ))
                .hint(format!("{hint}: {line}")));
            }
        }
    }
    if stat.st_uid != 0 {
        let why = format!("it belongs to user {}, and may lead elsewhere at any time", stat.st_uid);
        return Err(refused(why).hint("name the directory by its own path"));
    }
    let open = [here].into_iter().filter(|here| !here.is_root_s(true));
    if let Some(open) = open.chain(above.iter().filter(|above| !above.is_root_s(false))).next() {
        let place = open.path.to_text();
        let why = format!("others than root may change what `{place}` holds");
        let hint = format!("ls -ld {}", shell_word(&place));
        return Err(refused(why).hint("name the directory by its own path").hint(hint));
    }
    if let Follow::ToPin(links) = follow {
        links.insert(at.clone(), says.clone());
    }
    Ok(says)
}

fn unpassable(at: &FilePath, errno: Errno) -> Error {
    let shown = at.to_text();
    let cannot = |kind| Error::new(kind, format!("`{shown}` cannot be passed"));
    match errno {
        // What was a directory when somebody planned.
        Errno::NOTDIR => cannot(Kind::Stale).because("it is not a directory"),
        errno => cannot(Kind::Failed).because(errno),
    }
    .hint(format!("namei -l {}", shell_word(&shown)))
}

/// The way to what need not be a directory: to the directory above it.
pub fn above(path: &FilePath) -> FilePath {
    FilePath::from_bytes(path.as_path().parent().unwrap_or(Path::new("/")).as_os_str().as_bytes())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    use super::*;

    fn is_root() -> bool {
        rustix::process::geteuid().is_root()
    }

    /// A tree whose directories are root's alone, where the test is root.
    fn tree() -> (tempfile::TempDir, FilePath) {
        let tree = tempfile::tempdir().unwrap();
        let path = tree.path().canonicalize().unwrap();
        std::fs::create_dir_all(path.join("real/deep")).unwrap();
        (tree, FilePath::new(path))
    }

    fn pinned(at: FilePath, says: &str) -> Links {
        Links::from([(at, says.into())])
    }

    #[test]
    fn a_way_without_links_leads_as_far_as_it_goes() {
        let (_tree, top) = tree();
        let way = Way::to(&top.join(&"real/deep".into()), &Links::new()).unwrap();
        assert!(way.key().is_some());
        assert_eq!(way.end().unwrap().1, top.join(&"real/deep".into()));
        let way = Way::to(&top.join(&"real/no/where".into()), &Links::new()).unwrap();
        assert_eq!(way.key(), None);
        assert_eq!(way.missing, [b"no".to_vec(), b"where".to_vec()]);
        assert_eq!(way.last().unwrap().1, top.join(&"real".into()));
        std::fs::write(top.as_path().join("file"), "").unwrap();
        assert!(Way::to(&top.join(&"file/x".into()), &Links::new()).is_err());
    }

    #[test]
    fn a_link_is_followed_only_as_it_is_pinned() {
        let (_tree, top) = tree();
        let at = |name: &str| top.join(&name.into());
        for (name, says) in
            [("up", "real/../real"), ("far", &*at("real").to_text()), ("out", "/etc")]
        {
            symlink(says, at(name).as_path()).unwrap();
            let way = at(&format!("{name}/deep"));
            let error = Way::to(&way, &Links::new()).unwrap_err();
            assert_eq!(error.kind(), Kind::Refused, "{error}");
            assert!(error.to_string().contains("pins no such link"), "{error}");
            let error = Way::to(&way, &pinned(at(name), "real/elsewhere")).unwrap_err();
            assert!(error.to_string().contains("host.toml pins `real/elsewhere`"), "{error}");
            if is_root() && name != "out" {
                let links = pinned(at(name), says);
                assert_eq!(Way::to(&way, &links).unwrap().end().unwrap().1, at("real/deep"));
                assert_eq!(links_to_pin(&way).unwrap(), links);
            }
        }
    }

    #[test]
    fn a_link_that_others_could_change_is_not_followed_though_it_is_pinned() {
        if !is_root() {
            println!("skipped: only root has links that others cannot change");
            return;
        }
        let (_tree, top) = tree();
        let at = |name: &str| top.join(&name.into());
        symlink("../real", at("real/link").as_path()).unwrap();
        let links = pinned(at("real/link"), "../real");
        let way = || Way::to(&at("real/link/deep"), &links);
        way().unwrap();
        let refused = |word: &str| {
            for error in [way().unwrap_err(), links_to_pin(&at("real/link")).unwrap_err()] {
                assert_eq!(error.kind(), Kind::Refused, "{error}");
                assert!(error.to_string().contains(word), "{error}");
            }
        };
        std::os::unix::fs::lchown(at("real/link").as_path(), Some(4711), None).unwrap();
        refused("belongs to user 4711");
        std::os::unix::fs::lchown(at("real/link").as_path(), Some(0), None).unwrap();
        for (place, mode) in [("real", 0o775), ("real", 0o1777), ("", 0o757)] {
            let path = top.as_path().join(place);
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            refused("others than root may change");
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        }
        chown(at("real").as_path(), Some(4711), None).unwrap();
        refused("others than root may change");
    }

    #[test]
    fn links_in_a_circle_end() {
        if !is_root() {
            return;
        }
        let (_tree, top) = tree();
        let at = |name: &str| top.join(&name.into());
        symlink("two", at("one").as_path()).unwrap();
        symlink("one", at("two").as_path()).unwrap();
        let links = Links::from([(at("one"), "two".into()), (at("two"), "one".into())]);
        assert_eq!(Way::to(&at("one"), &links).unwrap_err().kind(), Kind::Failed);
        assert!(links_to_pin(&at("one")).is_err());
    }
}
