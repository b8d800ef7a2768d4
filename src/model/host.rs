//! What the host decides, and nobody else: who may sign, which roots and commands are
//! permitted, where the state is kept. Read from the host's own file by `config`.

use std::collections::BTreeMap;

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
    /// Commands that may be run, word by word.
    pub commands: Vec<Vec<String>>,
    /// Journals, backups, saved objects: 0700, outside every root.
    pub state: FilePath,
    pub trust: Trust,
    pub policy: Policy,
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

    /// Whether exactly this command may be run.
    pub fn permits_command(&self, argv: &[String]) -> bool {
        self.commands.iter().any(|command| command == argv)
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
            commands: vec![vec!["/usr/bin/flask".into(), "db".into()]],
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

    #[test]
    fn a_command_is_permitted_word_by_word() {
        let site = site();
        let argv = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        assert!(site.permits_command(&argv(&["/usr/bin/flask", "db"])));
        assert!(!site.permits_command(&argv(&["/usr/bin/flask", "db", "downgrade"])));
        assert!(!site.permits_command(&argv(&["/tmp/flask", "db"])));
    }
}
