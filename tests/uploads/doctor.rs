//! What the doctor says of a whole site, on every engine.

use crate::ground::all;
use crate::site::{Site, told};

const STATEMENTS: &str = "CREATE TABLE documents (id INTEGER PRIMARY KEY, path TEXT)";

#[test]
fn a_sound_site_is_fit_and_is_left_as_it_was() {
    for ground in all() {
        let site = Site::new(ground.as_ref(), STATEMENTS, "");
        let before = site.database.dump();
        let visit = site.run(&["doctor", "--format", "json"]);
        assert_eq!(visit.status.code(), Some(0), "{}", told(&visit));
        let health: serde_json::Value = serde_json::from_slice(&visit.stdout).unwrap();
        let lines = health["lines"].as_array().unwrap();
        for check in ["database", "program", "uploads", "writing"] {
            assert!(
                lines.iter().any(|line| line["check"] == check),
                "{check} is missing: {health}"
            );
        }
        let said = told(&visit);
        let expected =
            if ground.engine().name == "postgres" { "(CREATE)" } else { "can be written" };
        assert!(said.contains(expected), "{said}");
        assert_eq!(std::fs::read_dir(site.at("new")).unwrap().count(), 0);
        assert_eq!(site.database.dump(), before);
    }
}

#[test]
fn what_is_amiss_is_told_with_its_mend() {
    for ground in all() {
        let site = Site::new(
            ground.as_ref(),
            STATEMENTS,
            "{ table = 'documents', column = 'path', form = 'name' }",
        );
        site.database.sql("INSERT INTO documents VALUES (1, 'gone.png')");
        std::fs::remove_dir(site.at("old")).unwrap();
        site.write(
            "docker-compose.yml",
            "services:\n  app:\n    volumes:\n      - data:/elsewhere\n",
        );
        let visit = site.run(&["doctor"]);
        let said = told(&visit);
        assert_eq!(visit.status.code(), Some(1), "{said}");
        assert!(
            said.contains("docker cp CONTAINER:") && said.contains("mounts nothing at or above"),
            "{said}"
        );
    }
}

#[test]
fn compose_files_are_held_against_what_is_known_of_the_site() {
    let ground = all().pop().unwrap();
    let site = Site::new(ground.as_ref(), STATEMENTS, "");
    let configuration = std::fs::read_to_string(site.at("ttplan.toml")).unwrap().replace(
        "[tables.core]",
        "[revisions.releases]\n'1.0' = ['001']\n[cleanup]\nat_start = true\nvariable = 'SKIP_IT'\n[tables.core]",
    );
    site.write("ttplan.toml", &configuration);
    let folder = site.at("new").display().to_string();
    let compose = |image: &str, environment: &str| {
        let text = format!(
            "services:\n  web:\n    image: {image}\n    environment:\n      - DATABASE_URL=x\n{environment}    volumes:\n      - files:{folder}\n"
        );
        site.write("compose.yaml", &text);
        told(&site.run(&["doctor"]))
    };
    let said = compose("shop:1.0", "      - SKIP_IT=true\n");
    for expected in [
        "`web` mounts `files` at",
        "which is what the database records: 001",
        "is started with `SKIP_IT=true`",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    let said = compose("shop:latest", "");
    for expected in ["names no release", "is unknown", "is started without `SKIP_IT`"] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
}

#[test]
fn a_role_without_privileges_is_told_what_grants_them() {
    let ground = all().remove(0);
    let site = Site::new(ground.as_ref(), STATEMENTS, "");
    let role = format!("visitor_{}", std::process::id());
    site.database
        .sql(&format!("CREATE ROLE {role} LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC;"));
    let url = site.database.access().url.reveal().to_owned();
    let at = url.find('@').unwrap();
    let visit = site.run_at(&format!("postgresql://{role}{}", &url[at..]), &["doctor"]);
    site.database.sql(&format!("DROP ROLE {role}"));
    let said = told(&visit);
    assert_eq!(visit.status.code(), Some(1), "{said}");
    for grant in [
        "GRANT CREATE ON SCHEMA public TO",
        "REASSIGN OWNED BY",
        "GRANT ALL ON ALL TABLES IN SCHEMA",
    ] {
        assert!(said.contains(grant), "{said}");
    }
}

#[test]
fn a_database_that_cannot_be_reached_is_a_failure_and_the_rest_is_told_all_the_same() {
    let ground = all().remove(0);
    let site = Site::new(ground.as_ref(), STATEMENTS, "");
    let visit = site.run_at("postgresql://nobody@127.0.0.1:1/none", &["doctor"]);
    let said = told(&visit);
    assert_eq!(visit.status.code(), Some(1), "{said}");
    assert!(said.contains("failure database") && said.contains("writing"), "{said}");
}
