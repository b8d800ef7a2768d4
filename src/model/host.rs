//! What the host decides, and nobody else: who may sign, which roots and commands are permitted,
//! what the application is, where the state is kept. Read from the host's own file by `config`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::client_programs::ClientPrograms;
use crate::model::host_command::HostCommand;
use crate::model::host_profile::HostProfile;
use crate::model::names::FilePath;

/// The settled content of `host.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostConfig {
    /// The file it came from, for messages.
    pub file: FilePath,
    /// The label that a plan's target must carry.
    pub name: String,
    pub environment: Option<String>,
    /// Directories that file moves may touch, with all below them.
    pub roots: Vec<FilePath>,
    /// Symbolic links on the way to roots and state directory, and what each says. No other is
    /// followed.
    pub links: BTreeMap<FilePath, FilePath>,
    /// Commands that may be run, by their names.
    pub commands: BTreeMap<String, HostCommand>,
    pub programs: ClientPrograms,
    /// Variables that may fill what goes into plans although their names look secret.
    pub public_variables: Vec<String>,
    /// What the application is; without it no revision is stamped and no reference rewritten.
    pub profile: Option<HostProfile>,
    /// What may be done when nobody looks on; empty unless the host says otherwise.
    pub unattended: Vec<Unattended>,
    /// Journals, backups, saved objects: 0700, outside every root.
    pub state: FilePath,
    pub trust: Trust,
    pub policy: Policy,
}

/// What `start` may do by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unattended {
    FreshInit,
    RunMigrations,
    StampExact,
    MoveFiles,
}

impl Unattended {
    /// All of them as written in host.toml.
    pub const ALL: &[(&str, Unattended)] = &[
        ("fresh_init", Unattended::FreshInit),
        ("run_migrations", Unattended::RunMigrations),
        ("stamp_exact", Unattended::StampExact),
        ("move_files", Unattended::MoveFiles),
    ];
}

/// What an observation records of the host, so that planning elsewhere gives the same plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HostFacts {
    pub commands: BTreeMap<String, HostCommand>,
    pub profile: Option<HostProfile>,
}

/// Who may sign, and how many have to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    pub allowed_signers: FilePath,
    /// Keys that are no longer believed, whatever else says so: one public key a line, or a list by
    /// `ssh-keygen -k`.
    pub revoked_keys: Option<FilePath>,
    /// Catalogues of applications that do not come with ttplan. What they show of a schema is
    /// believed.
    pub catalogues: Vec<FilePath>,
    /// Distinct principals with distinct keys.
    pub required: u32,
    /// The same for a plan with a destructive step; never less than `required`.
    pub required_for_destructive: u32,
    /// Who has a role, by principal.
    pub roles: BTreeMap<String, Vec<String>>,
    /// Roles of which a destructive plan needs one signer each.
    pub roles_for_destructive: Vec<String>,
    /// Whether a plan's author has to sign it, and does not count as one who approves it.
    pub separate_author: bool,
    /// What is demanded of observations that plans are made from; `None` for nothing.
    pub observations: Option<Observations>,
}

/// What is demanded of an observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observations {
    /// Distinct principals with distinct keys.
    pub required: u32,
    /// In seconds; `None` for any age.
    pub max_age: Option<u64>,
}

/// What else the host permits or forbids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Whether `apply --allow-unsigned` is possible at all.
    pub allow_unsigned: bool,
    /// Whether destructive steps are refused whoever signed them.
    pub forbid_destructive: bool,
    /// Whether `apply --break-glass` is possible at all.
    pub break_glass: bool,
    /// Whether every backup is restored apart and compared before anything rests on it.
    pub prove_backup: bool,
    /// Plans of an older format are refused; major and minor version.
    pub minimum_format: Option<(u32, u32)>,
}

impl HostConfig {
    /// Whether file moves may touch `path`.
    pub fn permits_path(&self, path: &FilePath) -> bool {
        path.is_plain_absolute() && self.roots.iter().any(|root| path.is_within(root))
    }

    /// What an observation says of it.
    pub fn facts(&self) -> HostFacts {
        HostFacts { commands: self.commands.clone(), profile: self.profile.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> HostConfig {
        HostConfig {
            file: "/etc/ttplan/host.toml".into(),
            name: "prod".into(),
            environment: None,
            roots: vec!["/data".into()],
            links: BTreeMap::new(),
            commands: BTreeMap::new(),
            programs: ClientPrograms::default(),
            public_variables: Vec::new(),
            profile: None,
            unattended: Vec::new(),
            state: "/data/ttplan".into(),
            trust: Trust {
                allowed_signers: "/etc/ttplan/allowed_signers".into(),
                revoked_keys: None,
                required: 1,
                required_for_destructive: 1,
                ..Trust::default()
            },
            policy: Policy::default(),
        }
    }

    #[test]
    fn a_path_beside_or_climbing_out_of_a_root_is_not_permitted() {
        let site = site();
        assert!(site.permits_path(&"/data/uploads".into()));
        assert!(site.permits_path(&"/data".into()));
        for path in ["/database", "/data/../etc", "data/x", "/", "/data//x", "/data/./x"] {
            assert!(!site.permits_path(&path.into()), "{path}");
        }
    }
}
