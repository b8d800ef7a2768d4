//! The address of a database of a server, out of the parts of its URL.

use std::collections::BTreeMap;

use crate::config::url::Server;
use crate::config::url::split::{Parts, decoded};
use crate::error::{Error, Kind, Result};
use crate::model::names::Secret;

/// Options of libpq that ttplan honours. None of them holds a secret.
const HONOURED: &[&str] = &[
    "application_name",
    "connect_timeout",
    "options",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "target_session_attrs",
];

/// Options of libpq that decide which server is reached or how it has to prove itself, and that
/// ttplan does not honour: passing over one could mean another database. All other options
/// change nothing of that and are passed over.
const REFUSED: &[&str] = &[
    "channel_binding",
    "hostaddr",
    "passfile",
    "require_auth",
    "requirepeer",
    "service",
    "servicefile",
    "sslcrl",
    "sslcrldir",
    "sslpassword",
];

/// Reads what stands behind `scheme://`.
pub fn read(scheme: &str, rest: &str) -> Result<Server> {
    // From here on nothing may be shown before it is known where the password ends.
    let refused = |why: &str| Error::new(Kind::Config, format!("the `{scheme}` URL {why}"));
    let parts = Parts::of(rest);
    if parts.login_is_doubtful() {
        return Err(refused("has an `@` behind the one before its host")
            .hint("write `%40` for an `@` in a name or a password"));
    }
    if rest.contains(' ') {
        return Err(refused("has a blank in it").hint("write `%20` for a blank"));
    }
    let text = |part: Option<&str>| match part.filter(|part| !part.is_empty()).map(decoded) {
        None => Ok(None),
        Some(Some(text)) if !text.contains(char::is_control) => Ok(Some(text.into_owned())),
        Some(_) => Err(refused("holds bytes that are no text")),
    };
    let mut server = Server {
        host: text(Some(parts.host))?,
        port: parts.port.map_or(Ok(None), |text| port(scheme, text))?,
        user: text(parts.user)?,
        password: text(parts.password)?.map(Secret::new),
        database: text(parts.path)?.unwrap_or_default(),
        options: BTreeMap::new(),
    };
    let mut seen: Vec<String> = Vec::new();
    for (key, value) in parts.query() {
        if seen.contains(&key) {
            return Err(refused("gives an option twice")
                .hint("ttplan connects to one server: give one host"));
        }
        let value = value.filter(|value| !value.contains(char::is_control));
        let value = value.ok_or_else(|| refused("holds bytes that are no text"))?;
        server.set(scheme, &key, value)?;
        seen.push(key);
    }
    server.judged(scheme)
}

fn port(scheme: &str, text: &str) -> Result<Option<u16>> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let port = text.parse().ok().filter(|port| digits && *port > 0);
    port.map(Some).ok_or_else(|| {
        let message = format!("the `{scheme}` URL has no number from 1 to 65535 as its port");
        let hint = "write `user:password@host:port/database`, and `%2F` for a `/` in a user's name";
        Error::new(Kind::Config, message).hint(hint)
    })
}

impl Server {
    /// Takes one option of the query, which wins over what stands before it.
    fn set(&mut self, scheme: &str, key: &str, value: String) -> Result<()> {
        match key {
            "host" => match value.split_once(':').filter(|_| !value.starts_with('/')) {
                Some((host, number)) if !number.contains(':') => {
                    self.port = port(scheme, number)?;
                    self.host = Some(host.to_owned());
                }
                _ => self.host = Some(value),
            },
            "port" => self.port = port(scheme, &value)?,
            "user" => self.user = Some(value),
            "password" => self.password = Some(Secret::new(value)),
            "dbname" => self.database = value,
            _ if HONOURED.contains(&key) => {
                self.options.insert(key.to_owned(), value);
            }
            _ if REFUSED.contains(&key) => {
                let message = format!(
                    "the `{scheme}` URL gives the option `{key}`, which ttplan does not honour"
                );
                return Err(Error::new(Kind::Config, message));
            }
            _ => {}
        }
        Ok(())
    }

