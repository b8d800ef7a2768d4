//! The house rules: who may import whom, a door plate in every file, complete shelves, no great
//! halls. The map is in `src/lib.rs` and `docs/map.md`.

#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Rooms, from the ground up. A room may import itself and rooms on lower floors.
const FLOORS: &[&[&str]] = &[
    &["error", "fault"],
    &["model"],
    &["live", "artifact"],
    &["frameworks", "actions", "catalogue", "offline"],
    &["rules"],
    &["config", "inspect", "diagnose", "doctor", "plan", "record", "trust"],
    &["apply"],
    &["render"],
    &["cli"],
];

/// No file is longer.
const CEILING: usize = 400;

/// Files that are longer still. This list may only shrink.
const TOO_LONG: &[&str] = &[
    "src/inspect.rs",
    "src/live/disk/copy.rs",
    "src/live/engines/sqlite/change.rs",
    "src/model/revisions.rs",
];

fn sources() -> Vec<PathBuf> {
    fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(Path::new("src"), &mut found);
    found.sort();
    assert!(found.len() > 60, "the sources were not found");
    found
}

fn room(path: &Path) -> String {
    let first = path.strip_prefix("src").unwrap().components().next().unwrap();
    first.as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned()
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

/// Rooms that a source names as `crate::room`.
fn named_rooms(text: &str) -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + 7..];
        assert!(
            !rest.starts_with('{'),
            "`use crate::{{a, b}}` hides rooms; write one `use` per room"
        );
        rooms.insert(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
    }
    rooms
}

