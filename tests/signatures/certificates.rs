//! Signatures by certified keys: the line names the authority, the certificate names the person.

use crate::oracle::{Asked, MESSAGE, Papers, bench, find_principals, judge, verifies};
use jiff::tz::TimeZone;
use ttplan::openssh::allowed_signers::AllowedSigners;
use ttplan::openssh::sshsig::SshSig;
use ttplan::trust::PLAN_NAMESPACE;

/// Signs with a certificate made with `arguments`; returns the line of its authority and the
/// signature.
fn certified(copy: &str, kind: &str, authority: &str, arguments: &[&str]) -> (String, String) {
    let bench = bench();
    bench.copy_key(kind, copy);
    bench.certify(copy, authority, arguments);
    let signature = bench.sign(&format!("{copy}-cert.pub"), PLAN_NAMESPACE, MESSAGE, &[]);
    (bench.public_line(authority), signature)
}

const ALWAYS: &[&str] = &["-n", "alice,ops", "-V", "always:forever"];

#[test]
fn a_certified_key_of_every_kind_signs_as_its_principals() {
    for (kind, authority) in [
        ("ed25519", "authority"),
        ("p256", "authority"),
        ("p384", "p521"),
        ("p521", "p256"),
        ("rsa3072", "rsa3072"),
        ("ed25519", "rsa3072"),
    ] {
        let (line, signature) =
            certified(&format!("certified-{kind}-{authority}"), kind, authority, ALWAYS);
        for (allowed, who, expected) in [
            (format!("* cert-authority {line}"), "alice", true),
            (format!("alice cert-authority {line}"), "alice", true),
            (format!("alice cert-authority {line}"), "ops", false),
            (format!("* cert-authority {line}"), "bob", false),
            (format!("*,!alice cert-authority {line}"), "alice", false),
            (format!("alice {line}"), "alice", false),
            (format!("alice {}", bench().public_line(kind)), "alice", false),
        ] {
            let papers = Papers::new(bench(), &format!("certified-{kind}"), &allowed, &signature);
            assert_eq!(
                verifies(&papers.asked(who)),
                expected,
                "ssh-keygen: {kind} {who} {allowed}"
            );
            let ours = judge(&allowed, &signature, MESSAGE, who);
            assert_eq!(ours.is_ok(), expected, "{kind} {who} {allowed}: {ours:?}");
            let parsed = AllowedSigners::parse("f", allowed.as_bytes(), &TimeZone::UTC);
            let key = SshSig::read(&signature).unwrap().key;
            assert_eq!(
                parsed.find_principals(&key, 1_795_176_000),
                find_principals(&papers.asked(who)),
                "{allowed}"
            );
        }
    }
}

#[test]
fn a_certificate_holds_in_its_time_for_users_with_names() {
    for (copy, arguments, expected) in [
        ("in-time", &["-n", "alice", "-V", "20261120000000Z:20261121000000Z"][..], true),
        ("too-late", &["-n", "alice", "-V", "20261119000000Z:20261120120000Z"], false),
        ("just-in-time", &["-n", "alice", "-V", "20261120120000Z:20261120120001Z"], true),
        ("too-early", &["-n", "alice", "-V", "20261120120001Z:20261121000000Z"], false),
        ("for-a-host", &["-h", "-n", "alice", "-V", "always:forever"], false),
        ("for-anybody", &["-V", "always:forever"], false),
        (
            "extended",
            &["-n", "alice", "-O", "extension:x@example.com=y", "-V", "always:forever"],
            true,
        ),
    ] {
        // `ssh-keygen -V` takes no `Z`; the oracle runs in UTC.
        let arguments: Vec<String> = arguments.iter().map(|word| word.replace('Z', "")).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let (line, signature) = certified(copy, "ed25519", "authority", &arguments);
        let allowed = format!("* cert-authority {line}");
        let papers = Papers::new(bench(), copy, &allowed, &signature);
        assert_eq!(verifies(&papers.asked("alice")), expected, "ssh-keygen: {copy}");
        assert_eq!(judge(&allowed, &signature, MESSAGE, "alice").is_ok(), expected, "{copy}");
    }
}

