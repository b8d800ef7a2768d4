//! Something in a plan that the host does not permit, as it is told. Never decides.

/// What is not permitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::trust) struct Offence {
    /// What tests and pipelines know it by.
    pub code: &'static str,
    /// `step 3`; empty for the whole plan.
    pub subject: String,
    pub message: String,
    /// How the host would permit it.
    pub hint: String,
}

impl Offence {
    pub fn new(code: &'static str, message: String, hint: String) -> Self {
        Self { code, subject: String::new(), message, hint }
    }
}
