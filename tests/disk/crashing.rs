//! A copy that is killed in the middle: whatever it leaves is either right or swept away.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use ttplan::model::files::uploads::FileFact;
use ttplan::model::names::FilePath;
use ttplan::stores::local::LocalStore;
use ttplan::stores::store::{Copied, ReadStore, WriteStore};

use crate::tree::{Place, again, as_they_are, myself};

const FILES: usize = 400;

fn copy(directory: &Path, files: &[FileFact]) -> Vec<Copied> {
    let (from, to) = (FilePath::from(directory.join("from")), FilePath::from(directory.join("to")));
    LocalStore::new().copy(&from, &to, files, &as_they_are()).unwrap()
}

fn entries(directory: &Path) -> usize {
    fs::read_dir(directory).map_or(0, Iterator::count)
}

#[test]
fn a_copy_killed_anywhere_leaves_only_right_files_and_what_a_sweep_takes() {
    if let Some(directory) = again() {
        let files =
            LocalStore::new().scan(&FilePath::from(directory.join("from")), &[]).unwrap().0.files;
        copy(&directory, &files);
        return;
    }
    let place = Place::new();
    for n in 0..FILES {
        place.write(&format!("from/d/{n}"), format!("{n}").repeat(5000));
    }
    let files = place.scan("from").files;
    let directory = place.at("");
    let mut killed = 0;
    let moments = [1, FILES / 4, FILES / 2, FILES];
    // Where others keep the machine busy, a copy may be done before it can be killed.
    for when in moments.into_iter().cycle().take(20) {
        let test =
            "crashing::a_copy_killed_anywhere_leaves_only_right_files_and_what_a_sweep_takes";
        let mut child = myself(&[], test, &directory).stdout(Stdio::null()).spawn().unwrap();
        // Entries only ever come, or change their names.
        while entries(&place.at("to/d")) < when && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        killed += usize::from(!child.wait().unwrap().success());

        let left = place.scan("to");
        assert!(left.files.iter().all(|file| files.contains(file)));
        assert!(left.odd.is_empty());
        assert_eq!(LocalStore::new().sweep(&place.path("to")).unwrap(), left.ignored);
        let copied = copy(&directory, &files);
        let already = copied.iter().filter(|copied| **copied == Copied::Already).count();
        assert_eq!(already, left.files.len());
        assert_eq!(place.scan("to").files, files);
        assert_eq!(place.scan("to").ignored, 0);
        fs::remove_dir_all(place.at("to/d")).unwrap();
        if killed == moments.len() {
            break;
        }
    }
    assert!(killed > 0, "every copy was faster than its killer");
}
