//! Where a directory lives: which mount it is on, how much room is there, whose it is. Writes
//! nothing.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs;

use crate::model::files::uploads::{MountInfo, MountKind};
use crate::model::names::FilePath;

/// Where `path` lives, or would live: told of the nearest directory above it that is there.
pub(super) fn place(path: &FilePath) -> Option<MountInfo> {
    let there = path.as_path().ancestors().find(|above| above.is_dir())?;
    // The kernel names mounts by their real paths.
    let real = there.canonicalize().ok()?;
    let mounts = std::fs::read("/proc/self/mountinfo").ok()?;
    let mount = mount_of(&mounts, &real)?;
    let (space, metadata) = (fs::statvfs(there).ok()?, there.metadata().ok()?);
    Some(MountInfo {
        there: FilePath::new(there),
        kind: mount.kind(),
        mounted_at: FilePath::new(mount.at),
        filesystem: mount.filesystem,
        read_only: space.f_flag.contains(fs::StatVfsMountFlags::RDONLY),
        free_bytes: space.f_bavail.saturating_mul(space.f_frsize),
        // A filesystem without a fixed number of them says that it has none at all.
        free_files: (space.f_files > 0).then_some(space.f_favail),
        uid: metadata.uid(),
        gid: metadata.gid(),
        mode: (metadata.mode() & 0o7777) as u16,
    })
}

/// One line of the kernel's table.
#[derive(Debug, PartialEq, Eq)]
struct Mount {
    /// Which part of the filesystem is mounted.
    root: PathBuf,
    at: PathBuf,
    filesystem: String,
}

impl Mount {
    fn kind(&self) -> MountKind {
        match self.filesystem.as_str() {
            "overlay" | "aufs" | "fuse-overlayfs" => MountKind::Layer,
            "tmpfs" | "ramfs" => MountKind::Memory,
            _ if self.root.ends_with("_data")
                && self.root.components().any(|part| part.as_os_str() == "volumes") =>
            {
                MountKind::Volume
            }
            _ if self.root != Path::new("/") => MountKind::Bind,
            _ => MountKind::LocalStore,
        }
    }
}

/// The mount that a real path is on: of those above it the innermost, and of several there the
/// last.
fn mount_of(table: &[u8], path: &Path) -> Option<Mount> {
    let mounts = table.split(|byte| *byte == b'\n').filter_map(mount);
    mounts
        .filter(|mount| path.starts_with(&mount.at))
        .max_by_key(|mount| mount.at.components().count())
}

/// `id parent major:minor root mount-point options [optional fields] - type source options`
fn mount(line: &[u8]) -> Option<Mount> {
    let fields: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    let separator = fields.iter().position(|field| *field == b"-")?;
    let path =
        |n: usize| Some(PathBuf::from(FilePath::from_bytes(unescaped(fields.get(n)?)).as_path()));
    Some(Mount {
        root: path(3)?,
        at: path(4)?,
        filesystem: String::from_utf8_lossy(fields.get(separator + 1)?).into_owned(),
    })
}

/// The kernel writes blanks, line ends and backslashes as `\040`.
fn unescaped(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, after)) = rest.split_first() {
        let octal = after
            .get(..3)
            .and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        let escaped = octal.filter(|_| *first == b'\\');
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { after.get(3..).unwrap_or_default() } else { after };
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[u8] = b"21 1 0:20 / / rw,relatime master:1 - overlay overlay rw,lowerdir=/x
22 21 254:1 /var/lib/docker/volumes/app_data/_data /data rw - ext4 /dev/vda rw
23 21 254:1 /srv/my\\040files /app/with\\040blank rw shared:2 master:3 - ext4 /dev/vda rw
24 21 0:5 / /app/tmp rw - tmpfs tmpfs rw
25 21 8:1 / /disk rw - xfs /dev/sda1 rw
26 22 0:6 / /data/inner rw - tmpfs tmpfs rw
broken line
";

    #[test]
    fn the_innermost_mount_decides() {
        for (path, kind, at) in [
            ("/app/uploads", MountKind::Layer, "/"),
            ("/data/uploads/avatars", MountKind::Volume, "/data"),
            ("/data/inner/x", MountKind::Memory, "/data/inner"),
            ("/data/innermost", MountKind::Volume, "/data"),
            ("/app/with blank/x", MountKind::Bind, "/app/with blank"),
            ("/disk", MountKind::LocalStore, "/disk"),
        ] {
            let mount = mount_of(TABLE, Path::new(path)).unwrap();
            assert_eq!((mount.kind(), mount.at.as_path()), (kind, Path::new(at)), "{path}");
        }
    }

    #[test]
    fn a_directory_that_is_not_there_is_told_of_by_what_is_above_it() {
        let directory = tempfile::tempdir().unwrap();
        let place = place(&FilePath::from(directory.path().join("not/yet"))).unwrap();
        assert_eq!(place.there, FilePath::from(directory.path()));
        assert!(place.free_bytes > 0 && !place.read_only);
    }
}
