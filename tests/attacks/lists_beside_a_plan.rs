//! The file list beside a plan, taken away, exchanged or changed: whoever signs or runs the plan
//! relies on it, so every command refuses, by its name.

use std::io::Write;

use ttplan::artifact::{json, sidecar};
use ttplan::model::plan::Plan;
use ttplan::model::plan::step::{FileList, Move};

use crate::ground::sqlite::SqliteGround;
use crate::refusal;
use crate::site::{PLAN, Site};

const LIST: &str = "plans/change.files.zst";

/// A site whose plan has its list beside it.
fn site() -> Site {
    let site = Site::new(&SqliteGround);
    for n in 0..sidecar::MOST_INLINE {
        site.put(&format!("app/static/avatars/{n}.png"), &n.to_string());
    }
    site.plan_and_sign(0);
    assert!(site.path(LIST).exists());
    site
}

/// That nobody shows, signs, verifies or runs it.
#[track_caller]
fn is_refused(site: &Site, code: &str) {
    let sign = ["sign", PLAN, "--key", "host/ada.key", "--principal", "ada", "--yes"];
    for arguments in
        [&["show", PLAN][..], &sign, &["verify", PLAN], &["apply", PLAN, "--auto-approve"]]
    {
        let (error, exit) = refusal::of(site, arguments);
        assert_eq!((error["code"].as_str(), exit), (Some(code), 4), "{arguments:?}: {error:#}");
        let told = error.to_string();
        assert!(told.contains("change.files.zst"), "{arguments:?} does not name it: {told}");
    }
    assert!(!site.path("data/avatars/ada.png").exists());
}

fn write(site: &Site, lines: &[String]) {
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
    encoder.write_all(lines.concat().as_bytes()).unwrap();
    std::fs::write(site.path(LIST), encoder.finish().unwrap()).unwrap();
}

fn lines(site: &Site) -> Vec<String> {
    let bytes = zstd::decode_all(std::fs::File::open(site.path(LIST)).unwrap()).unwrap();
    String::from_utf8(bytes).unwrap().split_inclusive('\n').map(str::to_owned).collect()
}

#[test]
fn that_is_missing_or_another_is_refused_by_its_name() {
    let site = site();
    let (honest, rows) = (std::fs::read(site.path(LIST)).unwrap(), lines(&site));
    std::fs::remove_file(site.path(LIST)).unwrap();
    is_refused(&site, "list_missing");
    let mut changed = rows.clone();
    changed[3] = changed[3].replace("0.png", "0.php");
    let twice = [&rows[..], &rows[..1]].concat();
    for bad in [&changed[..], &rows[1..], &rows[..rows.len() - 1], &twice, &[]] {
        write(&site, bad);
        is_refused(&site, "list_differs");
    }
    std::fs::write(site.path(LIST), "no list").unwrap();
    is_refused(&site, "list_differs");
    std::fs::remove_file(site.path(LIST)).unwrap();
    std::os::unix::fs::symlink("/dev/zero", site.path(LIST)).unwrap();
    is_refused(&site, "list_differs");
    std::fs::remove_file(site.path(LIST)).unwrap();
    std::fs::write(site.path(LIST), honest).unwrap();
    site.run(&["verify", PLAN]).ends(0).says(&["complete"]);
    site.apply().ends(0);
}

fn copies(plan: &mut Plan) -> &mut ttplan::model::plan::step::Sidecar {
    let mut moves = plan.steps.iter_mut().flat_map(|step| &mut step.moves);
    moves
        .find_map(|mv| match mv {
            Move::CopyFiles(copy) => match &mut copy.files {
                FileList::Sidecar(list) => Some(list),
                _ => None,
            },
            _ => None,
        })
        .unwrap()
}

/// Properly signed, and bound to another part of the list, or to a size that is not its own.
#[test]
fn that_the_plan_lies_about_is_refused() {
    let site = site();
    let honest = site.planned();
    let change: [fn(&mut Plan); 3] = [
        |plan| copies(plan).first += 1,
        |plan| copies(plan).files -= 1,
        |plan| copies(plan).bytes += 1,
    ];
    for change in change {
        let mut plan = honest.clone();
        change(&mut plan);
        assert_ne!(json::to_text(&plan), json::to_text(&honest));
        site.forge(&plan);
        let (error, exit) = refusal::of(&site, &["apply", PLAN, "--auto-approve"]);
        assert_eq!(exit, 4, "{error:#}");
        assert!(!site.path("data/avatars/ada.png").exists());
    }
}
