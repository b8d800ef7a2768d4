//! Signatures against `ssh-keygen`, the differential oracle: both have to say the same of
//! every key, line, certificate, revocation list and mutation, apart from the few places
//! that `src/trust/mod.rs` lists.

mod certificates;
mod generated;
mod kinds;
mod mutations;
mod oracle;
mod revocation;
mod security_keys;
