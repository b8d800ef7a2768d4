//! The SSH wire format (RFC 4251, section 5) and its base64, as far as keys, certificates,
//! signatures and revocation lists need them. Never panics, never reads past what it is given.

use ssh_key::encoding::base64::{Base64, Base64Unpadded, Encoding};

/// Reads one field after the other; `None` where the bytes end too early.
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether everything was read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many bytes were not read yet.
    pub fn remaining(&self) -> usize {
        self.0.len()
    }

    /// The next `count` bytes.
    pub fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    /// One byte.
    pub fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_be_bytes)
    }

    /// Four bytes, most significant first.
    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    /// Eight bytes, most significant first.
    pub fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// Bytes with their length before them.
    pub fn string(&mut self) -> Option<&'a [u8]> {
        let length = self.u32()?;
        self.take(usize::try_from(length).ok()?)
    }
}

/// Adds `bytes` with their length before them.
pub fn put_string(out: &mut Vec<u8>, bytes: &[u8]) {
    // Nothing here comes near 4 GiB; a length that is wrong for it makes a document that nobody
    // accepts.
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    out.extend(length.to_be_bytes());
    out.extend(bytes);
}

/// Reads base64 the way OpenSSH does: white space may stand anywhere, padding and the unused
/// bits of the last character must be as they should.
pub fn from_base64(text: &[u8]) -> Option<Vec<u8>> {
    let dense: Vec<u8> = text.iter().copied().filter(|byte| !is_c_space(*byte)).collect();
    Base64::decode_vec(std::str::from_utf8(&dense).ok()?).ok()
}

/// What C's `isspace` takes for white space.
fn is_c_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

/// `bytes` as base64 in one line.
pub fn to_base64(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}

/// `bytes` as base64 without padding, as fingerprints are written.
pub fn to_base64_unpadded(bytes: &[u8]) -> String {
    Base64Unpadded::encode_string(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fields_come_back_as_they_were_put_and_nothing_is_read_past_the_end() {
        let mut bytes = vec![7];
        bytes.extend(9u32.to_be_bytes());
        bytes.extend(11u64.to_be_bytes());
        put_string(&mut bytes, b"name");
        let mut reader = Reader::new(&bytes);
        assert_eq!((reader.u8(), reader.u32(), reader.u64()), (Some(7), Some(9), Some(11)));
        assert_eq!(reader.string(), Some(&b"name"[..]));
        assert!(reader.is_empty());
        assert_eq!(reader.u8(), None);
        assert_eq!(Reader::new(&[0, 0, 0, 5, 1]).string(), None);
        assert_eq!(Reader::new(&[0xff; 4]).string(), None);
    }

    #[test]
    fn base64_may_be_broken_by_white_space_and_by_nothing_else() {
        assert_eq!(from_base64(b" aG\n k=\r\n").as_deref(), Some(&b"hi"[..]));
        assert_eq!(from_base64(b"").as_deref(), Some(&b""[..]));
        for wrong in ["aGk", "aGk==", "aGl=", "aG.k", "=", "aGk=x", "aGk=\0"] {
            assert_eq!(from_base64(wrong.as_bytes()), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn base64_goes_there_and_back(bytes: Vec<u8>) {
            prop_assert_eq!(from_base64(to_base64(&bytes).as_bytes()), Some(bytes));
        }
    }
}
