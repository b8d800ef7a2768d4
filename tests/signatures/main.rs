//! Signatures against `ssh-keygen`, the differential oracle: both have to say the same of
//! every key, line, certificate, revocation list and mutation, apart from the few places
//! that `src/trust/mod.rs` lists.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests may fail like tests"
)]

mod certificates;
mod generated;
mod kinds;
mod mutations;
mod oracle;
mod revocation;
mod security_keys;
mod signing;