    /// Refuses an address that is not the one of one database.
    fn judged(self, scheme: &str) -> Result<Self> {
        let shown = self.shown(scheme);
        let refused =
            |why: &str| Error::new(Kind::Config, format!("the database URL `{shown}` {why}"));
        if self.host.as_deref().is_some_and(|host| host.contains(',')) {
            return Err(
                refused("lists several hosts").hint("ttplan connects to one server: give one host")
            );
        }
        if self.host.as_deref().is_some_and(|host| host.contains([' ', '@', '[', ']'])) {
            return Err(refused("names a host that cannot be one"));
        }
        if self.database.is_empty() {
            return Err(refused("names no database")
                .hint(format!("write `{scheme}://user:password@host/database`")));
        }
        Ok(self)
    }

    /// The address without its password and options.
    fn shown(&self, scheme: &str) -> String {
        let user = self.user.as_deref().unwrap_or_default();
        let login = match (&self.password, user) {
            (Some(_), user) => format!("{user}:***@"),
            (None, "") => String::new(),
            (None, user) => format!("{user}@"),
        };
        let host = self.host.as_deref().unwrap_or_default();
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        // Where the `@` is missing, a colon in the rest stands before the password.
        let database = if self.database.contains(':') { "***" } else { &self.database };
        format!("{scheme}://{login}{host}{port}/{database}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::url::tests::ENGINES;
    use crate::config::url::{Address, parse};

    fn server(url: &str) -> Result<Server> {
        match parse(url, ENGINES)? {
            ("postgres", Address::Server(server)) => Ok(server),
            other => panic!("{other:?}"),
        }
    }

    /// Host, port, user, password, database.
    fn address(url: &str) -> (Option<String>, Option<u16>, Option<String>, Option<String>, String) {
        let Server { host, port, user, password, database, .. } = server(url).unwrap();
        (host, port, user, password.map(|password| password.reveal().to_owned()), database)
    }

    #[test]
    fn every_spelling_means_the_same_server() {
        for scheme in [
            "postgresql",
            "postgres",
            "postgresql+psycopg2",
            "postgresql+asyncpg",
            "postgis",
            "pgsql",
            "psql",
            "POSTGRES",
        ] {
            let read = address(&format!("{scheme}://u:p@h:5433/d"));
            assert_eq!(
                read,
                (Some("h".into()), Some(5433), Some("u".into()), Some("p".into()), "d".into()),
                "{scheme}"
            );
        }
    }

    #[test]
    fn sockets_addresses_and_escapes_are_understood() {
        let some = |text: &str| Some(text.to_owned());
        for (url, expected) in [
            ("postgresql:///d", (None, None, None, None, "d")),
            ("postgresql://u@/d", (None, None, some("u"), None, "d")),
            (
                "postgresql://u@/d?host=/var/run/sock",
                (some("/var/run/sock"), None, some("u"), None, "d"),
            ),
            ("postgresql://u@%2Fsock%2Fa/d", (some("/sock/a"), None, some("u"), None, "d")),
            ("postgresql://u@[::1]:5433/d", (some("::1"), Some(5433), some("u"), None, "d")),
            (
                "postgresql://u%40x:p%3A%2F%40%25@h/d%20e",
                (some("h"), None, some("u@x"), some("p:/@%"), "d e"),
            ),
            ("postgresql://u:a/b:c?d#e@h/d", (some("h"), None, some("u"), some("a/b:c?d#e"), "d")),
            ("postgresql://u:@h/d", (some("h"), None, some("u"), None, "d")),
            (
                "postgresql://h/d?user=u&password=p%26q&port=1&dbname=e",
                (some("h"), Some(1), some("u"), some("p&q"), "e"),
            ),
            ("postgresql://a/d?host=b:7", (some("b"), Some(7), None, None, "d")),
            ("postgresql://a/d?host=::1", (some("::1"), None, None, None, "d")),
        ] {
            let (host, port, user, password, database) = expected;
            assert_eq!(address(url), (host, port, user, password, database.to_owned()), "{url}");
        }
    }

    #[test]
    fn known_options_are_kept_and_dangerous_ones_refused() {
        let url = "postgresql://h/d?sslmode=verify-full&connect_timeout=5&client_encoding=utf8&options=-c%20a%3Db";
        let options = server(url).unwrap().options;
        let expected =
            [("connect_timeout", "5"), ("options", "-c a=b"), ("sslmode", "verify-full")];
        assert_eq!(options, expected.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
        let error = server("postgresql://h/d?service=prod").unwrap_err();
        assert!(error.message().contains("`service`"), "{error}");
    }

    #[test]
    fn what_is_not_one_server_is_refused_without_its_password() {
        for (url, word) in [
            ("postgresql://u:geheim@a,b/d", "`postgresql://u:***@a,b/d` lists several hosts"),
            ("postgresql://u:geheim@/d?host=a,b", "lists several hosts"),
            ("postgresql://u:geheim@/d?host=a&host=b", "twice"),
            ("postgresql://u:geheim@h:1,2/d", "port"),
            ("postgresql://u:geheim@h/d?port=1,2", "port"),
            ("postgresql://u:geheim@h:70000/d", "port"),
            ("postgresql://u:geheim@h:0/d", "port"),
            ("postgresql://u:geheim", "port"),
            ("postgresql://u:/geheim", "port"),
            ("postgresql://u:geheim/d", "port"),
            ("postgresql://u:x@geheim@h/d", "`@`"),
            ("postgresql://u:x@y/geheim@h/d", "`@`"),
            ("postgresql://u/x:geheim@h/d", "`@`"),
            ("postgresql:///x:geheim@h/d", "`@`"),
            ("postgresql://u:geheim@h", "`postgresql://u:***@h/` names no database"),
            ("postgresql://u:geheim@h/", "names no database"),
            ("postgresql://u:ge%00heim@h/d", "bytes"),
            ("postgresql://u:geheim%ff@h/d", "bytes"),
            ("postgresql://u:ge heim@h/d", "blank"),
            ("postgresql://u/x:geheim?host=a,b", "`postgresql://a,b/***` lists several hosts"),
            ("postgresql://[::1/d", "port"),
            ("postgresql://h]/d", "cannot be one"),
            ("postgresql://u:geheim@h%0Ax/d", "bytes"),
            ("postgresql://h/?password=geheim", "`postgresql://:***@h/` names no database"),
        ] {
            let error = server(url).unwrap_err();
            assert!(error.message().contains(word), "{url}: {error}");
            assert!(!format!("{error} {:?}", error.hints()).contains("heim"), "{url}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(url in r"(postgresql|sqlite|x)(://)?([:@/?&=%\[\],+]|host|port|[0-9a-f]{1,3}|\PC){0,20}") {
            let _ = parse(&url, ENGINES);
        }

        /// The password is random letters and signs between two marks, of which none is ever shown,
        /// also where the URL ends with the password.
        #[test]
        fn no_error_shows_a_password(
            scheme in "postgresql|postgres[+]x|mysql|sqlite|",
            user in "[a-z]{0,3}|[a-z]/[a-z]",
            password in r"[a-z:/@?#%&=\[\], ]{0,12}",
            host in r"@h|@h,i|@\[::1\]|@|",
            port in ":[0-9]{0,6}|:x|",
            path in "(/[a-z]{0,3})?",
            query in r"(\?host=(a,b|)|\?service=x)?",
        ) {
            let password = if host.is_empty() { password.replace('@', "") } else { password };
            let url = format!("{scheme}://{user}:QQ{password}WW{host}{port}{path}{query}");
            if let Err(error) = parse(&url, ENGINES) {
                let shown = format!("{error} {:?}", error.hints());
                prop_assert!(!shown.contains("QQ") && !shown.contains("WW"), "{} for {}", shown, url);
            }
        }

        #[test]
        fn a_password_that_is_escaped_comes_back_whole(password in r"[^\p{C}]{1,20}") {
            let escaped: String = password.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let read = server(&format!("postgresql://u:{escaped}@h/d")).unwrap();
            prop_assert_eq!(read.password, Some(Secret::new(password)));
        }
    }
}
