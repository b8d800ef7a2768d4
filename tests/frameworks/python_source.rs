//! What is read out of Python source, rule by rule, and that no source does harm.

use proptest::prelude::*;
use ttplan::frameworks::python;
use ttplan::frameworks::python::PyValue;

fn value_in(source: &[u8], name: &str) -> Option<PyValue> {
    python::read(source)
        .unwrap_or_else(|reason| panic!("{reason}: {source:?}"))
        .value(name)
        .cloned()
}

fn revision(source: &str) -> Option<PyValue> {
    value_in(source.as_bytes(), "revision")
}

fn text(text: &str) -> Option<PyValue> {
    Some(PyValue::Text(text.to_owned()))
}

fn texts(texts: &[&str]) -> Option<PyValue> {
    Some(PyValue::Texts(texts.iter().map(|text| (*text).to_owned()).collect()))
}

fn computed(line: usize) -> Option<PyValue> {
    Some(PyValue::Computed { line })
}

fn idle(source: &str) -> Option<PyValue> {
    value_in(source.as_bytes(), "upgrade")
}

#[test]
fn strings_are_read_in_every_spelling() {
    for (source, expected) in [
        ("revision = 'a'", "a"),
        ("revision = \"a\"", "a"),
        ("revision = '''a'''", "a"),
        ("revision = \"\"\"a\nb\"\"\"", "a\nb"),
        ("revision = 'a' \"b\"", "ab"),
        ("revision = ('a'\n  # in between\n  'b')", "ab"),
        ("revision = (('a'))", "a"),
        ("revision = r'a\\n'", "a\\n"),
        ("revision = R'\\''", "\\'"),
        ("revision = r'\\\\'", "\\\\"),
        ("revision = r\"\"\"\\\"\"\"\"", "\\\""),
        ("revision = u'\\x61\\u0062\\U00000063'", "abc"),
        ("revision = '\\141\\62\\0'", "a2\0"),
        ("revision = '\\a\\b\\f\\n\\r\\t\\v\\\\\\'\\\"'", "\x07\x08\x0c\n\r\t\x0b\\'\""),
        ("revision = 'a\\\nb'", "ab"),
        ("revision = '\\d\\é'", "\\d\\é"),
        ("revision = ''", ""),
        ("revision: str = 'a'", "a"),
        ("revision: Union[str, None] = 'a'", "a"),
        ("revision = other = 'a'", "a"),
        ("other = revision = 'a'", "a"),
        ("x = 1; revision = 'a'; y = 2", "a"),
        ("revision=\\\n  'a'", "a"),
        ("\u{feff}revision = 'a'", "a"),
        ("x = 1\rrevision = 'a'\r", "a"),
        ("# one\r\nrevision = 'a'\r\n", "a"),
        ("revision = 'überzug'", "überzug"),
    ] {
        assert_eq!(revision(source), text(expected), "{source}");
    }
}

#[test]
fn none_and_collections_are_read() {
    assert_eq!(revision("revision = None"), Some(PyValue::None));
    assert_eq!(revision("revision = (None)"), Some(PyValue::None));
    for (source, expected) in [
        ("revision = ('a', 'b')", &["a", "b"][..]),
        ("revision = ('a',)", &["a"]),
        ("revision = 'a', 'b'", &["a", "b"]),
        ("revision = 'a',", &["a"]),
        ("revision = ['a', 'b',]", &["a", "b"]),
        ("revision = {'b', 'a'}", &["b", "a"]),
        ("revision = ()", &[]),
        ("revision = []", &[]),
        ("revision = (\n  'a',  # first\n  'b' 'c',\n  ('d'),\n)", &["a", "bc", "d"]),
        ("revision: tuple[str, ...] = ('a', 'b')", &["a", "b"]),
    ] {
        assert_eq!(revision(source), texts(expected), "{source}");
    }
}

#[test]
fn what_would_have_to_be_run_is_computed() {
    for source in [
        "revision = make()",
        "revision = other",
        "revision = f'a'",
        "revision = f'{a}'",
        "revision = b'a'",
        "revision = 'a' f'b'",
        "revision = 'a' + 'b'",
        "revision = 'a' if x else 'b'",
        "revision = 'a'.upper()",
        "revision = '%s' % 'a'",
        "revision = 5",
        "revision = ...",
        "revision = ('a', None)",
        "revision = ('a', ('b',))",
        "revision = (*others, 'a')",
        "revision = {}",
        "revision = {'a': 1}",
        "revision = '\\N{EM DASH}'",
        "revision = '\\ud800'",
        "revision, other = 'a', 'b'",
        "(revision, other) = 'a', 'b'",
        "[revision, *other] = 'a', 'b'",
        "revision += 'a'",
        "if x: revision = 'a'",
        "for revision in 'a', 'b': pass",
        "with open('a') as revision: pass",
        "import os as revision",
        "import revision",
        "from os import name as revision",
        "from os import revision",
        "class revision: pass",
        "print(revision := 'a')",
        "x = [(revision := y) for y in z]",
        "globals()['revision'] = 'a'",
        "globals().update(revision='a')",
        "exec('revision = 1')",
        "setattr(module, 'revision', 'a')",
        "from other import *",
        "revisiºn = 'a'",
    ] {
        assert_eq!(revision(source), computed(1), "{source}");
    }
    assert_eq!(revision("\ntry:\n  revision = 'a'\nexcept E as e: pass"), computed(3));
    assert_eq!(revision("try: pass\nexcept E as revision: pass"), computed(2));
    assert_eq!(revision("match x:\n  case [revision]: pass"), computed(2));
    assert_eq!(revision("while x:\n  revision = 'a'"), computed(2));
}

