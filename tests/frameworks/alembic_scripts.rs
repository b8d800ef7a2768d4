//! Alembic's scripts as a graph: which files take part, what is understood, what is not.

use std::fmt::Write as _;
use std::time::Instant;

use ttplan::frameworks;
use ttplan::frameworks::Leftover;
use ttplan::model::database::revisions::{Revisions, Script};
use ttplan::model::database::schema::{Column, Table};
use ttplan::model::names::{Digest, FilePath};
use ttplan::stores::store::ScriptFile;

use crate::real::real_data;

fn source(path: &str, content: impl AsRef<[u8]>) -> ScriptFile {
    ScriptFile { path: path.into(), content: content.as_ref().to_vec() }
}

fn read(directory: &str, sources: &[ScriptFile]) -> Revisions {
    (frameworks::by_name("alembic").unwrap().read)(&directory.into(), sources)
}

/// Reads scripts given as file name and content.
fn read_scripts(scripts: &[(&str, &str)]) -> Revisions {
    let sources: Vec<ScriptFile> = scripts
        .iter()
        .map(|(name, content)| source(&format!("versions/{name}"), content))
        .collect();
    read("/app/migrations/versions", &sources)
}

fn unread(revisions: &Revisions) -> Vec<(String, &str)> {
    revisions
        .unread
        .iter()
        .map(|unread| (unread.file.to_text().into_owned(), unread.reason.as_str()))
        .collect()
}

const FIRST: &str = "revision = 'a'\ndown_revision = None\n";

#[test]
fn a_script_becomes_a_node() {
    let content = r#"
"""  Add clients

Revision ID: 999
"""
revision: str = "062_add_clients"
down_revision: Union[str, Sequence[str], None] = (
    "060",
    '061',
    "060",
)
branch_labels = ("crm",)
depends_on = "base"

def upgrade() -> None:
    pass

def downgrade():
    op.drop_table("clients")
"#;
    let read =
        read_scripts(&[("0.py", "revision = 'base'\ndown_revision = None"), ("x.py", content)]);
    assert_eq!(unread(&read), []);
    assert_eq!(read.system, "alembic");
    assert_eq!(read.directory, "/app/migrations/versions".into());
    assert_eq!(
        read.scripts[1],
        Script {
            file: "x.py".into(),
            id: "062_add_clients".into(),
            parents: vec!["060".into(), "061".into()],
            depends_on: vec!["base".into()],
            labels: vec!["crm".into()],
            title: Some("Add clients".into()),
            empty: true,
            sha256: Digest::of(content),
        }
    );
    assert!(!read.scripts[0].empty, "without a function nothing is proved");
}

#[test]
fn a_title_is_short() {
    let long = format!("'{}'\n{FIRST}", "é".repeat(300));
    let read =
        read_scripts(&[("a.py", &long), ("b.py", "''\nrevision = 'b'\ndown_revision = 'a'")]);
    assert_eq!(read.scripts[0].title.as_ref().map(|title| title.chars().count()), Some(200));
    assert_eq!(read.scripts[1].title, None);
}

#[test]
fn only_what_alembic_loads_is_a_script() {
    let sources = [
        source("versions/a.py", FIRST),
        source("versions/.hidden.py", "revision = 'h'\ndown_revision = 'a'"),
        source("versions/.#a.py", "?"),
        source("versions/__init__.py", "?"),
        source("versions/a.sql", "?"),
        source("versions/a.pyc", "?"),
        source("versions/old/b.py", "?"),
        source("env.py", "?"),
        source("b.py", "?"),
    ];
    let files = |revisions: &Revisions| -> Vec<String> {
        revisions.scripts.iter().map(|script| script.file.to_text().into_owned()).collect()
    };
    let plain = read("/app/migrations/versions", &sources);
    assert_eq!(
        (files(&plain), unread(&plain)),
        (vec![".hidden.py".to_owned(), "a.py".to_owned()], vec![])
    );
}

