//! Archives of upload directories: a tar, compressed, whose first member lists every file with its
//! SHA-256.
//!
//! An archive has its name only when it was read back whole. What is read from one is believed in
//! nothing: names, sizes, kinds and contents are held against the manifest, and everything is made
//! through a root.

mod compressed;
mod members;
mod pack;
mod read;
mod unpack;

use std::path::Path;

use crate::error::Result;
use crate::model::files::archive::Manifest;
use crate::model::files::uploads::Odd;
use crate::model::names::FilePath;

pub use self::compressed::Compression;
pub use self::pack::{Packed, pack};
pub use self::unpack::{Unpacked, unpack};

/// One directory to be archived.
#[derive(Clone, Debug)]
pub struct Part {
    /// As which it stands in the archive; a plain file name.
    pub name: String,
    pub root: FilePath,
    /// What is passed over there, as for [`scan`](crate::stores::store::ReadStore::scan).
    pub ignore: Vec<String>,
}

/// How far a work through an archive has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    pub files: u64,
    pub of_files: u64,
    pub bytes: u64,
    pub of_bytes: u64,
}

/// Is told how far the work has come, and may end it by an error.
pub type Watch<'a> = &'a mut dyn FnMut(Progress) -> Result<()>;

/// Something of a root that is not in its archive, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    pub root: FilePath,
    pub odd: Odd,
}

/// Reads an archive in full and holds it against its manifest.
///
/// Errors: `Kind::Verification` where it is not what an archive has to be.
pub fn check(archive: &Path, watch: Watch<'_>) -> Result<Manifest> {
    read::read(archive, &mut read::Nobody, watch)
}
