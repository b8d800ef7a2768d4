//! SHELF: places where uploaded files lie; so far the local directory. Never knows a plan.

pub mod local;
pub mod store;
