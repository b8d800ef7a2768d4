//! Where the real data lies, when the environment names it.

use std::path::PathBuf;

/// The folder of one application's real data below the folder that `TTPLAN_REAL_DATA` names.
/// None, and said so, where it names none.
#[allow(
    dead_code,
    clippy::print_stdout,
    reason = "whoever runs the tests should know what was not tested"
)]
pub fn real_data(application: &str) -> Option<PathBuf> {
    let folder =
        std::env::var_os("TTPLAN_REAL_DATA").map(|folder| PathBuf::from(folder).join(application));
    if folder.is_none() {
        println!("not tested: TTPLAN_REAL_DATA names no folder of real data");
    }
    folder
}
