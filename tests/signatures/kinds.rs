//! Signatures of every kind of key, made here and verified by `ssh-keygen` and the reverse,
//! and every way in which one can be wrong: both have to say the same.

use crate::oracle;
use crate::oracle::{Asked, MESSAGE, NOW, Papers, bench, find_principals, judge, verifies};
use ttplan::error::{Kind, Result};
use ttplan::model::names::{Moment, Secret};
use ttplan::openssh::allowed_signers::AllowedSigners;
use ttplan::openssh::revoked_keys::RevokedKeys;
use ttplan::openssh::signing_key::SigningKey;
use ttplan::openssh::sshsig::sign;
use ttplan::openssh::verify::{Keyring, Refusal, check_signature};
use ttplan::trust::{OBSERVATION_NAMESPACE, PLAN_NAMESPACE};

use jiff::tz::TimeZone;

const KINDS: &[&str] = &["ed25519", "p256", "p384", "p521", "rsa3072", "locked"];

#[test]
fn every_kind_of_key_signs_here_and_is_verified_there_and_the_reverse() {
    let bench = bench();
    for kind in KINDS {
        let allowed = format!("alice {}\n", bench.public_line(kind));
        let key = bench.signing_key(kind).unwrap();
        assert_eq!(key.public_line(), bench.public_line(kind));
        let here = sign(MESSAGE, PLAN_NAMESPACE, &key).unwrap();
        let papers = Papers::new(bench, &format!("here-{kind}"), &allowed, &here);
        assert!(verifies(&papers.asked("alice")), "{kind} signed here");
        assert!(!verifies(&papers.asked("bob")), "{kind} signed here");
        assert!(
            !verifies(&Asked { namespace: OBSERVATION_NAMESPACE, ..papers.asked("alice") }),
            "{kind}"
        );
        let signed = judge(&allowed, &here, MESSAGE, "alice").unwrap();
        assert_eq!(signed.fingerprint, key.fingerprint());
        if *kind == "locked" {
            continue;
        }
        let there = bench.sign(kind, PLAN_NAMESPACE, MESSAGE, &[]);
        assert!(judge(&allowed, &there, MESSAGE, "alice").is_ok(), "{kind} signed there");
        if matches!(*kind, "ed25519" | "rsa3072") {
            assert_eq!(here, there, "{kind} signs the same bytes always");
        }
        let sha256 = bench.sign(kind, PLAN_NAMESPACE, MESSAGE, &["-Ohashalg=sha256"]);
        assert!(judge(&allowed, &sha256, MESSAGE, "alice").is_ok(), "{kind} over SHA-256");
    }
}

#[test]
fn a_generated_key_is_one_that_ssh_keygen_reads() {
    let bench = bench();
    let key = SigningKey::generate("a new one").unwrap();
    let path = bench.write("generated", key.to_file_text().unwrap().reveal());
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let output = oracle::run(&["-y", "-f", path.to_str().unwrap()], "UTC", None);
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim_end(), key.public_line());
}

#[test]
fn every_refusal_has_its_reason_and_ssh_keygen_refuses_too() {
    let bench = bench();
    let (line, other) = (bench.public_line("ed25519"), bench.public_line("other"));
    let good = bench.sign("ed25519", PLAN_NAMESPACE, MESSAGE, &[]);
    let elsewhere = bench.sign("ed25519", "file", MESSAGE, &[]);
    let changed = bench.sign("ed25519", PLAN_NAMESPACE, b"something else", &[]);
    let cases = [
        ("wrong namespace", format!("alice {line}"), &elsewhere, "alice", "`file`"),
        ("other bytes", format!("alice {line}"), &changed, "alice", "does not fit"),
        ("unknown key", format!("alice {other}"), &good, "alice", "no line"),
        ("wrong principal", format!("alice {line}"), &good, "bob", "may not sign as `bob`"),
        ("negated", format!("*,!alice {line}"), &good, "alice", "may not sign as `alice`"),
        ("upper case", format!("Alice {line}"), &good, "alice", "may not sign"),
        ("expired", format!("alice valid-before=\"20261119Z\" {line}"), &good, "alice", "expired"),
        (
            "not yet",
            format!("alice valid-after=\"20261121Z\" {line}"),
            &good,
            "alice",
            "not yet valid",
        ),
        (
            "namespaces",
            format!("alice namespaces=\"file\" {line}"),
            &good,
            "alice",
            "not allowed for the namespace",
        ),
        ("unknown option", format!("alice no-pty {line}"), &good, "alice", "no line"),
        ("authority", format!("alice cert-authority {line}"), &good, "alice", "no line"),
    ];
    for (name, allowed, signature, who, why) in cases {
        let papers = Papers::new(bench, "refused", &allowed, signature);
        assert!(!verifies(&papers.asked(who)), "{name}");
        let refusal = judge(&allowed, signature, MESSAGE, who).unwrap_err();
        assert!(refusal.to_string().contains(why), "{name}: {refusal}");
    }
    let wild = format!("*@example.com,!bob@* {line}");
    let papers = Papers::new(bench, "wild", &wild, &good);
    for (who, allowed) in
        [("alice@example.com", true), ("bob@example.com", false), ("alice@example.org", false)]
    {
        assert_eq!(verifies(&papers.asked(who)), allowed);
        assert_eq!(judge(&wild, &good, MESSAGE, who).is_ok(), allowed);
    }
}

