//! The one environment that every child starts with: nothing of whoever started ttplan but the time
//! zone and the directory for temporary files, and those only where they can do no harm.
//!
//! A variable such as `PYTHONPATH`, `LD_PRELOAD`, `PGOPTIONS` or `PATH` decides what a program does,
//! so whoever sets variables would decide it. Must never pass on a variable that nobody named.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

/// Where a child finds programs by their names: only what root installs.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Where `HOME` is known from, and nothing else: programs read start-up files from it.
const PASSWD: &str = "/etc/passwd";

const TEMPORARY: &str = "/tmp";
const WRITABLE_BY_OTHERS: u32 = 0o022;
const STICKY: u32 = 0o1000;

/// The variables, given what ttplan itself was started with.
pub fn clean(found: impl Fn(&str) -> Option<OsString>) -> Vec<(&'static str, OsString)> {
    let user = rustix::process::geteuid().as_raw();
    let home = fs::read(PASSWD).ok().and_then(|text| home_in(&text, user));
    let temporary = found("TMPDIR").filter(|path| is_safe_directory(Path::new(path), user));
    let mut all = vec![
        ("HOME", home.unwrap_or_else(|| "/".into())),
        ("LANG", "C.UTF-8".into()),
        ("PATH", PATH.into()),
        ("TMPDIR", temporary.unwrap_or_else(|| TEMPORARY.into())),
    ];
    all.extend(found("TZ").filter(|zone| is_plain_zone(zone)).map(|zone| ("TZ", zone)));
    all
}

/// Gives a program of the system that environment, without anything of the caller's.
pub fn clear(command: &mut Command) -> &mut Command {
    command.env_clear().envs(clean(|_| None))
}

/// The home directory of `user` in the text of a `passwd` file.
fn home_in(passwd: &[u8], user: u32) -> Option<OsString> {
    let user = user.to_string();
    passwd.split(|byte| *byte == b'\n').find_map(|line| {
        let fields: Vec<&[u8]> = line.split(|byte| *byte == b':').collect();
        let home = *fields.get(5)?;
        let is_theirs = fields.get(2) == Some(&user.as_bytes()) && home.starts_with(b"/");
        is_theirs.then(|| OsStr::from_bytes(home).to_owned())
    })
}

/// Whether nobody else can take away or replace what a program puts there.
fn is_safe_directory(path: &Path, user: u32) -> bool {
    let Ok(seen) = path.symlink_metadata() else { return false };
    let is_ours = seen.uid() == 0 || seen.uid() == user;
    let is_kept = seen.mode() & WRITABLE_BY_OTHERS == 0 || seen.mode() & STICKY != 0;
    path.is_absolute() && seen.is_dir() && is_ours && is_kept
}

/// A zone by its name or its rule, and never a file by its path.
fn is_plain_zone(zone: &OsStr) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_+-/,.:<>".contains(byte);
    let bytes = zone.as_bytes();
    bytes.iter().all(plain)
        && !bytes.starts_with(b"/")
        && !bytes.starts_with(b":")
        && !bytes.windows(2).any(|two| two == b"..")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn with(name: &'static str, value: &str) -> Option<OsString> {
        let value = OsString::from(value);
        let all = clean(move |asked| (asked == name).then(|| value.clone()));
        all.into_iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    #[test]
    fn nothing_of_the_caller_gets_through_that_decides_anything() {
        for name in ["PYTHONPATH", "LD_PRELOAD", "PGOPTIONS", "DATABASE_URL", "SECRET_KEY"] {
            assert_eq!(with(name, "theirs"), None, "{name}");
        }
        assert_eq!(with("PATH", "/evil"), Some(PATH.into()));
        assert_eq!(with("LANG", "evil"), Some("C.UTF-8".into()));
        assert_ne!(with("HOME", "/evil"), Some("/evil".into()));
    }

    #[test]
    fn a_home_is_that_of_the_running_user() {
        let passwd = b"root:x:0:0:root:/root:/bin/sh\napp:x:1000:33::/srv/app:/bin/false\nx\n";
        assert_eq!(home_in(passwd, 1000), Some("/srv/app".into()));
        assert_eq!(home_in(passwd, 0), Some("/root".into()));
        assert_eq!(home_in(passwd, 33), None);
        assert_eq!(home_in(b"a:x:7:7::relative:/bin/sh", 7), None);
    }

    #[test]
    fn a_zone_is_a_name_and_never_a_file() {
        assert_eq!(with("TZ", "Europe/Berlin"), Some("Europe/Berlin".into()));
        assert_eq!(
            with("TZ", "CET-1CEST,M3.5.0,M10.5.0/3"),
            Some("CET-1CEST,M3.5.0,M10.5.0/3".into())
        );
        for zone in ["/etc/shadow", ":/etc/shadow", "../../etc/shadow", "a\nb"] {
            assert_eq!(with("TZ", zone), None, "{zone}");
        }
    }

    #[test]
    fn a_directory_in_which_others_may_rename_is_not_used() {
        let directory = tempfile::tempdir().unwrap();
        let text = directory.path().to_str().unwrap();
        let mode = |mode| {
            fs::set_permissions(directory.path(), fs::Permissions::from_mode(mode)).unwrap();
        };
        mode(0o700);
        assert_eq!(with("TMPDIR", text), Some(text.into()));
        mode(0o777);
        assert_eq!(with("TMPDIR", text), Some("/tmp".into()));
        mode(0o1777);
        assert_eq!(with("TMPDIR", text), Some(text.into()));
        assert_eq!(with("TMPDIR", "relative"), Some("/tmp".into()));
    }
}
