//! What is wrong with a configuration is said with its place, and never with a password.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use proptest::prelude::*;
use ttplan::error::{Kind, TextPosition as At};

use crate::parts::Place;

/// A text, where it is wrong, a part of the message and a part of the first hint.
type Row<'a> = (&'a str, (usize, usize), &'a str, &'a str);

#[test]
fn every_mistake_is_shown_where_it_was_made() {
    let rows: &[Row<'_>] = &[
        ("", (1, 1), "`version` is missing", "version = 1"),
        ("# x\nversion = 2", (2, 11), "version 1 of a configuration, not version 2", ""),
        ("version = 'x'", (1, 11), "expected a whole number, found a string", ""),
        ("version = 1\nversion = 1", (2, 1), "duplicate key", ""),
        ("version = 1\n[database\n", (2, 10), "not TOML", ""),
        ("version = 1\nsite = ", (2, 8), "not TOML", ""),
        ("version = 1\nprofil = 'x'", (2, 1), "`profil` is not known", "`profile`"),
        ("version = 1\nrecognise = {files = []}", (2, 1), "`recognise` is not known", "known here"),
        ("version = 1\n[datbase]\nurl = ''", (2, 2), "`datbase` is not known", "`database`"),
        ("version = 1\n[database]\n  Url = ''", (3, 3), "`Url` is not known", "`url`"),
        ("version = 1\ndatabase.'wiat' = {}", (2, 10), "`wiat` is not known", "`wait`"),
        (
            "version = 1\nprofile = 'timetraker'",
            (2, 11),
            "no profile `timetraker`",
            "`timetracker`",
        ),
        ("version = 1\nprofile = './gone.toml'", (2, 11), "gone.toml` cannot be read", ""),
        ("version = 1\nsite = 5", (2, 8), "expected a string, found a number", ""),
        ("version = 1\nsite = ' x'", (2, 8), "a name is not empty", ""),
        ("version = 1\nuploads = {}", (2, 11), "expected an array, found a table", ""),
        ("version = 1\n[app]\nroot = ''", (3, 8), "a path is neither empty", ""),
        ("version = 1\n[app]\nroot = '/x/../..'", (3, 8), "climbs out", ""),
        (
            "version = 1\n[database.wait]\nattempts = 0",
            (3, 12),
            "expected a whole number above zero",
            "",
        ),
        (
            "version = 1\n[database.wait]\nattempts = -1",
            (3, 12),
            "expected a whole number above zero",
            "",
        ),
        ("version = 1\n[database.wait]\ndelay = '2 s'", (3, 9), "expected a duration such as", ""),
        ("version = 1\n[database.wait]\ndelay = 2", (3, 9), "expected a duration such as", ""),
        ("version = 1\n[database.wait]\ntimeout = '0s'", (3, 11), "longer than nothing", ""),
        (
            "version = 1\n[database]\nurl = 'mysql://u:geheim@h/d'",
            (3, 7),
            "`mysql`",
            "`postgresql://`",
        ),
        ("version = 1\n[database]\nurl = 'postgresql://u:geheim/d'", (3, 7), "port", ""),
        (
            "version = 1\n[database]\nurl = 'x${NOT_SET}'",
            (3, 11),
            "`NOT_SET` is not set",
            "${NOT_SET:-default}",
        ),
        ("version = 1\n[database]\nurl = '${DATABASE_URL'", (3, 7), "not closed", "$$"),
        ("version = 1\n[database]\nurl = '$DATABASE_URL'", (3, 7), "single `$`", "$$"),
        ("version = 1\n[database]\nurl = '${LATIN}'", (3, 10), "`LATIN` is not UTF-8", ""),
        ("version = 1\n[revisions]\nsystem = 's'", (2, 1), "`directory` is missing", ""),
        (
            "version = 1\n[revisions]\nsystem = 's'\ndirectory = 'd'\ntarget = []",
            (5, 10),
            "revisions",
            "",
        ),
        (
            "version = 1\n[revisions]\nsystem = 's'\ndirectory = 'd'\ntarget = ['a', 'head']",
            (5, 10),
            "alone",
            "",
        ),
        (
            "version = 1\n[revisions]\nsystem = 's'\ndirectory = 'd'\ntarget = ['a', ' ']",
            (5, 16),
            "a name",
            "",
        ),
        (
            "version = 1\n[revisions]\nsystem = 's'\ndirectory = 'd'\nupgrade = {command = []}",
            (5, 22),
            "program",
            "",
        ),
        (
            "version = 1\n[revisions]\nsystem = 's'\ndirectory = 'd'\n[revisions.upgrade]\ncommand = 'x'",
            (6, 11),
            "expected an array",
            "",
        ),
        ("version = 1\n[revisions.upgrade.env]\nX = '${'", (3, 5), "not closed", ""),
        (
            "version = 1\n[revisions]\nsystem = 's'\ndirectory = 'd'\nupgrade.command = ['x']\nupgrade.env = { '1X' = '' }",
            (6, 17),
            "name of a variable",
            "",
        ),
        (
            "version = 1\n[revisions]\nsystem = 's'\ndirectory = 'd'\nupgrade.command = ['x']\nupgrade.env = { DB_PASSWORD = 'geheim' }",
            (6, 31),
            "a plan would show",
            "DB_PASSWORD = \"${DB_PASSWORD}\"",
        ),
        (
            "version = 1\n[revisions]\nsystem = 's'\ndirectory = 'd'\nupgrade.command = ['x', 'postgres://u:geheim@h/d']",
            (5, 25),
            "a plan would show",
            "",
        ),
        (
            "version = 1\n[tables]\nunexpected = 'dorp'",
            (3, 14),
            "expected one of `drop`, `quarantine`, `keep`",
            "",
        ),
        ("version = 1\n[tables]\ncore = { users = [] }", (3, 18), "name a column", ""),
        ("version = 1\n[[tables.legacy]]\nname = 'a'\ntables = {}", (4, 10), "without tables", ""),
        (
            "version = 1\nuploads = [{name = 'a', to = 's3://b/p'}]",
            (2, 30),
            "only directories are supported",
            "",
        ),
        (
            "version = 1\nuploads = [{name = 'a', to = 'x', on_conflict = 'newest'}]",
            (2, 49),
            "`stop`, `keep_destination`, `replace`, `rename`",
            "",
        ),
        (
            "version = 1\nuploads = [{name = 'a', to = 'x', mode = '4755'}]",
            (2, 42),
            "expected an octal mode",
            "",
        ),
        (
            "version = 1\nuploads = [{name = 'a', to = 'x', owner = 'www:www'}]",
            (2, 43),
            "numbers of user and group",
            "",
        ),
        ("version = 1\nuploads = [{name = 'a b', to = 'x'}]", (2, 20), "letters, digits", ""),
        (
            "version = 1\nuploads = [{name = 'a', to = 'x'}, {name = 'a', to = 'y'}]",
            (2, 44),
            "given twice",
            "",
        ),
        (
            "version = 1\nuploads = [{name = 'a', to = 'x'}, {name = '${A}', to = 'y'}]",
            (2, 44),
            "given twice",
            "",
        ),
        ("version = 1\nuploads = [{name = 'a'}]", (2, 12), "`to` is missing", ""),
        (
            "version = 1\n[[uploads]]\nname = 'a'\nto = 'x'\nreferences = [{table = 't', column = 'c', form = 'nam'}]",
            (5, 50),
            "`name`, `relative`, `prefixed`, `absolute`",
            "",
        ),
        (
            "version = 1\n[[uploads]]\nname = 'a'\nto = 'x'\nreferences = [{table = 't', column = 'c', form = 'prefixed'}]",
            (5, 15),
            "needs a `prefix` with a `/`",
            "",
        ),
        (
            "version = 1\n[[uploads]]\nname = 'a'\nto = 'x'\nreferences = [{table = 't', column = 'c', form = 'name', prefix = 'p'}]",
            (5, 15),
            "takes no `prefix`",
            "",
        ),
    ];
    for (text, place, message, hint) in rows {
        let mut there = Place::of(text);
        there.set("A", "a");
        there.set("LATIN", OsString::from_vec(b"\xe9".to_vec()));
        let error = there.error();
        let at = error.place().map(At::line_column);
        assert_eq!(at, Some(*place), "{text}\n{error}");
        assert_eq!(error.kind(), Kind::Config, "{text}\n{error}");
        assert!(error.message().contains(message), "{text}\n{error}");
        assert!(
            error.hints().first().map_or("", String::as_str).contains(hint),
            "{text}\n{:?}",
            error.hints()
        );
        let shown = format!("{error} {:?} {:?}", error.hints(), error.place());
        assert!(!shown.contains("geheim"), "{shown}");
    }
}

