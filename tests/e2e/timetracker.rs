//! Sites on the data of a real application. Its migration program is played by a script that loads
//! what the real one made; its migration scripts are laid from their headers alone.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use crate::ground::postgres::PostgresDatabase;
use crate::ground::sqlite::SqliteDatabase;
use crate::ground::{Ground, TestDatabase};
use crate::real::real_data;
use crate::site::Site;

/// Where the data lies, if it lies anywhere.
pub fn folder() -> Option<PathBuf> {
    real_data("timetracker")
}

pub fn json(folder: &Path, name: &str) -> Json {
    serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap()
}

/// The file of a case; some cases are of one engine only.
fn file_of(folder: &Path, engine: &str, case: &str) -> PathBuf {
    let ending = if engine == "sqlite" { "db" } else { "sql" };
    folder.join(format!("{engine}/{case}.{ending}"))
}

/// Whether there is such a case on the engine.
pub fn holds(folder: &Path, engine: &str, case: &str) -> bool {
    file_of(folder, engine, case).exists()
}

/// The site of one case.
pub fn site(folder: &Path, ground: &dyn Ground, case: &str) -> Site {
    let file = file_of(folder, ground.engine().name, case);
    let database: Box<dyn TestDatabase> = if ground.engine().name == "sqlite" {
        Box::new(SqliteDatabase::copy_of(&file))
    } else {
        let database = PostgresDatabase::empty();
        database.database.load(&file);
        Box::new(database)
    };
    let mut site = Site::bare(database);
    site.put(
        "ttplan.toml",
        "version = 1\nprofile = \"timetracker\"\nsite = \"prod\"\n[app]\nroot = \"app\"\n",
    );
    site.variables.insert("UPLOAD_FOLDER".into(), site.path("data/uploads").into());
    lay_scripts(folder, &site);
    let flask = site.path("bin/flask");
    let head = match ground.engine().name {
        "sqlite" => format!("sqlite3 '{}' .dump", folder.join("sqlite/head_seeded.db").display()),
        _ => format!("cat '{}'", folder.join("postgres/head_seeded.sql").display()),
    };
    site.put("bin/flask", &FLASK.replace("HEAD", &head));
    std::fs::set_permissions(&flask, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut places = vec![site.path("bin")];
    places.extend(std::env::split_paths(&site.variables["PATH"]));
    site.variables.insert("PATH".into(), std::env::join_paths(places).unwrap());
    let flask = flask.display();
    site.trust(&[&format!("{flask} db upgrade heads"), &format!("{flask} --version")]);
    site.wait_for_silence();
    site
}

const FLASK: &str = r#"#!/bin/sh
set -eu
case "$*" in
    --version) echo "Flask 3.0" ;;
    "db upgrade heads")
        [ "$FLASK_APP" = app ]
        case $DATABASE_URL in
            sqlite:///*) HEAD | sqlite3 -batch -bail "${DATABASE_URL#sqlite:///}" ;;
            *) HEAD | psql -X -q -v ON_ERROR_STOP=1 -d "$DATABASE_URL" -f - > /dev/null ;;
        esac ;;
    *) exit 64 ;;
esac
"#;

/// The migration scripts as far as their headers say; each of them changes something.
fn lay_scripts(folder: &Path, site: &Site) {
    for (file, script) in json(folder, "graph.json").as_object().unwrap() {
        let mut text = format!("\"\"\"{}\"\"\"\n", script["doc_rev"].as_str().unwrap_or("no docs"));
        for name in ["revision", "down_revision", "branch_labels", "depends_on"] {
            text += &format!("{name} = {}\n", python(&script[name]));
        }
        text +=
            "\n\ndef upgrade():\n    op.execute(\"SELECT 1\")\n\n\ndef downgrade():\n    pass\n";
        site.put(&format!("app/migrations/versions/{file}"), &text);
    }
    site.put("app/migrations/env.py", "from alembic import context\n");
}

fn python(value: &Json) -> String {
    match value {
        Json::Null => "None".into(),
        Json::Array(items) => {
            format!("({},)", items.iter().map(python).collect::<Vec<_>>().join(", "))
        }
        text => text.to_string(),
    }
}
