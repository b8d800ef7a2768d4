//! What travels along with a file's content: owner, mode, time, user attributes and access list. What
//! is given is read back: nothing is lost in silence, and set-id bits never come along.

use rustix::fd::OwnedFd;
use rustix::fs::{self, Gid, Mode, Stat, Timespec, Timestamps, UTIME_OMIT, Uid, XattrFlags};
use rustix::io::{Errno, Result};

use crate::stores::store::CopyAttributes;

/// All bits that `chmod` can set.
const MODE: u32 = 0o7777;

/// The bits that a file of ours may have: nobody gets set-id programs out of a copy.
pub(super) const OF_FILES: u32 = 0o777;

/// The bits that a directory of ours may have: a group that is passed on to what is made in it goes
/// on being passed on.
pub(super) const OF_DIRECTORIES: u32 = 0o2777;

/// The access list, and the one that a directory gives to what is made in it.
const ACCESS_LIST: &[u8] = b"system.posix_acl_access";
const DEFAULT_LIST: &[u8] = b"system.posix_acl_default";

/// Some filesystems keep times to two seconds.
const COARSEST: i64 = 2;

/// The mode and owner that something gets where nobody asks for others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Own {
    pub mode: u32,
    pub owner: (u32, u32),
}

impl Own {
    /// Those of something that is there, with all its bits.
    pub fn of(stat: &Stat) -> Self {
        Self { mode: stat.st_mode & MODE, owner: (stat.st_uid, stat.st_gid) }
    }

    /// Without the bits that do not travel.
    pub fn within(self, bits: u32) -> Self {
        Self { mode: self.mode & bits, ..self }
    }
}

/// What a copy could not keep of its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unkept {
    Owner((u32, u32)),
    Mode(u32),
    /// An attribute or access list, by its name.
    Attribute(String),
    Time,
    /// The attempt itself failed.
    Failed(Errno),
}

impl From<Errno> for Unkept {
    fn from(errno: Errno) -> Self {
        Self::Failed(errno)
    }
}

/// Gives a new file or directory, as it is `now`, its owner and mode: what was asked for, otherwise
/// `own`.
pub(super) fn apply_attributes(
    new: &OwnedFd,
    now: &Stat,
    how: &CopyAttributes,
    own: Own,
) -> std::result::Result<(), Unkept> {
    let (owner, mode) = (how.owner.unwrap_or(own.owner), how.mode.unwrap_or(own.mode) & MODE);
    give(new, now, owner).map_err(|errno| match errno {
        // Not ours to give away, an owner this namespace does not have, a filesystem without
        // owners.
        Errno::PERM | Errno::INVAL | Errno::OPNOTSUPP if how.owner.is_none() => {
            Unkept::Owner(owner)
        }
        errno => Unkept::Failed(errno),
    })?;
    fs::fchmod(new, Mode::from_raw_mode(mode))?;
    let got = Own::of(&fs::fstat(new)?);
    match (got.owner == owner, got.mode == mode) {
        (true, true) => Ok(()),
        (false, _) => Err(Unkept::Owner(owner)),
        (_, false) => Err(Unkept::Mode(mode)),
    }
}

/// The same as far as this user may, for what somebody unpacks for himself; whether all was kept.
/// Who may not keep the owner does not keep the passing on of a group either.
pub(super) fn apply_as_may(new: &OwnedFd, now: &Stat, own: Own) -> Result<bool> {
    let kept = may(give(new, now, own.owner))?;
    let mode = if kept { own.mode } else { own.mode & OF_FILES };
    Ok(may(fs::fchmod(new, Mode::from_raw_mode(mode & MODE)))? && kept)
}

/// Whether something succeeded that need not.
fn may(result: Result<()>) -> Result<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(Errno::PERM | Errno::INVAL | Errno::OPNOTSUPP) => Ok(false),
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
pub(super) fn keep_time(copy: &OwnedFd, source: &Stat) -> std::result::Result<(), Unkept> {
    set_time(copy, Timespec { tv_sec: source.st_mtime as _, tv_nsec: source.st_mtime_nsec as _ })?;
    let got = fs::fstat(copy)?.st_mtime;
    match got.abs_diff(source.st_mtime) > COARSEST.unsigned_abs() {
        true => Err(Unkept::Time),
        false => Ok(()),
    }
}

/// Gives a file or directory this modification time.
pub(super) fn set_time(fd: &OwnedFd, last_modification: Timespec) -> Result<()> {
    let last_access = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT as _ };
    fs::futimens(fd, &Timestamps { last_access, last_modification })
}

/// Gives a copy the `user.*` attributes of its source, and its access lists where they are wanted:
/// who asks for a mode asks for no list. A list that the copy has from its directory goes.
pub(super) fn keep_attributes(
    source: &OwnedFd,
    copy: &OwnedFd,
    lists: bool,
) -> std::result::Result<(), Unkept> {
    let travels = |name: &&[u8]| {
        name.starts_with(b"user.") || lists && (*name == ACCESS_LIST || *name == DEFAULT_LIST)
    };
    let names = names(source)?;
    for name in names.split(|byte| *byte == 0).filter(travels) {
        let Some(value) = value(source, name)? else { continue };
        let unkept = || Unkept::Attribute(String::from_utf8_lossy(name).into_owned());
        match fs::fsetxattr(copy, name, &value, XattrFlags::empty()) {
            Err(Errno::OPNOTSUPP | Errno::PERM | Errno::INVAL | Errno::RANGE) => {
                return Err(unkept());
            }
            set => set?,
        }
        if self::value(copy, name)?.as_ref() != Some(&value) {
            return Err(unkept());
        }
    }
    for name in [ACCESS_LIST, DEFAULT_LIST] {
        let has = names.split(|byte| *byte == 0).any(|other| other == name);
        if (!has || !lists) && value(copy, name)?.is_some() {
            fs::fremovexattr(copy, name)?;
        }
    }
    Ok(())
}

/// The names of all attributes; none on a filesystem without.
fn names(fd: &OwnedFd) -> Result<Vec<u8>> {
    match read_whole(|| fs::flistxattr_query(fd), |into| fs::flistxattr(fd, into)) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(Vec::new()),
        names => names,
    }
}

/// What an attribute says; nothing where there is none.
fn value(fd: &OwnedFd, name: &[u8]) -> Result<Option<Vec<u8>>> {
    let length = || fs::fgetxattr_query(fd, name);
    match read_whole(length, |into| fs::fgetxattr(fd, name, into)) {
        Ok(value) => Ok(Some(value)),
        Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::NOSYS) => Ok(None),
        Err(errno) => Err(errno),
    }
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
    fn what_this_user_may_not_is_given_up_and_what_fails_is_not() {
        assert_eq!(may(Err(Errno::PERM)), Ok(false));
        assert_eq!(may(Err(Errno::IO)), Err(Errno::IO));
        assert_eq!(may(Ok(())), Ok(true));
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