#[test]
fn settings_that_lead_elsewhere_are_followed_or_reported() {
    let with = |settings: &str| {
        let sources = [
            source("alembic.ini", settings),
            source("versions/a.py", FIRST),
            source("versions/2024/b.py", "revision = 'b'\ndown_revision = 'a'"),
        ];
        read("/app/migrations/versions", &sources)
    };
    let recursive = with("[alembic]\r\nRecursive_Version_Locations = true\r\n");
    assert_eq!(recursive.heads(), ["b"]);
    assert_eq!(recursive.scripts[0].file, "2024/b.py".into());

    let usual = with(
        "[alembic]\n# version_locations = %(here)s/bar\n;sourceless = true\nsourceless = false\n[x]\nversion_locations =\n",
    );
    assert_eq!((usual.heads(), unread(&usual)), (vec!["a".to_owned()], vec![]));

    for (settings, reason) in [
        (
            "version_locations = a b",
            "`version_locations` is set: there may be scripts in other directories",
        ),
        (
            "version_locations:\n  a\n  b\n",
            "`version_locations` is set: there may be scripts in other directories",
        ),
        ("sourceless = true", "`sourceless` is set: there may be scripts without source"),
    ] {
        let read = with(settings);
        assert_eq!(unread(&read), [("../alembic.ini".to_owned(), reason)], "{settings}");
    }
}

#[test]
fn what_alembic_or_we_cannot_read_is_unread_with_the_reason() {
    for (name, content, reason) in [
        (
            "b.py",
            "revision = make()\ndown_revision = 'a'",
            "`revision` is computed at line 1, not written down",
        ),
        (
            "b.py",
            "revision = 'b'\nif x:\n  down_revision = 'a'",
            "`down_revision` is computed at line 3, not written down",
        ),
        (
            "b.py",
            "revision = 'b'\ndown_revision = 'a'\ndepends_on = f()",
            "`depends_on` is computed at line 3, not written down",
        ),
        (
            "b.py",
            "from x import *\nrevision = 'b'\ndown_revision = 'a'",
            "`depends_on` is computed at line 1, not written down",
        ),
        ("b.py", "revision = None\ndown_revision = 'a'", "`revision` is not a text"),
        ("b.py", "revision = ('b',)\ndown_revision = 'a'", "`revision` is not a text"),
        ("b.py", "revision = 'b'\ndef down_revision(): pass", "`down_revision` is not a text"),
        ("b.py", "revision = 'b-1'\ndown_revision = 'a'", "`b-1` cannot be the id of a revision"),
        ("b.py", "revision = ''\ndown_revision = 'a'", "`` cannot be the id of a revision"),
        ("b.py", "revision = 'b'", "it has no `down_revision`"),
        ("tool.py", "print('hello')", "it has no `revision`"),
        ("b.py", "revision = 'b\n", "not valid Python near line 1"),
        (
            "b.py",
            "revision = 'b'\ndown_revision = 'a'\nbranch_labels = 'a'",
            "its branch label `a` is already used by revision `a`",
        ),
        (
            "b.py",
            "revision = 'b'\ndown_revision = 'a'\nbranch_labels = 'l'",
            "its branch label `l` is already used by revision `a`",
        ),
    ] {
        let read =
            read_scripts(&[("a.py", &format!("{FIRST}branch_labels = 'l'")), (name, content)]);
        assert_eq!(unread(&read), [(name.to_owned(), reason)], "{content}");
        assert_eq!(read.scripts.len(), 1);
    }
}

#[test]
fn a_hexadecimal_file_name_is_an_id_where_none_is_written() {
    let read = read_scripts(&[
        ("ab12.py", "down_revision = None"),
        ("b.py", "revision = 'b'\ndown_revision = 'ab12'"),
    ]);
    assert_eq!((read.heads(), unread(&read)), (vec!["b".to_owned()], vec![]));
}

#[test]
fn a_dependency_may_name_a_label_and_nothing_else_may() {
    let read = read_scripts(&[
        ("a.py", "revision = 'abcdef'\ndown_revision = None\nbranch_labels = {'left'}"),
        (
            "b.py",
            "revision = 'b'\ndown_revision = None\ndepends_on = ['left', 'abcd', 'left@head']",
        ),
        ("c.py", "revision = 'c'\ndown_revision = 'left'"),
    ]);
    assert_eq!(read.scripts[1].depends_on, ["abcdef", "abcd", "left@head"]);
    assert_eq!(read.dangling(), ["abcd", "left", "left@head"]);
}

