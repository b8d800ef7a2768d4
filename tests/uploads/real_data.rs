//! A real application's uploads, where `TTPLAN_REAL_DATA` names the folder that has them. Their
//! index says which value comes to which file.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use ttplan::analysis::reference_resolution;
use ttplan::config::{CliOverrides, resolve};
use ttplan::live::open_to_inspect;
use ttplan::model::files::references::{ReferenceStatus, UploadsReport};
use ttplan::model::names::{Moment, Secret};

use crate::ground::postgres::PostgresDatabase;
use crate::ground::sqlite::SqliteDatabase;
use crate::ground::{Ground, TestDatabase, all};
use crate::real::real_data;

/// The upload tree as the container has it, below a directory of its own.
struct Place {
    directory: tempfile::TempDir,
    index: Value,
    database: Box<dyn TestDatabase>,
}

fn place(ground: &dyn Ground) -> Option<Place> {
    let data = real_data("timetracker")?;
    let directory = tempfile::tempdir().unwrap();
    let mut tar = Command::new("tar");
    tar.arg("-xzf").arg(data.join("uploads.tar.gz")).arg("-C").arg(directory.path());
    assert!(tar.status().unwrap().success());
    let database: Box<dyn TestDatabase> = if ground.engine().name == "sqlite" {
        Box::new(SqliteDatabase::copy_of(&data.join("sqlite/head_seeded.db")))
    } else {
        let database = PostgresDatabase::empty();
        database.database.load(&data.join("postgres/head_seeded.sql"));
        Box::new(database)
    };
    let index =
        serde_json::from_slice(&std::fs::read(data.join("uploads-index.json")).unwrap()).unwrap();
    Some(Place { directory, index, database })
}

impl Place {
    fn root(&self) -> PathBuf {
        self.directory.path().join("uploads")
    }

    fn report(&self) -> UploadsReport {
        let folder = self.root().join("data/uploads").display().to_string();
        // Absolute values of the real data begin with `/data/uploads`; here that lies elsewhere.
        let sql = format!(
            "UPDATE data_exports SET file_path = replace(file_path, '/data/uploads', '{folder}')
             WHERE file_path LIKE '/data/uploads%'"
        );
        self.database.sql(&sql);
        let said = CliOverrides {
            profile: Some("timetracker".into()),
            database_url: Some(Secret::new(self.database.access().url.reveal())),
            root: Some(self.root().join("app")),
            environment: [("UPLOAD_FOLDER".into(), folder.into())].into(),
            working_directory: self.directory.path().into(),
            ..CliOverrides::default()
        };
        let settled = resolve(&said).unwrap();
        let mut live = open_to_inspect(&settled.access).unwrap();
        let wishes = ttplan::inspect::InspectOptions {
            made_by: "test".into(),
            made_at: Moment::EPOCH,
            database: true,
            search: String::new(),
            catalogue: None,
            offline: None,
            host: None,
        };
        let seen = ttplan::inspect::inspect(&settled.config, live.as_mut(), &wishes).unwrap();
        reference_resolution::report(&seen.facts)
    }

    fn relative(&self, path: &Path) -> String {
        path.strip_prefix(self.root()).unwrap().display().to_string()
    }
}

#[test]
fn every_reference_and_every_orphan_is_told_right_on_every_engine() {
    for ground in all() {
        let Some(place) = place(ground.as_ref()) else { return };
        println!("{}:", ground.engine().name);
        println!("{}", everything_is_told_right(&place));
    }
}

/// Tells how much of it there was.
fn everything_is_told_right(place: &Place) -> String {
    let report = place.report();
    let folder = place.root().join("data/uploads").display().to_string();
    let found: BTreeSet<(String, String, String, String, Option<String>)> = report
        .references
        .iter()
        .map(|one| {
            let status = match one.status {
                ReferenceStatus::Misplaced => "old-location",
                ReferenceStatus::Missing => "dangling",
                other => other.word(),
            };
            let at = one.found_at.as_ref().map(|path| place.relative(path.as_path()));
            let value = one.value.replace(&folder, "/data/uploads");
            (one.table.clone(), one.column.clone(), value, status.to_owned(), at)
        })
        .collect();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let known: BTreeSet<_> = place.index["references"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let at = one["file"].as_str().map(str::to_owned);
            (
                text(&one["table"]),
                text(&one["column"]),
                text(&one["stored"]),
                text(&one["status"]),
                at,
            )
        })
        .collect();
    assert_eq!(found, known);
    assert_eq!(report.references.len(), known.len());

    let found: BTreeSet<String> = report
        .unused
        .iter()
        .map(|one| place.relative(one.root.join(&one.path).as_path()))
        .collect();
    let known: BTreeSet<String> =
        place.index["orphans"].as_array().unwrap().iter().map(text).collect();
    assert_eq!(found, known);
    assert_eq!(report.unused.len(), known.len());

    let conflicts: Vec<String> = report
        .conflicts
        .iter()
        .map(|one| place.relative(one.from.join(&one.path).as_path()))
        .collect();
    let known: Vec<String> = place.index["conflicts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|conflict| text(&conflict["old"]))
        .collect();
    assert_eq!(conflicts, known);
    format!("{} references and {} orphans told right", report.references.len(), report.unused.len())
}
