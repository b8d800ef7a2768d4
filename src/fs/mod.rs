//! FLOOR 1: how ttplan reads and writes a file of its own: new private files, bounded reads,
//! ownership, ways below a descriptor. Never knows what is in a file.

pub mod digest;
pub mod files;
pub mod lock;
pub mod moving;
pub mod new_file;
pub mod ownership;
pub mod permitted;
pub mod plain;
pub mod root;
pub mod way;
