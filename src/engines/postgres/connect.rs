//! Reaching a server: from the settled address to one open connection, and the sentences for
//! when that fails. One attempt only; whoever calls decides whether to try again.
//!
//! A password is handed to the driver and to nobody else: it is in no sentence and no text here.

use std::str::FromStr;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgConnection};

use crate::error::{Error, Kind, Result};
use crate::model::config::{Access, Database};
use crate::model::names::Secret;

/// What every connection of ours is called in `pg_stat_activity`.
pub(super) const APPLICATION_NAME: &str = "ttplan";

/// How long one attempt may take where the URL says nothing.
const PATIENCE: Duration = Duration::from_secs(10);

/// Options of a URL that mean the same to the driver and to PostgreSQL's own programs.
const SHARED_OPTIONS: &[&str] = &["sslmode", "sslrootcert", "sslcert", "sslkey", "options"];

/// Where the server is and who we are there.
#[derive(Clone)]
pub(super) struct ConnInfo {
    options: PgConnectOptions,
    /// For PostgreSQL's own programs; without the password.
    pub(super) conninfo: String,
    pub(super) password: Option<Secret>,
    /// For identities: the host as it was settled.
    pub(super) host: Option<String>,
    patience: Duration,
}

impl ConnInfo {
    /// Settles everything that a connection needs; connects to nothing.
    pub(super) fn of(access: &Access) -> Result<Self> {
        let database = &access.database;
        let mut options = PgConnectOptions::from_str(&driver_url(database))
            .map_err(|cause| {
                Error::new(Kind::Config, "the database's address makes no sense").because(cause)
            })?
            .application_name(APPLICATION_NAME)
            // Poolers refuse a start that sets anything they do not know.
            .extra_float_digits(None)
            .disable_statement_logging();
        if let Some(password) = &access.password {
            options = options.password(password.reveal());
        }
        let seconds = database.options.get("connect_timeout").and_then(|text| text.parse().ok());
        let patience = seconds.filter(|seconds| *seconds > 0).map_or(PATIENCE, Duration::from_secs);
        let conninfo = conninfo(&options, database, patience);
        Ok(Self {
            options,
            conninfo,
            password: access.password.clone(),
            host: database.host.clone(),
            patience,
        })
    }

    /// Another database of the same server.
    pub(super) fn beside(&self, name: &str) -> Self {
        // Of two the later one counts.
        let conninfo = format!("{} {}", self.conninfo, pair("dbname", name));
        Self { options: self.options.clone().database(name), conninfo, ..self.clone() }
    }

    /// Opens one connection, in one attempt.
    pub(super) async fn connect(&self) -> Result<PgConnection> {
        match tokio::time::timeout(self.patience, self.options.connect()).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err(self.unreachable(error)),
            Err(_) => Err(self
                .silent()
                .because(format!("no answer within {} s", self.patience.as_secs()))),
        }
    }

    /// The database's name.
    pub(super) fn name(&self) -> &str {
        self.options.get_database().unwrap_or(self.options.get_username())
    }

    fn user(&self) -> &str {
        self.options.get_username()
    }

    fn address(&self) -> String {
        let port = self.options.get_port();
        match self.options.get_socket() {
            Some(directory) => format!("{}/.s.PGSQL.{port}", directory.display()),
            None => format!("{}:{port}", self.options.get_host()),
        }
    }

    fn silent(&self) -> Error {
        Error::new(
            Kind::Unreachable,
            format!("the database server at `{}` does not answer", self.address()),
        )
        .hint(format!("see whether it runs: pg_isready -d {}", shell_word(&self.conninfo)))
        .transient()
    }

    fn unreachable(&self, error: sqlx::Error) -> Error {
        let (address, user, name) = (self.address(), self.user(), self.name());
        let new = |sentence: String| Error::new(Kind::Unreachable, sentence);
        let unencrypted = |cause: &dyn std::fmt::Display| {
            new(format!("no encrypted connection to `{address}` came about")).because(cause).hint(
                "set `sslmode` and `sslrootcert` in the database's URL to what the server offers",
            )
        };
        let error = match error {
            // What TLS makes of a certificate that it does not trust.
            sqlx::Error::Io(cause) if cause.kind() == std::io::ErrorKind::InvalidData => {
                return unencrypted(&cause);
            }
            sqlx::Error::Io(cause) if cause.kind() == std::io::ErrorKind::PermissionDenied => {
                return new(format!("the socket `{address}` may not be opened")).because(cause);
            }
            sqlx::Error::Io(cause) => return self.silent().because(cause),
            sqlx::Error::Tls(cause) => return unencrypted(&cause),
            sqlx::Error::Database(error) => error,
            other => {
                return new(format!("what answers at `{address}` is no PostgreSQL server"))
                    .because(other);
            }
        };
        match error.code().as_deref() {
            Some("28P01") if self.password.is_none() => {
                new(format!("the server at `{address}` wants a password of `{user}`, and none that it takes was given"))
                    .because(error.message())
                    .hint("put the password into the database's URL")
            }
            Some("28P01") => new(format!("the server at `{address}` refuses the password of `{user}`"))
                .because(error.message())
                .hint("correct the password in the database's URL"),
            Some("3D000") => new(format!("database `{name}` does not exist at `{address}`"))
                .because(error.message())
                .hint(format!("createdb {}", shell_word(name))),
            Some("57P03" | "53300" | "57P01" | "57P02" | "08004" | "08006") => {
                new(format!("the server at `{address}` takes no connections at the moment"))
                    .because(error.message())
                    .transient()
            }
            _ => new(format!("the server at `{address}` does not let `{user}` into database `{name}`"))
                .because(error.message())
                .hint("correct the user in the database's URL, or let that user in on the server"),
        }
    }
}

