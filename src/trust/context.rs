//! What a plan is judged by: its file, how such files are read, and the host. Decides nothing.

use crate::error::Result;
use crate::model::database::catalogue::Catalogue;
use crate::model::host::HostConfig;
use crate::model::plan::Plan;
use crate::openssh::verify::Keyring;

/// A plan file as it lies on disk.
#[derive(Clone, Debug)]
pub struct PlanFile {
    /// Its name without the folder.
    pub name: String,
    pub bytes: Vec<u8>,
}

/// How plan documents are read and written.
#[derive(Clone, Copy)]
pub struct PlanFormat<'a> {
    /// Strictly: every field known, every version understood.
    pub read: &'a dyn Fn(&[u8]) -> Result<Plan>,
    /// As ttplan writes it; only to recognise a plan whose layout was changed.
    pub write: &'a dyn Fn(&Plan) -> Vec<u8>,
}

/// The host that is asked to run the plan.
#[derive(Clone, Copy)]
pub struct VerifyContext<'a> {
    pub site: &'a HostConfig,
    pub ring: Keyring<'a>,
    pub format: PlanFormat<'a>,
    /// The catalogues of the applications on this host, for one engine: shipped, or named by the
    /// host.
    pub catalogues: &'a dyn Fn(&str) -> Result<Vec<Catalogue>>,
    /// Why fewer signatures than usual have to do, where somebody breaks the glass.
    pub break_glass: Option<&'a str>,
}
