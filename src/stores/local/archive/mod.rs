//! Archives of upload directories: a tar, compressed, whose first member lists every file with its
//! SHA-256.
//!
//! An archive has its name only when it was read back whole. What is read from one is believed in
//! nothing: names, sizes, kinds and contents are held against the manifest, and everything is made
//! through a root.

mod compressed;
mod members;
mod pack;
mod part;
mod progress;
mod read;
mod unpack;

pub use self::compressed::Compression;
pub use self::pack::{Packed, pack};
pub use self::part::{LeftOut, Part};
pub use self::progress::{Progress, Watch};
pub use self::read::check;
pub use self::unpack::{Unpacked, unpack};