#[test]
fn the_tree_is_the_parent_of_versions_and_nothing_wider() {
    let tree = |directory: &str| (frameworks::by_name("alembic").unwrap().tree)(&directory.into());
    assert_eq!(tree("/app/migrations/versions"), "/app/migrations".into());
    assert_eq!(tree("/app/migrations/tenants"), "/app/migrations/tenants".into());
    assert_eq!(tree("/"), "/".into());
    let alone =
        read("/app/migrations/tenants", &[source("a.py", FIRST), source("versions/b.py", "?")]);
    assert_eq!((alone.heads(), unread(&alone)), (vec!["a".to_owned()], vec![]));
}

#[test]
fn the_digest_is_that_of_every_file_in_any_order() {
    let a = source("versions/a.py", FIRST);
    let env = source("env.py", "run()");
    let name = ScriptFile { path: FilePath::from_bytes(*b"\xff"), content: Vec::new() };
    let all = [a.clone(), env.clone(), name.clone()];
    let digest = frameworks::digest(&all);
    // Computed with Python's hashlib from the rule in the documentation.
    assert_eq!(
        digest.to_string(),
        "ebea13814b558f23d51a8440abef04fe2c82aee77a3db193325762dd4655bfe3"
    );
    assert_eq!(frameworks::digest(&[name.clone(), env.clone(), a.clone()]), digest);
    assert_eq!(read("/app/migrations/versions", &all).digest, Some(digest));
    for other in [
        vec![a.clone(), env.clone()],
        vec![a.clone(), source("env.py", "run( )"), name.clone()],
        vec![a, source("Env.py", "run()"), name],
    ] {
        assert_ne!(frameworks::digest(&other), digest);
    }
    assert_eq!(frameworks::digest(&[]), Digest::of(b""));
}

#[test]
fn leftovers_tell_the_table_they_copied() {
    let leftover = frameworks::by_name("alembic").unwrap().leftover;
    assert_eq!(leftover("_alembic_tmp_users"), Some(Leftover { of: "users", cut: false }));
    assert_eq!(leftover("alembic_tmp_users"), None);
    let long = "a_table_with_a_name_that_is_longer_than_others";
    let copy: String = format!("_alembic_tmp_{long}").chars().take(50).collect();
    let found = leftover(&copy).unwrap();
    assert!(found.is_copy_of(long) && !found.is_copy_of("a_table"));
    assert!(leftover("_alembic_tmp_users").unwrap().is_copy_of("users"));
    assert!(!leftover("_alembic_tmp_users").unwrap().is_copy_of("users2"));
}

#[test]
fn the_column_has_to_hold_the_longest_id() {
    let alembic = frameworks::by_name("alembic").unwrap();
    let long = read_scripts(&[(
        "a.py",
        &format!("revision = '{}'\ndown_revision = None", "é".repeat(44)),
    )]);
    assert_eq!(alembic.needed_width(&long), 44);
    assert_eq!(alembic.needed_width(&Revisions::default()), 32);
}

#[test]
fn books_of_other_tools_are_known_by_name_and_columns() {
    let table = |name: &str, columns: &[&str]| Table {
        name: name.into(),
        columns: columns
            .iter()
            .map(|name| Column { name: (*name).into(), ..Column::default() })
            .collect(),
        ..Table::default()
    };
    let tool = |name: &str, columns: &[&str]| {
        frameworks::other_tool(Some("alembic"), &table(name, columns))
    };
    assert_eq!(tool("django_migrations", &["id", "app", "name", "applied"]), Some("Django"));
    assert_eq!(
        tool("DATABASECHANGELOG", &["ID", "AUTHOR", "FILENAME", "MD5SUM"]),
        Some("Liquibase")
    );
    assert_eq!(tool("migrations", &["id", "migration", "batch"]), Some("Laravel"));
    assert_eq!(tool("migrations", &["id", "bird", "route"]), None, "a table about migrating birds");
    assert_eq!(tool("schema_migrations", &["version"]), Some("Rails or dbmate"));
    assert_eq!(tool("schema_migrations", &["version", "dirty"]), Some("golang-migrate"));
    assert_eq!(tool("alembic_version", &["version_num"]), None);
    assert_eq!(
        frameworks::other_tool(Some("django"), &table("alembic_version", &["version_num"])),
        Some("alembic")
    );
    assert_eq!(
        frameworks::other_tool(None, &table("alembic_version", &["version_num"])),
        Some("alembic")
    );
    assert_eq!(tool("users", &["version_num", "version"]), None);
    for book in frameworks::OTHER_BOOKS {
        assert_eq!(
            tool(book.table, book.columns),
            Some(book.tool),
            "{} is found by its own row",
            book.table
        );
        assert!(
            frameworks::ALL.iter().all(|framework| framework.book_table != book.table),
            "{}",
            book.table
        );
    }
}

