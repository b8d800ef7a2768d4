//! Database URLs in the spellings of SQLAlchemy and of Django's environment files.
//!
//! The rules for taking a URL apart are SQLAlchemy's (`sqlalchemy.engine.url._parse_url`): a
//! password reaches up to the first `@` and may hold `:` and `/`; three slashes before a SQLite
//! file are relative and four are absolute; what stands in the query wins over what stands before
//! it. Host and database are decoded besides, as Django and libpq do. A URL that can be read in two
//! ways is refused instead of guessed: an `@` too many, a `%` in the path of a file.
//!
//! No error of this room repeats a part of a URL that may hold a password.

mod server;
mod split;

use std::collections::BTreeMap;

use crate::config::url::split::Parts;
use crate::error::{Error, Kind, Result};
use crate::model::names::Secret;

/// The engines there are: name, and the schemes that mean it.
pub type Engines<'a> = &'a [(&'static str, &'static [&'static str])];

/// Engines whose database is a file.
const EMBEDDED: &[&str] = &["sqlite"];

/// Drivers of such engines that open the file as it is: no encryption, nothing remote.
const PLAIN_DRIVERS: &[&str] = &["pysqlite", "aiosqlite"];

/// Where a URL points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A file, as it was written; relative paths are relative to where the application runs.
    File(String),
    /// A database of a server.
    Server(Server),
}

/// The address of a database of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Host name, address, or the directory of a socket; `None` is the engine's own default.
    pub host: Option<String>,
    pub port: Option<u16>,
    pub user: Option<String>,
    pub password: Option<Secret>,
    pub database: String,
    /// What the query says that ttplan honours.
    pub options: BTreeMap<String, String>,
}

/// Reads `url`; returns the engine that its scheme means and where it points.
pub fn parse(url: &str, engines: Engines<'_>) -> Result<(&'static str, Address)> {
    if url.trim().is_empty() {
        return Err(Error::new(Kind::Config, "the database URL is empty"));
    }
    if url.trim() != url || url.contains(char::is_control) {
        let error =
            Error::new(Kind::Config, "the database URL has blanks around it or a line break in it");
        return Err(error
            .hint("look for a line break at the end of the variable or the file it comes from"));
    }
    let Some((scheme, rest)) = url.split_once("://").filter(|(scheme, _)| is_scheme(scheme)) else {
        let error = Error::new(Kind::Config, "the database URL does not begin with a scheme");
        return Err(error.hint(format!("write {}", examples(engines))));
    };
    let (name, driver) =
        scheme.split_once('+').map_or((scheme, None), |(name, driver)| (name, Some(driver)));
    let means =
        |(_, schemes): &&(_, &[&str])| schemes.iter().any(|known| known.eq_ignore_ascii_case(name));
    let Some((engine, _)) = engines.iter().find(means) else {
        let error =
            Error::new(Kind::Config, format!("ttplan has no engine for the scheme `{scheme}`"));
        return Err(error.hint(format!("supported are {}", examples(engines))));
    };
    let address = match EMBEDDED.contains(engine) {
        true => Address::File(file(scheme, driver, rest)?),
        false => Address::Server(server::read(scheme, rest)?),
    };
    Ok((engine, address))
}

fn is_scheme(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+-.".contains(&byte))
}

fn examples(engines: Engines<'_>) -> String {
    let schemes = engines.iter().filter_map(|(_, schemes)| schemes.first());
    schemes.map(|scheme| format!("`{scheme}://`")).collect::<Vec<_>>().join(", ")
}

/// The file that a URL of an embedded database names, still relative or absolute.
fn file(scheme: &str, driver: Option<&str>, rest: &str) -> Result<String> {
    const SLASHES: &str = "three slashes before a relative path, four before an absolute one";
    let refused = |why: &str| Error::new(Kind::Config, format!("the `{scheme}` URL {why}"));
    if driver.is_some_and(|driver| !PLAIN_DRIVERS.contains(&driver)) {
        return Err(refused("names a driver that does not keep its database in a plain file"));
    }
    let parts = Parts::of(rest);
    let memory = parts.authority_is_empty() && matches!(parts.path, None | Some("" | ":memory:"));
    if memory || rest == ":memory:" {
        return Err(refused(
            "means a database in memory, and from outside there is nothing of it to look at",
        ));
    }
    let path = parts.path.filter(|_| parts.authority_is_empty()).unwrap_or_default();
    if path.is_empty() {
        return Err(refused("names a host, and a database in a file has none").hint(SLASHES));
    }
    if path.starts_with("file:") || parts.query().any(|(key, _)| key == "uri") {
        return Err(refused("holds a URI of SQLite's own").hint(SLASHES));
    }
    if path.contains('%') {
        let error =
            refused("holds a `%` in its path, which SQLAlchemy takes as it is and Django decodes");
        return Err(error.hint("give the file a name without `%`"));
    }
    let mut start = path.chars();
    if start.next().is_some_and(|drive| drive.is_ascii_alphabetic()) && start.next() == Some(':') {
        return Err(refused("names a drive of Windows").hint(SLASHES));
    }
    Ok(path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the shelf of engines says, for tests.
    pub const ENGINES: Engines<'static> = &[
        ("postgres", &["postgresql", "postgres", "postgis", "pgsql", "psql"]),
        ("sqlite", &["sqlite"]),
    ];

    fn file_of(url: &str) -> Option<String> {
        match parse(url, ENGINES) {
            Ok(("sqlite", Address::File(path))) => Some(path),
            Ok(other) => panic!("{other:?}"),
            Err(_) => None,
        }
    }

    #[test]
    fn three_slashes_are_relative_and_four_are_absolute() {
        for (url, path) in [
            ("sqlite:///app.db", "app.db"),
            ("sqlite:////data/app.db", "/data/app.db"),
            ("sqlite+pysqlite:////data/app.db", "/data/app.db"),
            ("SQLite+aiosqlite:///instance/my app@home.db", "instance/my app@home.db"),
            ("sqlite:////data/app.db?timeout=15&mode=ro", "/data/app.db"),
        ] {
            assert_eq!(file_of(url).as_deref(), Some(path), "{url}");
        }
    }

    #[test]
    fn what_is_no_plain_file_is_refused() {
        for url in [
            "sqlite://",
            "sqlite:///",
            "sqlite:///:memory:",
            "sqlite://:memory:",
            "sqlite://data/app.db",
            "sqlite://data",
            "sqlite://u:p@/data/app.db",
            "sqlite:///file:app.db?uri=true",
            "sqlite:///app.db?uri=true",
            "sqlite:///C:/app.db",
            "sqlite:///a%20b.db",
            "sqlite+pysqlcipher:///app.db",
            "sqlite+libsql:///app.db",
        ] {
            assert_eq!(file_of(url), None, "{url}");
        }
    }

    #[test]
    fn other_engines_and_what_is_no_url_are_refused_by_name() {
        for (url, word) in [
            ("mysql://u:geheim@h/d", "`mysql`"),
            ("mssql+pyodbc://u:geheim@h/d", "`mssql+pyodbc`"),
            ("oracle://u:geheim@h", "`oracle`"),
            ("", "empty"),
            (" \n", "empty"),
            ("postgresql://u:geheim@h/d\n", "line break"),
            (" postgresql://u:geheim@h/d", "blanks"),
            ("postgresql://u:ge\nheim@h/d", "line break"),
            ("u:geheim@h/d", "scheme"),
            ("://u:geheim@h/d", "scheme"),
            ("\"postgresql://u:geheim@h/d\"", "scheme"),
            ("jdbc:postgresql://u:geheim@h/d", "scheme"),
        ] {
            let error = parse(url, ENGINES).unwrap_err();
            assert!(error.message().contains(word), "{url}: {error}");
            assert!(!format!("{error} {:?}", error.hints()).contains("heim"), "{url}: {error}");
        }
        let error = parse("mysql://h/d", ENGINES).unwrap_err();
        assert_eq!(error.hints(), ["supported are `postgresql://`, `sqlite://`"]);
    }
}
