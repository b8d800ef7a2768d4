//! Whoever may write in the backup directory, and nowhere else.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::Command;

use crate::small_site::Site;

/// A site whose upgrade adds a column, whose backups lie in `app/backups`, where all may write.
fn migrated() -> (Site, PathBuf) {
    let site = Site::with("[backup]\ndirectory = \"APP/backups\"\n");
    let script = site.at("app/upgrade");
    fs::write(
        &script,
        "#!/bin/sh\nexec sqlite3 \"${DATABASE_URL#sqlite:///}\" \"ALTER TABLE users ADD name TEXT; \
         UPDATE alembic_version SET version_num = '002'\"\n",
    )
    .unwrap();
    fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).unwrap();
    let upgrade = script.display().to_string();
    for file in ["app/ttplan.toml", "host/host.toml"] {
        let text = fs::read_to_string(site.at(file)).unwrap();
        let named = text.replacen("[\"/usr/bin/true\"]", &format!("[\"{upgrade}\"]"), 1);
        assert_ne!(named, text, "{file} names another command");
        fs::write(site.at(file), named).unwrap();
    }
    fs::write(
        site.at("app/migrations/versions/002_.py"),
        "revision = '002'\ndown_revision = '001'\n\ndef upgrade():\n    op.add_column('users', sa.Column('name', sa.Text))\n",
    )
    .unwrap();
    fs::create_dir(site.at("app/backups")).unwrap();
    fs::set_permissions(site.at("app/backups"), PermissionsExt::from_mode(0o777)).unwrap();
    let plan = site.signed(&[]);
    site.apply(&plan).well();
    let found: Vec<PathBuf> =
        fs::read_dir(site.at("app/backups")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(found.len(), 1, "the backup, and nothing beside it: {found:?}");
    (site, found[0].clone())
}

fn columns(site: &Site) -> String {
    let mut client = Command::new("sqlite3");
    let client = client
        .arg(site.at("app/app.db"))
        .arg("SELECT group_concat(name) FROM pragma_table_info('users')");
    String::from_utf8(client.output().unwrap().stdout).unwrap().trim().to_owned()
}

#[test]
fn a_backup_in_a_directory_where_all_may_write_is_made_and_restored_whole() {
    let (site, backup) = migrated();
    assert_eq!(backup.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(columns(&site), "id,avatar,name");
    site.undo().well();
    assert_eq!(columns(&site), "id,avatar");
    let left = site.tree("state");
    assert!(left.keys().all(|path| !path.ends_with("restored.db")), "{left:?}");
    assert!(!left.keys().any(|path| path.to_string_lossy().contains("/in-")), "{left:?}");
}

#[test]
fn what_lies_in_a_backup_s_place_is_restored_only_where_it_is_the_backup() {
    for what in ["forged", "pipe", "link", "zero", "none", "directory", "another name of it"] {
        let (site, backup) = migrated();
        let good = site.at("app/backups/good");
        fs::rename(&backup, &good).unwrap();
        match what {
            "forged" => {
                fs::copy(&good, &backup).unwrap();
                let done = Command::new("sqlite3")
                    .arg(&backup)
                    .arg("UPDATE users SET avatar = 'forged'")
                    .status();
                assert!(done.unwrap().success());
            }
            "pipe" => {
                let mode = rustix::fs::Mode::RUSR;
                rustix::fs::mkfifoat(rustix::fs::CWD, &backup, mode).unwrap();
            }
            "link" => symlink(&good, &backup).unwrap(),
            "zero" => symlink("/dev/zero", &backup).unwrap(),
            "directory" => fs::create_dir(&backup).unwrap(),
            "another name of it" => fs::hard_link(&good, &backup).unwrap(),
            _ => {}
        }
        let said = site.undo();
        if what == "another name of it" {
            said.well();
            assert_eq!(columns(&site), "id,avatar");
        } else {
            said.refused("saved_copy_differs");
            assert_eq!(columns(&site), "id,avatar,name", "{what}");
        }
    }
}