/// The real graph, its headers written in many styles, read back. Only where `TTPLAN_REAL_DATA`
/// names its folder.
#[test]
fn the_real_graph_is_read_whatever_the_style() {
    let Some(folder) = real_data("timetracker") else { return };
    let graph = std::fs::read(folder.join("graph.json")).expect("graph.json of the real data");
    let graph: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&graph).unwrap();
    let sources: Vec<ScriptFile> = graph
        .values()
        .enumerate()
        .map(|(style, script)| {
            let file = script["file"].as_str().unwrap();
            source(&format!("versions/{file}"), header(style, script))
        })
        .collect();
    let mut milliseconds = Vec::new();
    let mut revisions = Revisions::default();
    for _ in 0..5 {
        let start = Instant::now();
        revisions = read("/app/migrations/versions", &sources);
        milliseconds.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    println!(
        "{} scripts, best of 5: {:.1} ms",
        sources.len(),
        milliseconds.iter().copied().fold(f64::INFINITY, f64::min)
    );

    assert_eq!(unread(&revisions), []);
    for script in &revisions.scripts {
        let truth = &graph[&*script.file.to_text()];
        assert_eq!(script.id, truth["revision"].as_str().unwrap());
        assert_eq!(script.parents, names(&truth["down_revision"]), "{}", script.id);
        assert_eq!(script.depends_on, names(&truth["depends_on"]));
        assert_eq!(script.labels, names(&truth["branch_labels"]));
    }
    let named = |id: &str| {
        revisions.scripts.iter().filter(|script| script.parents.iter().any(|p| p == id)).count()
    };
    let count = |rule: &dyn Fn(&Script) -> bool| {
        revisions.scripts.iter().filter(|script| rule(script)).count()
    };
    assert_eq!(revisions.scripts.len(), 177);
    assert_eq!(count(&|script| script.parents.is_empty()), 1, "roots");
    assert_eq!(revisions.heads().len(), 1);
    assert_eq!(count(&|script| script.parents.len() > 1), 4, "merges");
    assert_eq!(count(&|script| named(&script.id) > 1), 5, "branch points");
    assert_eq!(
        (revisions.duplicates(), revisions.dangling(), revisions.has_cycle()),
        (vec![], vec![], false)
    );
}

fn names(value: &serde_json::Value) -> Vec<String> {
    match value {
        serde_json::Value::String(name) => vec![name.clone()],
        serde_json::Value::Array(names) => {
            names.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
        }
        _ => Vec::new(),
    }
}

/// A script with this header in one of several styles, and a body of the usual length.
fn header(style: usize, script: &serde_json::Value) -> String {
    let quote = ["'", "\"", "'''", "\"\"\""][style % 4];
    let text = |name: &String| match style % 5 {
        0 if name.len() > 2 => format!("{quote}{}{quote} {quote}{}{quote}", &name[..2], &name[2..]),
        1 => format!("u{quote}{name}{quote}"),
        2 => format!("({quote}{name}{quote})"),
        _ => format!("{quote}{name}{quote}"),
    };
    let (open, close) = [("(", ",)"), ("[", "]"), ("(\n    ", ",\n)")][style % 3];
    let value = |names: &[String]| match names {
        [] => "None".to_owned(),
        [one] => text(one),
        many => {
            format!("{open}{}{close}", many.iter().map(text).collect::<Vec<_>>().join(",\n    "))
        }
    };
    let mut content = format!(
        "{quote}Revision {style}{quote}\nfrom alembic import op\nimport sqlalchemy as sa\n"
    );
    for name in ["revision", "down_revision", "branch_labels", "depends_on"] {
        let kind = if style.is_multiple_of(7) { ": object" } else { "" };
        let _ = writeln!(content, "{name}{kind} = {}", value(&names(&script[name])));
    }
    content.push_str("\ndef upgrade():\n");
    for column in 0..60 {
        let _ = writeln!(
            content,
            "    op.add_column('t', sa.Column('c{column}', sa.String(length=20), nullable=True))"
        );
    }
    let content = if style.is_multiple_of(6) { content.replace('\n', "\r\n") } else { content };
    if style.is_multiple_of(9) { format!("\u{feff}{content}") } else { content }
}
