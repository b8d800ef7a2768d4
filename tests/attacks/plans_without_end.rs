//! Plans beyond every size, and findings that push what is destroyed out of sight.

use ttplan::model::diagnosis::{Finding, Severity};
use ttplan::model::plan::LARGEST;

use crate::ground::sqlite::SqliteGround;
use crate::refusal;
use crate::site::{PLAN, STRAYS, Site};

fn finding(n: usize, length: usize) -> Finding {
    Finding {
        severity: Severity::Info,
        code: "pending_migrations".into(),
        subject: format!("{n}"),
        message: "all is well, nothing to see here. ".repeat(length),
        hint: None,
    }
}

#[track_caller]
fn is_too_large(site: &Site) {
    for arguments in [["show", PLAN].as_slice(), &["verify", PLAN], &["apply", PLAN]] {
        let (error, exit) = refusal::of(site, arguments);
        assert_eq!((error["code"].as_str(), exit), (Some("plan_too_large"), 4), "{arguments:?}");
        assert!(error["expected"].is_string() && error["found"].is_string(), "{error:#}");
    }
}

#[test]
fn are_refused_by_bytes_steps_and_findings() {
    let site = Site::new(&SqliteGround);
    let honest = site.plan_and_sign(0);
    let mut plan = honest.clone();
    let first = plan.steps[0].clone();
    plan.steps.extend(std::iter::repeat_n(first, LARGEST.1));
    // Without indentation it would not be too many bytes first.
    plan.steps.iter_mut().for_each(|step| step.reason.clear());
    site.forge(&plan);
    is_too_large(&site);
    let mut plan = honest.clone();
    plan.findings = (0..=LARGEST.2).map(|n| finding(n, 0)).collect();
    site.forge(&plan);
    is_too_large(&site);
    let mut plan = honest;
    plan.findings = vec![finding(0, LARGEST.0 / 30)];
    site.forge(&plan);
    is_too_large(&site);
}

#[test]
fn with_thousands_of_findings_show_first_what_is_destroyed() {
    let site = Site::with(&SqliteGround, STRAYS);
    let mut plan = site.plan_and_sign(0);
    plan.findings = (0..3000).map(|n| finding(n, 8)).collect();
    site.forge(&plan);
    for (format, view) in [("text", "client_names"), ("markdown", "client&#95;names")] {
        let said = site.run(&["show", PLAN, "--format", format]).ends(0);
        let at = said.out.find(view).expect("the view is not shown");
        assert!(at < 5000, "{format}: at {at} of {}", said.out.len());
        assert!(said.out.len() < 65_536, "{format}: {} bytes", said.out.len());
    }
}
