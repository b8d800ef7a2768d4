//! Reads many spellings of a migration script's header and asks CPython, which runs them, what
//! they mean. Needs `python3`.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::{Value as Json, json};
use ttplan::frameworks::python;
use ttplan::frameworks::python::PyValue;

/// Prints, for every file of a directory, what its module's names hold once it was run.
const ASK: &str = r#"
import ast, json, pathlib, sys
def plain(value):
    if value is None or isinstance(value, str): return value
    if isinstance(value, (tuple, list)) and all(isinstance(v, str) for v in value): return list(value)
    if isinstance(value, set) and all(isinstance(v, str) for v in value): return {"set": sorted(value)}
    return {"other": type(value).__name__}
def idle(node):
    still = all(isinstance(s, ast.Pass) or isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant)
                or isinstance(s, ast.Return) and getattr(s.value, "value", None) is None for s in node.body)
    return isinstance(node, ast.FunctionDef) and still
answers = {}
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    source = path.read_bytes()
    try:
        tree = ast.parse(source)
        names = {}
        exec(compile(source, path.name, "exec", dont_inherit=True), names)
    except SyntaxError:
        answers[path.name] = None
        continue
    functions = [node for node in tree.body if getattr(node, "name", "") == "upgrade"]
    answers[path.name] = {
        "docstring": ast.get_docstring(tree, clean=False),
        "idle": len(functions) == 1 and idle(functions[0]),
        "names": {name: plain(value) for name, value in names.items() if name in sys.argv[2:]},
    }
print(json.dumps(answers))
"#;

const NAMES: &[&str] = &["revision", "down_revision", "depends_on", "branch_labels"];

/// A generator of numbers that is the same everywhere (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

/// One string literal.
fn string(dice: &mut Dice) -> String {
    let text = dice.one(&[
        "001",
        "ab12cd34",
        "062_add_clients",
        "a b",
        "",
        "a\\x62c",
        "\\u00e9t\\u00e9",
        "a\\tb",
        "\\061",
        "\\d",
        "x\\\ny",
    ]);
    let prefix = dice.one(&["", "", "", "", "u", "r", "R", "U"]);
    let quote = dice.one(&["'", "\"", "'''", "\"\"\""]);
    format!("{prefix}{quote}{text}{quote}")
}

/// One text, in one literal or several.
fn text(dice: &mut Dice) -> String {
    match dice.below(6) {
        0 => format!("{} {}", string(dice), string(dice)),
        1 => format!("({}\n   # why\n   {})", string(dice), string(dice)),
        2 => format!("(({}))", string(dice)),
        _ => string(dice),
    }
}

fn literal(dice: &mut Dice) -> String {
    let (a, b, c) = (text(dice), text(dice), text(dice));
    match dice.below(12) {
        0 => "None".into(),
        1 => format!("({a},)"),
        2 => format!("({a}, {b})"),
        3 => format!("(\n    {a},  # one\n    {b},\n    {c},\n)"),
        4 => format!("[{a}, {b},]"),
        5 => format!("{{{a}, {b}}}"),
        6 => format!("{a}, {b}"),
        7 => "()".into(),
        _ => a,
    }
}

/// A statement that binds `name`, and whether only running it tells to what.
fn statement(dice: &mut Dice, name: &str) -> (String, bool) {
    let value = literal(dice);
    let one = string(dice);
    let plain = match dice.below(8) {
        0 if !value.contains(", ") => format!("{name}: object = {value}"),
        1 => format!("{name} = _other = {value}"),
        2 => format!("_other = {name} = {value}"),
        3 => format!("_x = 1; {name}={value}; _y = 2"),
        4 => format!("{name} = 1\nif True:\n    {name} = 2\n{name} = {value}"),
        5 => format!("{name} = {value}\ndef _f({name}=1):\n    {name} = 3\n    return {name}"),
        6 => format!(
            "{name} = {value}\nclass _C:\n    {name} = 'class'\n_g = [{name} for {name} in 'ab']"
        ),
        _ => format!("{name} \\\n  =  {value}  # {name} = 'comment'"),
    };
    let computed = match dice.below(60) {
        0 => format!("if True:\n    {name} = {one}"),
        1 => format!("try:\n    {name} = {one}\nexcept Exception: pass"),
        2 => format!("{name}, _other = {one}, 'b'"),
        3 => format!("{name} = {one}\n{name} += 'more'"),
        4 => format!("{name} = ({one}).strip()"),
        5 => format!("{name} = {one} + 'b'"),
        6 => format!("{name} = f'{{1 + 1}}'"),
        7 => format!("{name} = {one}\ndef _set():\n    global {name}\n    {name} = 'set'\n_set()"),
        8 => format!("globals()['{name}'] = {one}"),
        9 => format!("for {name} in ('a', 'b'): pass"),
        10 => format!("print(end='') if ({name} := {one}) else None"),
        11 => format!("import os.path as {name}"),
        12 => format!("exec(\"{name} = 'run'\")"),
        13 => format!("{name} = '\\N{{EM DASH}}'.lower() or 1"),
        14 => format!("{name} = 5"),
        15 => format!("{name} = {one} if 1 < 2 else None"),
        16 => format!("{name} = b'bytes'"),
        17 => format!(
            "{}{} = {one}",
            &name[..2],
            name[2..].replacen('i', "\u{2071}", 1).replacen('o', "\u{ba}", 1)
        ),
        18 => format!("match 'm':\n    case {name}: pass"),
        _ => return (plain, false),
    };
    (computed, true)
}

