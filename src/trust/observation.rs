//! Whether a host believes an observation that a plan is to be made from: who signed it, how old it
//! is.

use crate::error::{Error, Kind, Reason, Result};
use crate::model::host::Observations;
use crate::model::names::Moment;
use crate::model::text::shell_word;
use crate::openssh::verify::{Keyring, Refusal, Signed};
use crate::trust::OBSERVATION_NAMESPACE;
use crate::trust::signers;
use crate::trust::signers::SignatureFile;

/// Judges the observation in the file `name`, made at `made_at`; returns who signed it.
///
/// Errors: `Kind::Refused` where fewer signed than the host demands, `Kind::Stale` where it is too
/// old, or made in the future.
pub fn verify(
    name: &str,
    bytes: &[u8],
    made_at: Moment,
    signatures: &[SignatureFile],
    demands: Observations,
    ring: &Keyring<'_>,
) -> Result<Vec<Signed>> {
    let signers = signers::judge(name, bytes, signatures, OBSERVATION_NAMESPACE, ring);
    if signers.persons < demands.required.max(1) {
        let (have, needed) = (signers.persons, demands.required.max(1));
        let message =
            format!("observation `{name}` has {have} of the {needed} signatures it needs");
        let refused = |error: Error, (file, why): &(String, Refusal)| {
            error.also(Reason::new(why.code(), format!("`{file}`: {why}")).about(file))
        };
        let error = signers.refused.iter().fold(
            Error::new(Kind::Refused, message)
                .code("signature_missing")
                .about(name)
                .found(have)
                .expected(needed),
            refused,
        );
        return Err(error.hint(format!("ttplan sign {} --key KEY", shell_word(name))));
    }
    let age = ring.now.unix().saturating_sub(made_at.unix());
    let again = "look again: `ttplan inspect -o FILE`";
    if age < -CLOCKS_APART {
        return Err(Error::new(
            Kind::Stale,
            format!("observation `{name}` was made in the future, at {made_at}"),
        )
        .code("not_yet_valid")
        .hint("compare the clocks of the two hosts"));
    }
    match demands.max_age {
        Some(most) if age > i64::try_from(most).unwrap_or(i64::MAX) => {
            let message = format!("observation `{name}` is too old: it was made at {made_at}");
            Err(Error::new(Kind::Stale, message)
                .code("expired")
                .because(format!("this host takes none older than {most} s"))
                .hint(again))
        }
        _ => Ok(signers.signed),
    }
}

/// So many seconds may the clocks of two hosts differ.
const CLOCKS_APART: i64 = 300;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openssh::allowed_signers::AllowedSigners;
    use crate::openssh::signing_key::SigningKey;
    use crate::openssh::sshsig::sign;
    use crate::trust::PLAN_NAMESPACE;
    use jiff::tz::TimeZone;

    #[test]
    fn it_is_believed_signed_for_this_purpose_and_young() {
        let key = SigningKey::generate("").unwrap();
        let line = format!("ada {}\n", key.public_line());
        let allowed = AllowedSigners::parse("a", line.as_bytes(), &TimeZone::UTC);
        let made_at = Moment::parse("2026-11-20T12:00:00Z").unwrap();
        let judge = |namespace: &str, bytes: &[u8], later: i64| {
            let text = sign(b"seen", namespace, &key).unwrap();
            let files = [SignatureFile { name: "s.json.ada.sig".into(), text }];
            let ring =
                Keyring { allowed: &allowed, revoked: None, now: made_at.plus_seconds(later) };
            let demands = Observations { required: 1, max_age: Some(3600) };
            verify("s.json", bytes, made_at, &files, demands, &ring).map_err(|error| error.kind())
        };
        assert_eq!(judge(OBSERVATION_NAMESPACE, b"seen", 3600).unwrap()[0].principal, "ada");
        assert_eq!(judge(OBSERVATION_NAMESPACE, b"seen", 3601).unwrap_err(), Kind::Stale);
        assert_eq!(judge(OBSERVATION_NAMESPACE, b"seen", -301).unwrap_err(), Kind::Stale);
        assert_eq!(judge(OBSERVATION_NAMESPACE, b"sewn", 0).unwrap_err(), Kind::Refused);
        assert_eq!(judge(PLAN_NAMESPACE, b"seen", 0).unwrap_err(), Kind::Refused);
    }
}
