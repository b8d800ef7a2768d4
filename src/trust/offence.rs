//! Something in a plan that the host does not permit, as it is told. Never decides.

use crate::error::Reason;

/// What is not permitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::trust) struct Offence {
    pub reason: Reason,
    /// How the host would permit it.
    pub hint: String,
}

impl Offence {
    pub fn new(code: &'static str, message: String, hint: String) -> Self {
        Self { reason: Reason::new(code, message), hint }
    }
}
