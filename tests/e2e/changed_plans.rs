//! Plans that were signed rightly and changed afterwards, or signed by somebody who does not count.
//! None of them touches anything.

use std::fs;
use std::path::Path;
use std::process::Command;

use ttplan::model::plan::FORMAT_VERSION;

use crate::ground::Ground;
use crate::hostile_plans::{planned, refused};
use crate::site::{PLAN, Site, assert_same};

/// Makes a key that nobody allowed anything.
fn unknown_key(site: &Site) -> &'static str {
    let mut make = Command::new("ssh-keygen");
    make.args(["-q", "-t", "ed25519", "-N", "", "-C", "mallory", "-f"])
        .arg(site.path("plans/mallory.key"));
    assert!(make.status().unwrap().success());
    "plans/mallory.key"
}

fn the_wrong_signature_counts_for_nothing(ground: &dyn Ground) {
    let (site, _, before) = planned(ground);
    let signature = site.path(&format!("{PLAN}.ada.sig"));
    let right = fs::read(&signature).unwrap();
    fs::remove_file(&signature).unwrap();
    refused(&site, &before, "no signature", 4, "signature_missing");
    site.run(&["apply", PLAN, "--auto-approve", "--allow-unsigned"])
        .ends(4)
        .complains(&["does not run unsigned plans"]);

    let key = unknown_key(&site);
    site.sign_bytes(key, "ada");
    refused(&site, &before, "an unknown key in another's name", 4, "signer_not_allowed");
    fs::remove_file(&signature).unwrap();
    site.sign_bytes(key, "mallory");
    refused(&site, &before, "an unknown signer", 4, "signer_not_allowed");

    let mut other = Command::new("ssh-keygen");
    other
        .args(["-q", "-Y", "sign", "-n", "file", "-f"])
        .args([site.path("host/ada.key"), site.path(PLAN)]);
    assert!(other.status().unwrap().success());
    fs::rename(site.path(&format!("{PLAN}.sig")), &signature).unwrap();
    refused(&site, &before, "a signature for something else", 4, "signature_of_other_kind");

    // A host's file that came along with the plan decides nothing.
    fs::write(&signature, right).unwrap();
    fs::copy(site.path("host/host.toml"), site.path("plans/host.toml")).unwrap();
    let said = site.run(&["apply", PLAN, "--auto-approve", "--host-config", "plans/host.toml"]);
    said.ends(4).complains(&["lies in the plan's folder"]);
    assert_same(&site.picture(), &before, "a host's file beside the plan");
    site.apply().ends(0);
}

/// How bytes are changed on their way, what is said of it, and the code of what they are to somebody
/// who signs them so.
type Alteration = (&'static str, fn(&str) -> String, &'static str, &'static str);

const ALTERATIONS: &[Alteration] = &[
    ("CRLF", |text| text.replace('\n', "\r\n"), "CRLF", "layout_differs"),
    ("a byte order mark", |text| format!("\u{feff}{text}"), "byte order mark", "layout_differs"),
    (
        "no final newline",
        |text| text.trim_end().to_owned(),
        "empty lines at its end",
        "layout_differs",
    ),
    (
        "another indentation",
        |text| {
            let value: serde_json::Value = serde_json::from_str(text).unwrap();
            serde_json::to_string(&value).unwrap()
        },
        "layout",
        "layout_differs",
    ),
    ("an edit", |text| text.replace("\"clients\"", "\"users\""), "", "title_differs"),
    ("one danger less", |text| text.replacen("\"destructive\"", "\"safe\"", 1), "", "risk_differs"),
    (
        "a later end",
        |text| text.replacen("\"expires_at\": \"2", "\"expires_at\": \"3", 1),
        "",
        "expiry_differs",
    ),
];

fn a_plan_that_was_changed_on_its_way_is_refused(ground: &dyn Ground) {
    let (site, _, before) = planned(ground);
    let text = site.read(PLAN);
    for (what, alter, words, code) in ALTERATIONS {
        let altered = alter(&text);
        assert_ne!(altered, text, "{what}");
        site.put(PLAN, &altered);
        refused(&site, &before, what, 4, "signature_differs");
        site.apply().ends(4).complains(&[words]);
        // Whoever signs it so, signs something that is no plan of ours.
        site.sign_bytes("host/ada.key", "ada");
        refused(&site, &before, what, 4, code);
        site.put(PLAN, &text);
        site.sign_bytes("host/ada.key", "ada");
    }
}

/// A plan of another version is refused before anything of it is believed, signed or not.
fn a_plan_of_another_format_is_refused(ground: &dyn Ground) {
    let (site, _, before) = planned(ground);
    let text = site.read(PLAN);
    let named = |version: &str| format!("\"format_version\": \"{version}\"");
    for version in ["2.0", "1.1", "1.0", "0.8", "new"] {
        let altered = text.replace(&named(FORMAT_VERSION), &named(version));
        assert_ne!(altered, text);
        site.put(PLAN, &altered);
        site.sign_bytes("host/ada.key", "ada");
        refused(&site, &before, version, 4, "format_unknown");
        site.run(&["show", PLAN]).ends(4);
        site.run(&["verify", PLAN]).ends(4);
    }
}

/// A link below a permitted root is not a way out of it.
fn a_link_leads_nowhere(ground: &dyn Ground) {
    let (site, plan, _) = planned(ground);
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("ada.png"), "ada").unwrap();
    fs::remove_dir_all(site.path("app/static/avatars")).unwrap();
    std::os::unix::fs::symlink(outside.path(), site.path("app/static/avatars")).unwrap();
    let before = site.picture();
    site.forge(&plan);
    let said = site.apply();
    assert!([3, 4].contains(&said.code), "{}", said.err);
    assert_same(&site.picture(), &before, "a link in the place of a root");
    assert!(Path::new(&outside.path().join("ada.png")).exists());
}

on_both!(
    the_wrong_signature_counts_for_nothing,
    a_plan_that_was_changed_on_its_way_is_refused,
    a_plan_of_another_format_is_refused,
    a_link_leads_nowhere,
);
