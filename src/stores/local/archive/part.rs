//! What goes into an archive, and what of it stays out. Reads nothing.

use crate::model::files::uploads::Odd;
use crate::model::names::FilePath;

/// One directory to be archived.
#[derive(Clone, Debug)]
pub struct Part {
    /// As which it stands in the archive; a plain file name.
    pub name: String,
    pub root: FilePath,
    /// What is passed over there, as for [`scan`](crate::stores::store::ReadStore::scan).
    pub ignore: Vec<String>,
}

/// Something of a root that is not in its archive, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    pub root: FilePath,
    pub odd: Odd,
}
