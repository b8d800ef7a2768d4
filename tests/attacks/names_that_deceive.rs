//! Names of files, tables and configuration that show nothing, turn text around, make lines of
//! their own, or are commands of a CI runner. Whoever uploads a file chooses its name.

use crate::ground::sqlite::SqliteGround;
use crate::refusal;
use crate::site::{PLAN, Said, Site};

/// Characters that show nothing or deceive.
const UNSEEN: &str =
    "\u{3164}\u{2800}\u{34f}\u{a0}\u{115f}\u{ffa0}\u{2003}\u{202e}\u{200b}\u{85}\u{1b}";

/// Names that would be commands where they begin a line, or wherever they stand.
const COMMANDS: [&str; 5] = [
    "::error::all is lost.png",
    "##vso[task.setvariable variable=x]y.png",
    "##[error]z.png",
    "x\n::set-env name=a::b.png",
    "x\nplan: no changes.png",
];

/// That nothing of what a command said deceives whoever reads it, person or runner.
#[track_caller]
fn is_honest(said: &Said, how: &str) {
    let text = refusal::all_of(said);
    for c in UNSEEN.chars() {
        assert!(!text.contains(c), "{how}: U+{:04X} raw in:\n{text}", u32::from(c));
    }
    for line in text.lines() {
        assert!(!line.trim_start().starts_with("::"), "{how}: {line}");
        assert!(!line.contains("##[") && !line.contains("##vso["), "{how}: {line}");
        assert!(!line.starts_with("plan: no changes"), "{how}: {line}");
    }
}

fn site_with_names() -> Site {
    let site = Site::new(&SqliteGround);
    for (at, c) in UNSEEN.chars().enumerate() {
        site.put(&format!("app/static/avatars/a{c}{at}.png"), &at.to_string());
    }
    for name in COMMANDS {
        site.put(&format!("app/static/avatars/{name}"), name);
    }
    site.put("app/static/avatars/ a   gap.png", "gap");
    site
}

#[test]
fn of_files_are_seen_in_every_format() {
    let site = site_with_names();
    is_honest(&site.plan().ends(0), "plan");
    for format in ["text", "markdown", "json"] {
        is_honest(&site.run(&["show", PLAN, "--format", format]).ends(0), format);
        let said = site.run(&["show", PLAN, "--full", "--format", format]).ends(0);
        is_honest(&said, format);
        if format != "json" {
            assert!(said.out.contains("gap.png"), "{format}:\n{}", said.out);
            assert!(!said.out.contains("a   gap"), "{format}:\n{}", said.out);
        }
    }
    is_honest(&site.run(&["inspect", "--format", "json"]).ends(0), "inspect");
    is_honest(&site.sign().ends(0), "sign");
    is_honest(&site.apply().ends(0), "apply");
    for name in COMMANDS {
        assert!(site.path(&format!("data/avatars/{name}")).exists(), "{name} was not copied");
    }
}

#[test]
fn of_files_are_seen_in_errors_too() {
    for name in COMMANDS {
        let site = Site::new(&SqliteGround);
        site.put(&format!("app/static/avatars/{name}"), "one");
        site.plan_and_sign(0);
        std::fs::remove_file(site.path(&format!("app/static/avatars/{name}"))).unwrap();
        let said = site.apply().ends(3);
        assert!(said.err.contains(".png"), "the file is not named: {}", said.err);
        is_honest(&said, name);
        let apply = ["apply", PLAN, "--auto-approve", "--format", "json"];
        is_honest(&site.run(&apply).ends(3), name);
    }
}

#[test]
fn of_tables_and_values_are_seen() {
    let site = Site::new(&SqliteGround);
    let names = COMMANDS.map(|name| format!("CREATE TABLE \"{name}\" (id INTEGER);"));
    let unseen: String = UNSEEN
        .chars()
        .enumerate()
        .map(|(at, c)| format!("CREATE TABLE \"t{c}{at}\" (id INTEGER);"))
        .collect();
    site.sql(&format!("{}{unseen}", names.concat()));
    is_honest(&site.plan(), "plan");
    for format in ["text", "markdown", "json"] {
        is_honest(&site.run(&["show", PLAN, "--format", format]).ends(0), format);
    }
    is_honest(&site.sign().ends(0), "sign");
    is_honest(&site.apply(), "apply");
}

#[test]
fn of_what_is_named_on_the_command_line_are_seen() {
    let site = Site::new(&SqliteGround);
    for name in COMMANDS {
        for arguments in [["show", name], ["verify", name], ["explain", name]] {
            for format in ["text", "json"] {
                is_honest(&site.run(&[&arguments[..], &["--format", format]].concat()), name);
            }
        }
        is_honest(&site.run(&["plan", &format!("--{name}")]), name);
    }
}
