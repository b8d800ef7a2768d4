//! What is run, where and with which variables, and what the application is, only the host says:
//! not whoever sets variables, not the repository, not the plan.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;
use ttplan::model::plan::Plan;

use crate::ground::postgres::PostgresGround;
use crate::ground::sqlite::SqliteGround;
use crate::site::{PLAN, STRAYS, Said, Site, assert_same};

/// Variables by which whoever applies would decide what a child does.
const EVIL: &[(&str, &str)] = &[
    ("PYTHONPATH", "/evil"),
    ("PYTHONSTARTUP", "/evil/x.py"),
    ("LD_LIBRARY_PATH", "/evil"),
    ("BASH_ENV", "/evil/x.sh"),
    ("ENV", "/evil/x.sh"),
    ("PGOPTIONS", "-c search_path=nowhere"),
    ("PGSERVICEFILE", "/evil/pg_service.conf"),
    ("SHOP_MODE", "evil"),
    ("TTPLAN_SIGNING_KEY", "of somebody"),
    ("LC_ALL", "evil"),
    ("TZ", ":/etc/shadow"),
    ("TMPDIR", "relative"),
    ("OTHER_URL", "of nobody"),
];

/// A site whose application tells each time with which variables it was started.
fn talkative() -> Site {
    let site = Site::new(&SqliteGround);
    let tell =
        "#!/bin/sh\nenv | grep -v '^_=\\|^PWD=\\|^SHLVL=\\|^OLDPWD=' >> \"${0%/*}/../told\"\n";
    site.edit("app/upgrade.sh", "#!/bin/sh\n", tell);
    site.plan_and_sign(0);
    site
}

fn apply_with(site: &Site, variables: &[(&str, &str)]) -> Said {
    let arguments = site.with_host(&["apply", PLAN, "--auto-approve"]);
    Said::of(site.command(&arguments).envs(variables.iter().copied()).output().unwrap())
}

#[test]
fn nothing_of_whoever_applies_reaches_a_child_that_the_host_did_not_name() {
    let site = talkative();
    apply_with(&site, EVIL).ends(0);
    let told = site.read("told");
    let mut names: Vec<&str> = told.lines().filter_map(|line| line.split('=').next()).collect();
    names.sort_unstable();
    names.dedup();
    // `PATH` is among what this site's host passes on.
    assert_eq!(names, ["DATABASE_URL", "HOME", "LANG", "PATH", "SHOP_MODE", "TMPDIR"], "{told}");
    assert!(told.contains("LANG=C.UTF-8") && told.contains("SHOP_MODE=migrate"), "{told}");
    assert!(told.contains("TMPDIR=/tmp"), "{told}");
    // `HOME` of whoever applies is the site's own here, and start-up files are read from it.
    assert!(!told.contains(&format!("HOME={}", site.home.display())), "{told}");
}

