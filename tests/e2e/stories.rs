//! The whole way: look, plan, sign, verify, apply, apply again, look back, take back.

use std::process::{Command, Stdio};

use ttplan::model::diagnosis::DatabaseState;

use crate::ground::Ground;
use crate::site::{PLAN, STRAYS, Site, assert_same};

/// Strays, avatars in the old place, nothing migrated: drops, a copy and migrations in one plan.
fn a_neglected_site_is_put_right_and_taken_back(ground: &dyn Ground) {
    let site = Site::with(ground, STRAYS);
    let before = site.picture();
    site.run(&["inspect"]).ends(0);
    site.plan().ends(0).says(&["client_names", "My Table; drop", "5 migrations", "2 files"]);
    assert_eq!(site.planned().diagnosis.state, DatabaseState::Corrupted);
    site.run(&["show", PLAN]).ends(0);
    site.run(&["show", PLAN, "--format", "markdown"]).ends(0).says(&["My Table; drop"]);
    site.run(&["verify", PLAN]).ends(4).says(&["0 of the 1 signatures"]);
    site.apply().ends(4);
    site.sign().ends(0);
    site.run(&["verify", PLAN]).ends(0).says(&["ada"]);
    check_with_ssh_keygen(&site);
    assert_same(&site.picture(), &before, "nothing was to be changed before apply");

    site.apply().ends(0).says(&["Applied:"]);
    let after = site.picture();
    assert!(!after.holds("My Table") && !after.holds("client_names"), "{after:?}");
    assert!(after.holds("projects_by_owner") && after.holds("004_codes"), "{after:?}");
    assert_eq!(site.read("data/avatars/more/bob.png"), "bob");
    assert_eq!(site.read("app/static/avatars/more/bob.png"), "bob", "sources stay");

    site.apply().ends(0).says(&["nothing was changed"]);
    assert_same(&site.picture(), &after, "the second apply changed something");
    site.run(&["history"]).ends(0).says(&["finished", "signed by ada"]);
    site.plan().ends(0);
    assert!(site.planned().steps.is_empty(), "there is more to do: {:?}", site.planned().steps);

    site.undo().ends(0).says(&["Undone:"]);
    assert_same(&site.picture(), &before, "undo did not bring everything back");
    site.run(&["history"]).ends(0).says(&["undone"]);
    site.undo().ends(0);
    assert_same(&site.picture(), &before, "the second undo changed something");
}

/// A foreign program agrees about the signature.
fn check_with_ssh_keygen(site: &Site) {
    let verify = |bytes: &str| {
        let mut verify = Command::new("ssh-keygen");
        verify
            .args(["-Y", "verify", "-n", "ttplan-plan-v1", "-I", "ada", "-f"])
            .arg(site.path("host/allowed_signers"));
        verify.arg("-s").arg(site.path(&format!("{PLAN}.ada.sig")));
        site.put("plans/bytes", bytes);
        verify.stdin(Stdio::from(std::fs::File::open(site.path("plans/bytes")).unwrap()));
        verify.output().unwrap().status.success()
    };
    let plan = site.read(PLAN);
    assert!(verify(&plan));
    assert!(!verify(&format!("{plan}\n")));
}

on_both!(a_neglected_site_is_put_right_and_taken_back);