#[test]
fn a_revoked_key_is_refused_by_a_list_of_either_form() {
    let bench = bench();
    let allowed = format!("alice {}", bench.public_line("ed25519"));
    let signature = bench.sign("ed25519", PLAN_NAMESPACE, MESSAGE, &[]);
    let papers = Papers::new(bench, "revoked", &allowed, &signature);
    let mine = bench.write("mine.txt", format!("# gone\n{}\n", bench.public_line("ed25519")));
    let others = bench.write("others.txt", bench.public_line("other"));
    let broken = bench.write("broken.txt", format!("{}\nwhat\n", bench.public_line("other")));
    let krl = bench.path("mine.krl");
    oracle::succeed(&oracle::run(
        &["-q", "-k", "-f", krl.to_str().unwrap(), mine.to_str().unwrap()],
        "UTC",
        None,
    ));
    let parsed = AllowedSigners::parse("allowed_signers", allowed.as_bytes(), &TimeZone::UTC);
    for (list, refused) in [(&mine, true), (&krl, true), (&others, false), (&broken, true)] {
        assert_eq!(
            !verifies(&Asked { revoked: Some(list), ..papers.asked("alice") }),
            refused,
            "{list:?}"
        );
        let revoked = RevokedKeys::parse("revoked", &std::fs::read(list).unwrap());
        let Ok(revoked) = revoked else {
            assert_eq!(list, &broken);
            continue;
        };
        let ring =
            Keyring { allowed: &parsed, revoked: Some(&revoked), now: Moment::parse(NOW).unwrap() };
        let found = check_signature(MESSAGE, &signature, PLAN_NAMESPACE, Some("alice"), &ring);
        assert_eq!(matches!(found, Err(Refusal::Revoked { .. })), refused, "{found:?}");
    }
}

#[test]
fn a_short_rsa_key_neither_signs_nor_counts() {
    let bench = bench();
    let error = bench.signing_key("rsa2048").unwrap_err();
    assert_eq!(error.kind(), Kind::Refused);
    assert!(error.causes()[0].contains("2048 bits"), "{error}");
    let allowed = format!("alice {}", bench.public_line("rsa2048"));
    let signature = bench.sign("rsa2048", PLAN_NAMESPACE, MESSAGE, &[]);
    // Here the two differ on purpose.
    assert!(verifies(&Papers::new(bench, "short", &allowed, &signature).asked("alice")));
    let refusal = judge(&allowed, &signature, MESSAGE, "alice").unwrap_err();
    assert!(matches!(&refusal, Refusal::Unfit(why) if why.contains("2048 bits")), "{refusal}");
}

#[test]
fn a_key_file_is_only_read_when_it_is_closed_and_the_passphrase_fits() {
    use std::os::unix::fs::PermissionsExt;
    let bench = bench();
    let error =
        SigningKey::read(&bench.path("locked"), &mut || Ok(Secret::new("wrong"))).unwrap_err();
    assert!(error.to_string().contains("wrong passphrase"), "{error}");
    for cipher in ["aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"] {
        let name = format!("locked-{}", cipher.split('@').next().unwrap());
        let path = bench.make_key(&name, &["-t", "ed25519", "-N", "open sesame", "-Z", cipher]);
        assert!(bench.signing_key(&name).is_ok(), "{cipher}");
        let wrong = SigningKey::read(&path, &mut || Ok(Secret::new("wrong"))).unwrap_err();
        assert!(wrong.to_string().contains("passphrase"), "{cipher}: {wrong}");
    }
    let cancelled = SigningKey::read(&bench.path("locked"), &mut || {
        Result::Err(ttplan::error::Error::new(Kind::Cancelled, "no passphrase was given"))
    });
    assert_eq!(cancelled.unwrap_err().kind(), Kind::Cancelled);
    bench.copy_key("ed25519", "open");
    std::fs::set_permissions(bench.path("open"), std::fs::Permissions::from_mode(0o640)).unwrap();
    let error = bench.signing_key("open").unwrap_err();
    assert!(error.hints()[0].starts_with("chmod 600 "), "{error}");
    let pem = bench.make_key("pem", &["-t", "rsa", "-b", "3072", "-N", "", "-m", "PEM"]);
    let error = bench.signing_key("pem").unwrap_err();
    assert_eq!(error.hints(), [format!("ssh-keygen -p -f {}", pem.display())]);
    oracle::succeed(&oracle::run(
        &["-q", "-p", "-P", "", "-N", "", "-f", pem.to_str().unwrap()],
        "UTC",
        None,
    ));
    assert!(bench.signing_key("pem").is_ok(), "the hint leads out");
}

#[test]
fn principals_are_found_as_ssh_keygen_finds_them() {
    let bench = bench();
    let line = bench.public_line("ed25519");
    let signature = bench.sign("ed25519", PLAN_NAMESPACE, MESSAGE, &[]);
    for allowed in [
        format!("alice,*@x,!bob {line}\nlater {line}"),
        format!("alice valid-before=\"20200101\" {line}\nlater,,hidden {line}"),
        format!("alice cert-authority {line}"),
        format!("alice namespaces=\"file\" {line}"),
    ] {
        let papers = Papers::new(bench, "found", &allowed, &signature);
        let parsed = AllowedSigners::parse("f", allowed.as_bytes(), &TimeZone::UTC);
        let key = ttplan::openssh::sshsig::SshSig::read(&signature).unwrap().key;
        let now = Moment::parse(NOW).unwrap().unix().unsigned_abs();
        assert_eq!(
            parsed.find_principals(&key, now),
            find_principals(&papers.asked("")),
            "{allowed}"
        );
    }
}
