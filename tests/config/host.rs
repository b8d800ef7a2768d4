//! `host.toml`: read strictly, and believed only when it is the host's own.

use std::os::unix::fs::{PermissionsExt, chown, symlink};

use ttplan::config::{check_ownership, check_together, host};
use ttplan::error::{Error, Kind, TextPosition as At};
use ttplan::model::host::{HostConfig, Observations, Policy, Unattended};

use crate::parts::Place;

const WHOLE: &str = r#"
version = 1
site = "prod"
environment = "production"
roots = ["/app", "/data"]
profile = "timetracker"
[commands.upgrade]
argv = ["/opt/venv/bin/flask", "db", "upgrade", "{revision}"]
directory = "/app"
env = { LD_PRELOAD = "/usr/lib/jemalloc.so", URL = "{url}" }
pass = ["SECRET_KEY", "DATABASE_URL", "SECRET_KEY"]
url_variable = "DATABASE_URL"
timeout = "15m"
lock_timeout = "5s"
[commands.check]
argv = ["/opt/venv/bin/flask", "--version"]
directory = "/app"
[programs]
pg_dump = "/usr/lib/postgresql/16/bin/pg_dump"
pg_restore = "/usr/lib/postgresql/16/bin/pg_restore"
[variables]
public = ["CI_JOB_TOKEN_NAME"]
[start]
unattended = ["fresh_init", "move_files"]
[state]
directory = "/data/ttplan"
[trust]
allowed_signers = "/etc/ttplan/allowed_signers"
revoked_keys = "/etc/ttplan/revoked"
catalogues = ["/etc/ttplan/shop.json"]
separate_author = true
required = 2
required_for_destructive = 3
roles_for_destructive = ["dba"]
[trust.roles]
dba = ["ada", "bob"]
[trust.observations]
required = 2
max_age = "2h"
[policy]
allow_unsigned = true
forbid_destructive = true
break_glass = true
prove_backup = true
minimum_format = "1.2"
"#;

const LEAST: &str = "site = 'a'\nstate.directory = '/s'\ntrust.allowed_signers = '/t'\n";

fn place(text: &str) -> Place {
    let mut place = Place::with(&[("etc/host.toml", text)]);
    place.said.host_config = Some("etc/host.toml".into());
    mode(&place, "etc/host.toml", 0o644);
    mode(&place, "etc", 0o755);
    place
}

fn mode(place: &Place, name: &str, mode: u32) {
    std::fs::set_permissions(place.path().join(name), PermissionsExt::from_mode(mode)).unwrap();
}

fn site(text: &str) -> HostConfig {
    host(&place(text).said).unwrap().unwrap()
}

fn refusal(place: &Place) -> Error {
    host(&place.said).unwrap_err()
}

#[test]
fn the_whole_of_it_is_read() {
    let site = site(WHOLE);
    assert_eq!((site.name.as_str(), site.environment.as_deref()), ("prod", Some("production")));
    assert_eq!(site.roots, ["/app".into(), "/data".into()]);
    let upgrade = &site.commands["upgrade"];
    assert_eq!(upgrade.argv, ["/opt/venv/bin/flask", "db", "upgrade", "{revision}"]);
    assert_eq!(upgrade.directory, "/app".into());
    assert_eq!(upgrade.env["LD_PRELOAD"], "/usr/lib/jemalloc.so");
    assert_eq!(upgrade.pass, ["DATABASE_URL", "SECRET_KEY"]);
    assert_eq!(upgrade.url_variable.as_deref(), Some("DATABASE_URL"));
    assert_eq!((upgrade.timeout_seconds, upgrade.lock_timeout_seconds), (Some(900), Some(5)));
    let check = &site.commands["check"];
    assert!(check.env.is_empty() && check.pass.is_empty() && check.timeout_seconds.is_none());
    assert_eq!(site.programs.pg_dump, Some("/usr/lib/postgresql/16/bin/pg_dump".into()));
    assert_eq!(site.public_variables, ["CI_JOB_TOKEN_NAME"]);
    assert_eq!(site.unattended, [Unattended::FreshInit, Unattended::MoveFiles]);
    let profile = site.profile.as_ref().unwrap();
    assert_eq!(profile.version_table.as_ref().unwrap().table, "alembic_version");
    assert!(profile.columns.iter().any(|one| one.column == "avatar_filename"));
    assert_eq!(site.state, "/data/ttplan".into());
    assert_eq!(site.trust.allowed_signers, "/etc/ttplan/allowed_signers".into());
    assert_eq!(site.trust.revoked_keys, Some("/etc/ttplan/revoked".into()));
    assert_eq!(site.trust.catalogues, ["/etc/ttplan/shop.json".into()]);
    assert!(site.trust.separate_author);
    assert_eq!((site.trust.required, site.trust.required_for_destructive), (2, 3));
    assert_eq!(site.trust.roles_for_destructive, ["dba"]);
    assert_eq!(site.trust.roles["dba"], ["ada", "bob"]);
    assert_eq!(site.trust.observations, Some(Observations { required: 2, max_age: Some(7200) }));
    let minimum_format = Some((1, 2));
    let policy = Policy {
        allow_unsigned: true,
        forbid_destructive: true,
        break_glass: true,
        prove_backup: true,
        minimum_format,
    };
    assert_eq!(site.policy, policy);
    assert!(site.file.to_text().ends_with("/etc/host.toml"));
}

