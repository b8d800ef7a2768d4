//! Papers of every format version that was ever written: they are read as they were, and who signed
//! them still has. Until the format is frozen, today's is made anew by the change that needs it (see
//! `trust::golden_tests`); a frozen one is never written again, and a new version gets a new one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

use std::collections::BTreeSet;
use std::fs;

use jiff::tz::TimeZone;
use ttplan::artifact::{document, json};
use ttplan::model::names::Moment;
use ttplan::model::plan::FORMAT_VERSION;
use ttplan::model::plan::difference::differences;
use ttplan::openssh::allowed_signers::AllowedSigners;
use ttplan::openssh::verify::Keyring;
use ttplan::trust::PLAN_NAMESPACE;
use ttplan::trust::signers::{SignatureFile, judge};

const VERSIONS: [&str; 1] = ["0.9"];

#[test]
fn every_plan_is_still_read_and_still_signed() {
    assert!(VERSIONS.contains(&FORMAT_VERSION), "a new version of the format gets a golden plan");
    let allowed = fs::read("fixtures/golden/allowed_signers").unwrap();
    let allowed = AllowedSigners::parse("allowed_signers", &allowed, &TimeZone::UTC);
    let ring = Keyring {
        allowed: &allowed,
        revoked: None,
        now: Moment::parse("2026-11-20T12:00:00Z").unwrap(),
    };
    for version in VERSIONS {
        let name = format!("plan-{version}.ttplan.json");
        let bytes = fs::read(format!("fixtures/golden/{name}")).unwrap();
        let plan = document::read_plan(&name, &bytes).unwrap();
        assert_eq!(json::to_text(&plan).as_bytes(), bytes);
        assert_eq!((plan.format_version.as_str(), differences(&plan)), (version, vec![]));
        let signature = format!("{name}.ada.sig");
        let text = fs::read_to_string(format!("fixtures/golden/{signature}")).unwrap();
        let signers =
            judge(&name, &bytes, &[SignatureFile { name: signature, text }], PLAN_NAMESPACE, &ring);
        assert_eq!(
            (signers.persons, signers.signed[0].principal.as_str()),
            (1, "ada"),
            "{:?}",
            signers.refused
        );
    }
}

/// What the golden plan of today's version does not hold, the next reader could misread unseen.
#[test]
fn the_latest_plan_holds_every_move() {
    let bytes = fs::read(format!("fixtures/golden/plan-{FORMAT_VERSION}.ttplan.json")).unwrap();
    let plan = document::read_plan("golden", &bytes).unwrap();
    let acts =
        plan.steps.iter().flat_map(|step| step.save.iter().chain(&step.moves).chain(&step.undo));
    let held: BTreeSet<&str> = acts.map(ttplan::model::plan::step::Move::word).collect();
    let schema = fs::read_to_string("docs/formats/schemas/plan.json").unwrap();
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    let known = schema["$defs"]["Move"]["oneOf"].as_array().unwrap().iter();
    let known: BTreeSet<&str> =
        known.map(|one| one["properties"]["move"]["const"].as_str().unwrap()).collect();
    assert!(known.len() > 20, "{known:?}");
    let missing: Vec<_> = known.difference(&held).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
