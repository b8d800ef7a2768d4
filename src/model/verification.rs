//! What a host thinks of the signatures of a plan that it would run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::names::{Digest, Moment};

/// A plan that the host would run, and who signed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verification {
    /// Of the plan's bytes.
    pub plan_sha256: Digest,
    pub signed: Vec<Signature>,
    /// Signature files that do not count, and why.
    pub not_counted: Vec<(String, String)>,
    /// How many people have to sign such a plan.
    pub needed: u32,
    pub expires_at: Moment,
    /// Whether it is too late to begin; it can still be gone on with and taken back.
    pub expired: bool,
}

/// One signature that counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    pub principal: String,
    /// `SHA256:...` of the key.
    pub fingerprint: String,
}
