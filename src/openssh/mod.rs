//! FLOOR 1: OpenSSH's keys, signatures, lists of signers and of revoked keys, certificates, agent.
//! Never knows plans, hosts or files.
//!
//! `ssh-keygen -Y verify` and this room give the same answers, apart from a few places where this
//! room is stricter:
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
pub mod key_kind;
mod krl;
mod patterns;
pub mod public_key;
pub mod revoked_keys;
pub mod signer;
pub mod signing_key;
pub mod sshsig;
pub mod validity;
pub mod verify;
mod wire;
