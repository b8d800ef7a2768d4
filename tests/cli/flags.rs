//! Flags: each has a variable, but those that lower trust or answer a question; one word means
//! one thing everywhere.

use crate::help::commands;

/// Flags without a variable, and why.
const WITHOUT: &[(&str, &str)] = &[
    ("--help", "asks, and does nothing"),
    ("--version", "asks, and does nothing"),
    ("--host-config", "decides whom the host believes"),
    ("--allow-unsigned", "lowers trust"),
    ("--discard-writes", "loses what was written"),
    ("--break-glass", "lowers trust"),
    ("--verify-time", "judges by another time"),
    ("--auto-approve", "is a person's answer"),
    ("--yes", "is a person's answer"),
];

/// Commands whose flags decide about trust.
const WITHOUT_ANY: &[&str] = &["ttplan trust"];

#[test]
fn every_flag_has_a_variable_unless_it_would_lower_trust() {
    let mut wrong = Vec::new();
    let mut met = Vec::new();
    for (name, mut command) in commands() {
        command.build();
        for argument in command.get_arguments() {
            let Some(long) = argument.get_long() else { continue };
            let flag = format!("--{long}");
            let excepted = WITHOUT.iter().any(|(without, _)| *without == flag)
                // In which form errors are told decides nothing.
                || flag != "--format"
                    && WITHOUT_ANY.iter().any(|without| name.starts_with(without));
            let variable =
                argument.get_env().map(|variable| variable.to_string_lossy().into_owned());
            match (&variable, excepted) {
                (None, false) => wrong.push(format!("`{name} {flag}` has no variable")),
                (Some(variable), true) => {
                    wrong.push(format!("`{name} {flag}` may not be set by {variable}"));
                }
                (Some(variable), false) if !variable.starts_with("TTPLAN_") => {
                    wrong.push(format!("`{name} {flag}` is set by {variable}"));
                }
                _ => {}
            }
            met.push(flag);
        }
    }
    for (flag, _) in WITHOUT {
        assert!(met.iter().any(|met| met == flag), "no command has {flag}");
    }
    assert!(met.len() > 30, "the flags were not found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn json_is_asked_for_in_one_way() {
    for (name, command) in commands() {
        for argument in command.get_arguments() {
            let long = argument.get_long().unwrap_or_default();
            assert_ne!(long, "json", "{name}");
            if long == "format" {
                let known: Vec<String> = argument
                    .get_possible_values()
                    .iter()
                    .map(|value| value.get_name().to_owned())
                    .collect();
                assert!(
                    known.starts_with(&["text".to_owned(), "json".to_owned()]),
                    "{name}: {known:?}"
                );
                assert_eq!(argument.get_env().unwrap(), "TTPLAN_FORMAT", "{name}");
            }
        }
    }
}
