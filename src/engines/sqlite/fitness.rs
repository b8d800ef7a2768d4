//! What plans need of a SQLite database: a file and a directory that can be written.

use rustix::fs::{Access, access};

use crate::engines::database::Requirement;
use crate::engines::sqlite::place::DatabasePath;

/// Whether this user may write the file, and make others beside it: the journal lies there.
pub(super) fn of(place: &DatabasePath) -> Vec<Requirement> {
    let path = place.path();
    let mut found = Vec::new();
    if path.exists() {
        found.push(Requirement {
            what: format!("the file `{}` can be written", place.name()),
            holds: access(path, Access::WRITE_OK).is_ok(),
            mend: Some("run as the user who owns it".to_owned()),
        });
    }
    let directory = path.parent().unwrap_or(path);
    found.push(Requirement {
        what: format!("files can be made beside `{}`", place.name()),
        holds: access(directory, Access::WRITE_OK | Access::EXEC_OK).is_ok(),
        mend: Some(format!("chown $(id -u) {}", directory.display())),
    });
    found
}
