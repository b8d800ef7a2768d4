//! SHELF-SIDE: what schemas an application has had, revision by revision, and which of them a live
//! schema is.
//!
//! Pure: [`shape`] puts a schema into the words that a catalogue compares, [`document`] is the
//! catalogue itself, [`infer`] finds the live schema in it. Knows no framework and no application, meets
//! no database and judges nothing: whether a stamp follows is for the rules.

pub mod document;
pub mod infer;
pub mod shape;
