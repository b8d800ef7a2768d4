//! Writes random script directories and asks Alembic itself what they mean. Only where
//! `TTPLAN_ALEMBIC` names a Python with Alembic installed.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::{Value as Json, json};
use ttplan::frameworks;
use ttplan::model::database::revision_status::RevisionStatus;
use ttplan::model::database::revisions::Revisions;
use ttplan::stores::store::ScriptFile;

/// For each directory with its lists of recorded ids: heads, bases, what `heads` means, and for
/// each list the order of an upgrade and the rows it leaves, or the error.
const ASK: &str = r#"
import json, sys, warnings
from alembic.config import Config
from alembic.runtime.migration import HeadMaintainer, MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, pool
warnings.simplefilter("ignore")
def upgrade(scripts, recorded):
    with create_engine("sqlite://", poolclass=pool.StaticPool).connect() as connection:
        context = MigrationContext.configure(connection)
        context._ensure_version_table()
        for row in recorded:
            connection.execute(context._version.insert().values(version_num=row))
        answer = {}
        try:
            steps = scripts._upgrade_revs("heads", tuple(recorded))
            answer["order"] = [step.revision.revision for step in steps]
        except Exception as error:
            return {"refused": f"{type(error).__name__}: {error}"}
        try:
            book = HeadMaintainer(context, tuple(recorded))
            for step in steps:
                book.update_to_step(step)
            answer["rows"] = sorted(row[0] for row in connection.execute(context._version.select()))
        except Exception as error:
            answer["broken"] = f"{type(error).__name__}: {error}"
        return answer
answers = []
for case in json.load(open(sys.argv[1])):
    config = Config()
    config.set_main_option("script_location", case["directory"])
    try:
        scripts = ScriptDirectory.from_config(config)
        answers.append({
            "heads": sorted(scripts.get_heads()),
            "bases": sorted(scripts.get_bases()),
            "ids": sorted(script.revision for script in scripts.walk_revisions()),
            "upgrades": [upgrade(scripts, recorded) for recorded in case["recorded"]],
        })
    except BaseException as error:
        answers.append({"refused": f"{type(error).__name__}: {error}"})
print(json.dumps(answers))
"#;

/// A generator of numbers that is the same everywhere (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound.max(1) as u64) as usize
    }

    fn some(&mut self, of: &[String], most: usize) -> Vec<String> {
        let chosen: BTreeSet<String> = (0..self.below(most + 1))
            .filter_map(|_| of.get(self.below(of.len())).cloned())
            .collect();
        chosen.into_iter().collect()
    }
}

/// Scripts that form a random graph without cycles, with merges, branches, dependencies by id and
/// by label, and several beginnings.
fn scripts(dice: &mut Dice) -> Vec<ScriptFile> {
    let (mut ids, mut names): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    let mut scripts = Vec::new();
    for number in 0..1 + dice.below(14) {
        let id = format!("{:x}{number}", dice.below(1 << 20));
        let recent = &ids[ids.len().saturating_sub(4)..];
        let parents = match dice.below(10) {
            0 => Vec::new(),
            1..=6 => dice.some(recent, 1),
            _ => dice.some(recent, 3),
        };
        let depends_on = if dice.below(4) == 0 { dice.some(&names, 2) } else { Vec::new() };
        let labels = if dice.below(5) == 0 { vec![format!("label{number}")] } else { Vec::new() };
        let mut content = format!("\"\"\"Step {number}\"\"\"\nrevision = '{id}'\n");
        for (name, values) in
            [("down_revision", &parents), ("depends_on", &depends_on), ("branch_labels", &labels)]
        {
            let quoted: Vec<String> = values.iter().map(|value| format!("\"{value}\"")).collect();
            let value = match quoted.as_slice() {
                [] => "None".to_owned(),
                [one] if dice.below(2) == 0 => one.clone(),
                many => format!("({},)", many.join(", ")),
            };
            let _ = writeln!(content, "{name} = {value}");
        }
        content.push_str("def upgrade():\n    pass\ndef downgrade():\n    pass\n");
        scripts.push(ScriptFile {
            path: format!("versions/{id}_step.py").into(),
            content: content.into_bytes(),
        });
        names.push(id.clone());
        names.extend(labels);
        ids.push(id);
    }
    scripts
}

fn read(sources: &[ScriptFile]) -> Revisions {
    (frameworks::by_name("alembic").unwrap().read)(&"/app/migrations/versions".into(), sources)
}

fn write(directory: &Path, sources: &[ScriptFile]) {
    for source in sources {
        let path = directory.join(source.path.as_path());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, &source.content).unwrap();
    }
}

