//! `docs/commands.md`: the help of every command, as the program prints it.

use std::fmt::Write;

use clap::Command;
use ttplan::cli::command_line;

use crate::site::Site;
use crate::transcripts::WRITING;

const PAGE: &str = "docs/commands.md";

const HEAD: &str = "# Commands

Every command and flag, as `--help` tells them. stdout is the result, stderr is progress and talk. `--format json` is the
same everywhere; the documents have [schemas](formats/schemas).
";

/// All commands with what one types for them, the program itself first.
pub fn commands() -> Vec<(String, Command)> {
    let mut found = Vec::new();
    let mut left = vec![("ttplan".to_owned(), command_line())];
    while let Some((name, command)) = left.pop() {
        let below: Vec<_> = command
            .get_subcommands()
            .map(|one| (format!("{name} {}", one.get_name()), one.clone()))
            .collect();
        left.extend(below.into_iter().rev());
        found.push((name, command));
    }
    found
}

/// What the program prints is compared by the transcripts' own test; this one sees that none is
/// missing.
#[test]
fn every_command_has_its_help_on_the_page() {
    let snap = std::env::var_os("TTPLAN_SNAP").is_some();
    let _one_writer = WRITING.lock();
    let site = Site::new();
    let page = std::fs::read_to_string(PAGE).unwrap_or_default();
    let mut whole = HEAD.to_owned();
    for (name, _) in commands() {
        let now =
            || site.printed(&name.split(' ').skip(1).chain(["--help"]).collect::<Vec<_>>(), 0);
        let help = if snap { Some(now()) } else { help_on(&page, &name).map(str::to_owned) };
        let help =
            help.unwrap_or_else(|| panic!("{PAGE} lacks `{name} --help`; TTPLAN_SNAP=1 adds it"));
        write!(whole, "\n## {name}\n\n```console one\n$ {name} --help\n{help}```\n").unwrap();
    }
    if snap {
        std::fs::write(PAGE, whole).unwrap();
    } else {
        assert_eq!(
            page, whole,
            "{PAGE} has commands in another order, or some that are gone; TTPLAN_SNAP=1 mends it"
        );
    }
}

fn help_on<'a>(page: &'a str, name: &str) -> Option<&'a str> {
    let (_, after) = page.split_once(&format!("\n$ {name} --help\n"))?;
    after.split_once("```\n").map(|(help, _)| help)
}

#[test]
fn a_mistyped_command_is_told_clearly_and_is_wrong_usage() {
    let site = Site::new();
    for (typed, meant) in [
        (["plna"].as_slice(), "plan"),
        (&["trust", "inti"], "init"),
        (&["plan", "--formt"], "--format"),
    ] {
        let output = site.run(typed);
        let talk = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(64), "{typed:?}: {talk}");
        assert!(talk.contains(meant) && talk.contains(typed[typed.len() - 1]), "{typed:?}: {talk}");
        assert!(output.stdout.is_empty());
    }
}