#[test]
fn what_is_not_said_is_the_strictest() {
    let site = site(LEAST);
    assert!(site.roots.is_empty() && site.commands.is_empty());
    assert_eq!((site.trust.required, site.trust.required_for_destructive), (1, 1));
    assert_eq!(site.policy, Policy::default());
    assert_eq!(self::site(&format!("{LEAST}trust.required = 3")).trust.required_for_destructive, 3);
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let mut place = Place::with(&[]);
    place.said.host_config = Some("gone.toml".into());
    assert_eq!(refusal(&place).kind(), Kind::Config);
}

#[test]
fn every_mistake_is_shown_where_it_was_made() {
    for (text, at, message) in [
        ("sit = 'a'\n", (1, 1), "`sit` is not known"),
        ("start.unattended = ['drop_table']\n", (1, 21), "expected one of `fresh_init`"),
        ("profile = 'nobody'\n", (1, 11), "no profile `nobody`"),
        ("programs = {pg_dump = 'x', pg_restore = '/x'}\n", (1, 23), "absolute"),
        ("variables.public = ['A B']\n", (1, 21), "the name of a variable"),
        ("version = 2\nx = 1\n", (1, 11), "not version 2"),
        ("roots = ['/data', 'app']\n", (1, 19), "absolute"),
        ("roots = ['/data/../etc']\n", (1, 10), "absolute"),
        ("roots = ['/data/']\n", (1, 10), "absolute"),
        ("roots = ['s3://b']\n", (1, 10), "only directories"),
        ("commands = [['x']]\n", (1, 12), "expected a table"),
        (
            "commands.x = {argv = ['x'], directory = '/'}\n",
            (1, 22),
            "begins with the absolute path",
        ),
        ("commands.x = {argv = [], directory = '/'}\n", (1, 22), "begins with the absolute path"),
        ("commands.x = {argv = ['/x']}\n", (1, 14), "`directory` is missing"),
        ("commands.'a b' = {argv = ['/x'], directory = '/'}\n", (1, 10), "letters, digits"),
        (
            "commands.x = {argv = ['/x'], directory = '/', pass = ['A-B']}\n",
            (1, 55),
            "name of a var",
        ),
        (
            "commands.x = {argv = ['/x'], directory = '/', pass = ['TTPLAN_SIGNING_KEY']}\n",
            (1, 55),
            "ttplan's own",
        ),
        (
            "commands.x = {argv = ['/x'], directory = '/', env = {DB_PASSWORD = 'pw'}}\n",
            (1, 68),
            "a plan would show this secret",
        ),
        ("commands.x = {argv = ['/x', '--password=pw'], directory = '/'}\n", (1, 29), "password"),
        ("environment = '${HOME}'\n", (1, 15), "no variables"),
        ("policy.minimum_format = '1'\n", (1, 25), "two numbers"),
        ("trust.roles_for_destructive = ['dba']\n", (1, 32), "nobody has this role"),
        ("[trust]\nrequired = 0\n", (2, 12), "a whole number above zero"),
        ("policy = {allow_unsigend = true}\n", (1, 11), "`allow_unsigend` is not known"),
    ] {
        let head = if text.starts_with('[') { String::new() } else { LEAST.to_owned() };
        let tail = if head.is_empty() {
            LEAST.replace("trust.allowed_signers = '/t'\n", "")
        } else {
            String::new()
        };
        let error = refusal(&place(&format!("{text}{head}{tail}")));
        assert_eq!(error.place().map(At::line_column), Some(at), "{text}{error}");
        assert!(error.message().contains(message), "{text}{error}");
    }
    let fewer = format!("{LEAST}trust.required = 2\ntrust.required_for_destructive = 1\n");
    assert_eq!(refusal(&place(&fewer)).place().unwrap().line_column(), (5, 34));
    assert!(
        refusal(&place("site = 'a'\nstate.directory = '/s'"))
            .message()
            .contains("`trust` is missing")
    );
}

