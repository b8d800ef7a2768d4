//! Files that are put into keeping: made new and private, complete and on disk or not there at
//! all, and read back in full before anybody relies on them.

use std::path::Path;

use crate::engines::database::SavedCopy;
use crate::engines::sqlite::catalogue::stored_tables;
use crate::engines::sqlite::connection::{Connection, OpenMode, literal};
use crate::engines::sqlite::content;
use crate::engines::sqlite::place::{JOURNAL, SHARED_MEMORY, WAL};
use crate::error::{Error, Kind, Result};
use crate::fs::new_file::{NewFile, measure, open_plain};
use crate::model::database::names::qualified;
use crate::model::names::ObjectRef;

/// Tables of our own in a file of saved objects begin so.
pub(super) const OUR_PREFIX: &str = "ttplan_kept_";

/// A file that is being made. Unless it is left to stay, it is removed again.
pub(super) struct KeptFile(NewFile);

impl KeptFile {
    /// Makes the file, empty, for this user alone. Nothing that is there is ever replaced or
    /// followed.
    pub(super) fn create(path: &Path) -> Result<Self> {
        NewFile::with_others(path, &[JOURNAL, WAL, SHARED_MEMORY]).map(Self)
    }

    /// Opens it for writing.
    pub(super) fn open(&self) -> Result<Connection> {
        Connection::open(self.0.path(), name_of(self.0.path())?, OpenMode::New)
    }

    /// Turns it into one file that needs no other beside it, brings it to disk, and reads it back.
    pub(super) fn finish(&self) -> Result<SavedCopy> {
        self.open()?.rows("PRAGMA journal_mode = DELETE")?;
        self.0.sync()?;
        read_back(self.0.path())
    }

    /// Lets it stay.
    pub(super) fn leave(self) {
        self.0.keep();
    }
}

/// Reads a kept file in full: its pages, its tables' row counts, its digest.
pub(super) fn read_back(path: &Path) -> Result<SavedCopy> {
    let mut connection = Connection::open(path, name_of(path)?, OpenMode::Sealed)?;
    check_integrity(&mut connection)?;
    let tables = count_rows(&mut connection)?;
    let (bytes, sha256) = measure(&mut open_plain(path)?, path)?;
    Ok(SavedCopy { bytes, sha256, tables })
}

/// Checks that all pages, rows and indexes are as they should be. Whether rows satisfy the checks
/// of their table is no question of that.
///
/// Errors: `Kind::Verification` with what is found instead.
pub(super) fn check_integrity(connection: &mut Connection) -> Result<()> {
    connection.run("PRAGMA ignore_check_constraints = ON")?;
    match judge(connection, "PRAGMA main.integrity_check(5)") {
        Err(error) if lacks_a_function(&error) => {}
        judged => return judged,
    }
    // The application has functions or collations of its own, which its schema uses and we do not
    // have. Tables that need none are checked as above, of the others every row is read.
    for table in stored_tables(connection)? {
        match judge(connection, &format!("PRAGMA main.integrity_check({})", literal(&table))) {
            Err(error) if lacks_a_function(&error) => {
                content::of(connection, &table).map(|_| ())?;
            }
            judged => judged?,
        }
    }
    Ok(())
}

fn judge(connection: &mut Connection, check: &str) -> Result<()> {
    let found = connection.rows(check)?;
    if found.first().is_some_and(|row| row.text(0) == "ok") {
        return Ok(());
    }
    let what = format!("`{}` does not pass SQLite's integrity check", connection.name());
    Err(found
        .iter()
        .fold(Error::new(Kind::Verification, what), |error, row| error.because(row.text(0))))
}

/// To SQLite that is an error of the statement, as no damage is.
fn lacks_a_function(error: &Error) -> bool {
    error.kind() == Kind::Failed
}

/// Every table that has rows of its own, with their number, sorted.
fn count_rows(connection: &mut Connection) -> Result<Vec<(ObjectRef, u64)>> {
    let mut tables = Vec::new();
    for table in stored_tables(connection)? {
        // An index may need a collation that only the application has.
        let rows = connection
            .number(&format!("SELECT count(*) FROM {} NOT INDEXED", qualified("main", &table)))?;
        if !table.starts_with(OUR_PREFIX) {
            tables.push((ObjectRef::table("main", table), rows.unsigned_abs()));
        }
    }
    Ok(tables)
}

/// The path as SQLite needs it.
pub(super) fn name_of(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| {
        Error::new(Kind::Failed, format!("the path {path:?} is not UTF-8, which SQLite needs"))
            .hint("choose a state directory and a backup directory whose paths are UTF-8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_new_file_is_private_and_replaces_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept.db");
        let file = KeptFile::create(&path).unwrap();
        assert_eq!(file.finish().unwrap().tables, []);
        file.leave();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(KeptFile::create(&path).err().map(|error| error.kind()), Some(Kind::Failed));
        symlink("elsewhere.db", folder.path().join("link.db")).unwrap();
        assert!(KeptFile::create(&folder.path().join("link.db")).is_err());
        assert!(!folder.path().join("elsewhere.db").exists());
    }

    #[test]
    fn a_file_that_is_not_left_to_stay_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept.db");
        let file = KeptFile::create(&path).unwrap();
        file.open().unwrap().run("CREATE TABLE t (a); INSERT INTO t VALUES (1)").unwrap();
        drop(file);
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }

    #[test]
    fn a_damaged_file_is_not_taken_for_a_kept_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept.db");
        let file = KeptFile::create(&path).unwrap();
        file.open()
            .unwrap()
            .run(
                "CREATE TABLE t (a); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) \
                  INSERT INTO t SELECT hex(randomblob(20)) FROM n",
            )
            .unwrap();
        assert_eq!(file.finish().unwrap().tables, [(ObjectRef::table("main", "t"), 2000)]);
        file.leave();
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle..middle + 4096].fill(0xff);
        std::fs::write(&path, bytes).unwrap();
        assert!(matches!(
            read_back(&path).unwrap_err().kind(),
            Kind::Verification | Kind::Unreachable
        ));
    }
}
