//! Trees for the tests: two roots and a place outside that nobody may touch. Also how a test runs
//! itself again as somebody else.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use ttplan::model::files::uploads::{FileFact, Tree};
use ttplan::model::names::{Digest, FilePath};
use ttplan::stores::local::LocalStore;
use ttplan::stores::store::{CopyAttributes, ReadStore};

/// Both ways of opening, which must agree in everything.
pub fn disks() -> [LocalStore; 2] {
    [LocalStore::new(), LocalStore::by_older_means()]
}

/// `from` and `to` are roots; `outside` holds `outside/secret/f`.
pub struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    pub fn new() -> Self {
        let place = Self { directory: tempfile::tempdir().unwrap() };
        for name in ["from", "to", "outside/secret"] {
            fs::create_dir_all(place.at(name)).unwrap();
        }
        fs::write(place.at("outside/secret/f"), "secret").unwrap();
        place
    }

    pub fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        self.directory.path().join(path)
    }

    pub fn path(&self, path: &str) -> FilePath {
        FilePath::from(self.at(path))
    }

    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        fs::write(self.at(path), content).unwrap();
    }

    pub fn link(&self, to: &str, path: &str) {
        symlink(to, self.at(path)).unwrap();
    }

    pub fn make_fifo(&self, path: &str) {
        assert!(Command::new("mkfifo").arg(self.at(path)).status().unwrap().success());
    }

    pub fn scan(&self, root: &str) -> Tree {
        LocalStore::new().scan(&self.path(root), &[]).unwrap().0
    }

    /// Everything below a directory: relative path, mode, size and content digest, sorted.
    pub fn snapshot(&self, directory: &str) -> Vec<(PathBuf, u32, Option<Digest>)> {
        let (mut all, mut ahead) = (Vec::new(), vec![self.at(directory)]);
        while let Some(directory) = ahead.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                let meta = path.symlink_metadata().unwrap();
                let digest = meta.is_file().then(|| Digest::of(fs::read(&path).unwrap()));
                all.push((path.clone(), meta.mode(), digest));
                if meta.is_dir() {
                    ahead.push(path);
                }
            }
        }
        all.sort();
        all
    }

    /// Nothing was made, changed or removed outside the roots.
    pub fn assert_outside_untouched(&self) {
        let names: Vec<_> = self.snapshot("outside").into_iter().map(|(path, ..)| path).collect();
        assert_eq!(names, [self.at("outside/secret"), self.at("outside/secret/f")]);
        assert_eq!(fs::read(self.at("outside/secret/f")).unwrap(), b"secret");
    }

    /// The names in a directory, sorted.
    pub fn names(&self, directory: &str) -> Vec<String> {
        let entries = fs::read_dir(self.at(directory)).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

/// A row of a list.
pub fn fact(path: impl AsRef<[u8]>, content: impl AsRef<[u8]>) -> FileFact {
    let content = content.as_ref();
    FileFact(
        FilePath::from(OsStr::from_bytes(path.as_ref())),
        content.len() as u64,
        Digest::of(content),
    )
}

pub fn as_they_are() -> CopyAttributes {
    CopyAttributes::default()
}

pub fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// Set for a test that runs itself again: the place it works in.
const AGAIN: &str = "TTPLAN_TEST_AGAIN";

/// Where this test works, when it is the one that was run again.
pub fn again() -> Option<PathBuf> {
    std::env::var_os(AGAIN).map(PathBuf::from)
}

/// This test, to be run again (in `place`) by a program that is given before it.
pub fn myself(wrapper: &[&str], test: &str, place: &Path) -> Command {
    let test_program = std::env::current_exe().unwrap();
    let mut words = wrapper.iter().map(OsStr::new).chain([test_program.as_os_str()]);
    let mut command = Command::new(words.next().unwrap());
    command.args(words).args(["--exact", test, "--nocapture"]).env(AGAIN, place);
    command
}

/// Runs `body` as a user without rights: this one, or, for root, somebody else in another process.
pub fn without_rights(test: &str, place: &Place, body: impl FnOnce(&Path)) {
    match again() {
        Some(directory) => body(&directory),
        None if !is_root() => body(place.directory.path()),
        None => {
            let setpriv =
                ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"];
            if !Command::new(setpriv[0])
                .args(&setpriv[1..])
                .arg("true")
                .status()
                .is_ok_and(|status| status.success())
            {
                println!("skipped: root cannot become somebody else here");
                return;
            }
            give_away(place.directory.path());
            assert!(myself(&setpriv, test, place.directory.path()).status().unwrap().success());
        }
    }
}

/// What is called `foreign` stays root's.
fn give_away(path: &Path) {
    if path.ends_with("foreign") {
        return;
    }
    std::os::unix::fs::lchown(path, Some(65534), Some(65534)).unwrap();
    if path.symlink_metadata().unwrap().is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            give_away(&entry.unwrap().path());
        }
    }
}
