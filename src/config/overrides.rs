//! What a person said, before any file is read. Handed in: nothing here reads the environment.

use std::path::PathBuf;

use crate::config::interpolate::Environment;
use crate::model::names::Secret;

/// The file that is looked for in the working directory and above it.
pub const FILE: &str = "ttplan.toml";

/// What a person said on the command line and in the environment. `TTPLAN_*` variables count as
/// flags that were not given on the command line.
///
/// It holds secrets, so it cannot be printed.
#[derive(Clone, Default)]
pub struct CliOverrides {
    pub config_file: Option<PathBuf>,
    /// Name of a profile, or the path of one.
    pub profile: Option<String>,
    pub database_url: Option<Secret>,
    pub site: Option<String>,
    pub host_config: Option<PathBuf>,
    /// The application's own directory.
    pub root: Option<PathBuf>,
    /// Absolute.
    pub working_directory: PathBuf,
    pub environment: Environment,
    /// Variables that the host calls public although their names look secret.
    pub public_variables: Vec<String>,
}
