//! How far the work on an archive has come, for whoever watches it. Never decides what is done.

use crate::error::Result;

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
