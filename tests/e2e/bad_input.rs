//! Configurations, databases and hosts that are not as they should be: it is said what, where, why
//! and what to do, with the right exit code, and nothing is changed.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

use crate::ground::Ground;
use crate::ground::postgres::PostgresGround;
use crate::ground::sqlite::SqliteGround;
use crate::site::{PLAN, PROGRAM, STRAYS, Said, Site, assert_same, is_root};

/// Every command that meets the site says the same, and leaves all as it is.
#[track_caller]
fn nothing_can_be_done(site: &Site, code: i32, words: &[&str]) {
    let before = site.picture();
    for arguments in [&["inspect"][..], &["plan", "-o", "plans/new.ttplan.json"]] {
        let said = site.run(arguments);
        assert_eq!(said.code, code, "{arguments:?}: {}", said.err);
        said.complains(words).complains(&["error: "]);
    }
    assert!(!site.path("plans/new.ttplan.json").exists());
    if site.path(PLAN).exists() {
        let said = site.apply();
        assert_eq!(said.code, code, "{}", said.err);
        said.complains(words);
        assert_eq!(site.journal(), [""; 0], "a run was begun");
    }
    assert_same(&site.picture(), &before, "something was changed");
}

/// A site for which a plan was made and signed when all was well.
fn planned(ground: &dyn Ground) -> Site {
    let site = Site::with(ground, STRAYS);
    site.plan_and_sign(0);
    site
}

fn nobody_says_where_the_database_is(ground: &dyn Ground) {
    let mut site = planned(ground);
    let told = [
        "nobody said where the database is",
        "hint: set the variable: `DATABASE_URL=",
        "--database-url",
    ];
    site.variables.insert("DATABASE_URL".into(), "".into());
    nothing_can_be_done(&site, 1, &[&told[..], &["`DATABASE_URL` is set and empty"]].concat());
    site.variables.remove("DATABASE_URL");
    nothing_can_be_done(&site, 1, &told);
}

#[test]
fn an_address_that_is_none() {
    let mut site = planned(&SqliteGround);
    for (url, words) in [
        ("mysql://u:hidden@h/d", &["mysql"][..]),
        ("not a url", &["URL"]),
        ("postgresql://u:hidden@h:0/d", &["port"]),
        ("postgresql://u:hidden@a,b/d", &["several hosts"]),
    ] {
        site.variables.insert("DATABASE_URL".into(), url.into());
        nothing_can_be_done(&site, 1, words);
        assert!(!site.plan().err.contains("hidden"), "the password is shown");
    }
}

fn a_configuration_that_cannot_be_read(ground: &dyn Ground) {
    for (from, to, words) in [
        ("version = 1", "version = ", &["ttplan.toml:3:"][..]),
        ("[database]", "[databse]", &["databse", "`database`", "ttplan.toml:10:"]),
        ("unexpected = ", "unexpcted = ", &["unexpcted", "`unexpected`", "ttplan.toml:"]),
        ("unexpected = \"drop\"", "unexpected = \"destroy\"", &["destroy", "drop", "ttplan.toml:"]),
        ("version = 1", "version = 9", &["9", "ttplan.toml:3:"]),
        (
            "\"${SHOP}/upgrade.sh\", \"heads\"",
            "\"${SHOPP}/upgrade.sh\"",
            &["SHOPP", "ttplan.toml:"],
        ),
    ] {
        let site = planned(ground);
        site.edit("ttplan.toml", from, to);
        nothing_can_be_done(&site, 1, words);
    }
    let site = Site::with(ground, STRAYS);
    site.edit("ttplan.toml", "system = \"alembic\"", "system = \"alembik\"");
    nothing_can_be_done(&site, 1, &["`alembik`", "hint: ", "`alembic`"]);
    let site = planned(ground);
    fs::remove_file(site.path("ttplan.toml")).unwrap();
    nothing_can_be_done(&site, 1, &["nothing says which application this is", "hint: ttplan init"]);
}

