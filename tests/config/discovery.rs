//! What `ttplan init` makes of a directory.

use std::os::unix::fs::PermissionsExt;

use ttplan::config::{Discovery, discover};
use ttplan::model::config::Config;

use crate::parts::Place;

fn found(place: &Place) -> Discovery {
    discover(place.path()).unwrap()
}

/// The configuration that the written file settles to, in the place it was written for.
fn settled(place: &Place) -> Config {
    let text = found(place).to_toml();
    assert!(!text.contains("geheim"), "{text}");
    place.write("ttplan.toml", &text);
    match place.resolve() {
        Ok(settled) => settled.config,
        Err(error) => panic!("{error}\n{text}"),
    }
}

#[test]
fn an_empty_directory_gives_a_file_that_can_be_read() {
    let place = Place::with(&[]);
    assert_eq!(found(&place), Discovery::default());
    let config = settled(&place);
    assert_eq!((config.profile, config.revisions, config.uploads.len()), (None, None, 0));
}

#[test]
fn a_known_application_is_recognised_by_all_its_files() {
    let files = ["docker/start-fixed.py", "app/models/time_entry.py", "migrations/env.py"];
    let place = Place::with(&files.map(|name| (name, "")));
    let config = settled(&place);
    assert_eq!(config.profile.as_deref(), Some("timetracker"));
    assert_eq!(config.root.as_path(), place.path());
    assert_eq!(config.tables.core.len(), 5);
    std::fs::remove_file(place.path().join(files[0])).unwrap();
    assert_eq!(found(&place).profile, None);
}

#[test]
fn migrations_are_found_and_how_to_run_them() {
    let mut place = Place::with(&[
        (
            "migrations/alembic.ini",
            "[alembic]\nscript_location = migrations\nsqlalchemy.url = postgresql://u:geheim@h/d\n",
        ),
        ("migrations/versions/a.py", ""),
        ("requirements.txt", "Flask-Migrate==4.0.5\n"),
        (
            "Dockerfile",
            "FROM x\nENV FLASK_APP=app SECRET_KEY=geheim\nENV FLASK_APP=app\nWORKDIR /app\n",
        ),
        (
            "docker-compose.yml",
            "    - APP_DATABASE_URL=postgresql://u:geheim@db/d\n    - data:/data\n",
        ),
        (".env", "APP_DATABASE_URL=postgresql://u:geheim@db/d\nSECRET_KEY=geheim\n"),
    ]);
    let text = found(&place).to_toml();
    assert!(text.contains("# A volume in docker-compose.yml: data:/data\n"), "{text}");
    assert!(text.contains("# APP_DATABASE_URL is set in docker-compose.yml, .env.\n"), "{text}");
    assert!(text.contains("lies in /app."), "{text}");
    place.set("APP_DATABASE_URL", "postgresql://u:geheim@db/other");
    let config = settled(&place);
    assert_eq!(config.database.name, "other");
    let revisions = config.revisions.unwrap();
    assert_eq!(
        (revisions.system.as_str(), revisions.directory.as_path()),
        ("alembic", &*place.path().join("migrations/versions"))
    );
    let upgrade = revisions.upgrade.unwrap();
    assert_eq!(upgrade.command, ["flask", "db", "upgrade", "heads"]);
    assert_eq!(upgrade.env["FLASK_APP"], "app");
    assert_eq!(upgrade.url_variable.as_deref(), Some("APP_DATABASE_URL"));
}

#[test]
fn a_plain_alembic_directory_and_a_database_file_are_found() {
    let mut place = Place::with(&[
        ("alembic.ini", "[alembic]\nscript_location = %(here)s/db $x\n"),
        ("db $x/versions/a.py", ""),
        ("instance/app.db", ""),
        ("instance/b %41.db", ""),
    ]);
    place.said.environment.clear();
    let config = settled(&place);
    let revisions = config.revisions.unwrap();
    assert_eq!(revisions.directory.as_path(), place.path().join("db $x/versions"));
    assert_eq!(revisions.upgrade.unwrap().command, ["alembic", "upgrade", "heads"]);
    assert_eq!(config.database.path.unwrap().as_path(), place.path().join("instance/app.db"));
}

#[test]
fn what_cannot_be_read_is_told() {
    let place = Place::with(&[]);
    std::fs::create_dir(place.path().join(".env")).unwrap();
    assert_eq!(found(&place).unread, [".env"]);
    assert!(found(&place).to_toml().contains("Could not be read, so nothing is known of it: .env"));
    assert!(discover(&place.path().join("gone")).is_err());
    if !rustix::process::geteuid().is_root() {
        place.write("Dockerfile", "WORKDIR /app");
        std::fs::set_permissions(place.path().join("Dockerfile"), PermissionsExt::from_mode(0o000))
            .unwrap();
        assert_eq!(found(&place).unread, [".env", "Dockerfile"]);
    }
}