/// A script, and the names that only running it tells.
fn script(dice: &mut Dice) -> (Vec<u8>, Vec<&'static str>) {
    let mut source = String::new();
    if dice.below(6) == 0 {
        source.push_str("# -*- coding: utf-8 -*-\n");
    }
    source.push_str(dice.one(&[
        "",
        "'one line'\n",
        "\"\"\"Add a column\n\nRevision ID: 999\n\"\"\"\n",
        "'a' 'b'\n",
        "u'x'; y = 1\n",
        "f'no'\n",
    ]));
    let mut computed = Vec::new();
    for name in NAMES {
        if dice.below(10) > 0 {
            let (statement, dynamic) = statement(dice, name);
            let _ = writeln!(source, "{statement}");
            computed.extend(dynamic.then_some(*name));
        }
    }
    let body = dice.one(&[
        "pass",
        "'''doc'''",
        "...",
        "return",
        "return None",
        "pass; pass",
        "x = 1",
        "op.run()",
        "if 1: pass",
    ]);
    let _ = writeln!(
        source,
        "{}\n    {body}\n",
        dice.one(&["def upgrade():", "def upgrade() -> None:", "async def upgrade():"])
    );
    if dice.below(25) == 0 {
        source.push_str(dice.one(&[
            "x = (\n",
            "def f(:\n    pass\n",
            "print 'a'\n",
            "x = 'a\n",
            "return = 1\n",
        ]));
    }
    source = source.replace('\n', dice.one(&["\n", "\n", "\r\n", "\r"]));
    if dice.below(8) == 0 {
        source.insert(0, '\u{feff}');
    }
    (source.into_bytes(), computed)
}

fn ask_cpython(directory: &Path) -> Json {
    let output = Command::new("python3")
        .args(["-c", ASK])
        .arg(directory)
        .args(NAMES)
        .output()
        .expect("this test compares with CPython: `python3` has to be installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn as_json(value: &PyValue, truth: Option<&Json>) -> Json {
    match value {
        PyValue::None => Json::Null,
        PyValue::Text(text) => json!(text),
        PyValue::Texts(texts) if truth.is_some_and(|truth| truth.get("set").is_some()) => {
            let mut sorted = texts.clone();
            sorted.sort();
            sorted.dedup();
            json!({ "set": sorted })
        }
        PyValue::Texts(texts) => json!(texts),
        other => json!(format!("{other:?}")),
    }
}

#[test]
fn headers_in_many_spellings_mean_what_they_mean_to_cpython() {
    let directory = tempfile::tempdir().unwrap();
    let mut dice = Dice(1);
    let scripts: Vec<(Vec<u8>, Vec<&str>)> = (0..600).map(|_| script(&mut dice)).collect();
    for (number, (source, _)) in scripts.iter().enumerate() {
        std::fs::write(directory.path().join(format!("{number:04}.py")), source).unwrap();
    }
    let answers = ask_cpython(directory.path());
    let (mut plain, mut dynamic, mut refused) = (0, 0, 0);
    for (number, (source, computed)) in scripts.iter().enumerate() {
        let shown = String::from_utf8_lossy(source);
        let truth = &answers[format!("{number:04}.py")];
        let Ok(module) = python::read(source) else {
            assert!(truth.is_null(), "CPython can run this:\n{shown}");
            refused += 1;
            continue;
        };
        assert!(!truth.is_null(), "CPython cannot run this:\n{shown}");
        assert_eq!(json!(module.docstring), truth["docstring"], "{shown}");
        let idle = matches!(module.value("upgrade"), Some(PyValue::Function { idle: true }));
        assert_eq!(json!(idle), truth["idle"], "{shown}");
        for name in NAMES {
            let truth = truth["names"].get(name);
            match module.value(name) {
                Some(PyValue::Computed { .. }) => {
                    assert!(
                        computed.contains(name) || computed_before(&shown),
                        "`{name}` is written down:\n{shown}"
                    );
                    dynamic += 1;
                }
                value => {
                    assert_eq!(
                        value.map(|value| as_json(value, truth)).as_ref(),
                        truth,
                        "`{name}` in:\n{shown}"
                    );
                    plain += 1;
                }
            }
        }
    }
    assert!(
        plain > 1000 && dynamic > 100 && refused > 10,
        "{plain} plain, {dynamic} computed, {refused} refused"
    );
}

/// Whether a statement of the script could bind any name, so that a missing one counts as computed.
fn computed_before(source: &str) -> bool {
    ["globals()", "exec(", "\u{2071}", "\u{ba}"].iter().any(|word| source.contains(word))
}
