//! STAGE: who signed, whether they may, and whether the plan is one that this host runs.
//!
//! Only this room makes a [`TrustedPlan`](plan::TrustedPlan), and only after the bytes were
//! verified, parsed from the same buffer, and held against what the host permits. It must never
//! take trust from the plan's own folder, and never believe what a plan says of itself.

mod approval;
pub mod context;
#[cfg(test)]
mod derive_tests;
#[cfg(test)]
mod golden_tests;
pub mod host_files;
mod host_policy;
pub mod host_text;
mod host_word;
pub mod init;
pub mod observation;
mod offence;
pub mod propose;
pub mod signature_files;
pub mod signers;
mod stamp_evidence;
#[cfg(test)]
mod test_host;
#[cfg(test)]
pub(crate) mod test_plans;
pub mod trusted_plan;
#[cfg(test)]
mod trusted_plan_tests;
pub mod validation;

/// What a signature over a plan is for.
pub const PLAN_NAMESPACE: &str = "ttplan-plan-v1";

/// What a signature over an observation is for.
pub const OBSERVATION_NAMESPACE: &str = "ttplan-observation-v1";
