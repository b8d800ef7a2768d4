//! Which of a database's own programs are run. Only the host names them.

use crate::model::names::FilePath;

/// A database's own client programs, by their absolute paths; those that are not named are looked
/// for where only root installs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientPrograms {
    pub pg_dump: Option<FilePath>,
    pub pg_restore: Option<FilePath>,
}
