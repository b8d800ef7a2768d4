//! Where PostgreSQL's client programs lie, and of which version they are. Must never look along the
//! `PATH` of whoever runs ttplan, who would choose the program by it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::fs::ownership::check_ownership;
use crate::process::environment;

/// Where distributions keep the programs of several versions beside each other: a directory, how a
/// version's own is called in it, and where in that the programs are.
const VERSIONED: &[(&str, &str, &str)] = &[
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/usr/lib", "postgresql", "bin"),
    ("/usr/libexec", "postgresql", ""),
];

/// Where else they are installed.
const PLAIN: &[&str] = &["/usr/local/pgsql/bin", "/usr/local/bin", "/usr/bin"];

/// The directories in which programs are looked for.
pub(super) fn places() -> impl Iterator<Item = PathBuf> {
    let versioned = VERSIONED.iter().flat_map(|(directory, start, inside)| {
        let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
        let fits = move |name: &OsString| {
            let name = name.to_string_lossy();
            let version = name.strip_prefix(start).unwrap_or_default();
            version.starts_with(|c: char| c.is_ascii_digit())
        };
        entries.filter(move |entry| fits(&entry.file_name())).map(move |e| e.path().join(inside))
    });
    versioned.chain(PLAIN.iter().map(PathBuf::from))
}

/// Whether nobody but root and the running user could have put the programs there.
pub(super) fn is_of_the_host(place: &Path) -> bool {
    ["pg_dump", "pg_restore"].iter().all(|name| {
        let real = place.join(name).canonicalize();
        real.is_ok_and(|real| check_ownership(&real).is_ok())
    })
}

/// Asks a program for its major version.
pub(super) fn version_of(program: &Path) -> Option<u32> {
    let mut command = Command::new(program);
    let output = environment::clear(&mut command).arg("--version").stdin(Stdio::null()).output();
    let output = output.ok()?;
    major_in(std::str::from_utf8(&output.stdout).ok()?)
}

/// The major version in `pg_dump (PostgreSQL) 15.18 (Debian ...)`.
fn major_in(text: &str) -> Option<u32> {
    let number = text.split_once("(PostgreSQL) ")?.1;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_the_programs_print_them() {
        assert_eq!(major_in("pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"), Some(15));
        assert_eq!(major_in("pg_dump (PostgreSQL) 19beta1"), Some(19));
        assert_eq!(major_in("pg_dump"), None);
    }
}
