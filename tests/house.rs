//! The house rules: who may import whom, a door plate in every file, complete shelves, no great
//! halls. The map is in `src/lib.rs` and `docs/map.md`.

#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Rooms, from the ground up. A room may import itself, rooms on lower floors, and of its own floor
/// those that [`BESIDE`] names.
const FLOORS: &[&[&str]] = &[
    &["error", "fault"],
    &["model"],
    &["fs", "process", "engines", "stores", "artifact", "openssh"],
    &["live", "frameworks", "catalogue", "offline", "actions"],
    &["analysis", "config", "trust"],
    &["rules"],
    &["inspect", "record", "diagnose", "doctor", "plan", "apply"],
    &["render"],
    &["cli"],
];

/// What a room may import of its own floor: floor 1 is one room deep but for the files and programs
/// of the system, and `apply` runs what only `trust` can make.
const BESIDE: &[(&str, &[&str])] = &[
    ("process", &["fs"]),
    ("engines", &["fs", "process"]),
    ("stores", &["fs"]),
    ("artifact", &["fs"]),
    ("openssh", &["fs"]),
];

/// Imports that go up or sideways still, and circles of files inside a room. Both lists may only
/// shrink.
const UPWARD: &[(&str, &str)] = &[];

const CIRCLES: &[&str] = &[];

/// The moves are one closed set, a unit of many files: a way back is a list of moves, and moves
/// have ways back.
const ONE_UNIT: &[&str] = &["src/model/plan/moves/", "src/model/plan/step.rs"];

/// No file is longer.
const CEILING: usize = 400;

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
        let beside =
            BESIDE.iter().find(|(room, _)| *room == here).map_or(&[][..], |(_, rooms)| rooms);
        for there in named_rooms(&fs::read_to_string(&path).unwrap()) {
            let down = floor(&there).is_some_and(|theirs| theirs < ours);
            if !down && there != here && !beside.contains(&there.as_str()) {
                wrong.push((path.display().to_string(), there));
            }
        }
    }
    let known: Vec<_> =
        UPWARD.iter().map(|(path, room)| ((*path).to_owned(), (*room).to_owned())).collect();
    assert_eq!(wrong, known, "imports that go up or sideways");
}

/// The file of a module path below `src`, the longest that there is: `model::plan::step::Step` lies
/// in `src/model/plan/step.rs`.
fn file_of(path: &str) -> Option<PathBuf> {
    let mut parts: Vec<&str> = path.split("::").filter(|part| !part.is_empty()).collect();
    while !parts.is_empty() {
        let base = parts.join("/");
        for name in [format!("src/{base}.rs"), format!("src/{base}/mod.rs")] {
            if Path::new(&name).exists() {
                return Some(PathBuf::from(name));
            }
        }
        parts.pop();
    }
    None
}

/// Files of the same room that a file names, tests left out.
fn neighbours(path: &Path) -> BTreeSet<PathBuf> {
    let text = fs::read_to_string(path).unwrap();
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    let module = |path: &Path| {
        let text = path.strip_prefix("src").unwrap().display().to_string();
        text.trim_end_matches(".rs").trim_end_matches("/mod").replace('/', "::")
    };
    let mut found = BTreeSet::new();
    let code: String = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| [line, "\n"])
        .collect();
    let own = module(path);
    let above = own.rsplit_once("::").map_or("", |(above, _)| above).to_owned();
    for (word, base) in [("crate::", String::new()), ("super::", above), ("self::", own)] {
        for (at, _) in code.match_indices(word) {
            if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            // `pub(in crate::room)` names who may come in, and no import.
            if code[..at].ends_with("(in ") {
                continue;
            }
            let rest = &code[at + word.len()..];
            let end = rest
                .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
                .unwrap_or(rest.len());
            let stem = rest[..end].trim_end_matches("::");
            let mut names = vec![stem.to_owned()];
            if rest[..end].ends_with("::") && rest[end..].starts_with('{') {
                let group = rest[end + 1..].split('}').next().unwrap();
                names = group
                    .split(',')
                    .map(|name| format!("{stem}::{}", name.trim().trim_start_matches("self")))
                    .collect();
            }
            for name in names {
                if let Some(file) = file_of(&format!("{base}::{name}"))
                    && room(&file) == room(path)
                    && file != path
                {
                    found.insert(file);
                }
            }
        }
    }
    found
}

