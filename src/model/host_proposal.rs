//! What `trust init` proposes to a host, each line with where it comes from. It decides nothing: a
//! person reads it and says yes.

use crate::model::host_command::HostCommand;
use crate::model::host_profile::{HostVersionTable, RewritableColumn};
use crate::model::names::FilePath;

/// Something with where it comes from: a file and its line, a flag, a step of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sourced<T> {
    pub value: T,
    pub source: String,
}

impl<T> Sourced<T> {
    pub fn new(value: T, source: impl Into<String>) -> Self {
        Self { value, source: source.into() }
    }
}

/// What a host would have to permit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostProposal {
    pub site: Option<Sourced<String>>,
    pub roots: Vec<Sourced<FilePath>>,
    pub commands: Vec<ProposedCommand>,
    pub profile: Option<ProposedProfile>,
    /// What is not proposed, and why.
    pub left_out: Vec<String>,
}

/// A command with a name, and where each of its keys comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProposedCommand {
    pub name: String,
    pub command: HostCommand,
    /// Of all keys that `keys` does not name.
    pub source: String,
    pub keys: Vec<(&'static str, String)>,
}

impl ProposedCommand {
    /// Where a key comes from.
    pub fn source_of(&self, key: &str) -> &str {
        let found = self.keys.iter().find(|(known, _)| *known == key);
        found.map_or(self.source.as_str(), |(_, source)| source.as_str())
    }
}

/// What the application is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProposedProfile {
    /// The profile that comes with ttplan and says all of it, where there is one.
    pub shipped: Option<String>,
    pub system: Option<Sourced<String>>,
    pub version_table: Option<Sourced<HostVersionTable>>,
    /// Sorted, each once.
    pub columns: Vec<Sourced<RewritableColumn>>,
    /// Where the profile as a whole comes from.
    pub source: String,
}

impl HostProposal {
    /// Adds a command that nobody named, unless it is there under a name already.
    pub fn allow(&mut self, mut allowed: ProposedCommand) {
        if !self.commands.iter().any(|known| known.command.argv == allowed.command.argv) {
            allowed.name = self.free_name(&allowed.name);
            self.commands.push(allowed);
        }
    }

    /// Adds what is not there yet; what is, stays.
    pub fn add(&mut self, other: Self) {
        self.site = self.site.take().or(other.site);
        for root in other.roots {
            if !self.roots.iter().any(|known| known.value == root.value) {
                self.roots.push(root);
            }
        }
        for command in other.commands {
            if !self.commands.iter().any(|known| known.name == command.name) {
                self.commands.push(command);
            }
        }
        self.profile = self.profile.take().or(other.profile);
        self.left_out.extend(other.left_out);
    }

    fn free_name(&self, name: &str) -> String {
        let is_free = |name: &str| !self.commands.iter().any(|known| known.name == name);
        let numbered = (2..u32::MAX).map(|n| format!("{name}-{n}"));
        std::iter::once(name.to_owned())
            .chain(numbered)
            .find(|name| is_free(name))
            .unwrap_or_default()
    }
}

/// The name of a command that nobody named: its program's.
pub fn name_of_program(program: &str) -> String {
    let name = program.rsplit('/').next().unwrap_or_default();
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    let name: String = name.chars().map(plain).collect();
    if name.is_empty() { "command".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(name: &str, argv: &[&str]) -> ProposedCommand {
        ProposedCommand {
            name: name.into(),
            command: HostCommand {
                argv: argv.iter().map(|word| (*word).to_owned()).collect(),
                directory: "/".into(),
                env: Default::default(),
                pass: Vec::new(),
                url_variable: None,
                timeout_seconds: None,
                lock_timeout_seconds: None,
            },
            source: name.into(),
            keys: Vec::new(),
        }
    }

    #[test]
    fn what_is_there_stays_and_every_other_command_has_a_name_of_its_own() {
        let mut all = HostProposal::default();
        let both = vec![command("upgrade", &["/bin/x"]), command("check", &["/bin/x"])];
        all.add(HostProposal { commands: both, ..HostProposal::default() });
        let other = vec![command("upgrade", &["/evil"])];
        all.add(HostProposal { commands: other, ..HostProposal::default() });
        for argv in ["/bin/x", "/a/x", "/b/x"] {
            all.allow(command("x", &[argv]));
        }
        let names: Vec<&str> = all.commands.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["upgrade", "check", "x", "x-2"]);
        assert_eq!(all.commands[0].command.argv, ["/bin/x"]);
        assert_eq!(name_of_program("/app/manage.py"), "manage-py");
        assert_eq!(name_of_program(""), "command");
    }
}
