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

#[test]
fn an_empty_variable_says_nothing() {
    let site = Site::new();
    for (_, command) in commands() {
        for variable in command.get_arguments().filter_map(clap::Arg::get_env) {
            assert!(variable.to_string_lossy().starts_with("TTPLAN_"));
        }
    }
    let variables: Vec<String> = commands()
        .iter()
        .flat_map(|(_, command)| command.get_arguments())
        .filter_map(|argument| argument.get_env())
        .map(|variable| variable.to_string_lossy().into_owned())
        .collect();
    assert!(variables.len() > 30, "the variables were not found");
    let empty = variables.iter().map(|name| (name, ""));
    let output = site.command(&["plan"]).envs(empty).env("SOURCE_DATE_EPOCH", "").output().unwrap();
    let talk = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(8), "{talk}");
    let without_times = |text: Vec<u8>| {
        let text = String::from_utf8(text).unwrap();
        let lines = text.lines().filter(|line| !line.contains("made ") && !line.contains("sha256"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let plain = site.run(&["plan"]).stdout;
    assert_eq!(without_times(output.stdout), without_times(plain));
}

#[test]
fn a_plan_that_would_be_over_at_birth_is_not_made() {
    let site = Site::new();
    let output =
        site.command(&["plan", "-o", "p.ttplan.json"]).env("SOURCE_DATE_EPOCH", "86400").output();
    let output = output.unwrap();
    let talk = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{talk}");
    assert!(talk.contains("unset SOURCE_DATE_EPOCH"), "{talk}");
    assert!(!site.home.join("p.ttplan.json").exists());
}

#[test]
fn an_output_is_a_regular_file_or_stdout() {
    let site = Site::new();
    let text = site.printed(&["plan", "-o", "-"], 8);
    let plan: Value = serde_json::from_str(&text).unwrap();
    assert!(plan["steps"].is_array());
    let text = site.printed(&["inspect", "-o", "-"], 0);
    assert!(serde_json::from_str::<Value>(&text).unwrap()["facts"].is_object());
    let (file, link) = (site.home.join("file"), site.home.join("link"));
    std::fs::write(&file, "precious").unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    for arguments in
        [["plan", "-o", "link"], ["inspect", "-o", "link"], ["plan", "-o", "/dev/null"]]
    {
        let (error, code) = error_of(&site, &[&arguments[..], &["--format", "json"]].concat());
        assert_eq!((&error["code"], code), (&"not_a_plain_file".into(), Some(4)), "{arguments:?}");
    }
    assert!(link.is_symlink());
    assert_eq!(std::fs::read(&file).unwrap(), b"precious");
}