/// The address in the one form in which the driver takes all of it, a socket directory and a
/// password file included. Everything stands in the query, where nothing can be misread.
fn driver_url(database: &Database) -> String {
    let port = database.port.map(|port| port.to_string());
    let mut pairs = vec![
        ("dbname", Some(database.name.as_str()).filter(|name| !name.is_empty())),
        ("host", database.host.as_deref()),
        ("port", port.as_deref()),
        ("user", database.user.as_deref()),
    ];
    pairs.extend(
        SHARED_OPTIONS.iter().map(|key| (*key, database.options.get(*key).map(String::as_str))),
    );
    let query: Vec<String> = pairs
        .iter()
        .filter_map(|(key, value)| Some(format!("{key}={}", percent(value.as_ref()?))))
        .collect();
    format!("postgres:///?{}", query.join("&"))
}

fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() {
                char::from(byte).into()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

/// The same for PostgreSQL's own programs. It wins over a service file and over variables.
fn conninfo(options: &PgConnectOptions, database: &Database, patience: Duration) -> String {
    let host = options
        .get_socket()
        .map_or(options.get_host().to_owned(), |path| path.display().to_string());
    let mut pairs = vec![
        ("dbname", options.get_database().unwrap_or(options.get_username()).to_owned()),
        ("host", host),
        ("port", options.get_port().to_string()),
        ("user", options.get_username().to_owned()),
        ("application_name", APPLICATION_NAME.to_owned()),
        ("connect_timeout", patience.as_secs().to_string()),
    ];
    pairs.extend(
        SHARED_OPTIONS.iter().filter_map(|key| Some((*key, database.options.get(*key)?.clone()))),
    );
    pairs.iter().map(|(key, value)| pair(key, value)).collect::<Vec<_>>().join(" ")
}

fn pair(key: &str, value: &str) -> String {
    format!("{key}='{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn shell_word(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::config::Wait;

    fn access(host: Option<&str>, options: &[(&str, &str)]) -> Access {
        let options =
            options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Access {
            database: Database {
                engine: "postgres".into(),
                host: host.map(Into::into),
                port: Some(5433),
                user: Some("o'neill & co".into()),
                name: "time tracker?x=1".into(),
                path: None,
                options,
                wait: Wait { attempts: 1, delay_seconds: 0, timeout_seconds: 1 },
            },
            password: Some(Secret::new("s3cret")),
            url: Secret::new("postgresql://whatever"),
            path: Default::default(),
            programs: Default::default(),
        }
    }

    #[test]
    fn odd_names_arrive_at_the_driver_whole() {
        let target =
            ConnInfo::of(&access(Some("db.example"), &[("options", "-c work_mem=1MB")])).unwrap();
        assert_eq!(target.options.get_host(), "db.example");
        assert_eq!(target.options.get_port(), 5433);
        assert_eq!(target.user(), "o'neill & co");
        assert_eq!(target.name(), "time tracker?x=1");
        assert_eq!(target.options.get_options(), Some("-c work_mem=1MB"));
    }

    #[test]
    fn a_host_may_be_a_socket_directory() {
        let target = ConnInfo::of(&access(Some("/run/postgresql"), &[])).unwrap();
        assert_eq!(target.address(), "/run/postgresql/.s.PGSQL.5433");
        assert!(target.conninfo.contains("host='/run/postgresql'"), "{}", target.conninfo);
    }

    #[test]
    fn the_conninfo_is_quoted_and_holds_no_password() {
        let target = ConnInfo::of(&access(
            Some("db"),
            &[("sslmode", "require"), ("target_session_attrs", "any")],
        ))
        .unwrap();
        assert!(target.conninfo.contains(r"user='o\'neill & co'"), "{}", target.conninfo);
        assert!(target.conninfo.contains("sslmode='require'"), "{}", target.conninfo);
        assert!(!target.conninfo.contains("s3cret"), "{}", target.conninfo);
        assert!(!target.conninfo.contains("target_session_attrs"), "{}", target.conninfo);
    }

    #[test]
    fn an_unknown_sslmode_is_a_fault_of_the_configuration() {
        let error = ConnInfo::of(&access(None, &[("sslmode", "perhaps")])).err().unwrap();
        assert_eq!(error.kind(), Kind::Config);
    }
}