#[test]
fn the_last_binding_counts() {
    assert_eq!(revision("revision = 'a'\nrevision = 'b'"), text("b"));
    assert_eq!(revision("revision = make()\nrevision = 'b'"), text("b"));
    assert_eq!(revision("if x: revision = 'a'\nrevision = 'b'"), text("b"));
    assert_eq!(revision("from x import *\nrevision = 'b'"), text("b"));
    assert_eq!(revision("exec(x)\nrevision = 'b'"), text("b"));
    assert_eq!(revision("revision = 'a'\nif x: revision = 'b'"), computed(2));
    assert_eq!(revision("revision = 'a'\nrevision += 'b'"), computed(2));
    assert_eq!(revision("revision = 'a'\ndel revision"), computed(2));
    assert_eq!(revision("revision = 'a'\nfrom x import *"), computed(2));
    assert_eq!(
        revision("revision = 'a'\ndef revision(): pass"),
        Some(PyValue::Function { idle: false })
    );
}

#[test]
fn a_function_can_reach_the_module_only_through_global() {
    assert_eq!(revision("revision = 'a'\ndef f():\n  revision = 'b'"), text("a"));
    assert_eq!(revision("def f():\n  revision = 'b'"), None);
    assert_eq!(
        revision("def f():\n  global revision\n  revision = 'b'\nrevision = 'a'"),
        computed(2)
    );
    assert_eq!(revision("def f():\n  globals()['revision'] = 'b'\nrevision = 'a'"), computed(2));
    assert_eq!(
        revision("revision = 'a'\ndef upgrade(engine):\n  globals()['upgrade_%s' % engine]()"),
        text("a")
    );
    assert_eq!(revision("revision = 'a'\nclass A:\n  revision = 'b'"), text("a"));
    assert_eq!(revision("revision = 'a'\nf = lambda revision: revision"), text("a"));
}

#[test]
fn what_only_mentions_a_name_does_not_bind_it() {
    for source in [
        "# revision = 'a'",
        "'''\nrevision = 'a'\n'''",
        "revision: str",
        "revision.x = 1",
        "x[revision] = 1",
        "print(revision)",
        "f(revision='a')",
        "def f(revision='a'): pass",
        "x = [revision for revision in y]",
        "import a.revision",
    ] {
        assert_eq!(revision(source), None, "{source}");
    }
}

#[test]
fn a_function_is_idle_only_where_nothing_can_happen() {
    for source in [
        "def upgrade(): pass",
        "def upgrade():\n  pass",
        "def upgrade() -> None:\n  '''doc'''\n  # note\n  pass",
        "def upgrade():\n  ...",
        "def upgrade():\n  return",
        "def upgrade():\n  return None",
        "def upgrade():\n  'a' 'b'; pass",
    ] {
        assert_eq!(idle(source), Some(PyValue::Function { idle: true }), "{source}");
    }
    for source in [
        "def upgrade(): op.execute('x')",
        "def upgrade():\n  if x: pass",
        "def upgrade():\n  f'{drop()}'",
        "def upgrade():\n  return drop()",
        "def upgrade(x=drop()): pass",
        "def upgrade(*x): pass",
        "def upgrade() -> drop(): pass",
        "async def upgrade(): pass",
        "def upgrade(): 1",
        "def upgrade(): raise E",
        "def upgrade(): pass\ndef upgrade(): pass",
        "upgrade = 1\ndef upgrade(): pass",
    ] {
        assert_eq!(idle(source), Some(PyValue::Function { idle: false }), "{source}");
    }
    assert_eq!(idle("@drop\ndef upgrade(): pass"), computed(2));
    assert_eq!(idle("if x:\n  def upgrade(): pass"), computed(2));
    assert_eq!(idle("def upgrade(): pass\nupgrade = drop"), computed(2));
    assert_eq!(idle("def upgrade(): pass\nfrom x import *"), computed(2));
}

#[test]
fn the_docstring_is_the_first_statement_if_it_is_a_plain_string() {
    let docstring = |source: &str| python::read(source.as_bytes()).unwrap().docstring;
    assert_eq!(docstring("'''Add a\\tcolumn\n\nmore'''").as_deref(), Some("Add a\tcolumn\n\nmore"));
    assert_eq!(docstring("# first\n\n'a' 'b'\nx = 1").as_deref(), Some("ab"));
    for source in ["", "x = 1\n'a'", "f'a'", "b'a'", "'a' + 'b'", "'a', 'b'", "pass"] {
        assert_eq!(docstring(source), None, "{source}");
    }
}

