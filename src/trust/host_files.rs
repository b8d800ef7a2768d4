//! Reads the host's own files of trust, and only where nobody else could have written them.

use std::io::ErrorKind;

use crate::error::{Error, Kind, Result};
use crate::fs::ownership::open_own;
use crate::fs::plain;
use crate::model::names::FilePath;
use crate::openssh::allowed_signers::AllowedSigners;
use crate::openssh::revoked_keys::RevokedKeys;
use crate::openssh::validity::local_zone;

/// Far more than any such file needs.
const LARGEST_FILE: u64 = 64 << 20;

/// Reads the allowed signers of a host.
///
/// Errors: `Kind::Config` when the file cannot be read, `Kind::Refused` when others may write to
/// it.
pub fn read_allowed_signers(path: &FilePath) -> Result<AllowedSigners> {
    let content = read(path, "allowed signers")?;
    Ok(AllowedSigners::parse(&path.to_text(), &content, &local_zone()))
}

/// Reads the revoked keys of a host. A host that names such a file and has none is not to be
/// trusted.
///
/// Errors: as [`read_allowed_signers`], and `Kind::Config` when some of it cannot be understood.
pub fn read_revoked_keys(path: &FilePath) -> Result<RevokedKeys> {
    RevokedKeys::parse(&path.to_text(), &read(path, "revoked keys")?)
}

fn read(path: &FilePath, what: &str) -> Result<Vec<u8>> {
    let shown = path.to_text();
    let file = open_own(path.as_path()).map_err(|error| {
        let kind = error.kind();
        error.under(match kind {
            Kind::Refused => format!("the {what} in `{shown}` cannot be relied on"),
            _ => format!("the {what} in `{shown}` cannot be read"),
        })
    })?;
    plain::read(file, LARGEST_FILE).map_err(|error| {
        let kind = match error.kind() {
            ErrorKind::FileTooLarge => Kind::Refused,
            _ => Kind::Config,
        };
        Error::new(kind, format!("the {what} in `{shown}` cannot be read")).because(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, chown};
    use std::path::Path;

    fn write(folder: &Path, mode: u32) -> FilePath {
        let path = folder.join("allowed_signers");
        fs::write(&path, "# nobody\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        FilePath::new(path)
    }

    #[test]
    fn a_file_that_others_may_write_to_is_not_relied_on() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read_allowed_signers(&write(folder.path(), 0o644)).is_ok());
        for mode in [0o664, 0o646, 0o666] {
            let error = read_allowed_signers(&write(folder.path(), mode)).unwrap_err();
            assert_eq!(error.kind(), Kind::Refused);
            assert!(error.hints()[0].starts_with("chmod go-w "), "{error}");
        }
        let error = read_revoked_keys(&FilePath::new(folder.path())).unwrap_err();
        assert!(error.to_string().contains("not a plain file"), "{error}");
        let error = read_revoked_keys(&FilePath::new(folder.path().join("none"))).unwrap_err();
        assert_eq!(error.kind(), Kind::Config);
    }

    #[test]
    fn a_file_of_another_user_is_not_relied_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = write(folder.path(), 0o644);
        if chown(path.as_path(), Some(4711), None).is_err() {
            println!("skipped: only root can give a file to another user");
            return;
        }
        let error = read_allowed_signers(&path).unwrap_err();
        assert!(error.to_string().contains("belongs to user 4711"), "{error}");
    }
}
