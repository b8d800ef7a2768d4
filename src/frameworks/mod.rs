//! SHELF: one file per migration framework.

pub mod python;
