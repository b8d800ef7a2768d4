//! How signature files are called: `PLAN.<principal>.sig` beside the plan.

/// The name of the signature file of `principal` for the file `plan_file`.
///
/// Letters, digits and `@ . _ + -` stand for themselves, every other byte and a leading dot as
/// `%XX`: no principal can climb out of the folder, hide the file or fool a terminal.
pub fn signature_file_name(plan_file: &str, principal: &str) -> String {
    format!("{plan_file}.{}.sig", encode(principal))
}

/// As whom a signature file of that name claims to be signed; `None` where its name claims nothing,
/// as that of `ssh-keygen -Y sign`, `PLAN.sig`.
pub fn claimed_principal(plan_file: &str, signature_file: &str) -> Option<String> {
    let encoded =
        signature_file.strip_prefix(plan_file)?.strip_prefix('.')?.strip_suffix(".sig")?;
    let principal = decode(encoded).filter(|principal| !principal.is_empty())?;
    // Each principal has one name only.
    (encode(&principal) == encoded).then_some(principal)
}

pub(in crate::trust) fn encode(principal: &str) -> String {
    let mut encoded = String::new();
    for (at, byte) in principal.bytes().enumerate() {
        match byte {
            b'.' if at == 0 => encoded.push_str("%2E"),
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'@' | b'.' | b'_' | b'+' | b'-' => {
                encoded.push(char::from(byte));
            }
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}

fn decode(encoded: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = encoded.as_bytes();
    while let Some((byte, more)) = rest.split_first() {
        rest = more;
        if *byte != b'%' {
            bytes.push(*byte);
            continue;
        }
        let (digits, more) = rest.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
        rest = more;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_principal_stands_in_the_name_and_nothing_dangerous_does() {
        for (principal, name) in [
            ("alice@example.com", "c.ttplan.json.alice@example.com.sig"),
            ("../../etc/x", "c.ttplan.json.%2E.%2F..%2Fetc%2Fx.sig"),
            ("ali ce\n", "c.ttplan.json.ali%20ce%0A.sig"),
            ("é%", "c.ttplan.json.%C3%A9%25.sig"),
        ] {
            assert_eq!(signature_file_name("c.ttplan.json", principal), name);
            assert_eq!(claimed_principal("c.ttplan.json", name).as_deref(), Some(principal));
        }
    }

    #[test]
    fn a_name_that_is_not_ours_claims_nothing() {
        for name in [
            "c.ttplan.json.sig",
            "d.ttplan.json.alice.sig",
            "c.ttplan.json.alice",
            "c.ttplan.json..sig",
        ] {
            assert_eq!(claimed_principal("c.ttplan.json", name), None, "{name}");
        }
        for name in [
            "c.%61lice.sig",
            "c.%2e.sig",
            "c.%2.sig",
            "c.%.sig",
            "c.%+1.sig",
            "c.a b.sig",
            "c.%FF.sig",
        ] {
            assert_eq!(claimed_principal("c", name), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn every_principal_comes_back(principal in ".+", plan in "[a-z.]{1,9}") {
            let name = signature_file_name(&plan, &principal);
            prop_assert_eq!(claimed_principal(&plan, &name), Some(principal));
            prop_assert!(!name.contains('/'));
        }
    }
}
