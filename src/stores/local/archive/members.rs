//! The members of a tar as we write and read them: plain files and directories, long names in GNU's
//! way, and nothing else. Numbers and layout are those of the `tar` crate's headers.

use std::io::{self, Write};

use tar::{EntryType, Header};

use crate::model::names::FilePath;
use crate::stores::local::attributes::Own;

/// The block of a tar.
pub(super) const BLOCK: u64 = 512;

/// As many bytes as a name has room for in a header.
const SHORT: usize = 100;

/// The name of a member that holds the next one's long name.
const LONG_LINK: &[u8] = b"././@LongLink";

/// How a member lies on disk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lies {
    pub own: Own,
    /// Seconds since 1970.
    pub mtime: u64,
}

impl Lies {
    /// As nothing is known of it: for root alone, long ago.
    pub fn plain(mode: u32) -> Self {
        Self { own: Own { mode, owner: (0, 0) }, mtime: 0 }
    }

    pub fn of(header: &Header) -> io::Result<Self> {
        let id = |id: u64| u32::try_from(id).map_err(io::Error::other);
        let owner = (id(header.uid()?)?, id(header.gid()?)?);
        Ok(Self { own: Own { mode: header.mode()?, owner }, mtime: header.mtime()? })
    }
}

/// Writes the beginning of a member; its content follows, then [`pad`].
pub(super) fn begin(
    to: &mut impl Write,
    path: &FilePath,
    kind: EntryType,
    size: u64,
    lies: &Lies,
) -> io::Result<()> {
    let name = match kind {
        EntryType::Directory => [path.as_bytes(), b"/"].concat(),
        _ => path.as_bytes().to_vec(),
    };
    if name.len() > SHORT {
        let length = name.len() as u64 + 1;
        to.write_all(
            header(LONG_LINK, EntryType::GNULongName, length, &Lies::plain(0o644)).as_bytes(),
        )?;
        to.write_all(&name)?;
        to.write_all(&[0])?;
        pad(to, length)?;
    }
    to.write_all(header(&name, kind, size, lies).as_bytes())
}

fn header(name: &[u8], kind: EntryType, size: u64, lies: &Lies) -> Header {
    let mut header = Header::new_gnu();
    if let Some(gnu) = header.as_gnu_mut() {
        let short = &name[..name.len().min(SHORT)];
        gnu.name[..short.len()].copy_from_slice(short);
    }
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(lies.own.mode);
    header.set_uid(u64::from(lies.own.owner.0));
    header.set_gid(u64::from(lies.own.owner.1));
    header.set_mtime(lies.mtime);
    header.set_cksum();
    header
}

/// Fills the last block of a member's content.
pub(super) fn pad(to: &mut impl Write, size: u64) -> io::Result<()> {
    let rest = (size % BLOCK) as usize;
    if rest == 0 { Ok(()) } else { to.write_all(&[0; BLOCK as usize][rest..]) }
}

/// Writes what ends a tar.
pub(super) fn end(to: &mut impl Write) -> io::Result<()> {
    to.write_all(&[0; 2 * BLOCK as usize])
}
