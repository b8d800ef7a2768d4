//! Runs of the application's own migrations. They work on a copy, so that one that fails never
//! shows; the copy is then checked and written over the original in one transaction, unless the
//! original was changed meanwhile.

use std::path::{Path, PathBuf};

use crate::engines::database::MigrationDatabase;
use crate::engines::sqlite::backup;
use crate::engines::sqlite::connection::{Connection, OpenMode};
use crate::engines::sqlite::failure;
use crate::engines::sqlite::held::Key;
use crate::engines::sqlite::inspect::SqliteSnapshot;
use crate::engines::sqlite::kept::{self, KeptFile, name_of};
use crate::engines::sqlite::place::DatabasePath;
use crate::engines::sqlite::session::Session;
use crate::error::{Error, Kind, Result};
use crate::model::names::Secret;

/// How often to copy again when the database is written to meanwhile.
const TRIES: u32 = 3;

/// Characters that URLs of SQLAlchemy and of Django understand differently in a path.
const AMBIGUOUS: &[char] = &['?', '#', '%', '+'];

/// The original when the copy was made: which file it was, and its state; `None` where there was
/// none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Prepared(Option<(Key, Stamp)>);

/// Moves with every change that somebody else commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stamp {
    /// The counter in the file's header, which every commit in rollback mode moves.
    Rollback(u32),
    /// `PRAGMA data_version` of our connection: in WAL mode the header does not tell.
    Wal(i64),
}

/// Copies the database into `scratch`, and gives the URL of the copy.
pub(super) fn prepare(
    session: &mut Session,
    scratch: &Path,
) -> Result<(MigrationDatabase, Prepared)> {
    let path = copy_path(&session.place, scratch);
    let url = url_of(session.url.reveal(), name_of(&path)?)?;
    for _ in 0..TRIES {
        let before = stamp(session)?;
        let copy = KeptFile::create(&path)?;
        match before {
            Some(_) => backup::copy_to(&session.place, &copy)?,
            // Better now than after the migrations.
            None => drop(session.place.open_directory()?),
        }
        if stamp(session)? == before {
            copy.leave();
            let database = MigrationDatabase { url: Secret::new(url) };
            return Ok((database, Prepared(before)));
        }
    }
    let busy = format!("the database `{}` is being written to all the time", session.place.name());
    Err(Error::new(Kind::Locked, busy)
        .hint("stop the application, then run the command again")
        .transient())
}

/// Opens the copy to be looked at.
pub(super) fn open(session: &Session, scratch: &Path) -> Result<SqliteSnapshot> {
    SqliteSnapshot::at(DatabasePath::at(&copy_path(&session.place, scratch))?)
}

/// Writes the copy over the original.
///
/// Errors: `Kind::Stale` when the original is not what was copied.
pub(super) fn adopt(session: &mut Session, scratch: &Path, prepared: Prepared) -> Result<()> {
    let path = copy_path(&session.place, scratch);
    let mut copy = Connection::open(&path, name_of(&path)?, OpenMode::Change)?;
    // Brings in a write-ahead log, and fails while somebody still has the copy open in that mode.
    failure::patiently(|| copy.run("PRAGMA journal_mode = DELETE"))?;
    kept::check_integrity(&mut copy)?;
    check_unchanged(session, prepared)?;
    backup::put(session, &mut copy, |session| check_unchanged(session, prepared))
}

fn check_unchanged(session: &mut Session, prepared: Prepared) -> Result<()> {
    if Prepared(stamp(session)?) == prepared {
        return Ok(());
    }
    let message = format!(
        "the database `{}` was changed while its migrations ran on a copy",
        session.place.name()
    );
    Err(Error::new(Kind::Stale, message).hint("stop the application, then run the command again"))
}

fn stamp(session: &mut Session) -> Result<Option<(Key, Stamp)>> {
    let place = session.place.clone();
    let Some((connection, file)) = session.connect()? else { return Ok(None) };
    let header = place.header(file)?;
    let stamp = match header.is_wal() {
        true => Stamp::Wal(connection.number("PRAGMA data_version")?),
        false => Stamp::Rollback(header.change_counter()),
    };
    Ok(Some((file.key(), stamp)))
}

/// The copy has the original's name, where a URL can hold it.
fn copy_path(place: &DatabasePath, scratch: &Path) -> PathBuf {
    let name = place.file_name();
    scratch.join(if name.contains(AMBIGUOUS) { "database.db" } else { name })
}

/// The URL `original` with another file: scheme, driver and options as they were given. Four
/// slashes stand before an absolute path, to SQLAlchemy as to Django.
fn url_of(original: &str, path: &str) -> Result<String> {
    if path.contains(AMBIGUOUS) {
        return Err(Error::new(
            Kind::Config,
            format!("the path `{path}` cannot be written as a URL"),
        )
        .hint("choose a state directory without any of ? # % + in its path"));
    }
    let (scheme, rest) = original.split_once(':').unwrap_or(("sqlite", original));
    let (file, options) =
        rest.split_once('?').map_or((rest, String::new()), |(file, o)| (file, format!("?{o}")));
    let uri = if file.trim_start_matches('/').starts_with("file:") { "file:" } else { "" };
    Ok(format!("{scheme}:///{uri}{path}{options}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_keeps_its_spelling_and_gets_an_absolute_path() {
        for (original, expected) in [
            ("sqlite:////data/app.db", "sqlite:////s/app.db"),
            ("sqlite:///instance/app.db", "sqlite:////s/app.db"),
            ("sqlite+pysqlite:////data/app.db?timeout=5", "sqlite+pysqlite:////s/app.db?timeout=5"),
            ("sqlite:///file:/data/app.db?uri=true", "sqlite:///file:/s/app.db?uri=true"),
        ] {
            assert_eq!(url_of(original, "/s/app.db").unwrap(), expected);
        }
        assert_eq!(url_of("sqlite:////a.db", "/s?/app.db").unwrap_err().kind(), Kind::Config);
    }
}
