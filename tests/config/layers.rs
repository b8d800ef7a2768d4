//! Where the pieces of a configuration come from and which of them wins.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use ttplan::config::settle_for;
use ttplan::model::config::{OnConflict, Unexpected, Wait};
use ttplan::model::files::references::Form;
use ttplan::model::names::{FilePath, Secret};

use crate::parts::{ENGINES, Place};

/// The example of the design, with everything in it.
const WHOLE: &str = r#"
version = 1
profile = "timetracker"            # or a path to a profile of one's own
site = "prod"

[app]
root = "/srv/app"

[database]
url = "${DATABASE_URL}"
wait = { attempts = 3, delay = "1s", timeout = "1h30m" }

[revisions]
system = "alembic"
directory = "migrations/versions"
target = "head"
[revisions.upgrade]
command = ["flask", "db", "upgrade", "heads"]
check = ["flask", "--version"]
directory = "src"
env = { FLASK_APP = "app", TT_BOOTSTRAP_MODE = "migrate", DB_PASSWORD = "${DB_PASSWORD}", PRICE = "$$5" }
url_variable = "DATABASE_URL"
timeout = "20m"

[tables]
core = { users = ["username", "role"], projects = ["name", "status"] }
unexpected = "quarantine"
unexpected_on_sqlite = "drop"
keep = ["audit"]

[[tables.legacy]]
name = "old"
tables = { projects = ["client"], settings = [] }
absent = ["clients"]

[[uploads]]
name = "avatars"
from = ["app/static/uploads/avatars", "../old"]
to = "${UPLOAD_FOLDER:-/data/uploads}/avatars"
on_conflict = "keep_destination"
mode = "644"
owner = "1000:1000"
references = [{ table = "users", column = "avatar_filename", form = "name" }]

[[uploads]]
name = "exports"
to = "/data/exports"
references = [
    { table = "exports", column = "path", form = "absolute" },
    { table = "exports", column = "thumb", form = "prefixed", prefix = "thumbs/" },
]

[cleanup]
at_start = false
variable = "SKIP"

[backup]
directory = "/data/backups"
keep = 7
"#;

#[test]
fn the_whole_of_a_file_is_settled() {
    let place = Place::of(WHOLE);
    let settled = place.settled();
    let config = settled.config;
    assert_eq!(settled.file, Some(FilePath::new(place.path().join("ttplan.toml"))));
    assert_eq!(
        (config.profile.as_deref(), config.site.as_deref()),
        (Some("timetracker"), Some("prod"))
    );
    assert_eq!(config.root, "/srv/app".into());
    assert_eq!(config.database.engine, "postgres");
    assert_eq!(
        config.database.wait,
        Wait { attempts: 3, delay_seconds: 1, timeout_seconds: 5_400 }
    );

    let revisions = config.revisions.unwrap();
    assert_eq!(revisions.directory, "/srv/app/migrations/versions".into());
    assert_eq!(revisions.target, ["head"]);
    let upgrade = revisions.upgrade.unwrap();
    assert_eq!(upgrade.command, ["flask", "db", "upgrade", "heads"]);
    assert_eq!(upgrade.directory, "/srv/app/src".into());
    assert_eq!((upgrade.pass, upgrade.env.get("DB_PASSWORD")), (vec!["DB_PASSWORD".into()], None));
    assert_eq!(upgrade.env["PRICE"], "$5");
    assert_eq!(upgrade.timeout_seconds, 1_200);

    // Tables merge key by key, so the profile's other core tables are still there.
    assert_eq!(config.tables.core.len(), 5);
    assert_eq!(config.tables.core["users"], ["username", "role"]);
    assert_eq!(config.tables.unexpected, Unexpected::Quarantine);
    assert_eq!(config.tables.unexpected_on(true), Unexpected::Drop);
    assert_eq!(config.tables.keep, ["audit"]);
    let names: Vec<_> = config.tables.legacy.iter().map(|legacy| legacy.name.as_str()).collect();
    assert_eq!(names, ["before-migrations", "old"]);
    assert_eq!(config.tables.legacy[1].absent, ["clients"]);
    assert!(config.tables.legacy[1].tables["settings"].is_empty());

    let names: Vec<_> = config.uploads.iter().map(|upload| upload.name.as_str()).collect();
    assert_eq!(names, ["avatars", "receipts", "logos", "static", "attachments", "data", "exports"]);
    let avatars = &config.uploads[0];
    assert_eq!(avatars.from, ["/srv/app/app/static/uploads/avatars".into(), "/srv/old".into()]);
    assert_eq!(avatars.to, "/data/uploads/avatars".into());
    assert_eq!(avatars.on_conflict, OnConflict::KeepDestination);
    assert_eq!(
        (avatars.mode.as_deref(), avatars.owner.as_deref()),
        (Some("0644"), Some("1000:1000"))
    );
    assert_eq!(avatars.references[0].form, Form::Name);
    assert_eq!(config.uploads[6].references[1].prefix.as_deref(), Some("thumbs/"));

    assert_eq!(
        (config.cleanup.at_start, config.cleanup.variable.as_deref()),
        (false, Some("SKIP"))
    );
    assert_eq!((config.backup.directory, config.backup.keep), (Some("/data/backups".into()), 7));
}

