//! What a host thinks of the signatures of a plan that it would run, or of an observation that it
//! believes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::names::{Digest, Moment};

/// A document that the host accepts, and who signed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verification {
    /// Of the document's bytes.
    pub sha256: Digest,
    pub signed: Vec<Signature>,
    /// Signature files that do not count, and why.
    pub not_counted: Vec<(String, String)>,
    /// How many people have to sign such a document.
    pub needed: u32,
    /// Its author, who signed it and does not count as one of them; null where the host does not
    /// ask.
    pub author: Option<String>,
    /// Roles each of which one of them has to have; null where none is asked for.
    pub one_of: Option<Vec<String>>,
    /// Null for an observation.
    pub expires_at: Option<Moment>,
}

/// One signature that counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    pub principal: String,
    /// `SHA256:...` of the key.
    pub fingerprint: String,
}
