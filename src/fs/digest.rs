//! The one way in which a file of ours is hashed as a stream. Never decides what a digest is held
//! against.

use std::io::{ErrorKind, Read, Result};

use sha2::Digest as _;

use crate::model::names::Digest;

/// Size and SHA-256 of all that comes.
pub fn of(reader: &mut impl Read) -> Result<(u64, Digest)> {
    let (mut hash, mut size, mut buffer) = (sha2::Sha256::new(), 0_u64, vec![0; 1 << 20]);
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok((size, Digest(hash.finalize().into()))),
            Ok(read) => {
                hash.update(buffer.get(..read).unwrap_or_default());
                size = size.saturating_add(read as u64);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_comes_is_counted_and_hashed() {
        let content: Vec<u8> = (0..=255).cycle().take((1 << 20) + 7).collect();
        assert_eq!(of(&mut &content[..]).unwrap(), (content.len() as u64, Digest::of(&content)));
        assert_eq!(of(&mut std::io::empty()).unwrap(), (0, Digest::of(b"")));
    }
}
