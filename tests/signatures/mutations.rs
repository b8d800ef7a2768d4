//! Every byte of a signed document and of its signature changed, one at a time.

use crate::oracle::{MESSAGE, Papers, bench, judge, verifies};
use ttplan::openssh::sshsig::SshSig;
use ttplan::trust::PLAN_NAMESPACE;

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
        for change in 1..=u8::MAX {
            let mut message = MESSAGE.to_vec();
            message[at] ^= change;
            assert!(
                judge(&allowed, &signature, &message, "alice").is_err(),
                "byte {at} ^ {change:#x}"
            );
            if (at + usize::from(change)) % SAMPLE == 0 {
                bench.write("bytes.message", &message);
                assert!(!verifies(&papers.asked("alice")), "ssh-keygen: byte {at} ^ {change:#x}");
            }
        }
        for message in [
            [&MESSAGE[..at], &MESSAGE[at + 1..]].concat(),
            [&MESSAGE[..at], b" ", &MESSAGE[at..]].concat(),
        ] {
            assert!(
                judge(&allowed, &signature, &message, "alice").is_err(),
                "byte {at} left out or put before"
            );
        }
    }
}

#[test]
fn a_signature_with_any_byte_changed_is_refused_or_the_same_signature() {
    let bench = bench();
    for (kind, replacements) in
        [("ed25519", ALL), ("p256", ALL), ("p384", FEW), ("p521", FEW), ("rsa3072", FEW)]
    {
        let allowed = format!("alice {}", bench.public_line(kind));
        let text = bench.sign(kind, PLAN_NAMESPACE, MESSAGE, &[]);
        let original = SshSig::read(&text).unwrap();
        let (mut same, mut refused) = (0, 0);
        for mutated in mutations(&text, replacements) {
            let ours = judge(&allowed, &mutated, MESSAGE, "alice");
            if ours.is_ok() {
                assert_eq!(
                    SshSig::read(&mutated).as_ref(),
                    Ok(&original),
                    "another signature is accepted:\n{mutated}"
                );
                if same % SAMPLE_SAME == 0 {
                    let papers = Papers::new(bench, "mutated", &allowed, &mutated);
                    assert!(
                        verifies(&papers.asked("alice")),
                        "ssh-keygen refuses what we accept:\n{mutated}"
                    );
                }
                same += 1;
                continue;
            }
            refused += 1;
            // Where we are stricter: a version that nobody writes, and an armour with CRLF, which
            // newer OpenSSH reads.
            let why = SshSig::read(&mutated).err().unwrap_or_default();
            let version_0 = why.contains("version 0");
            if version_0 || refused % SAMPLE == 0 && !why.contains("CRLF") {
                let papers = Papers::new(bench, "mutated", &allowed, &mutated);
                assert_eq!(verifies(&papers.asked("alice")), version_0, "{ours:?}\n{mutated}");
            }
        }
        println!("{kind}: {refused} mutations refused, {same} only changed the armour");
        assert!(refused > text.len(), "{same} {refused}");
    }
}

#[test]
fn no_other_byte_anywhere_makes_another_signature_count() {
    let bench = bench();
    let allowed = format!("alice {}", bench.public_line("ed25519"));
    let text = bench.sign("ed25519", PLAN_NAMESPACE, MESSAGE, &[]);
    let original = SshSig::read(&text).unwrap();
    let (mut same, mut refused) = (0_u32, 0_u32);
    for at in 0..text.len() {
        for change in 1..=u8::MAX {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= change;
            let mutated = String::from_utf8_lossy(&bytes);
            if judge(&allowed, &mutated, MESSAGE, "alice").is_ok() {
                assert_eq!(
                    SshSig::read(&mutated).as_ref(),
                    Ok(&original),
                    "byte {at} ^ {change:#x}"
                );
                same += 1;
            } else {
                refused += 1;
            }
        }
    }
    println!("{refused} refused, {same} only changed white space of the armour");
    assert!(refused > same * 50, "{refused} {same}");
}

/// What takes the place of a byte: `.` stands for the byte itself, `^` for the one beside it.
const ALL: &[&str] = &["", " ", "\n", "A", "=", "\0", "\r\n", "^", "..", " ."];
/// Of these, what mostly gives another signature of the right form.
const FEW: &[&str] = &["A", "^"];

/// The text with each of its bytes replaced.
fn mutations<'a>(text: &'a str, replacements: &'a [&str]) -> impl Iterator<Item = String> + 'a {
    (0..text.len()).flat_map(move |at| {
        let (own, beside) = (&text[at..=at], char::from(text.as_bytes()[at] ^ 1).to_string());
        replacements
            .iter()
            .map(move |with| with.replace('.', own).replace('^', &beside))
            .filter(move |with| with != own)
            .map(move |with| format!("{}{with}{}", &text[..at], &text[at + 1..]))
    })
}