#[test]
fn a_server_that_is_not_there() {
    let mut site = planned(&PostgresGround);
    for (url, place) in [
        ("postgresql://postgres:hidden@127.0.0.1:1/x", "127.0.0.1"),
        ("postgresql://postgres:hidden@host.invalid/x", "host.invalid"),
        ("postgresql://postgres:hidden@/x?host=/nowhere", "/nowhere"),
    ] {
        site.variables.insert("DATABASE_URL".into(), url.into());
        nothing_can_be_done(&site, 1, &[place, "hint: "]);
        assert!(!site.plan().err.contains("hidden"), "the password is shown");
    }
}

#[test]
fn a_server_that_does_not_let_us_in() {
    let mut site = planned(&PostgresGround);
    let (url, name) = (site.database.access().url, site.database.access().database.name);
    // The one role of the cluster that needs a password.
    site.sql("SET password_encryption = 'scram-sha-256'; CREATE ROLE secret_keeper LOGIN PASSWORD 'right'");
    let with = |login: &str| url.reveal().replace("postgres@", login);
    for (login, words) in [
        ("secret_keeper:wrong@".to_owned(), &["password", "hint: "][..]),
        (format!("nobody_{name}@"), &["nobody_", "hint: "]),
    ] {
        site.variables.insert("DATABASE_URL".into(), with(&login).into());
        nothing_can_be_done(&site, 1, words);
        assert!(!site.plan().err.contains("wrong"), "the password is shown");
    }
    let missing = url.reveal().replace(&name, "missing_database");
    site.variables.insert("DATABASE_URL".into(), missing.into());
    nothing_can_be_done(&site, 1, &["missing_database", "hint: "]);
}

#[test]
fn a_file_that_is_no_database() {
    let mut site = planned(&SqliteGround);
    site.put(
        "data/letter.txt",
        "Dear Ada, this is a letter and no database, however long it may be.\n",
    );
    fs::create_dir(site.path("data/directory.db")).unwrap();
    for (path, words) in
        [("data/letter.txt", &["letter.txt"][..]), ("data/directory.db", &["directory.db"])]
    {
        site.variables.insert(
            "DATABASE_URL".into(),
            format!("sqlite:///{}", site.path(path).display()).into(),
        );
        nothing_can_be_done(&site, 1, words);
    }
    // A file where no directory is cannot be made by migrations either.
    let nowhere = format!("sqlite:///{}", site.path("data/no/such/app.db").display());
    site.variables.insert("DATABASE_URL".into(), nowhere.into());
    let said = site.apply().ends(1);
    said.complains(&["data/no/such", "hint: make it, if it is missing: mkdir -p"]);
    assert!(!site.path("data/no").exists());
}

#[test]
fn a_file_that_somebody_keeps_locked() {
    let site = planned(&SqliteGround);
    let mut client = site.database.other_client();
    client.sql("BEGIN EXCLUSIVE;");
    let said = site.run(&["inspect"]);
    assert!([1, 5].contains(&said.code), "{}", said.err);
    said.complains(&["locked", "app.db"]);
    let said = site.apply();
    assert!([1, 3, 5].contains(&said.code), "{}", said.err);
    assert!(!site.path("data/avatars").exists());
    client.sql("ROLLBACK;");
    drop(client);
    site.apply().ends(0);
}