#[test]
fn a_url_and_a_profile_suffice() {
    let mut place = Place::with(&[]);
    place.said.profile = Some("timetracker".into());
    let settled = place.settled();
    let config = settled.config;
    assert_eq!(settled.file, None);
    assert_eq!(config.root, "/app".into());
    assert_eq!(config.revisions.as_ref().unwrap().target, ["heads"]);
    let core: Vec<_> = config.tables.core.keys().map(String::as_str).collect();
    assert_eq!(core, ["clients", "projects", "settings", "time_entries", "users"]);
    assert_eq!(config.tables.unexpected_on(false), Unexpected::Drop);
    assert_eq!(config.tables.unexpected_on(true), Unexpected::Keep);
    assert_eq!(config.tables.legacy[0].tables["projects"], ["client"]);
    assert_eq!(config.uploads[0].from, ["/app/app/static/uploads/avatars".into()]);
    assert_eq!(config.uploads[1].from, ["/app/uploads/receipts".into()]);
    assert_eq!(config.uploads[1].to, "/data/uploads/receipts".into());
    assert!(config.cleanup.at_start && !config.cleanup.skip);

    place.set("UPLOAD_FOLDER", "/app/uploads");
    let receipts = &place.settled().config.uploads[1];
    assert_eq!(
        (receipts.to.clone(), receipts.from.len()),
        ("/app/uploads/receipts".into(), 0),
        "they lie where they belong"
    );
}

#[test]
fn a_url_alone_suffices_and_everything_else_has_a_default() {
    let place = Place::with(&[]);
    let config = place.settled().config;
    assert_eq!(config.root, FilePath::new(place.path()));
    assert_eq!(config.database.wait, Wait { attempts: 30, delay_seconds: 2, timeout_seconds: 60 });
    assert_eq!(config.tables.unexpected_on(false), Unexpected::Keep);
    assert_eq!((config.revisions, config.profile, config.backup.keep), (None, None, 5));
}

#[test]
fn flags_win_over_the_file_and_the_file_over_the_profile() {
    let mut place = Place::of(
        "version = 1\nprofile = 'timetracker'\nsite = '${UNSET}'\n[app]\nroot = '${UNSET}'\n[database]\nurl = '${UNSET}'\n[revisions]\ntarget = ['a', 'b']",
    );
    place.said.site = Some("staging".into());
    place.said.root = Some("app".into());
    place.said.database_url = Some(Secret::new("sqlite:///x.db"));
    let config = place.settled().config;
    let root = FilePath::new(place.path().join("app"));
    assert_eq!((config.site.as_deref(), &config.root), (Some("staging"), &root));
    assert_eq!(config.database.path, Some(root.join(&"x.db".into())));
    assert_eq!(config.revisions.unwrap().target, ["a", "b"]);

    place.said.profile = Some("./own.toml".into());
    place.write("own.toml", "version = 1\n[revisions]\nsystem = 's'\ndirectory = 'd'");
    assert_eq!(place.settled().config.revisions.unwrap().system, "s");
    place.said.site = None;
    assert!(place.error().message().contains("`UNSET`"));
}

