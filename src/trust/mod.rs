//! STAGE: who signed, whether they may, and whether the plan is one that this host runs.
//!
//! Only this room makes a [`TrustedPlan`](plan::TrustedPlan), and only after the bytes were
//! verified, parsed from the same buffer, and held against what the host permits. It must never
//! take trust from the plan's own folder, and never believe what a plan says of itself.
//!
//! Signatures are detached OpenSSH signatures; `ssh-keygen -Y verify` and this room give the
//! same answers, apart from a few places where this room is stricter:
//!
//! * RSA keys need 3,072 bits and may have 8,192 (OpenSSH: 1,024 and 16,384); DSA never counts;
//!   an authority's SHA-1 signature under a certificate never counts.
//! * A certificate with a critical option counts only if that is `verify-required` and the
//!   security key verified its user. OpenSSH does not look at critical options here.
//! * Signatures of version 0, with a filled reserved field, made through WebAuthn, with names of
//!   key types that mean something else on the wire, or in an armour with CRLF do not count.

pub mod agent;
mod allowed_line;
pub mod allowed_signers;
pub mod certificate;
pub mod file_names;
mod grounds;
pub mod host_files;
pub mod key_kind;
mod krl;
pub mod observation;
mod patterns;
mod permits;
pub mod plan;
#[cfg(test)]
mod plan_tests;
pub mod public_key;
pub mod revoked_keys;
mod sanity;
#[cfg(test)]
mod sanity_release_tests;
#[cfg(test)]
mod sanity_tests;
mod sanity_undo;
mod sanity_values;
pub mod setup;
pub mod signer;
pub mod signers;
pub mod signing_key;
pub mod sshsig;
#[cfg(test)]
pub(crate) mod test_plans;
pub mod validity;
pub mod verdict;
mod wire;

/// What a signature over a plan is for.
pub const PLAN_NAMESPACE: &str = "ttplan-plan-v1";

/// What a signature over an observation is for.
pub const OBSERVATION_NAMESPACE: &str = "ttplan-observation-v1";
