//! What travels along with a file's content: its owner, mode, time and user attributes.

use rustix::fd::OwnedFd;
use rustix::fs::{self, Gid, Mode, Stat, Timespec, Timestamps, UTIME_OMIT, Uid, XattrFlags};
use rustix::io::{Errno, Result};

use crate::stores::store::CopyAttributes;

/// All bits that `chmod` can set.
const MODE: u32 = 0o7777;

/// The mode and owner that something gets where nobody asks for others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Own {
    pub mode: u32,
    pub owner: (u32, u32),
}

impl Own {
    /// Those of something that is there.
    pub fn of(stat: &Stat) -> Self {
        Self { mode: stat.st_mode & MODE, owner: (stat.st_uid, stat.st_gid) }
    }
}

/// Gives a new file or directory, as it is `now`, its owner and mode: what was asked for, otherwise
/// its own as far as this user may. Who may not keep the owner does not keep set-id bits either.
pub(super) fn apply_attributes(
    new: &OwnedFd,
    now: &Stat,
    how: &CopyAttributes,
    own: Own,
) -> Result<()> {
    let kept = attempt(how.owner.is_some(), give(new, now, how.owner.unwrap_or(own.owner)))?;
    let mode = how.mode.unwrap_or(if kept { own.mode } else { own.mode & 0o777 });
    attempt(how.mode.is_some(), fs::fchmod(new, Mode::from_raw_mode(mode & MODE)))?;
    Ok(())
}

/// Whether something succeeded that must (`asked`) or may.
fn attempt(asked: bool, result: Result<()>) -> Result<bool> {
    match result {
        Ok(()) => Ok(true),
        // Not ours to give away, an owner this namespace does not have, a filesystem without
        // owners.
        Err(Errno::PERM | Errno::INVAL | Errno::OPNOTSUPP) if !asked => Ok(false),
        Err(errno) => Err(errno),
    }
}

fn give(new: &OwnedFd, now: &Stat, (user, group): (u32, u32)) -> Result<()> {
    if (now.st_uid, now.st_gid) == (user, group) {
        return Ok(());
    }
    // All bits set means "leave it" to the kernel and is nobody's number.
    if user == u32::MAX || group == u32::MAX {
        return Err(Errno::INVAL);
    }
    let group = Some(Gid::from_raw(group));
    fs::fchown(new, Some(Uid::from_raw(user)), group).inspect_err(|_| {
        // Who may not give the file away may still share it with one of his groups.
        let _ = fs::fchown(new, None, group);
    })
}

/// Gives a copy the modification time of its source.
pub(super) fn keep_time(copy: &OwnedFd, source: &Stat) -> Result<()> {
    set_time(copy, Timespec { tv_sec: source.st_mtime as _, tv_nsec: source.st_mtime_nsec as _ })
}

/// Gives a file or directory this modification time.
pub(super) fn set_time(fd: &OwnedFd, last_modification: Timespec) -> Result<()> {
    let last_access = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT as _ };
    fs::futimens(fd, &Timestamps { last_access, last_modification })
}

/// Gives a copy the `user.*` attributes of its source; a filesystem without such is no error.
pub(super) fn keep_user_attributes(source: &OwnedFd, copy: &OwnedFd) -> Result<()> {
    let names =
        match read_whole(|| fs::flistxattr_query(source), |into| fs::flistxattr(source, into)) {
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => return Ok(()),
            names => names?,
        };
    for name in names.split(|byte| *byte == 0).filter(|name| name.starts_with(b"user.")) {
        let value = match read_whole(
            || fs::fgetxattr_query(source, name),
            |into| fs::fgetxattr(source, name, into),
        ) {
            Err(Errno::NODATA) => continue,
            value => value?,
        };
        match fs::fsetxattr(copy, name, &value, XattrFlags::empty()) {
            Err(Errno::OPNOTSUPP) => return Ok(()),
            set => set?,
        }
    }
    Ok(())
}

/// Asks for the length first; asks again when what is read grew meanwhile.
fn read_whole(
    length: impl Fn() -> Result<usize>,
    read: impl Fn(&mut [u8]) -> Result<usize>,
) -> Result<Vec<u8>> {
    loop {
        let mut value = vec![0; length()?];
        if value.is_empty() {
            return Ok(value);
        }
        match read(&mut value) {
            Err(Errno::RANGE) => {}
            length => {
                value.truncate(length?);
                return Ok(value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_must_succeed_and_what_is_not_may_fail() {
        assert_eq!(attempt(false, Err(Errno::PERM)), Ok(false));
        assert_eq!(attempt(true, Err(Errno::PERM)), Err(Errno::PERM));
        assert_eq!(attempt(false, Err(Errno::IO)), Err(Errno::IO));
        assert_eq!(attempt(true, Ok(())), Ok(true));
    }

    #[test]
    fn a_value_that_grows_while_it_is_read_is_read_again() {
        let length = std::cell::Cell::new(2);
        let read = |into: &mut [u8]| match length.replace(3) {
            2 => Err(Errno::RANGE),
            length => {
                into[..length].fill(b'v');
                Ok(length)
            }
        };
        let value = read_whole(|| Ok(length.get()), read);
        assert_eq!(value, Ok(b"vvv".to_vec()));
    }
}
