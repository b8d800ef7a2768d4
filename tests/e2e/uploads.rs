//! The real upload directories: what moves, what is left out, and that nothing is ever lost.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value as Json;
use ttplan::model::names::Digest;

use crate::ground::Ground;
use crate::site::{Site, assert_same};
use crate::timetracker;

/// Every file below the site's two directories, as the index of the real data names it.
fn files(site: &Site) -> BTreeMap<String, String> {
    fn walk(path: &Path, name: &str, found: &mut BTreeMap<String, String>) {
        for entry in std::fs::read_dir(path).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{name}/{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                walk(&entry.path(), &name, found);
            } else {
                found.insert(name, Digest::of(std::fs::read(entry.path()).unwrap()).to_string());
            }
        }
    }
    let mut found = BTreeMap::new();
    for place in ["app/app", "app/uploads", "data/uploads"] {
        walk(&site.path(place), place, &mut found);
    }
    found
}

/// Avatars and receipts come to their new home. The avatar whose name is taken by another picture
/// stays where it is, and waits for a person; so does the other.
fn files_find_their_new_home(ground: &dyn Ground) {
    let Some(folder) = timetracker::folder() else { return };
    let site = timetracker::site(&folder, ground, "head_seeded");
    let unpacked = Command::new("tar")
        .args(["-xzf".as_ref(), folder.join("uploads.tar.gz").as_os_str()])
        .args(["--strip-components=1", "-C"])
        .arg(&site.home)
        .status()
        .unwrap();
    assert!(unpacked.success());
    let index = timetracker::json(&folder, "uploads-index.json");
    let before = files(&site);
    let picture = site.picture();
    let known: BTreeMap<String, String> = index["files"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(path, file)| (path.clone(), file["sha256"].as_str().unwrap().to_owned()))
        .collect();
    assert_eq!(before, known, "the files are not those of the index");

    let plan = site.plan_and_sign(8);
    let conflict = index["conflicts"][0]["old"].as_str().unwrap();
    let name = conflict.rsplit('/').next().unwrap();
    assert_eq!(plan.diagnosis.blocked, [format!("avatars/{name}")]);
    assert_eq!(plan.summary.destructive_steps, 0);
    let missing = plan.findings.iter().filter(|finding| finding.code == "missing_file");
    let dangling: BTreeSet<&str> = missing.map(|finding| finding.message.as_str()).collect();
    for reference in references(&index, "dangling") {
        assert!(
            dangling.iter().any(|message| message.contains(&reference)),
            "not found: {reference}; {dangling:?}"
        );
    }

    site.apply().ends(0);
    let after = files(&site);
    let mut expected = before.clone();
    let homes = [
        ("app/app/static/uploads/avatars/", "data/uploads/avatars/"),
        ("app/uploads/receipts/", "data/uploads/receipts/"),
    ];
    for (path, sha256) in &before {
        for (from, to) in homes {
            // A place holder of the repository is nobody's upload.
            if let Some(name) = path.strip_prefix(from).filter(|name| *name != ".gitkeep") {
                expected.entry(format!("{to}{name}")).or_insert_with(|| sha256.clone());
            }
        }
    }
    assert_eq!(expected.len() as u64 - before.len() as u64, plan.summary.files_to_move);
    assert_eq!(plan.summary.files_to_move, 3, "an avatar and two receipts");
    assert_eq!(after, expected);
    let taken = index["conflicts"][0]["new"].as_str().unwrap();
    assert!(
        after[conflict] != after[taken]
            && after[conflict] == before[conflict]
            && after[taken] == before[taken]
    );
    times_and_modes_came_along(&site, &homes, &before);

    let settled = site.picture();
    site.apply().ends(0).says(&["nothing was changed"]);
    assert_same(&site.picture(), &settled, "the second apply changed something");
    site.plan().ends(8);
    assert!(site.planned().steps.is_empty());
    site.undo().ends(0);
    assert_same(&site.picture(), &picture, "undo did not take the copies away, and nothing else");
}

/// The last parts of the stored paths of avatars and receipts that have this status.
fn references(index: &Json, status: &str) -> Vec<String> {
    let ours = |reference: &&Json| {
        let place = (reference["table"].as_str().unwrap(), reference["column"].as_str().unwrap());
        let known = [
            ("users", "avatar_filename"),
            ("expenses", "receipt_path"),
            ("project_costs", "receipt_path"),
        ];
        reference["status"] == status && known.contains(&place)
    };
    let stored = index["references"].as_array().unwrap().iter().filter(ours);
    stored
        .map(|reference| {
            reference["stored"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
        })
        .collect()
}

fn times_and_modes_came_along(
    site: &Site,
    homes: &[(&str, &str)],
    before: &BTreeMap<String, String>,
) {
    use std::os::unix::fs::MetadataExt;
    let about = |path: &str| {
        let meta = std::fs::metadata(site.path(path)).unwrap();
        (meta.mode(), meta.uid(), meta.gid(), meta.mtime(), meta.mtime_nsec())
    };
    for (from, to) in homes {
        for path in before.keys().filter(|path| path.starts_with(from)) {
            let target = path.replace(from, to);
            if !before.contains_key(&target) && !path.ends_with(".gitkeep") {
                assert_eq!(about(&target), about(path), "{target}");
            }
        }
    }
}

on_both!(files_find_their_new_home);