#[test]
fn imports_go_down_only() {
    let mut wrong = Vec::new();
    for path in sources() {
        let here = room(&path);
        if ["lib", "main"].contains(&here.as_str()) {
            continue;
        }
        let ours =
            floor(&here).unwrap_or_else(|| panic!("{}: `{here}` is on no floor", path.display()));
        for there in named_rooms(&fs::read_to_string(&path).unwrap()) {
            match floor(&there) {
                Some(theirs) if theirs < ours || there == here => {}
                _ => wrong.push(format!("{}: `{here}` may not import `{there}`", path.display())),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_has_a_door_plate_and_none_is_a_great_hall() {
    for path in sources() {
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//!"), "{} has no door plate", path.display());
        let lines = text.lines().count();
        let known = TOO_LONG.iter().any(|long| path == Path::new(long));
        assert_eq!(lines > CEILING, known, "{} has {lines} lines", path.display());
    }
}

#[test]
fn only_the_door_prints_asks_reads_the_environment_and_exits() {
    const WORDS: &[&str] = &[
        "println!",
        "eprintln!",
        "print!(",
        "process::exit",
        "env::var",
        "env::args",
        "io::stdin",
        "io::stdout",
        "io::stderr",
    ];
    for path in sources() {
        if ["cli", "main"].contains(&room(&path).as_str()) {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for word in WORDS {
            assert!(!code.contains(word), "{} uses `{word}`", path.display());
        }
    }
}

#[test]
fn the_ground_floor_meets_no_disk_and_no_clock() {
    const WORDS: &[&str] = &[
        "std::fs",
        "std::net",
        "std::process",
        "SystemTime::now",
        "Instant::now",
        "Timestamp::now",
    ];
    for path in sources().iter().filter(|path| {
        ["model", "rules", "actions", "diagnose", "plan", "render"].contains(&room(path).as_str())
    }) {
        let text = fs::read_to_string(path).unwrap();
        for word in WORDS {
            assert!(!text.contains(word), "{} uses `{word}`", path.display());
        }
    }
}

#[test]
fn applications_and_frameworks_are_named_in_their_own_file_only() {
    for path in sources() {
        let name = path.display().to_string();
        let text = fs::read_to_string(&path).unwrap().to_lowercase();
        if name != "src/frameworks/alembic.rs" && name != "src/frameworks/mod.rs" {
            assert!(!text.contains("alembic"), "{name} names a framework");
        }
        if !name.starts_with("src/config/profiles") && !name.starts_with("src/cli/") {
            assert!(!text.contains("timetracker"), "{name} names an application");
        }
    }
}

/// The files of a shelf, without its `mod.rs` and its helpers.
fn shelf(room: &str, helpers: &[&str]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(format!("src/{room}")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let name = name.trim_end_matches(".rs").to_owned();
        if name != "mod" && !helpers.contains(&name.as_str()) {
            names.insert(name);
        }
    }
    names
}

#[test]
fn every_file_on_a_shelf_is_on_its_list_and_has_its_page() {
    let actions: BTreeSet<String> =
        ttplan::actions::ALL.iter().map(|action| action.kind.to_owned()).collect();
    assert_eq!(shelf("actions", &[]), actions);
    let rules: BTreeSet<String> =
        ttplan::rules::ALL.iter().map(|rule| rule.code.to_owned()).collect();
    assert_eq!(
        shelf("rules", &["case", "compared", "removal", "resolve", "sorted_out", "stamping"]),
        rules
    );
    let engines: BTreeSet<String> =
        ttplan::engines::ALL.iter().map(|engine| engine.name.to_owned()).collect();
    assert_eq!(shelf("live/engines", &[]), engines);
    let frameworks: BTreeSet<String> =
        ttplan::frameworks::ALL.iter().map(|framework| framework.name.to_owned()).collect();
    assert_eq!(shelf("frameworks", &["python"]), frameworks);
    for (folder, pages) in [("actions", actions), ("rules", rules)] {
        for page in pages {
            let text = fs::read_to_string(format!("docs/{folder}/{page}.md")).unwrap();
            assert!(
                text.starts_with(&format!("# {page}\n")),
                "docs/{folder}/{page}.md has another heading"
            );
        }
    }
}

#[test]
fn the_exit_codes_in_the_docs_are_those_of_the_code() {
    let page = fs::read_to_string("docs/exit-codes.md").unwrap();
    for (_, code, meaning) in ttplan::error::KINDS {
        assert!(
            page.contains(&format!("| {code} | {meaning} |")),
            "docs/exit-codes.md lacks: {code} {meaning}"
        );
    }
}

#[test]
fn every_room_is_on_the_map() {
    let map = fs::read_to_string("docs/map.md").unwrap();
    for entry in fs::read_dir("src").unwrap() {
        let path = entry.unwrap().path();
        let name = format!("`{}{}`", path.display(), if path.is_dir() { "/" } else { "" });
        assert!(name == "`src/lib.rs`" || map.contains(&name), "docs/map.md does not name {name}");
    }
}

/// The keys that a source file reads: the fields of its structures.
fn fields(source: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(source).unwrap();
    let mut names = BTreeSet::new();
    let mut inside = false;
    for line in text.lines() {
        inside = line.contains("struct ") && line.ends_with('{') || inside && line != "}";
        if let Some((name, _)) = line.trim().trim_start_matches("pub ").split_once(": ")
            && inside
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        {
            names.insert(name.trim_start_matches('_').to_owned());
        }
    }
    names
}

#[test]
fn every_key_of_a_configuration_is_on_its_page() {
    let page = fs::read_to_string("docs/configuration.md").unwrap();
    let (application, host) = page.split_once("## host.toml").unwrap();
    for (source, text, known) in [
        ("src/config/file.rs", application, "url_variable"),
        ("src/config/host.rs", host, "forbid_destructive"),
    ] {
        let keys = fields(source);
        assert!(keys.contains(known), "the keys in {source} were not found");
        for key in keys {
            let told = [
                format!("`{key}`"),
                format!(".{key}`"),
                format!("`{key}."),
                format!("[{key}]`"),
                format!(".{key}]`"),
            ];
            let told = told.iter().any(|told| text.contains(told))
                || text.contains(&format!("`[[{key}]]`"));
            assert!(told, "docs/configuration.md does not tell of `{key}` in {source}");
        }
    }
}