#[test]
fn spans_stay_right_when_long_values_were_filled_in_before() {
    let mut place = Place::of(
        "version = 1\nsite = '${LONG}'\n[database.wait]\ndelay = '${LONG}'\ntimeout = '1s'",
    );
    place.set("LONG", "a\nb\n".repeat(100) + "geheim");
    let error = place.error();
    assert_eq!(error.place().unwrap().line_column(), (4, 9));
    assert!(!format!("{error} {:?}", error.place()).contains("geheim"));
}

#[test]
fn a_mistake_in_a_profile_is_shown_in_the_profile() {
    let place = Place::with(&[
        ("ttplan.toml", "version = 1\nprofile = 'own.toml'\nsite = 'x'"),
        ("own.toml", "version = 1\n[tables]\nunexpected = 'x'"),
    ]);
    let error = place.error();
    assert!(error.place().unwrap().file.ends_with("/own.toml"));
    assert_eq!(error.place().unwrap().line_column(), (3, 14));
    for (text, message) in
        [("version = 3", "version 3"), ("version = 1\nprofile = 'x'", "itself"), ("x", "not TOML")]
    {
        place.write("own.toml", text);
        let error = place.error();
        assert!(error.place().unwrap().file.ends_with("/own.toml"), "{error}");
        assert!(error.message().contains(message), "{error}");
    }
}