fn ask_alembic(python: &OsString, directory: &Path, cases: &[Json]) -> Vec<Json> {
    let questions = directory.join("questions.json");
    std::fs::write(&questions, serde_json::to_vec(cases).unwrap()).unwrap();
    let output = Command::new(python)
        .env("PYTHONHASHSEED", "0")
        .arg("-Bc")
        .arg(ASK)
        .arg(questions)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn alembic() -> Option<OsString> {
    let python = std::env::var_os("TTPLAN_ALEMBIC");
    if python.is_none() {
        println!("skipped: TTPLAN_ALEMBIC is not set");
    }
    python
}

fn list(value: &Json) -> Vec<String> {
    value.as_array().unwrap().iter().map(|item| item.as_str().unwrap().to_owned()).collect()
}

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}

fn names_too_much(revisions: &Revisions, id: &str) -> bool {
    let before: BTreeSet<String> =
        revisions.script(id).unwrap().before().map(str::to_owned).collect();
    let before: Vec<String> = before.into_iter().collect();
    revisions.tips(&before) != before
}

#[test]
fn random_graphs_mean_what_they_mean_to_alembic() {
    let Some(python) = alembic() else { return };
    let directory = tempfile::tempdir().unwrap();
    let mut dice = Dice(7);
    let (mut graphs, mut cases) = (Vec::new(), Vec::new());
    for number in 0..300 {
        let sources = scripts(&mut dice);
        let place = directory.path().join(number.to_string());
        write(&place, &sources);
        let revisions = read(&sources);
        assert_eq!(revisions.unread, []);
        let ids: Vec<String> = revisions.scripts.iter().map(|script| script.id.clone()).collect();
        let mut recorded = vec![Vec::new()];
        for _ in 0..4 {
            let some = dice.some(&ids, 3);
            recorded.push(revisions.tips(&some));
            recorded.push(some);
        }
        cases.push(json!({ "directory": place, "recorded": recorded }));
        graphs.push((revisions, recorded));
    }
    let answers = ask_alembic(&python, directory.path(), &cases);
    let (mut ran, mut refused, mut broken) = (0, 0, 0);
    for ((revisions, recorded), answer) in graphs.iter().zip(&answers) {
        let shown = format!("{answer:#}\n{:#?}", revisions.scripts);
        let bases = revisions.scripts.iter().filter(|script| script.parents.is_empty());
        assert_eq!(json!(revisions.heads()), answer["heads"], "{shown}");
        assert_eq!(
            json!(sorted(bases.map(|script| script.id.clone()).collect())),
            answer["bases"],
            "{shown}"
        );
        assert_eq!(json!(sorted(revisions.topological())), answer["ids"], "{shown}");
        assert!(
            !revisions.has_cycle()
                && revisions.dangling().is_empty()
                && revisions.duplicates().is_empty()
        );
        let heads = revisions.heads();
        for (recorded, upgrade) in recorded.iter().zip(answer["upgrades"].as_array().unwrap()) {
            let standing = revisions.standing(recorded, &heads);
            if let Some(reason) = upgrade.get("refused") {
                assert!(reason.as_str().unwrap().contains("overlaps"), "{shown}");
                assert!(
                    matches!(standing, RevisionStatus::Overlapping(_)),
                    "{recorded:?} is {standing:?}\n{shown}"
                );
                refused += 1;
                continue;
            }
            let pending = revisions.pending(recorded, &heads);
            assert_eq!(
                sorted(pending.clone()),
                sorted(list(&upgrade["order"])),
                "{recorded:?}\n{shown}"
            );
            assert_eq!(
                pending.is_empty(),
                standing == RevisionStatus::AtTarget,
                "{recorded:?} is {standing:?}\n{shown}"
            );
            assert!(!matches!(
                standing,
                RevisionStatus::Overlapping(_)
                    | RevisionStatus::Unknown(_)
                    | RevisionStatus::Ahead(_)
            ));
            for (at, id) in pending.iter().enumerate() {
                let mut before = revisions.script(id).unwrap().before();
                assert!(
                    before.all(|id| !pending[at..].iter().any(|later| later == id)),
                    "{pending:?}\n{shown}"
                );
            }
            // A script that names, beside a predecessor, what comes before that one can make
            // Alembic lose count of its rows; then it stops with an error.
            if upgrade.get("broken").is_some() {
                assert!(
                    pending.iter().any(|id| names_too_much(revisions, id)),
                    "{recorded:?}\n{shown}"
                );
                broken += 1;
                continue;
            }
            assert_eq!(
                json!(revisions.recorded_after(recorded, &heads)),
                upgrade["rows"],
                "{recorded:?}\n{shown}"
            );
            ran += 1;
        }
    }
    println!(
        "{} graphs: {ran} upgrades alike, {refused} refused alike, {broken} that Alembic cannot record",
        graphs.len()
    );
    assert!(
        ran > 1000 && refused > 100 && broken * 10 < ran,
        "{ran} ran, {refused} refused, {broken} broken"
    );
}