#[test]
fn a_host_whose_file_cannot_be_believed() {
    let site = planned(&SqliteGround);
    let before = site.picture();
    let refused = |words: &[&str], code: i32| {
        let said = site.apply();
        assert_eq!(said.code, code, "{}", said.err);
        said.complains(words);
        assert_same(&site.picture(), &before, "something was changed");
    };
    let host = site.path("host/host.toml");
    let mode =
        |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    mode(&host, 0o666);
    refused(&["others than its owner may write", "hint: chmod go-w"], 4);
    mode(&host, 0o644);
    mode(&site.path("host"), 0o777);
    refused(&["others than its owner may write", "hint: chmod go-w"], 4);
    mode(&site.path("host"), 0o755);
    mode(&site.path("host/allowed_signers"), 0o666);
    refused(&["allowed_signers", "hint: chmod go-w"], 4);
    mode(&site.path("host/allowed_signers"), 0o644);
    let text = site.read("host/host.toml");
    site.put("host/host.toml", &text.replace("required = 1", "required = 0"));
    refused(&["host.toml:"], 1);
    site.put("host/host.toml", &text.replace("site = \"prod\"", "site = \"${SITE}\""));
    refused(&["host.toml:"], 1);
    site.put("host/host.toml", &text.replace("[trust]", "[trusted]"));
    refused(&["trusted", "`trust`"], 1);
    fs::remove_file(site.path("host/host.toml")).unwrap();
    refused(&["host.toml"], 1);
    site.put("host/host.toml", &text);
    fs::create_dir(site.path("state")).unwrap();
    mode(&site.path("state"), 0o755);
    refused(&["state directory", "hint: chmod 700"], 4);
    mode(&site.path("state"), 0o700);
    site.apply().ends(0);
}

/// Without a terminal there is nobody to ask.
#[test]
fn a_question_that_nobody_is_there_to_answer() {
    let site = Site::with(&SqliteGround, STRAYS);
    site.plan().ends(0);
    site.run(&["sign", PLAN, "--key", "host/ada.key", "--principal", "ada"])
        .ends(64)
        .complains(&["`--yes`"]);
    site.sign().ends(0);
    let before = site.picture();
    site.run(&["apply", PLAN]).ends(64).complains(&["no terminal", "`--auto-approve`"]);
    assert_same(&site.picture(), &before, "an unanswered question");
    for wrong in [
        &["aply"][..],
        &["apply"],
        &["plan", "--no-such-flag"],
        &["apply", PLAN, "--lock-timeout", "soon"],
    ] {
        site.run(wrong).ends(64);
    }
    site.run(&["undo", "--last", "--auto-approve"])
        .ends(64)
        .complains(&["nothing was ever run here"]);
    site.apply().ends(0);
    site.run(&["undo", "no-such-run", "--auto-approve"])
        .ends(64)
        .complains(&["no run `no-such-run`", "ttplan history"]);
}

/// A directory that cannot be read is not an empty one. For root, somebody else looks.
#[test]
fn uploads_that_cannot_be_read() {
    const NOBODY: u32 = 65534;
    let site = Site::new(&SqliteGround);
    let locked = site.path("app/static/avatars/more");
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
    let mut plan = if is_root() {
        give(&site.home, NOBODY);
        give(site.database.folder(), NOBODY);
        fs::copy(PROGRAM, site.path("ttplan")).unwrap();
        let mut setpriv = Command::new("setpriv");
        let who = NOBODY.to_string();
        setpriv.args(["--reuid", &who, "--regid", &who, "--clear-groups"]).arg(site.path("ttplan"));
        setpriv.envs(&site.variables).current_dir(&site.home);
        setpriv
    } else {
        site.command(&[])
    };
    plan.args(["plan", "-o", PLAN, "--host-config", "host/host.toml"]);
    let said = Said::of(plan.output().unwrap());
    assert_eq!(said.code, 8, "{}", said.err);
    let plan = site.planned();
    let unseen = plan
        .findings
        .iter()
        .find(|finding| finding.subject.contains("more"))
        .expect("it is said nowhere");
    assert_eq!(unseen.severity, ttplan::model::diagnosis::Severity::Error, "{unseen:?}");
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o755)).unwrap();
}

fn give(path: &Path, user: u32) {
    chown(path, Some(user), Some(user)).unwrap();
    if path.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| give(&entry.unwrap().path(), user));
    }
}

on_both!(nobody_says_where_the_database_is, a_configuration_that_cannot_be_read);