#[test]
fn a_client_program_along_path_never_runs() {
    let site = Site::with(&PostgresGround, STRAYS);
    site.plan_and_sign(0);
    fs::create_dir(site.path("evil")).unwrap();
    for name in ["pg_dump", "pg_restore"] {
        let path = site.path("evil").join(name);
        fs::write(&path, format!("#!/bin/sh\necho ran >> {}\n", site.path("ran").display()))
            .unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let known = site.variables["PATH"].to_str().unwrap();
    let path = format!("{}:{known}", site.path("evil").display());
    apply_with(&site, &[("PATH", &path)]).ends(0);
    assert!(!site.path("ran").exists());
}

#[test]
fn a_repository_that_changes_its_command_is_told_by_plan_and_refused_by_the_host() {
    let changes = [
        ("\"heads\"]", "\"heads\", \"--sql\"]", "argv"),
        ("SHOP_MODE = \"migrate\"", "SHOP_MODE = \"drop\"", "env"),
        ("PATH = \"${PATH}\"", "PATH = \"${PATH}\", LD_PRELOAD = \"/tmp/x.so\"", "env"),
        ("PATH = \"${PATH}\"", "PATH = \"${PATH}\", PYTHONPATH = \"${PYTHONPATH}\"", "pass"),
        ("url_variable = \"DATABASE_URL\"", "url_variable = \"OTHER_URL\"", "url_variable"),
        ("timeout = \"5m\"", "timeout = \"5m\"\ndirectory = \"..\"", "directory"),
        ("\"--version\"]", "\"--versions\"]", "argv"),
    ];
    let mut site = Site::new(&SqliteGround);
    let url = site.variables["DATABASE_URL"].clone();
    site.variables.insert("OTHER_URL".into(), url);
    let before = site.picture();
    let honest = site.read("ttplan.toml");
    for (from, to, key) in changes {
        site.put("ttplan.toml", &honest);
        site.edit("ttplan.toml", from, to);
        site.plan().ends(0).says(&[&format!("{key} differs")]);
        site.sign().ends(0);
        let said = site.apply().ends(4);
        said.complains(&["is not permitted", &format!("{key} differs"), "host.toml"]);
        assert_same(&site.picture(), &before, key);
    }
    assert!(site.journal().is_empty());
}

#[test]
fn what_the_host_took_back_is_refused_though_it_was_planned_and_signed() {
    let site = Site::new(&SqliteGround);
    site.plan_and_sign(0);
    let before = site.picture();
    site.edit("host/host.toml", "[commands.upgrade]", "[commands.other]");
    site.apply()
        .ends(4)
        .complains(&["the host permits no command `upgrade`", "commands.upgrade = {"]);
    assert_same(&site.picture(), &before, "a command that is not permitted any more");
}

#[test]
fn no_plan_stamps_or_asks_another_table_than_the_hosts() {
    let site = Site::with(&SqliteGround, "CREATE TABLE roles (version_num VARCHAR(32));");
    let plan = site.plan_and_sign(0);
    let before = site.picture();
    let mut document = serde_json::to_value(&plan).unwrap();
    replace(&mut document, "name", "roles");
    let forged: Plan = serde_json::from_value(document).unwrap();
    site.forge(&forged);
    site.apply().ends(4).complains(&["is not the version table that the host's profile names"]);
    assert_same(&site.picture(), &before, "another version table");
}

/// Wherever the version table stands, something else stands under a key of it.
fn replace(value: &mut Value, key: &str, by: &str) {
    match value {
        Value::Object(all) => {
            if all.get("name").and_then(Value::as_str) == Some("alembic_version") {
                all.insert(key.to_owned(), by.into());
            }
            all.values_mut().for_each(|one| replace(one, key, by));
        }
        Value::Array(all) => all.iter_mut().for_each(|one| replace(one, key, by)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn a_version_table_of_another_schema_is_not_the_one_that_the_host_means() {
    let other =
        "CREATE SCHEMA other; CREATE TABLE other.alembic_version (version_num varchar(32));";
    let site = Site::with(&PostgresGround, other);
    let plan = site.plan_and_sign(0);
    let before = site.picture();
    let mut document = serde_json::to_value(&plan).unwrap();
    replace(&mut document, "schema", "other");
    let plan: Plan = serde_json::from_value(document).unwrap();
    site.forge(&plan);
    site.apply().ends(4).complains(&["of another schema", "home schema, `public`"]);
    assert_same(&site.picture(), &before, "a version table of another schema");
}

#[test]
fn a_profile_that_others_may_write_is_not_believed() {
    let site = Site::new(&SqliteGround);
    site.plan_and_sign(0);
    let profile = site.path("host/profile.toml");
    fs::set_permissions(&profile, fs::Permissions::from_mode(0o666)).unwrap();
    site.apply().ends(4).complains(&["others than its owner may write to"]);
}

#[test]
fn a_secret_stands_in_no_document_whatever_the_repository_asks_for() {
    let site = Site::new(&SqliteGround);
    let honest = site.read("ttplan.toml");
    let secret = "wJalrXUtnFEMI";
    let wishes = [
        ("site = \"prod\"", "site = \"${CI_TOKEN}\""),
        ("to = \"../data/avatars\"", "to = \"../data/${CI_TOKEN}\""),
        ("target = \"heads\"", "target = \"${CI_TOKEN}\""),
        ("\"heads\"]", "\"${CI_TOKEN}\"]"),
        ("SHOP_MODE = \"migrate\"", "SHOP_MODE = \"${CI_TOKEN}\""),
        ("SHOP_MODE = \"migrate\"", "SHOP_MODE = \"${CI_TOKEN:-none}\""),
        ("site = \"prod\"", "site = \"${LOGIN}\""),
    ];
    for (from, to) in wishes {
        site.put("ttplan.toml", &honest);
        site.edit("ttplan.toml", from, to);
        for arguments in [&["plan", "-o", PLAN][..], &["inspect", "-o", "plans/seen.json"]] {
            let mut command = site.command(&site.with_host(arguments));
            command.env("CI_TOKEN", secret).env("LOGIN", format!("x://u:{secret}@h/d"));
            let said = Said::of(command.output().unwrap()).ends(1);
            said.complains(&["looks secret, and a plan would show it"]);
        }
        for file in fs::read_dir(site.path("plans")).unwrap() {
            let text = fs::read_to_string(file.unwrap().path()).unwrap();
            assert!(!text.contains(secret), "{to}");
        }
    }
}

#[test]
fn the_hosts_files_are_written_only_when_somebody_says_yes() {
    let site = Site::new(&SqliteGround);
    site.plan().ends(0);
    let init = ["trust", "init", "--for", PLAN, "--directory", "host2", "--principal", "ada"];
    site.run(&init).ends(64).complains(&["--yes", "commands.upgrade", "step "]);
    assert!(!Path::new(&site.path("host2")).exists());
    site.run(&[&init[..], &["--yes", "--state", "state2"]].concat()).ends(0);
    let host = site.read("host2/host.toml");
    assert!(host.contains("site = \"prod\"") && host.contains("[commands.check]"), "{host}");
    assert!(!host.contains("catalogues"), "{host}");
}