#[test]
fn a_file_is_found_upward_and_its_paths_are_relative_to_itself() {
    let mut place = Place::with(&[
        (
            "ttplan.toml",
            "version = 1\nprofile = 'profiles/own.toml'\n[backup]\ndirectory = '${D:-backups}'",
        ),
        (
            "profiles/own.toml",
            "version = 1\n[backup]\nkeep = 1\ndirectory = 'x'\n[app]\nroot = 'src'",
        ),
        ("a/b/c.txt", ""),
        ("other/x.toml", "version = 1"),
    ]);
    let top = place.path().to_owned();
    place.said.working_directory = top.join("a/b");
    let settled = place.settled();
    assert_eq!(settled.file, Some(FilePath::new(top.join("ttplan.toml"))));
    assert_eq!(settled.config.root, FilePath::new(top.join("src")));
    assert_eq!(settled.config.backup.directory, Some(FilePath::new(top.join("src/backups"))));
    assert_eq!(settled.config.backup.keep, 1);
    assert_eq!(settled.config.profile.as_deref(), Some("profiles/own.toml"));

    place.said.config_file = Some("../../other/x.toml".into());
    assert_eq!(place.settled().config.root, FilePath::new(top.join("other")));
}

#[test]
fn a_relative_sqlite_file_lies_where_the_upgrade_runs() {
    let mut place = Place::of(
        "version = 1\n[revisions]\nsystem = 's'\ndirectory = 'm'\n[revisions.upgrade]\ncommand = ['x']\ndirectory = 'run'\nurl_variable = 'OTHER_URL'",
    );
    place.set("OTHER_URL", "sqlite:///data/../x.db");
    let access = place.settled().access;
    assert_eq!(access.database.path, Some(FilePath::new(place.path().join("run/x.db"))));
    assert_eq!(
        (access.database.name.as_str(), access.url.reveal()),
        ("x.db", "sqlite:///data/../x.db")
    );
    place.set("OTHER_URL", "sqlite:////data/x.db");
    assert_eq!(place.settled().access.database.path, Some("/data/x.db".into()));
}

#[test]
fn the_cleanup_variable_counts_when_it_is_true() {
    for (value, skip) in [
        ("1", true),
        ("TRUE", true),
        ("yes", true),
        (" On ", true),
        ("0", false),
        ("false", false),
        ("", false),
        ("2", false),
    ] {
        let mut place = Place::of("version = 1\n[cleanup]\nat_start = true\nvariable = 'SKIP_IT'");
        assert!(!place.settled().config.cleanup.skip);
        place.set("SKIP_IT", value);
        assert_eq!(place.settled().config.cleanup.skip, skip, "{value}");
    }
}

#[test]
fn no_secret_gets_into_the_configuration() {
    let mut place = Place::of(WHOLE);
    place.set("DB_PASSWORD", "sehr-geheim");
    let settled = place.settled();
    let written = serde_json::to_string(&settled.config).unwrap();
    assert!(!written.contains("geheim"), "{written}");
    assert!(!format!("{settled:?}").contains("geheim"));
    assert_eq!(settled.access.password.unwrap().reveal(), "geheim");
}

#[test]
fn directories_need_not_be_text() {
    let mut place = Place::with(&[]);
    let odd = place.path().join(OsString::from_vec(b"caf\xe9".to_vec()));
    std::fs::create_dir(&odd).unwrap();
    std::fs::write(odd.join("ttplan.toml"), "version = 1\n[backup]\ndirectory = 'b'").unwrap();
    place.said.working_directory = odd.clone();
    let config = settle_for(&place.said, ENGINES).unwrap().config;
    assert_eq!(config.backup.directory, Some(FilePath::new(odd.join("b"))));
}
