//! What runs kept and nothing needs is removed by a signed plan, whatever dies on the way; and
//! nothing else is.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::faults::wanted;
use crate::scenarios;
use crate::site::Site;
use crate::world::Engine;

/// A site with two runs, of which the first was taken back, and a signed plan that purges that one.
fn site(engine: Engine) -> (Site, PathBuf) {
    let mut site = Site::new(engine, &scenarios::DROPS);
    site.apply(None).must(0);
    let run = site.at("state/runs").join(site.run_id());
    site.undo(None).must(0);
    site.plan = site.at("plans/again.ttplan.json");
    let again = ["plan", "-o", "plans/again.ttplan.json", "--site", "crash", "--ticket", "again"];
    assert_eq!(site.run(&again, None).code, Some(0));
    site.sign("ada");
    site.sign("bob");
    site.apply(None).must(0);
    site.plan = site.at("plans/purge.ttplan.json");
    site.run(
        &["purge", "--older-than", "0h", "-o", "plans/purge.ttplan.json", "--site", "crash"],
        None,
    )
    .must(0);
    site.sign("ada");
    site.sign("bob");
    (site, run)
}

/// Everything that is kept, by path below the state directory.
fn kept(site: &Site) -> BTreeSet<PathBuf> {
    let runs = std::fs::read_dir(site.at("state/runs")).unwrap();
    let saved = runs.flat_map(|run| std::fs::read_dir(run.unwrap().path().join("saved")).unwrap());
    saved.map(|entry| entry.unwrap().path()).collect()
}

fn purging_converges(engine: Engine) {
    let (site, run) = site(engine);
    let before = kept(&site);
    let saved = run.join("saved");
    let copy = site.at("kept");
    let copied =
        std::process::Command::new("cp").arg("-a").arg(&saved).arg(&copy).status().unwrap();
    assert!(copied.success());
    let picture = site.picture();
    let others: BTreeSet<PathBuf> =
        before.iter().filter(|path| !path.starts_with(&run)).cloned().collect();
    assert!(others.len() > 1 && before.len() > others.len() + 1);
    let purge_run = || {
        let runs =
            std::fs::read_dir(site.at("state/runs")).unwrap().map(|entry| entry.unwrap().path());
        runs.max_by_key(|run| run.join("journal.jsonl").metadata().unwrap().modified().unwrap())
            .unwrap()
    };
    let trace = site.at("trace");
    site.apply(Some(&format!("trace@{}", trace.display()))).must(0);
    assert_eq!(kept(&site), others);
    let points = std::fs::read_to_string(&trace).unwrap().lines().count();
    let purged = purge_run();
    let (mut met, mut tried) = (0, 0);
    for n in (1..=points).step_by(points.div_ceil(wanted().min(points)).max(1)) {
        for fault in [format!("kill@{n}"), format!("5@{n}")] {
            std::fs::remove_dir_all(&purged).unwrap();
            std::fs::remove_dir_all(&saved).unwrap();
            assert!(
                std::process::Command::new("cp")
                    .arg("-a")
                    .arg(&copy)
                    .arg(&saved)
                    .status()
                    .unwrap()
                    .success()
            );
            assert_eq!(kept(&site), before);
            met += usize::from(site.apply(Some(&fault)).code != Some(0));
            site.apply(None).must(0);
            assert_eq!(kept(&site), others, "after {fault}");
            tried += 1;
        }
    }
    println!("Purge {engine:?}: {points} points, {tried} faults, {met} met, all converged");
    assert!(met * 2 > tried);
    assert_eq!(site.picture(), picture, "a purge touched the site");
    assert!(site.apply(None).said.contains("nothing was changed"));
}

#[test]
fn purging_converges_on_sqlite() {
    purging_converges(Engine::Sqlite);
}

#[test]
fn purging_converges_on_postgres() {
    purging_converges(Engine::Postgres);
}

/// A plan that names a run which could still be taken back is refused, whoever signed it, and keeps
/// its hands off.
#[test]
fn what_an_undo_needs_is_never_purged() {
    let (site, run) = site(Engine::Sqlite);
    let finished =
        std::fs::read_dir(site.at("state/runs")).unwrap().map(|entry| entry.unwrap().path());
    let finished = finished.into_iter().find(|path| *path != run).unwrap();
    let before = kept(&site);
    let text = std::fs::read_to_string(&site.plan).unwrap();
    let (from, to) = (
        run.file_name().unwrap().to_str().unwrap(),
        finished.file_name().unwrap().to_str().unwrap(),
    );
    std::fs::write(&site.plan, text.replace(from, to)).unwrap();
    site.sign("ada");
    site.sign("bob");
    let ended = site.apply(None);
    assert_eq!(ended.code, Some(3), "{}", ended.said);
    assert!(ended.said.contains("is not undone"), "{}", ended.said);
    assert_eq!(kept(&site), before);
}
