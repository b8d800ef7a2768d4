//! The golden plan of today's format: every move that a plan can hold, and whatever is derived from
//! it, byte for byte. `tests/golden.rs` reads it as a stranger would.
//!
//! TTPLAN_GOLDEN=1 writes it anew, signed by a key whose private half nobody keeps; read the diff.

use std::fs;

use crate::artifact::json;
use crate::model::plan::FORMAT_VERSION;
use crate::openssh::signing_key::SigningKey;
use crate::openssh::sshsig::sign;
use crate::trust::PLAN_NAMESPACE;
use crate::trust::signature_files::signature_file_name;
use crate::trust::test_plans::every_move;

const FOLDER: &str = "fixtures/golden";

#[test]
fn every_move_and_all_that_is_derived_from_it_is_as_it_was() {
    let mut plan = every_move();
    // The format changes with its number, not with each release.
    plan.made_by = "ttplan".into();
    let text = json::to_text(&plan);
    let name = format!("plan-{FORMAT_VERSION}.ttplan.json");
    if std::env::var_os("TTPLAN_GOLDEN").is_some() {
        let key = SigningKey::generate("").unwrap();
        let signature = sign(text.as_bytes(), PLAN_NAMESPACE, &key).unwrap();
        let signature_name = signature_file_name(&name, "ada");
        fs::write(format!("{FOLDER}/{name}"), &text).unwrap();
        fs::write(format!("{FOLDER}/{signature_name}"), signature).unwrap();
        let allowed = format!("ada {}\n", key.public_line().trim_end());
        fs::write(format!("{FOLDER}/allowed_signers"), allowed).unwrap();
    }
    let golden = fs::read_to_string(format!("{FOLDER}/{name}")).unwrap_or_default();
    let differs = golden.lines().zip(text.lines()).position(|(one, other)| one != other);
    assert!(
        golden == text,
        "line {:?} of the golden plan differs; TTPLAN_GOLDEN=1 writes it anew",
        differs.map(|at| at + 1)
    );
}