#[test]
fn a_file_that_others_could_have_written_is_not_believed() {
    let place = place(LEAST);
    let cases = [
        ("etc/host.toml", 0o664, 0o644),
        ("etc/host.toml", 0o646, 0o644),
        ("etc", 0o775, 0o755),
        ("etc", 0o757, 0o755),
    ];
    for (name, bad, good) in cases {
        mode(&place, name, bad);
        let error = refusal(&place);
        assert_eq!(error.kind(), Kind::Refused, "{name} {bad:o}");
        assert!(error.hints()[0].starts_with("chmod go-w /"), "{:?}", error.hints());
        mode(&place, name, good);
        assert!(host(&place.said).is_ok(), "{name}");
    }
    // A directory further up could be replaced as well.
    mode(&place, ".", 0o777);
    assert_eq!(refusal(&place).kind(), Kind::Refused);
    mode(&place, ".", 0o700);
    assert!(host(&place.said).is_ok());
}

#[test]
fn a_sticky_directory_is_safe_only_when_it_is_roots() {
    let place = place(LEAST);
    mode(&place, "etc", 0o1777);
    assert_eq!(host(&place.said).is_ok(), rustix::process::geteuid().is_root());
}

#[test]
fn a_symbolic_link_anywhere_on_the_way_is_refused() {
    let mut place = place(LEAST);
    symlink(place.path().join("etc/host.toml"), place.path().join("etc/link.toml")).unwrap();
    symlink(place.path().join("etc"), place.path().join("way")).unwrap();
    for name in ["etc/link.toml", "way/host.toml"] {
        place.said.host_config = Some(name.into());
        let error = refusal(&place);
        assert_eq!(error.kind(), Kind::Refused);
        assert!(error.hints()[0].ends_with("/etc/host.toml`"), "{:?}", error.hints());
    }
    let error = check_ownership(&place.path().join("etc")).unwrap_err();
    assert!(error.message().contains("not a plain file"), "{error}");
}

#[test]
fn a_strangers_file_is_not_believed() {
    if !rustix::process::geteuid().is_root() {
        println!("only root can give a file away: not tested");
        return;
    }
    let place = place(LEAST);
    for name in ["etc/host.toml", "etc"] {
        chown(place.path().join(name), Some(12_345), None).unwrap();
        let error = refusal(&place);
        assert_eq!(error.kind(), Kind::Refused);
        assert!(error.message().contains("belongs to user 12345"), "{error}");
        chown(place.path().join(name), Some(0), None).unwrap();
    }
}

#[test]
fn state_and_uploads_lie_apart() {
    for (state, apart) in [
        ("/data/ttplan", true),
        ("/data/uploadsx", true),
        ("/data/uploads", false),
        ("/data/uploads/ttplan", false),
        ("/old/state", false),
        ("/data", false),
        ("/", false),
    ] {
        let upload = "version = 1\n[[uploads]]\nname = 'a'\nfrom = ['/old']\nto = '/data/uploads'";
        let config = Place::of(upload).settled().config;
        let site = site(&LEAST.replace("'/s'", &format!("'{state}'")));
        assert_eq!(check_together(&config, &site).is_ok(), apart, "{state}");
    }
}
