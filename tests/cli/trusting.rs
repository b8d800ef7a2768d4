//! What lowers trust, and what observations need: only what the host's own file permits, whatever
//! is asked for.

use std::process::Output;

use crate::site::{Site, clean};

const HOST: [&str; 2] = ["--host-config", "host/host.toml"];
const PLAN: &str = "plans/change.ttplan.json";

/// Changes the host's own file.
fn host(site: &Site, change: impl Fn(&str) -> String) {
    let path = site.home.join("host/host.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let changed = change(&text);
    assert_ne!(text, changed, "nothing was changed in:\n{text}");
    std::fs::write(path, changed).unwrap();
}

fn two_for_destruction(site: &Site) {
    host(site, |text| text.replace("required_for_destructive = 1", "required_for_destructive = 2"));
}

fn permit_breaking(site: &Site) {
    host(site, |text| format!("{text}\n[policy]\nbreak_glass = true\n"));
}

fn apply(site: &Site, more: &[&str]) -> Output {
    site.run(&[&["apply", PLAN, "--auto-approve"], &HOST[..], more].concat())
}

#[track_caller]
fn refused(output: &Output, code: i32, says: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.contains(says), "{said}");
}

#[test]
fn nobody_breaks_the_glass_where_the_host_does_not_permit_it() {
    let site = Site::with_signed_plan();
    two_for_destruction(&site);
    refused(&apply(&site, &[]), 4, "has 1 of the 2 signatures it needs");
    refused(&apply(&site, &["--break-glass", "it burns"]), 4, "permits nobody to break the glass");
    let mut command = site.command(&[&["apply", PLAN, "--auto-approve"], &HOST[..]].concat());
    refused(
        &command.env("TTPLAN_BREAK_GLASS", "it burns").output().unwrap(),
        4,
        "has 1 of the 2 signatures",
    );
    assert!(
        !site.home.join("state/runs").exists()
            || site.home.join("state/runs").read_dir().unwrap().next().is_none()
    );
}

