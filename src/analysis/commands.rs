//! Which commands a plan names: what the configuration says, beside what the host permits by name.
//! Judges nothing.

use crate::model::config::Upgrade;
use crate::model::host_command::{CHECK, HostCommand, UPGRADE};
use crate::model::names::FilePath;
use crate::model::observation::Facts;

/// The commands of a migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commands {
    pub upgrade: HostCommand,
    pub check: Option<HostCommand>,
}

impl Commands {
    /// What the configuration says, with programs as they were found where it was inspected.
    pub fn configured(facts: &Facts) -> Option<Self> {
        let upgrade = upgrade(facts)?;
        let program = found(upgrade.command.first(), facts.program.as_ref());
        let check = found(upgrade.check.first(), facts.check_program.as_ref());
        Some(Self {
            upgrade: HostCommand::of_upgrade(upgrade, program.as_ref()),
            check: HostCommand::of_check(upgrade, check.as_ref()),
        })
    }

    /// What a plan names: the host's own where the configuration says the same or nothing, else what
    /// the configuration says, and the host will refuse it. None where there is no program.
    pub fn planned(facts: &Facts) -> Option<Self> {
        let configured = Self::configured(facts);
        let upgrade = configured.as_ref().map(|all| &all.upgrade);
        let check = configured.as_ref().and_then(|all| all.check.as_ref());
        let upgrade = the_hosts(facts, UPGRADE, upgrade).filter(has_program)?;
        Some(Self { upgrade, check: the_hosts(facts, CHECK, check) })
    }
}

/// The host's command of that name, where the configuration says no other.
fn the_hosts(facts: &Facts, name: &str, said: Option<&HostCommand>) -> Option<HostCommand> {
    let host = facts.host.as_ref().and_then(|host| host.commands.get(name));
    let same = host.filter(|host| said.is_none_or(|said| host.is_written_as(said)));
    same.or(said).cloned()
}

fn has_program(command: &HostCommand) -> bool {
    command.argv.first().is_some_and(|program| FilePath::new(program).is_plain_absolute())
}

fn upgrade(facts: &Facts) -> Option<&Upgrade> {
    facts.config.revisions.as_ref()?.upgrade.as_ref()
}

/// A program: given by its whole path, or as it was found.
fn found(written: Option<&String>, seen: Option<&FilePath>) -> Option<FilePath> {
    let given = FilePath::new(written?);
    if given.is_plain_absolute() { Some(given) } else { seen.cloned() }
}
