//! Files that are no plan, or not wholly: nothing of them is believed, and nothing is changed.

use crate::ground::sqlite::SqliteGround;
use crate::site::{PLAN, STRAYS, Site, assert_same};

/// What lies there instead of the plan, the exit code, and what is said.
type Wrong = (&'static str, fn(&str) -> Vec<u8>, i32, &'static [&'static str]);

const WRONG: &[Wrong] = &[
    ("nothing", |_| Vec::new(), 1, &["is empty"]),
    ("half of it", |text| text.as_bytes()[..text.len() / 2].to_vec(), 1, &["cut off", "hint: "]),
    ("all but its end", |text| text.as_bytes()[..text.len() - 2].to_vec(), 1, &["cut off"]),
    (
        "a letter",
        |_| b"Dear Ada, please apply the usual.\n".to_vec(),
        1,
        &["is not a plan that can be read", ":1:1"],
    ),
    ("an empty object", |_| b"{}\n".to_vec(), 1, &["format_version"]),
    ("a list", |_| b"[]\n".to_vec(), 1, &["is not a plan that can be read"]),
    ("bytes", |_| vec![0xff, 0xfe, 0x00, b'\n'], 1, &["is not UTF-8 from byte 0 on"]),
    (
        "the observation",
        |text| text.replace("\"steps\"", "\"facts\"").into_bytes(),
        1,
        &["unknown field `facts`"],
    ),
    (
        "a field more",
        |text| text.replacen("\"made_by\"", "\"trust_me\": true,\n  \"made_by\"", 1).into_bytes(),
        1,
        &["unknown field `trust_me`", ":3:"],
    ),
    (
        "a field more within a move",
        |text| {
            let line = "\"definition\": \"";
            let more = format!("\"and_also\": \"DROP TABLE users\",\n            {line}");
            text.replacen(line, &more, 1).into_bytes()
        },
        1,
        &["unknown field `and_also`"],
    ),
    (
        "a field twice",
        |text| {
            let line = text.lines().find(|line| line.contains("\"ticket\"")).unwrap();
            text.replacen(line, &format!("{line}\n{line}"), 1).into_bytes()
        },
        1,
        &["duplicate field `ticket`"],
    ),
    (
        "a field less",
        |text| text.replacen("  \"ticket\": null,\n", "", 1).into_bytes(),
        4,
        &["written form", ":7:"],
    ),
    (
        "a move of the future",
        |text| text.replacen("\"drop_object\"", "\"burn_object\"", 1).into_bytes(),
        1,
        &["`burn_object`"],
    ),
    (
        "deeper than any plan",
        |text| text.replacen("null", &("[".repeat(100_000) + &"]".repeat(100_000)), 1).into_bytes(),
        1,
        &["is not a plan that can be read"],
    ),
    (
        "a newer major version",
        |text| text.replacen("\"0.9\"", "\"2.0\"", 1).into_bytes(),
        4,
        &["format version `2.0`", "newer"],
    ),
    (
        "bytes that turn the line",
        |text| text.replacen("\"ticket\": null", "\"ticket\": \"\u{202e}evil\"", 1).into_bytes(),
        4,
        &["is not"],
    ),
];

/// Signed by ada, who did not look.
#[test]
fn what_is_no_plan_is_not_run_whoever_signed_it() {
    let site = Site::with(&SqliteGround, STRAYS);
    site.plan_and_sign(0);
    let (text, before) = (site.read(PLAN), site.picture());
    for (what, wrong, code, words) in WRONG {
        let bytes = wrong(&text);
        assert_ne!(bytes, text.as_bytes(), "{what}");
        std::fs::write(site.path(PLAN), bytes).unwrap();
        site.sign_bytes("host/ada.key", "ada");
        for arguments in
            [&["show", PLAN][..], &["verify", PLAN], &["apply", PLAN, "--auto-approve"]]
        {
            let said = site.run(arguments);
            assert_eq!(said.code, *code, "{what}: {arguments:?}: {}", said.err);
            said.complains(words).complains(&["change.ttplan.json"]);
        }
        let said = site.sign();
        assert_eq!(said.code, *code, "{what}: {}", said.err);
        assert_same(&site.picture(), &before, what);
        assert_eq!(site.journal(), [""; 0], "{what}: a run was begun");
    }
    let missing = site.run(&["apply", "plans/none.ttplan.json", "--auto-approve"]).ends(1);
    missing.complains(&["plans/none.ttplan.json", "hint: check the path"]);
    site.run(&["apply", "plans", "--auto-approve"]).ends(1).complains(&["plans"]);
}

/// The same for what one plans from.
#[test]
fn what_is_no_observation_is_not_planned_from() {
    let site = Site::with(&SqliteGround, STRAYS);
    site.run(&["inspect", "-o", "plans/site.json"]).ends(0);
    let text = site.read("plans/site.json");
    let from = |bytes: &[u8]| {
        std::fs::write(site.path("plans/site.json"), bytes).unwrap();
        site.run(&["plan", "--observation", "plans/site.json", "-o", PLAN])
    };
    from(text.as_bytes()).ends(0);
    std::fs::remove_file(site.path(PLAN)).unwrap();
    from(b"").ends(1).complains(&["is empty"]);
    from(&text.as_bytes()[..text.len() / 2]).ends(1).complains(&["cut off"]);
    from(text.replace('\n', "\r\n").as_bytes()).ends(4).complains(&["CRLF"]);
    from(text.replacen("\"1.", "\"2.", 1).as_bytes()).ends(4).complains(&["format version `2."]);
    from(text.replacen("\"facts\"", "\"fancies\"", 1).as_bytes())
        .ends(1)
        .complains(&["unknown field `fancies`"]);
    assert!(!site.path(PLAN).exists());
    // A plan is no observation, nor are two of one database.
    from(text.as_bytes()).ends(0);
    site.run(&["plan", "--observation", PLAN]).ends(4).complains(&["format version `0.9`"]);
    let twice = site.run(&["plan", "--observation", "plans/site.json", "plans/site.json"]);
    assert_eq!(twice.code, 1, "{}", twice.err);
}
