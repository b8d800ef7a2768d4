//! A command of the application, and how it ended. Never decides what is run.

use std::ffi::OsString;
use std::time::Duration;

use crate::model::names::{FilePath, Secret};

/// A command of the application, ready to run.
#[derive(Clone)]
pub struct Command {
    /// Absolute program, then arguments. No shell.
    pub argv: Vec<String>,
    pub directory: FilePath,
    /// All variables there are: nothing is inherited. It may hold secrets, so it is never shown.
    pub env: Vec<(OsString, OsString)>,
    /// Texts that are replaced by `***` wherever they turn up in the output.
    pub redact: Vec<Secret>,
    pub timeout: Duration,
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    Success,
    /// Exit code, or the name of the signal, and the last lines of its output, redacted.
    Failed {
        how: String,
        tail: String,
    },
    /// It ran too long; its whole process group was ended.
    TimedOut {
        tail: String,
    },
}