/// Inside a room, too, imports form no circle: what two files need of each other lies in a third.
#[test]
fn files_of_a_room_form_no_circle() {
    let edges: Vec<(PathBuf, BTreeSet<PathBuf>)> = sources()
        .into_iter()
        .filter(|path| !path.display().to_string().ends_with("_tests.rs"))
        .map(|path| (path.clone(), neighbours(&path)))
        .collect();
    let reach = |from: &Path| {
        let mut found = BTreeSet::new();
        let mut waiting = vec![from.to_owned()];
        while let Some(path) = waiting.pop() {
            let next = edges.iter().find(|(file, _)| *file == path).map(|(_, next)| next);
            for path in next.into_iter().flatten() {
                if found.insert(path.clone()) {
                    waiting.push(path.clone());
                }
            }
        }
        found
    };
    let unit = |path: &str| ONE_UNIT.iter().any(|start| path.starts_with(start));
    let circling: Vec<String> = edges
        .iter()
        .filter(|(path, _)| reach(path).contains(path))
        .map(|(path, _)| path.display().to_string())
        .filter(|path| !unit(path))
        .collect();
    assert_eq!(circling, CIRCLES, "files that import each other");
}

#[test]
fn every_file_has_a_door_plate_and_none_is_a_great_hall() {
    for path in sources() {
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//!"), "{} has no door plate", path.display());
        let lines = text.lines().count();
        assert!(lines <= CEILING, "{} has {lines} lines", path.display());
    }
}

/// Whether a file is for tests alone, and declared so.
fn is_for_tests(path: &Path) -> bool {
    let stem = path.file_stem().unwrap().to_str().unwrap();
    let declared = format!("#[cfg(test)]\nmod {stem};");
    stem.ends_with("_tests")
        && fs::read_to_string(path.with_file_name("mod.rs"))
            .is_ok_and(|room| room.contains(&declared))
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
        if ["cli", "main"].contains(&room(&path).as_str()) || is_for_tests(&path) {
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
    assert_eq!(shelf("rules", &["stamping"]), rules);
    let engines: BTreeSet<String> =
        ttplan::engines::ALL.iter().map(|engine| engine.name.to_owned()).collect();
    assert_eq!(shelf("engines", &["database", "dialect", "engine"]), engines);
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
        ("src/config/host_word.rs", host, "lock_timeout"),
        ("src/config/host_profile.rs", host, "tolerate"),
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

/// What stands before a code.
const GIVES: &[&str] = &[".code(", "Reason::new(", "Offence::new("];

/// The same in the files that hold a plan against what follows from it.
const FINDS: &[&str] = &["add(", "field(", "differs("];

/// What a source says in plain quotes after `before`.
fn quoted_after<'a>(text: &'a str, before: &'a str) -> impl Iterator<Item = &'a str> {
    text.match_indices(before).filter_map(move |(at, _)| {
        let rest = text[at + before.len()..].trim_start().strip_prefix('"')?;
        rest.split('"').next()
    })
}

#[test]
fn the_refusal_codes_in_the_docs_are_those_of_the_code() {
    let page = fs::read_to_string("docs/refusals.md").unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(rows, ttplan::error::CODES.len(), "docs/refusals.md has rows of no code");
    for (code, kind, meaning) in ttplan::error::CODES {
        let row = format!("| `{code}` | {} | {meaning} |", kind.exit_code());
        assert!(page.contains(&row), "docs/refusals.md lacks: {row}");
        let same = ttplan::error::CODES.iter().filter(|(other, ..)| other == code).count();
        assert_eq!(same, 1, "{code} is there twice");
    }
    let known: BTreeSet<&str> = ttplan::error::CODES.iter().map(|(code, ..)| *code).collect();
    let (mut given, mut all) = (BTreeSet::new(), String::new());
    for path in sources().iter().filter(|path| !path.ends_with("error/codes.rs")) {
        let text = fs::read_to_string(path).unwrap();
        let is_of_plans =
            ["plan/difference.rs", "trust/validation.rs"].iter().any(|file| path.ends_with(file));
        let more = if is_of_plans { FINDS } else { &[] };
        for code in GIVES.iter().chain(more).flat_map(|before| quoted_after(&text, before)) {
            given.insert(code.to_owned());
        }
        all.push_str(&text);
    }
    let unknown: Vec<&String> =
        given.iter().filter(|code| !known.contains(code.as_str())).collect();
    assert!(unknown.is_empty(), "codes that are not in error::CODES: {unknown:?}");
    let unused: Vec<_> =
        known.iter().filter(|code| !all.contains(&format!("\"{code}\""))).collect();
    assert!(unused.is_empty(), "codes that nothing gives: {unused:?}");
}
