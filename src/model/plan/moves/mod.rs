//! GROUND: everything that a plan can do, one file for each act with its way back: its fields, its
//! effects, what guards it, how it is taken back. Never SQL text, never a decision.
//!
//! Adding a move is a file here, its variant and its line in [`Move`](crate::model::plan::step::Move),
//! and its executor: what is not described does not compile.

pub mod add_column;
pub mod add_constraint;
pub mod add_index;
pub mod backfill_by_join;
pub mod column;
pub mod copy_files;
pub mod create_object;
pub mod create_table;
pub mod database_backup;
pub mod directory;
pub mod discard_saved;
pub mod drop_column;
pub mod drop_object;
pub mod effects;
pub mod file_list;
pub mod insert_distinct;
pub mod quarantine;
pub mod rebuild_table;
pub mod relax_column;
pub mod release_files;
pub mod replace_files;
pub mod restore_uploads;
pub mod run;
pub mod saved_files;
pub mod saved_objects;
pub mod set_revisions;
pub mod values;
pub mod version_table;
pub mod widen_column;
pub mod write_rows;
