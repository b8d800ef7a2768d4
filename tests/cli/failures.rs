//! Failures as programs read them: one JSON object on stdout with a stable code, whatever the
//! command, and the sentences on stderr as ever.

use serde_json::Value;

use crate::help::commands;
use crate::site::Site;

/// The error on stdout of a run that fails, its last line, with the exit code.
fn error_of(site: &Site, arguments: &[&str]) -> (Value, Option<i32>) {
    let output = site.run(arguments);
    let talk = String::from_utf8(output.stderr).unwrap();
    assert!(talk.contains("error:"), "{arguments:?}: {talk}");
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().last().unwrap_or_else(|| panic!("{arguments:?} is silent: {talk}"));
    let mut value: Value = serde_json::from_str(line).unwrap();
    (value["error"].take(), output.status.code())
}

#[test]
fn every_command_tells_its_failures_as_json() {
    let site = Site::new();
    let mut leaves = 0;
    for (name, command) in commands() {
        if command.has_subcommands() {
            continue;
        }
        leaves += 1;
        let words: Vec<&str> = name.split(' ').skip(1).collect();
        let (error, code) =
            error_of(&site, &[&words[..], &["--format", "json", "--no-such-flag"]].concat());
        assert_eq!((&error["code"], code), (&"usage".into(), Some(64)), "{name}");
        assert!(error["message"].as_str().unwrap().contains("--no-such-flag"), "{name}");
    }
    assert!(leaves > 25, "the commands were not found");
}

#[test]
fn a_failure_says_by_its_code_what_was_refused() {
    let site = Site::with_signed_plan();
    let plan = "plans/change.ttplan.json";
    for (arguments, code, exit) in [
        (vec!["show", "none.json", "--format=json"], "failed", 1),
        (vec!["sign", "none.json", "--principal", "x", "--format", "json"], "failed", 1),
        (vec!["show", "ttplan.toml", "--format", "json"], "not_a_plan", 1),
        (vec!["explain", "nonsense", "--format", "json"], "usage", 64),
        (vec!["verify", plan, "--host-config", "host/none", "--format=json"], "configuration", 1),
        (vec!["apply", plan, "--host-config", "host/host.toml", "--format=json"], "usage", 64),
    ] {
        let (error, status) = error_of(&site, &arguments);
        assert_eq!((&error["code"], status), (&code.into(), Some(exit)), "{arguments:?}: {error}");
        for key in ["subject", "found", "expected", "message", "hints", "causes", "reasons"] {
            assert!(error.get(key).is_some(), "{arguments:?} lacks {key}");
        }
    }
    let path = site.home.join(plan);
    let signed = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, signed.replacen("\"author\": null", "\"author\": \"eve\"", 1)).unwrap();
    let arguments = ["verify", plan, "--host-config", "host/host.toml", "--format=json"];
    let (error, status) = error_of(&site, &arguments);
    assert_eq!((&error["code"], status), (&"signature_differs".into(), Some(4)), "{error}");
    assert_eq!((&error["found"], &error["expected"]), (&"0".into(), &"1".into()));
}

#[test]
fn without_json_a_failure_leaves_stdout_empty() {
    let site = Site::new();
    for arguments in [vec!["show", "none.json"], vec!["show", "--nonsense"]] {
        assert!(site.run(&arguments).stdout.is_empty(), "{arguments:?}");
    }
}
