//! Every byte of a signed document and of its signature changed, one at a time.

use crate::oracle::{MESSAGE, Papers, bench, judge, verifies};
use ttplan::trust::PLAN_NAMESPACE;
use ttplan::trust::sshsig::SshSig;

/// Of every so many refused mutations, `ssh-keygen` is asked about one.
const SAMPLE: usize = 53;
/// The same of those that leave the signature what it was.
const SAMPLE_SAME: usize = 5;

#[test]
fn a_document_with_any_byte_changed_is_refused() {
    let bench = bench();
    let allowed = format!("alice {}", bench.public_line("ed25519"));
    let signature = bench.sign("ed25519", PLAN_NAMESPACE, MESSAGE, &[]);
    let papers = Papers::new(bench, "bytes", &allowed, &signature);
    for at in 0..MESSAGE.len() {
        for change in [0x01, 0x20, 0x80] {
            let mut message = MESSAGE.to_vec();
            message[at] ^= change;
            assert!(judge(&allowed, &signature, &message, "alice").is_err(), "byte {at} ^ {change:#x}");
            if at % SAMPLE == 0 {
                bench.write("bytes.message", &message);
                assert!(!verifies(&papers.asked("alice")), "ssh-keygen: byte {at} ^ {change:#x}");
            }
        }
        for message in [[&MESSAGE[..at], &MESSAGE[at + 1..]].concat(), [&MESSAGE[..at], b" ", &MESSAGE[at..]].concat()]
        {
            assert!(judge(&allowed, &signature, &message, "alice").is_err(), "byte {at} left out or put before");
        }
    }
}

#[test]
fn a_signature_with_any_byte_changed_is_refused_or_the_same_signature() {
    let bench = bench();
    for kind in ["ed25519", "p256"] {
        let allowed = format!("alice {}", bench.public_line(kind));
        let text = bench.sign(kind, PLAN_NAMESPACE, MESSAGE, &[]);
        let original = SshSig::read(&text).unwrap();
        let (mut same, mut refused) = (0, 0);
        for mutated in mutations(&text) {
            let ours = judge(&allowed, &mutated, MESSAGE, "alice");
            if ours.is_ok() {
                assert_eq!(SshSig::read(&mutated).as_ref(), Ok(&original), "another signature is accepted:\n{mutated}");
                if same % SAMPLE_SAME == 0 {
                    let papers = Papers::new(bench, "mutated", &allowed, &mutated);
                    assert!(verifies(&papers.asked("alice")), "ssh-keygen refuses what we accept:\n{mutated}");
                }
                same += 1;
                continue;
            }
            refused += 1;
            // The one place where we are stricter: a version that nobody writes.
            let version_0 = SshSig::read(&mutated).is_err_and(|why| why.contains("version 0"));
            if version_0 || refused % SAMPLE == 0 {
                let papers = Papers::new(bench, "mutated", &allowed, &mutated);
                assert_eq!(verifies(&papers.asked("alice")), version_0, "{ours:?}\n{mutated}");
            }
        }
        println!("{kind}: {refused} mutations refused, {same} only changed the armour");
        assert!(same > 0 && refused > 1000, "{same} {refused}");
    }
}

/// The text with each of its bytes replaced, left out, doubled, or with a blank before it.
fn mutations(text: &str) -> impl Iterator<Item = String> {
    let replaced = |at: usize, with: &str| format!("{}{with}{}", &text[..at], &text[at + 1..]);
    (0..text.len()).flat_map(move |at| {
        let own = &text[at..=at];
        let next = char::from(text.as_bytes()[at] ^ 1).to_string();
        ["", " ", "\n", "A", "=", "\0", "\r\n", &next, &format!("{own}{own}"), &format!(" {own}")]
            .iter()
            .filter(|with| **with != own)
            .map(|with| replaced(at, with))
            .collect::<Vec<_>>()
    })
}