#[test]
fn what_alembic_refuses_or_passes_over_is_refused_or_passed_over() {
    let Some(python) = alembic() else { return };
    let directory = tempfile::tempdir().unwrap();
    let first = "revision = 'a'\ndown_revision = None\nbranch_labels = 'left'\n";
    let refused = [
        ("b.py", "revision = None\ndown_revision = 'a'"),
        ("b.py", "revision = 5\ndown_revision = 'a'"),
        ("b.py", "revision = 'b-1'\ndown_revision = 'a'"),
        ("b.py", "revision = 'b@1'\ndown_revision = 'a'"),
        ("b.py", "revision = 'b+1'\ndown_revision = 'a'"),
        ("b.py", "revision = 'b'"),
        ("tool.py", "print"),
        (".hidden.py", "print"),
        ("ab12.py", "pass"),
        ("b.py", "revision = 'b\n"),
        ("b.py", "revision = 'b'\ndown_revision = 'a'\nprint 'done'"),
        ("b.py", "revision = 'b'\ndown_revision = 'left'"),
        ("b.py", "revision = 'b'\ndown_revision = 'gone'"),
        ("b.py", "revision = 'b'\ndown_revision = ''"),
        ("b.py", "revision = 'b'\ndown_revision = 'b'"),
        ("b.py", "revision = 'b'\ndown_revision = ('a', None)"),
        ("b.py", "revision = 'b'\ndown_revision = 'a'\ndepends_on = 'left@head'"),
        ("b.py", "revision = 'b'\ndown_revision = 'a'\ndepends_on = 'b'"),
        ("b.py", "revision = 'b'\ndown_revision = 'a'\nbranch_labels = 'a'"),
        ("b.py", "revision = 'b'\ndown_revision = 'a'\nbranch_labels = ('right', 'left')"),
        ("b.py", "x = '\0'\nrevision = 'b'\ndown_revision = 'a'"),
    ];
    let alike = [
        ("b.py", "revision = 'b'\ndown_revision = 'a'"),
        (
            "b.py",
            "revision = 'b'\ndown_revision = ['a']\ndepends_on = {'left'}\nbranch_labels = []",
        ),
        ("b.py", "revision = 'b'\ndown_revision = ()"),
        ("b.py", "revision = 'b'\ndown_revision: object = 'a',"),
        ("b.py", "revision = 'b'\rdown_revision = 'a'\r"),
        ("b.py", "# coding: latin-1\nrevision = 'b'\ndown_revision = 'a'"),
        ("ab12.py", "down_revision = 'a'"),
        (".hidden.py", "revision = 'b'\ndown_revision = 'a'"),
        (".#b.py", "revision = 'b'\ndown_revision = 'a'"),
        ("__init__.py", "revision = 'b'\ndown_revision = 'a'"),
        ("__init__b.py", "revision = 'b'\ndown_revision = 'a'"),
        ("b.pyi", "revision = 'b'\ndown_revision = 'a'"),
        ("old/b.py", "revision = 'b'\ndown_revision = 'a'"),
    ];
    let (mut cases, mut graphs) = (Vec::new(), Vec::new());
    for (number, (name, content)) in refused.iter().chain(&alike).enumerate() {
        let place = directory.path().join(number.to_string());
        let second = ScriptFile {
            path: format!("versions/{name}").into(),
            content: content.as_bytes().to_vec(),
        };
        let sources = [ScriptFile { path: "versions/a.py".into(), content: first.into() }, second];
        write(&place, &sources);
        cases.push(json!({ "directory": place, "recorded": [] }));
        graphs.push((read(&sources), format!("{name}: {content}")));
    }
    let answers = ask_alembic(&python, directory.path(), &cases);
    for (number, ((revisions, shown), answer)) in graphs.iter().zip(&answers).enumerate() {
        let sound = revisions.unread.is_empty()
            && revisions.dangling().is_empty()
            && !revisions.has_cycle();
        assert_eq!(sound, answer.get("refused").is_none(), "{shown}\n{revisions:#?}\n{answer}");
        assert_eq!(sound, number >= refused.len(), "{shown}\n{revisions:#?}\n{answer}");
        if sound {
            assert_eq!(json!(sorted(revisions.topological())), answer["ids"], "{shown}");
            assert_eq!(json!(revisions.heads()), answer["heads"], "{shown}");
        }
    }
}
