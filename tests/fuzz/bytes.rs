//! Every byte of a real plan changed, one at a time: nobody has signed what comes out, and no
//! signature counts for it.

use jiff::tz::TimeZone;
use ttplan::model::names::Moment;
use ttplan::openssh::allowed_signers::AllowedSigners;
use ttplan::openssh::signing_key::SigningKey;
use ttplan::openssh::sshsig::sign;
use ttplan::openssh::verify::Keyring;
use ttplan::trust::PLAN_NAMESPACE;
use ttplan::trust::signers::{SignatureFile, judge};

use crate::papers;

/// The changes that are tried at each byte, and every how many bytes: all where the full form is
/// asked for.
fn thorough() -> (u8, usize) {
    if std::env::var_os("TTPLAN_FUZZ").is_some() { (u8::MAX, 1) } else { (1, 5) }
}

#[test]
fn a_real_plan_with_any_byte_changed_is_signed_by_nobody() {
    let plan = papers()[0].clone();
    let key = SigningKey::generate("").unwrap();
    let allowed = format!("ada {}\n", key.public_line());
    let allowed = AllowedSigners::parse("a", allowed.as_bytes(), &TimeZone::UTC);
    let ring = Keyring {
        allowed: &allowed,
        revoked: None,
        now: Moment::from_unix(1_790_000_000).unwrap(),
    };
    let text = sign(&plan, PLAN_NAMESPACE, &key).unwrap();
    let signatures = [SignatureFile { name: "plan.ada.sig".to_owned(), text }];
    let persons = |bytes: &[u8]| judge("plan", bytes, &signatures, PLAN_NAMESPACE, &ring).persons;
    assert_eq!(persons(&plan), 1);
    let (changes, every) = thorough();
    let indices: Vec<usize> = (0..plan.len()).step_by(every).collect();
    let half = indices.len() / 2;
    let try_all = |indices: &[usize]| {
        let mut changed = plan.clone();
        for at in indices {
            for change in 1..=changes {
                changed[*at] ^= change;
                assert_eq!(persons(&changed), 0, "byte {at} ^ {change:#x}");
                changed[*at] ^= change;
            }
            let left_out = [&plan[..*at], &plan[at + 1..]].concat();
            assert_eq!(persons(&left_out), 0, "byte {at} left out");
        }
        indices.len() * (usize::from(changes) + 1)
    };
    let tried = std::thread::scope(|scope| {
        let other = scope.spawn(|| try_all(&indices[half..]));
        try_all(&indices[..half]) + other.join().unwrap()
    });
    println!("{} bytes, {tried} mutations, none signed", plan.len());
    assert!(tried > plan.len() / 5);
}