#[test]
fn without_a_url_the_three_ways_to_give_one_are_said() {
    let mut place = Place::of("version = 1\nprofile = 'timetracker'");
    place.said.environment.clear();
    let error = place.error();
    let hints = error.hints().join("\n");
    for way in ["`DATABASE_URL=", "`--database-url URL`", "`ttplan.toml`"] {
        assert!(hints.contains(way), "{hints}");
    }
    place.set("DATABASE_URL", "");
    assert!(place.error().causes()[0].contains("empty"));
    place.set("DATABASE_URL", OsString::from_vec(b"postgresql://\xff".to_vec()));
    assert!(place.error().message().contains("`DATABASE_URL` is not UTF-8"));
}

#[test]
fn the_password_of_a_bad_url_is_shown_by_nobody() {
    for url in [
        "postgresql://u:geheim@a,b/d",
        "postgres:/u:geheim@h/d",
        "postgresql://u:geheim@h/d\n",
        "oracle://u:geheim@h",
    ] {
        let mut place = Place::with(&[]);
        place.set("DATABASE_URL", url);
        let error = place.error();
        assert!(!format!("{error} {:?}", error.hints()).contains("geheim"), "{error}");
    }
}

#[test]
fn files_that_cannot_be_read_are_not_passed_over() {
    let mut place = Place::with(&[("latin.toml", "")]);
    std::fs::write(place.path().join("latin.toml"), b"version = 1\n# \xe9").unwrap();
    for name in ["gone.toml", ".", "latin.toml", "/dev/zero"] {
        place.said.config_file = Some(name.into());
        assert!(place.error().message().contains("cannot be read"), "{name}");
    }
    place.said.config_file = None;
    std::fs::create_dir(place.path().join("ttplan.toml")).unwrap();
    assert!(place.error().message().contains("cannot be read"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Texts of our own keys with values of every type, whole or broken.
    #[test]
    fn no_text_makes_it_panic(
        text in r#"(version = 1\n)?((\[{1,2}(app|database|database\.wait|revisions|revisions\.upgrade|tables|tables\.legacy|uploads|cleanup|backup|x)\]{1,2}|(version|profile|site|root|url|wait|target|command|env|core|keep|name|to|from|references|mode|at_start|variable|a\.b) = ("[a-z$\{\}:/0-9é-]{0,12}"|'timetracker'|[0-9-]{1,20}|true|\[\]|\{\}|\[\["x"\], 1\]|\{ a = "\$\{A\}" \}|1979-05-27|1e400|[\[{"]))\n){0,12}"#,
    ) {
        let mut place = Place::of(&text);
        place.set("A", "a");
        if let Err(error) = place.resolve() {
            prop_assert!(!error.message().is_empty());
            if let Some(at) = error.place() {
                let (line, column) = at.line_column();
                prop_assert!(line <= at.source.matches('\n').count() + 1 && column >= 1);
                prop_assert!(at.span.end <= at.source.len(), "{:?} in {:?}", at.span, at.source);
            }
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let place = Place::with(&[]);
        std::fs::write(place.path().join("ttplan.toml"), bytes).unwrap();
        let _ = place.resolve();
    }
}
