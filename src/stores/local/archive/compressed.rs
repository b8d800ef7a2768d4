//! The two ways in which an archive is compressed.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, ErrorKind, Read, Write};
use std::path::Path;

use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;

/// How an archive is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    Zstd,
    Gzip,
}

impl Compression {
    /// What the name of an archive asks for; `None` where it ends neither in `.tar.zst` nor in
    /// `.tar.gz`.
    pub fn by_name(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_string_lossy();
        let ends = |end: &str| name.len() > end.len() && name.ends_with(end);
        match () {
            () if ends(".tar.zst") => Some(Self::Zstd),
            () if ends(".tar.gz") => Some(Self::Gzip),
            () => None,
        }
    }
}

/// Compresses into a file. The same content gives the same bytes.
pub(super) enum Writer {
    Zstd(zstd::Encoder<'static, BufWriter<File>>),
    Gzip(GzEncoder<BufWriter<File>>),
}

impl Writer {
    pub fn new(compression: Compression, file: File) -> io::Result<Self> {
        let file = BufWriter::with_capacity(1 << 20, file);
        Ok(match compression {
            Compression::Zstd => {
                let mut encoder = zstd::Encoder::new(file, 3)?;
                encoder.include_checksum(true)?;
                Self::Zstd(encoder)
            }
            Compression::Gzip => Self::Gzip(GzEncoder::new(file, flate2::Compression::new(6))),
        })
    }

    /// Writes what is left, and syncs.
    pub fn finish(self) -> io::Result<()> {
        let file = match self {
            Self::Zstd(encoder) => encoder.finish()?,
            Self::Gzip(encoder) => encoder.finish()?,
        };
        file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
    }
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Zstd(encoder) => encoder.write(bytes),
            Self::Gzip(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Zstd(encoder) => encoder.flush(),
            Self::Gzip(encoder) => encoder.flush(),
        }
    }
}

/// Reads what was compressed either way, told apart by its first bytes.
pub(super) enum Reader {
    Zstd(zstd::Decoder<'static, BufReader<File>>),
    Gzip(Box<GzDecoder<BufReader<File>>>),
}

impl Reader {
    /// Errors: `ErrorKind::InvalidData` where it is neither.
    pub fn new(file: File) -> io::Result<Self> {
        let mut file = BufReader::with_capacity(1 << 20, file);
        match file.fill_buf()? {
            [0x28, 0xB5, 0x2F, 0xFD, ..] => Ok(Self::Zstd(zstd::Decoder::with_buffer(file)?)),
            [0x1F, 0x8B, ..] => Ok(Self::Gzip(Box::new(GzDecoder::new(file)))),
            _ => Err(io::Error::new(
                ErrorKind::InvalidData,
                "it is neither compressed with zstd nor with gzip",
            )),
        }
    }

    /// Whether nothing follows in the file, once all was read.
    pub fn ends_here(self) -> io::Result<bool> {
        let mut file = match self {
            Self::Zstd(decoder) => decoder.finish(),
            Self::Gzip(decoder) => decoder.into_inner(),
        };
        Ok(file.fill_buf()?.is_empty())
    }
}

impl Read for Reader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Zstd(decoder) => decoder.read(into),
            Self::Gzip(decoder) => decoder.read(into),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_how_they_are_compressed_and_nothing_else_is_guessed() {
        let by_name = |name: &str| Compression::by_name(Path::new(name));
        assert_eq!(by_name("/b/up.tar.zst"), Some(Compression::Zstd));
        assert_eq!(by_name("up.tar.gz"), Some(Compression::Gzip));
        for name in ["up.tar", "up.zst", ".tar.gz", "up.zip", "/"] {
            assert_eq!(by_name(name), None, "{name}");
        }
    }
}
