//! Plans that date themselves into another time, and what `verify` says of a plan that `apply` would
//! refuse: all of it, not the first reason alone.

use ttplan::model::names::Moment;

use crate::ground::sqlite::SqliteGround;
use crate::refusal;
use crate::site::{PLAN, Site};

fn apply(site: &Site) -> (String, i32) {
    let (error, exit) = refusal::of(site, &["apply", PLAN, "--auto-approve"]);
    (error["code"].as_str().unwrap_or_default().to_owned(), exit)
}

#[test]
fn are_refused_by_verify_as_by_apply() {
    for (made, until, code) in [
        ("2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z", "expired"),
        ("2090-01-01T00:00:00Z", "2090-01-02T00:00:00Z", "not_yet_valid"),
    ] {
        let site = Site::new(&SqliteGround);
        let mut plan = site.plan_and_sign(0);
        plan.made_at = Moment::parse(made).unwrap();
        plan.expires_at = Moment::parse(until).unwrap();
        site.forge(&plan);
        assert_eq!(apply(&site), (code.to_owned(), 3));
        let (error, exit) = refusal::of(&site, &["verify", PLAN]);
        assert_eq!((error["code"].as_str(), exit), (Some(code), 4));
        site.run(&["verify", PLAN]).ends(4).says(&["ok  signed", "no  valid", "1 reason"]);
    }
}

#[test]
fn that_live_longer_than_they_may_are_refused() {
    let site = Site::new(&SqliteGround);
    let mut plan = site.plan_and_sign(0);
    plan.expires_at = plan.expires_at.plus_seconds(1);
    site.forge(&plan);
    for command in ["show", "verify"] {
        refusal::with(&site, &[command, PLAN], "expiry_differs");
    }
    assert_eq!(apply(&site), ("expiry_differs".to_owned(), 4));
}

#[test]
fn with_much_wrong_are_told_all_of_it() {
    let site = Site::new(&SqliteGround);
    let mut plan = site.plan_and_sign(0);
    plan.target.site = Some("elsewhere".into());
    plan.made_at = Moment::parse("2020-01-01T00:00:00Z").unwrap();
    plan.expires_at = plan.made_at.plus_seconds(60);
    std::fs::write(site.path(PLAN), ttplan::artifact::json::to_text(&plan)).unwrap();
    let (error, exit) = refusal::of(&site, &["verify", PLAN]);
    let codes: Vec<&str> = error["reasons"]
        .as_array()
        .unwrap()
        .iter()
        .map(|reason| reason["code"].as_str().unwrap())
        .collect();
    for code in ["signature_differs", "wrong_site", "expired"] {
        assert!(codes.contains(&code), "{code} is not among {codes:?}");
    }
    assert_eq!(exit, 4);
    let said = site.run(&["verify", PLAN]).ends(4);
    said.says(&["no  signed", "no  permitted", "no  valid", "Refused for"]);
}