#[test]
fn what_python_would_not_load_is_refused_with_the_line() {
    for (source, line) in [
        ("revision = 'a'\nx = (", 2),
        ("revision = 'a", 1),
        ("x = 1\nprint 'a'", 2),
        ("x = 1\n\nexec 'a'", 3),
        ("x = 1\n$", 2),
        ("x = 'a\0b'", 1),
    ] {
        assert_eq!(
            python::read(source.as_bytes()),
            Err(format!("not valid Python near line {line}")),
            "{source}"
        );
    }
}

#[test]
fn encodings_are_honoured_or_refused() {
    let latin = b"# -*- coding: Latin-1 -*-\nrevision = 'a'  # \xe9\nother = '\xe9'\n";
    assert_eq!(value_in(latin, "revision"), text("a"));
    assert_eq!(
        value_in(latin, "other"),
        text("\u{fffd}"),
        "shown as unreadable, equal to no id of the database"
    );
    assert_eq!(python::read(b"x = 1\ny = '\xe9'"), Err("not UTF-8 at line 2".into()));
    assert_eq!(
        python::read(b"\xef\xbb\xbf# coding: latin-1\nx = '\xe9'"),
        Err("not UTF-8 at line 2".into())
    );
    assert_eq!(
        python::read(b"#!/usr/bin/python\n# vim: set fileencoding=shift_jis :\nx = 1"),
        Err("its encoding `shift-jis` is not understood".into())
    );
    assert_eq!(value_in(b"x = 1\n# coding: shift_jis\nrevision = 'a'", "revision"), text("a"));
    assert_eq!(value_in(b"x = 1 # coding: shift_jis\nrevision = 'a'", "revision"), text("a"));
}

#[test]
fn source_beyond_the_bounds_is_given_up() {
    let many = 200_000;
    let nested: String = (0..310).map(|depth| format!("{}if a:\n", " ".repeat(depth))).collect();
    for (source, reason) in [
        ("#".repeat((16 << 20) + 1), "larger than 16 MiB"),
        (nested, "more than 300 different indentations"),
        (
            format!("x = {}1{}", "(".repeat(4 * many), ")".repeat(4 * many)),
            "too large or too intricate to be read",
        ),
        ("\\\n".repeat(5 * many), "too large or too intricate to be read"),
        ("(".repeat(many), "not valid Python near line 1"),
        ("$ ( ] x = ) ".repeat(many), "not valid Python near line 1"),
        (format!("x = {}", "f'{".repeat(many)), "not valid Python near line 1"),
    ] {
        assert_eq!(python::read(source.as_bytes()), Err(reason.to_owned()), "{}", &source[..40]);
    }
}

#[test]
fn depth_within_the_bounds_is_read() {
    let many = 100_000;
    let deep = format!("revision = {}'a'{}", "(".repeat(many), ")".repeat(many));
    assert_eq!(revision(&deep), text("a"));
    assert_eq!(revision(&format!("{}'a'", "revision = ".repeat(many))), text("a"));
    assert_eq!(revision(&format!("revision = x{}", "[0]".repeat(many))), computed(1));
    let nested: String = (0..290).map(|depth| format!("{}if a:\n", " ".repeat(depth))).collect();
    assert_eq!(
        revision(&format!("{nested}{}f'{{x}}'\nrevision = 'a'", " ".repeat(290))),
        text("a")
    );
}

/// Words and signs that bring a parser of Python into every corner, and what may stand between.
const WORDS: &str = r#"revision = ' " ''' """ \ ( ) [ ] { } , : ; # @ * ** -> := += ... . f' rb' u' \N{ \x \u12 0x
    1e5 _ def class lambda if else for in with as import from global del async await yield match case type print
    exec None try except pass return globals() é # coding: latin-1"#;
const GAPS: &[&str] =
    &["", "", " ", "\n", "\n    ", "\t", "\r\n", "\r", "\x0c", "\u{feff}", "\u{2028}", "\0"];

fn soup() -> impl Strategy<Value = String> {
    let words: Vec<&str> = WORDS.split_whitespace().collect();
    let parts = (prop::sample::select(words), prop::sample::select(GAPS));
    prop::collection::vec(parts, 0..300)
        .prop_map(|parts| parts.into_iter().flat_map(<[&str; 2]>::from).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = python::read(&bytes);
    }

    #[test]
    fn no_sequence_of_words_makes_it_panic(source in soup()) {
        let _ = python::read(source.as_bytes());
    }

    #[test]
    fn any_text_is_read_back_as_it_was_written(written in "\\PC*", triple: bool) {
        let quote = if triple { "'''" } else { "'" };
        let escaped = written.replace('\\', "\\\\").replace('\'', "\\'");
        prop_assert_eq!(revision(&format!("revision = {quote}{escaped}{quote}")), text(&written));
    }
}
