//! Rewriting references, there and back, on every engine.

use crate::ground::{Ground, all};
use crate::site::{Site, told};

const REFERENCES: &str = "{ table = 'documents', column = 'path', form = 'absolute' },
    { table = 'documents', column = 'body', form = 'text', prefix = '/media/', formerly = ['/uploads/'] },
    { table = 'documents', column = 'data', form = 'json', prefix = '/media/', formerly = ['/uploads/'] }";

/// Whatever must not change stands in here too.
fn statements(ground: &dyn Ground) -> String {
    let json = if ground.engine().name == "postgres" { "jsonb" } else { "TEXT" };
    format!(
        r#"CREATE TABLE documents (id INTEGER PRIMARY KEY, path TEXT, body TEXT, data {json}, note TEXT);
        INSERT INTO documents VALUES
            (1, '{{folder}}/old/a.png', '![a](/uploads/a.png) it''s \ 100% &lt;', '{{"a": "/uploads/a.png", "n": 1}}', 'x'),
            (2, '{{folder}}/new/b.png', 'x /static/uploads/b.png &#47;uploads&#47;b.png', '{{"u": "/media/b.png"}}', NULL),
            (3, '', '%2Fuploads%2Fa.png and \/uploads\/b.png?x', NULL, '/uploads/a.png'),
            (4, NULL, NULL, '[]', '{{folder}}/old/a.png')"#
    )
}

fn site(ground: &dyn Ground) -> Site {
    let site = Site::new(ground, &statements(ground), REFERENCES);
    site.write("old/a.png", "a");
    site.write("new/b.png", "b");
    site
}

/// What the database holds, whatever the order of its rows.
fn lines(site: &Site) -> Vec<String> {
    let mut lines: Vec<String> = site.database.dump().lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn every_spelling_is_rewritten_and_undo_gives_every_byte_back() {
    for ground in all() {
        let site = site(ground.as_ref());
        let (before, lines_before) = (site.database.dump(), lines(&site));
        let shown = site.plan("change.ttplan.json", &[]);
        for rewritten in
            ["1 reference in `path`", "3 references in `body`", "1 reference in `data`"]
        {
            assert!(shown.contains(&format!("rewrite {rewritten} of")), "{shown}");
        }
        let applied = site.apply("change.ttplan.json");
        assert!(applied.status.success(), "{}", told(&applied));
        let after = site.database.dump();
        let folder = site.at("").display().to_string();
        let folder = folder.trim_end_matches('/');
        for (old, new) in [
            (format!("{folder}/old/a.png"), format!("{folder}/new/a.png")),
            (
                "![a](/uploads/a.png) it''s \\ 100% &lt;".into(),
                "![a](/media/a.png) it''s \\ 100% &lt;".into(),
            ),
            (
                "/static/uploads/b.png &#47;uploads&#47;".into(),
                "/static/uploads/b.png &#47;media&#47;".into(),
            ),
            (
                "%2Fuploads%2Fa.png and \\/uploads\\/b.png?x".into(),
                "%2Fmedia%2Fa.png and \\/media\\/b.png?x".into(),
            ),
            (
                r#"{"a": "/uploads/a.png", "n": 1}"#.into(),
                r#"{"a": "/media/a.png", "n": 1}"#.to_owned(),
            ),
        ] {
            // PostgreSQL's dump writes quotes and backslashes its own way.
            let plain = |text: &str| text.replace("''", "'").replace("\\\\", "\\");
            let (before, after): (String, String) = (plain(&before), plain(&after));
            assert!(
                before.contains(&plain(&old)) && after.contains(&plain(&new)),
                "{old}\n{after}"
            );
        }
        let expected = before.matches("/uploads/a.png").count() - 2;
        assert_eq!(after.matches("/uploads/a.png").count(), expected, "the note is no reference");
        let checked = site.good(&["uploads", "check", "--format", "json"]);
        assert!(
            !checked.contains("\"misplaced\"") && !checked.contains("\"missing\""),
            "{checked}"
        );

        let again = site.apply("change.ttplan.json");
        assert!(again.status.success() && site.database.dump() == after, "{}", told(&again));
        let undone = site.undo(&applied, &[]);
        assert!(undone.status.success(), "{}", told(&undone));
        assert_eq!(lines(&site), lines_before);
    }
}

#[test]
fn a_row_that_changed_since_the_plan_stops_it_before_anything_is_written() {
    for ground in all() {
        let site = site(ground.as_ref());
        site.plan("change.ttplan.json", &[]);
        site.database.sql("UPDATE documents SET body = 'see /uploads/a.png now' WHERE id = 1");
        let before = site.database.dump();
        let applied = site.apply("change.ttplan.json");
        assert_eq!(applied.status.code(), Some(3), "{}", told(&applied));
        assert_eq!(site.database.dump(), before);
        assert!(!site.at("new/a.png").exists(), "nothing at all was done");
    }
}

#[test]
fn undo_does_not_write_over_what_others_wrote_since() {
    for ground in all() {
        let site = site(ground.as_ref());
        site.plan("change.ttplan.json", &[]);
        let applied = site.apply("change.ttplan.json");
        assert!(applied.status.success(), "{}", told(&applied));
        site.database.sql("UPDATE documents SET body = 'mine' WHERE id = 1");
        let before = site.database.dump();
        let undone = site.undo(&applied, &[]);
        assert!(!undone.status.success() && site.database.dump() == before, "{}", told(&undone));
        let undone = site.undo(&applied, &["--discard-writes"]);
        assert!(undone.status.success(), "{}", told(&undone));
        assert!(site.database.dump().contains("mine"));
    }
}
