//! A command that the host permits: what is run, where, and with which variables. Its environment
//! comes from here alone, so this must never take anything from a plan.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::config::Upgrade;
use crate::model::names::FilePath;

/// The host's name of the command that runs the application's migrations.
pub const UPGRADE: &str = "upgrade";

/// The host's name of the harmless command that shows that the application can be loaded.
pub const CHECK: &str = "check";

/// What stands in a command's words for the revision that the plan names.
pub const REVISION: &str = "{revision}";

/// What stands in a command's words and variables for the database's URL, without its password.
pub const URL: &str = "{url}";

/// `[commands.NAME]` of host.toml.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HostCommand {
    /// The program by its absolute path, and its arguments. `{revision}` and `{url}` are filled in
    /// when it is run.
    pub argv: Vec<String>,
    pub directory: FilePath,
    /// Variables with fixed values, in which `{url}` is filled in.
    pub env: BTreeMap<String, String>,
    /// Names of variables that are passed on as they are; sorted.
    pub pass: Vec<String>,
    /// The variable that gets the database's URL.
    pub url_variable: Option<String>,
    /// Null: the plan says how long it may take.
    pub timeout_seconds: Option<u64>,
    /// How long its statements wait for a lock of PostgreSQL; null for what the server says.
    pub lock_timeout_seconds: Option<u64>,
}

impl HostCommand {
    /// The upgrade command as the configuration has it, with the program as it was found.
    pub fn of_upgrade(upgrade: &Upgrade, program: Option<&FilePath>) -> Self {
        Self::of(upgrade, &upgrade.command, program, Some(upgrade.timeout_seconds))
    }

    /// The check beside it, where there is one.
    pub fn of_check(upgrade: &Upgrade, program: Option<&FilePath>) -> Option<Self> {
        let is_there = !upgrade.check.is_empty();
        is_there.then(|| Self::of(upgrade, &upgrade.check, program, None))
    }

    /// A command that is its words and nothing else.
    pub fn of_words(argv: Vec<String>, directory: FilePath) -> Self {
        Self {
            argv,
            directory,
            env: BTreeMap::new(),
            pass: Vec::new(),
            url_variable: None,
            timeout_seconds: None,
            lock_timeout_seconds: None,
        }
    }

    fn of(
        upgrade: &Upgrade,
        words: &[String],
        program: Option<&FilePath>,
        timeout_seconds: Option<u64>,
    ) -> Self {
        let mut argv = words.to_vec();
        if let (Some(first), Some(program)) = (argv.first_mut(), program) {
            *first = program.to_text().into_owned();
        }
        Self {
            argv,
            directory: upgrade.directory.clone(),
            env: upgrade.env.clone(),
            pass: upgrade.pass.clone(),
            url_variable: upgrade.url_variable.clone(),
            timeout_seconds,
            lock_timeout_seconds: None,
        }
    }

    /// Whether a plan has to say the revision.
    pub fn takes_revision(&self) -> bool {
        self.argv.iter().any(|word| word.contains(REVISION))
    }

    /// Whether `other` is this command for all that a plan shows of one, where a program without a
    /// path is the one of that name.
    pub fn is_written_as(&self, other: &Self) -> bool {
        let found = |argv: &[String]| argv.first().cloned().unwrap_or_default();
        let (ours, theirs) = (found(&self.argv), found(&other.argv));
        let same_program = ours == theirs
            || (!theirs.contains('/') && ours.rsplit('/').next() == Some(theirs.as_str()));
        same_program
            && self.argv.get(1..) == other.argv.get(1..)
            && self.directory == other.directory
            && self.env == other.env
            && self.pass == other.pass
            && self.url_variable == other.url_variable
    }

    /// The keys in which a command that a plan asks for differs from this one.
    pub fn differing(&self, asked: &Self) -> Vec<&'static str> {
        let keys = [
            ("argv", self.argv != asked.argv),
            ("directory", self.directory != asked.directory),
            ("env", self.env != asked.env),
            ("pass", self.pass != asked.pass),
            ("url_variable", self.url_variable != asked.url_variable),
            (
                "timeout",
                self.timeout_seconds.is_some() && self.timeout_seconds != asked.timeout_seconds,
            ),
        ];
        keys.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key).collect()
    }

    /// The line of host.toml that permits it under `name`. It stands above every `[table]`.
    pub fn line(&self, name: &str) -> String {
        let quoted = |text: &str| toml_text(text);
        let list =
            |words: &[String]| words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(", ");
        let mut parts = vec![
            format!("argv = [{}]", list(&self.argv)),
            format!("directory = {}", quoted(&self.directory.to_text())),
        ];
        if !self.env.is_empty() {
            let env = self.env.iter().map(|(name, value)| format!("{name} = {}", quoted(value)));
            parts.push(format!("env = {{ {} }}", env.collect::<Vec<_>>().join(", ")));
        }
        if !self.pass.is_empty() {
            parts.push(format!("pass = [{}]", list(&self.pass)));
        }
        parts.extend(self.url_variable.iter().map(|v| format!("url_variable = {}", quoted(v))));
        parts.extend(self.timeout_seconds.map(|s| format!("timeout = \"{s}s\"")));
        parts.extend(self.lock_timeout_seconds.map(|s| format!("lock_timeout = \"{s}s\"")));
        format!("commands.{name} = {{ {} }}", parts.join(", "))
    }
}

/// A text as TOML writes it, on one line.
pub fn toml_text(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(program: &str) -> HostCommand {
        HostCommand {
            argv: vec![program.into(), "db".into()],
            directory: "/app".into(),
            env: BTreeMap::from([("A".to_owned(), "a \"b\"\n".to_owned())]),
            pass: vec!["SECRET_KEY".into()],
            url_variable: None,
            timeout_seconds: Some(90),
            lock_timeout_seconds: None,
        }
    }

    #[test]
    fn a_program_without_a_path_is_the_one_of_that_name_and_no_other() {
        let host = command("/usr/bin/flask");
        assert!(host.is_written_as(&command("/usr/bin/flask")));
        assert!(host.is_written_as(&command("flask")));
        for other in ["/opt/flask", "bin/flask", "ask", ""] {
            assert!(!host.is_written_as(&command(other)), "{other}");
        }
        assert!(!host.is_written_as(&HostCommand { pass: Vec::new(), ..command("flask") }));
    }

    #[test]
    fn a_command_is_written_on_one_line_that_is_toml() {
        let line = command("/usr/bin/flask").line("upgrade");
        assert!(!line.contains('\n'));
        let read: toml::Table = line.parse().unwrap();
        let upgrade = &read["commands"]["upgrade"];
        assert_eq!(upgrade["env"]["A"].as_str(), Some("a \"b\"\n"));
        assert_eq!(upgrade["argv"][0].as_str(), Some("/usr/bin/flask"));
        assert_eq!(upgrade["timeout"].as_str(), Some("90s"));
    }
}
