//! Single lines of other tools' files that say something about an application.

use crate::model::variables::is_name;

/// Whether a file is one of Docker Compose's.
pub fn is_compose(name: &str) -> bool {
    let yaml = name.ends_with(".yml") || name.ends_with(".yaml");
    yaml && (name.starts_with("docker-compose") || name.starts_with("compose")) && is_plain(name)
}

/// Whether a file is a database by its name.
pub fn is_database(name: &str) -> bool {
    is_plain(name) && [".db", ".sqlite", ".sqlite3"].iter().any(|end| name.ends_with(end))
}

/// Names of variables that a line sets and that hold the URL of a database, by their names.
pub fn url_variables(text: &str) -> impl Iterator<Item = &str> {
    const ENDS: [&str; 4] = ["DATABASE_URL", "DATABASE_URI", "DB_URL", "DB_URI"];
    assignments(text).map(|(name, _)| name).filter(|name| {
        let url = ENDS.iter().any(|end| name.ends_with(end));
        url && !name.contains("TEST") && !name.starts_with("TTPLAN")
    })
}

/// The value that a line gives to `name`, if nothing in it can be a secret or a part of a syntax.
pub fn plain_value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let values = assignments(text).filter(|(found, _)| *found == name);
    values
        .map(|(_, value)| value.trim_matches(['"', '\'']))
        .find(|value| is_plain(value) && value.len() <= 40)
}

/// Volumes and bind mounts as a list item writes them: `name:/path`, without options.
pub fn volumes(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let item = line.trim().strip_prefix("- ")?.trim().trim_matches(['"', '\'']);
        let (source, target) = item.split_once(':')?;
        let target = target.split(':').next().unwrap_or(target);
        let whole = item.get(..source.len() + 1 + target.len())?;
        (is_plain(source) && is_plain(target) && target.starts_with('/')).then_some(whole)
    })
}

/// The last working directory of a Dockerfile, if it is written out.
pub fn image_root(text: &str) -> Option<&str> {
    let directories = text.lines().filter_map(|line| line.trim().strip_prefix("WORKDIR "));
    directories.map(str::trim).next_back().filter(|path| path.starts_with('/') && is_plain(path))
}

/// The value of a key of an ini file.
pub fn ini_value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let value = |line: &'a str| {
        line.trim().strip_prefix(key)?.trim_start().strip_prefix('=').map(str::trim)
    };
    text.lines().find_map(value).filter(|value| !value.is_empty())
}

/// Whether a list of requirements, in lower case, names `package`.
pub fn requires(requirements: &str, package: &str) -> bool {
    let lines = requirements.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    lines.map(|line| line.replace('_', "-")).any(|line| line.contains(package))
}

/// `NAME=value` and `NAME: value` in a line of its own, as an environment file, a compose file, an
/// `ENV` of a Dockerfile or a shell script has it.
fn assignments(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().filter_map(|line| {
        let line = line.trim();
        let line = ["- ", "export ", "ENV "]
            .iter()
            .find_map(|start| line.strip_prefix(start))
            .unwrap_or(line);
        let (name, value) = line.trim().trim_start_matches(['"', '\'']).split_once(['=', ':'])?;
        is_name(name.trim()).then_some((name.trim(), value.trim()))
    })
}

/// Whether a text can be shown and written anywhere as it is.
fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._/-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const COMPOSE: &str = "
services:
  app:
    environment:
      - DATABASE_URL=postgresql+psycopg2://u:geheim@db:5432/d
      - 'SQLALCHEMY_DATABASE_URI=sqlite:////data/x.db'
      # - OLD_DATABASE_URL=x
      - TEST_DATABASE_URL=x
    ports:
      - \"80:80\"
    volumes:
      - app_data:/data
      - ./media:/app/media:ro
      - \"${X:-/x}:/y\"
  db:
    environment:
      APP_DB_URL: postgresql://u:geheim@db/d
";

    #[test]
    fn a_compose_file_gives_names_and_volumes() {
        let names: Vec<_> = url_variables(COMPOSE).collect();
        assert_eq!(names, ["DATABASE_URL", "SQLALCHEMY_DATABASE_URI", "APP_DB_URL"]);
        assert_eq!(volumes(COMPOSE).collect::<Vec<_>>(), ["app_data:/data", "./media:/app/media"]);
    }

    #[test]
    fn other_files_give_their_one_line() {
        assert_eq!(image_root("FROM x\nWORKDIR /build\n WORKDIR /app \n"), Some("/app"));
        assert_eq!(image_root("WORKDIR $HOME"), None);
        assert_eq!(
            ini_value(
                "# script_location = x\n[a]\nscript_location = migrations\n",
                "script_location"
            ),
            Some("migrations")
        );
        assert_eq!(plain_value("ENV APP_NAME=app\n", "APP_NAME"), Some("app"));
        assert_eq!(plain_value("APP_NAME='a b'", "APP_NAME"), None);
        assert!(requires("a\nSome_Package==4\n".to_lowercase().as_str(), "some-package"));
        assert!(!requires("# some-package\n", "some-package"));
        assert!(is_compose("docker-compose.prod.yaml") && !is_compose("docker-compose.yml.bak"));
        assert!(is_database("app.db") && !is_database("app.db-wal") && !is_database("a b.db"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in r"((- |ENV |WORKDIR )?[A-Z_:=/$é'. -]{0,12}\n?){0,8}") {
            let _ = (url_variables(&text).count(), volumes(&text).count(), image_root(&text), ini_value(&text, "A"));
        }
    }
}
