//! Paths as they are written, made plain and absolute without looking at the disk.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::error::{Error, Kind, Result};
use crate::model::names::FilePath;

/// The plain absolute path that `written` means when it is relative to `base`.
///
/// `.` and empty parts vanish and `..` takes back the part before it, by the letter: symbolic
/// links are not followed. Errors: a `..` that climbs out of `/`, and a path that is
/// relative to nothing.
pub fn resolve(base: &FilePath, written: impl AsRef<OsStr>) -> Result<FilePath> {
    let whole = base.join(&FilePath::new(written.as_ref()));
    let refused = |why: &str| {
        let shown = FilePath::new(written.as_ref());
        Err(Error::new(Kind::Config, format!("the path `{}` {why}", shown.to_text())))
    };
    if !whole.as_bytes().starts_with(b"/") {
        return refused("is relative, and to nothing");
    }
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in whole.as_bytes().split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." if parts.pop().is_none() => return refused("climbs out of the root directory"),
            b".." => {}
            part => parts.push(part),
        }
    }
    let plain = FilePath::new(OsStr::from_bytes(&[b"/", parts.join(&b'/').as_slice()].concat()));
    if plain.is_plain_absolute() { Ok(plain) } else { refused("cannot be a path") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn resolved(base: &str, written: &str) -> Option<String> {
        resolve(&base.into(), written).ok().map(|path| path.to_text().into_owned())
    }

    #[test]
    fn paths_become_plain_and_absolute() {
        for (base, written, expected) in [
            ("/app", "uploads/a", "/app/uploads/a"),
            ("/app", ".", "/app"),
            ("/app/", "./x//y/", "/app/x/y"),
            ("/app", "../data", "/data"),
            ("/app", "/data/../srv/.", "/srv"),
            ("/app", "..", "/"),
            ("/", "x", "/x"),
        ] {
            assert_eq!(resolved(base, written).as_deref(), Some(expected), "{base} {written}");
        }
        for (base, written) in
            [("/app", "../.."), ("/", ".."), ("app", "x"), ("/app", "/../x"), ("/app", "x\0y")]
        {
            assert_eq!(resolved(base, written), None, "{base} {written}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_stay_as_they_are() {
        let path = resolve(&FilePath::from_bytes(*b"/a\xff/./b"), "c").unwrap();
        assert_eq!(path.as_bytes(), b"/a\xff/b/c");
    }

    proptest! {
        #[test]
        fn what_is_resolved_is_plain(base in r"/?([a./]|\PC){0,12}", written in r"([a./]|\PC){0,12}") {
            if let Ok(path) = resolve(&base.as_str().into(), &written) {
                prop_assert!(path.is_plain_absolute());
                prop_assert_eq!(resolve(&"/".into(), path.as_path()).ok(), Some(path));
            }
        }
    }
}