#[test]
fn a_certificate_with_a_condition_that_nobody_checks_is_refused() {
    for (copy, option, named) in [
        ("forced", "force-command=/bin/true", "force-command"),
        ("from-there", "source-address=10.0.0.0/8", "source-address"),
        ("odd", "critical:odd@example.com=x", "odd@example.com"),
        ("verified", "verify-required", "verified its user"),
    ] {
        let (line, signature) = certified(
            copy,
            "ed25519",
            "authority",
            &["-n", "alice", "-V", "always:forever", "-O", option],
        );
        let allowed = format!("* cert-authority {line}");
        // Here the two differ on purpose: `ssh-keygen -Y verify` does not look at these.
        assert!(
            verifies(&Papers::new(bench(), copy, &allowed, &signature).asked("alice")),
            "{copy}"
        );
        let refusal = judge(&allowed, &signature, MESSAGE, "alice").unwrap_err();
        assert!(refusal.to_string().contains(named), "{refusal}");
    }
}

#[test]
fn a_certificate_of_a_weak_or_old_fashioned_authority_is_refused() {
    for (authority, arguments, named) in [
        ("rsa2048", &["-t", "rsa-sha2-512"][..], "2048 bits"),
        ("rsa3072", &["-t", "ssh-rsa"], "SHA-1"),
    ] {
        let all = [arguments, ALWAYS].concat();
        let (line, signature) = certified(&format!("weak-{authority}"), "ed25519", authority, &all);
        let allowed = format!("* cert-authority {line}");
        let refusal = judge(&allowed, &signature, MESSAGE, "alice").unwrap_err();
        assert!(refusal.to_string().contains(named), "{refusal}");
    }
}

#[test]
fn a_line_may_hold_the_certificate_itself() {
    let (authority, signature) = certified("itself", "ed25519", "authority", ALWAYS);
    let (_, other) = certified("another", "ed25519", "authority", ALWAYS);
    let certificate = std::fs::read_to_string(bench().path("itself-cert.pub")).unwrap();
    let plain = bench().sign("ed25519", PLAN_NAMESPACE, MESSAGE, &[]);
    for (allowed, signature, expected) in [
        (format!("alice {certificate}"), &signature, true),
        (format!("alice {certificate}"), &other, false),
        (format!("alice {certificate}"), &plain, false),
        (format!("alice cert-authority {certificate}"), &signature, false),
        (format!("bob {certificate}\nalice cert-authority {authority}"), &other, true),
    ] {
        let papers = Papers::new(bench(), "itself", &allowed, signature);
        assert_eq!(verifies(&papers.asked("alice")), expected, "ssh-keygen: {allowed}");
        assert_eq!(judge(&allowed, signature, MESSAGE, "alice").is_ok(), expected, "{allowed}");
    }
}

#[test]
fn a_certificate_that_was_changed_is_not_believed() {
    let (line, signature) = certified("altered", "ed25519", "authority", ALWAYS);
    let allowed = format!("* cert-authority {line}");
    // `alice` inside the certificate becomes `clice`.
    let armour: String = signature.lines().filter(|line| !line.starts_with("-----")).collect();
    use ssh_key::encoding::base64::{Base64, Encoding};
    let mut blob = Base64::decode_vec(&armour).unwrap();
    let at = blob.windows(5).position(|name| name == b"alice").unwrap();
    blob[at] = b'c';
    let armour = Base64::encode_string(&blob);
    let forged = format!("-----BEGIN SSH SIGNATURE-----\n{armour}\n-----END SSH SIGNATURE-----\n");
    let papers = Papers::new(bench(), "altered", &allowed, &forged);
    for who in ["alice", "clice"] {
        assert!(!verifies(&Asked { ..papers.asked(who) }));
        let refusal = judge(&allowed, &forged, MESSAGE, who).unwrap_err();
        assert!(refusal.to_string().contains("not as its authority signed it"), "{refusal}");
    }
}