#[test]
fn breaking_the_glass_needs_a_signature_and_a_reason_and_is_written_down() {
    let site = Site::with_signed_plan();
    two_for_destruction(&site);
    permit_breaking(&site);
    refused(&apply(&site, &["--break-glass", " "]), 64, "gives a reason");
    refused(&apply(&site, &["--break-glass", "x", "--allow-unsigned"]), 64, "cannot be used with");
    let signature = site.home.join("plans/change.ttplan.json.you.sig");
    let away = site.home.join("plans/away");
    std::fs::rename(&signature, &away).unwrap();
    refused(&apply(&site, &["--break-glass", "it burns"]), 4, "has 0 of the 1 signatures");
    std::fs::rename(&away, &signature).unwrap();
    let done = apply(&site, &["--break-glass", "it burns"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let run =
        std::fs::read_dir(site.home.join("state/runs")).unwrap().next().unwrap().unwrap().path();
    let journal = std::fs::read_to_string(run.join("journal.jsonl")).unwrap();
    assert!(journal.contains("\"broke_glass\"") && journal.contains("it burns"), "{journal}");
    // Taking it back lowers trust as much.
    refused(
        &site.run(&[&["undo", "--last", "--auto-approve"], &HOST[..]].concat()),
        4,
        "has 1 of the 2 signatures",
    );
    let undo = ["undo", "--last", "--auto-approve", "--break-glass", "it was wrong"];
    site.printed(&[&undo[..], &HOST].concat(), 0);
}

/// A site whose host demands a signed observation of at most two hours, and an observation made now
/// or long ago.
fn observed(epoch: Option<&str>) -> Site {
    let site = Site::with_signed_plan();
    host(&site, |text| format!("{text}\n[trust.observations]\nrequired = 1\nmax_age = \"2h\"\n"));
    let mut inspect = site.command(&["inspect", "-o", "seen.json"]);
    if let Some(epoch) = epoch {
        inspect.env("SOURCE_DATE_EPOCH", epoch);
    }
    assert!(inspect.output().unwrap().status.success());
    site
}

fn plan_from(site: &Site) -> Output {
    site.run(
        &[&["plan", "--observation", "seen.json", "-o", "plans/other.ttplan.json"], &HOST[..]]
            .concat(),
    )
}

fn sign(site: &Site, what: &str) {
    site.printed(&["sign", what, "--key", "host/you.key", "--principal", "you", "--yes"], 0);
}

#[test]
fn a_host_that_demands_signed_observations_plans_from_no_other() {
    let site = observed(None);
    refused(&plan_from(&site), 4, "seen.json");
    assert!(!site.home.join("plans/other.ttplan.json").exists());
    sign(&site, "seen.json");
    assert_eq!(
        plan_from(&site).status.code(),
        Some(8),
        "it is planned, and a person has to decide about the rest"
    );
    // One byte more, and nobody signed it.
    let text = std::fs::read_to_string(site.home.join("seen.json")).unwrap();
    std::fs::write(site.home.join("seen.json"), text + "\n").unwrap();
    std::fs::remove_file(site.home.join("plans/other.ttplan.json")).unwrap();
    assert!(!plan_from(&site).status.success());
    assert!(!site.home.join("plans/other.ttplan.json").exists());
}

#[test]
fn a_plan_s_signature_does_for_no_observation() {
    let site = observed(None);
    std::fs::copy(
        site.home.join("plans/change.ttplan.json.you.sig"),
        site.home.join("seen.json.you.sig"),
    )
    .unwrap();
    refused(&plan_from(&site), 4, "seen.json");
}

#[test]
fn an_observation_that_is_too_old_is_refused_however_well_it_is_signed() {
    let site = observed(Some("1700000000"));
    sign(&site, "seen.json");
    refused(&plan_from(&site), 3, "is too old");
    assert!(!site.home.join("plans/other.ttplan.json").exists());
}

#[test]
fn a_run_reaches_the_database_by_the_url_for_migrations() {
    let site = Site::with_signed_plan();
    let apply = |application: &str, direct: &str| {
        let mut command = site.command(&[&["apply", PLAN, "--auto-approve"], &HOST[..]].concat());
        command
            .env("TTPLAN_DATABASE_URL", application)
            .env("TTPLAN_MIGRATION_DATABASE_URL", direct);
        command.output().unwrap()
    };
    let real = format!("sqlite:///{}", site.home.join("data/app.db").display());
    let pooled = format!("sqlite:///{}", site.home.join("data/no.db").display());
    refused(&apply(&real, "postgresql://ada:hunter2@127.0.0.1/app"), 1, "of another engine");
    let unreadable = apply(&real, "gopher://hunter2@x/y");
    refused(&unreadable, 1, "TTPLAN_MIGRATION_DATABASE_URL cannot be used");
    assert!(!String::from_utf8_lossy(&unreadable.stderr).contains("hunter2"));
    // The plan knows its database, by whatever way it is reached.
    let other = site.home.join("data/other.db");
    std::fs::copy(site.home.join("data/app.db"), &other).unwrap();
    refused(&apply(&real, &format!("sqlite:///{}", other.display())), 3, "another database");
    let done = apply(&pooled, &real);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(!site.home.join("data/no.db").exists());
}

/// With any umask: a directory that everybody may write to would not be believed.
#[test]
fn the_hosts_own_files_are_made_so_that_they_are_believed() {
    let home = tempfile::tempdir().unwrap();
    let script = "umask 000; ttplan demo --make site && cd site && rmdir host && ttplan plan -o p >/dev/null
        ttplan trust init --site demo --directory host --principal you --allow-root . --state state --yes &&
        ttplan sign p --key host/you.key --principal you --yes && ttplan verify p --host-config host/host.toml";
    let said = clean("sh").args(["-c", script]).current_dir(home.path()).output().unwrap();
    refused(&said, 0, "");
}
