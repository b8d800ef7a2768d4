//! What `ttplan trust init` makes: keys, an allowed-signers file and a `host.toml`, for a shop of
//! one person or more. Never replaces a file.

use std::collections::BTreeSet;
use std::fs::{DirBuilder, File, Permissions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};
use crate::model::host_command::toml_text;
use crate::model::host_proposal::HostProposal;
use crate::model::names::{FilePath, Secret};
use crate::openssh::certificate::Key;
use crate::openssh::public_key::PublicKey;
use crate::openssh::signing_key::SigningKey;
use crate::trust::host_text::{self, Line, text_of};
use crate::trust::signature_files::encode;
use crate::trust::{OBSERVATION_NAMESPACE, PLAN_NAMESPACE};

/// What a shop is to look like.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Where the files go: usually `/etc/ttplan`.
    pub directory: FilePath,
    pub environment: Option<String>,
    /// Site, roots, commands and profile.
    pub proposal: HostProposal,
    /// Where runs are kept.
    pub state: FilePath,
    /// Who may sign.
    pub signers: Vec<(String, KeySource)>,
}

/// Where a signer's key comes from.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// A new key is made.
    New,
    /// The line of a `.pub` file.
    Public(String),
}

/// A file that is to be made.
#[derive(Clone, Debug)]
pub struct Paper {
    /// Without the folder.
    pub name: String,
    pub text: Secret,
    /// The same line by line, with where each comes from; empty for what nobody needs to read.
    pub lines: Vec<Line>,
    /// Whether only its owner may read it.
    pub private: bool,
}

impl Paper {
    fn of_lines(name: &str, lines: Vec<Line>) -> Self {
        let text = Secret::new(host_text::text(&lines));
        Self { name: name.to_owned(), text, lines, private: false }
    }
}

/// The files of a shop: private keys, their public halves, `allowed_signers`, `host.toml`.
pub fn papers(setup: &Setup) -> Result<Vec<Paper>> {
    let mut papers = Vec::new();
    let mut lines = Vec::new();
    let (mut names, mut keys) = (BTreeSet::new(), Vec::new());
    for (principal, source) in &setup.signers {
        check_principal(principal)?;
        if !names.insert(principal) {
            return Err(usage(format!("`{principal}` is named twice")));
        }
        let key = match source {
            KeySource::New => {
                let key = SigningKey::generate(principal)?;
                let name = format!("{}.key", encode(principal));
                let public = Secret::new(format!("{}\n", key.public_line()));
                let lines = Vec::new;
                papers.push(Paper {
                    name: name.clone(),
                    text: key.to_file_text()?,
                    lines: lines(),
                    private: true,
                });
                papers.push(Paper {
                    name: format!("{name}.pub"),
                    text: public,
                    lines: lines(),
                    private: false,
                });
                key.public().clone()
            }
            KeySource::Public(line) => public_key(principal, line)?,
        };
        if keys.contains(&key) {
            return Err(usage(format!("the key of `{principal}` is another signer's too")));
        }
        let line = allowed_line(principal, &key);
        lines.push(Line::new(line.trim_end(), "--principal"));
        keys.push(key);
    }
    if names.is_empty() {
        return Err(usage("nobody is to sign".to_owned()));
    }
    papers.push(Paper::of_lines(ALLOWED, lines));
    let own = setup.proposal.profile.as_ref().filter(|profile| profile.shipped.is_none());
    papers.extend(own.map(|own| Paper::of_lines(PROFILE, host_text::profile(own))));
    papers.push(Paper::of_lines("host.toml", host_file(setup)?));
    Ok(papers)
}

const ALLOWED: &str = "allowed_signers";
const PROFILE: &str = "profile.toml";

/// The line that lets `key` sign plans and observations as `principal`, and nothing else.
pub fn allowed_line(principal: &str, key: &PublicKey) -> String {
    format!("{principal} namespaces=\"{PLAN_NAMESPACE},{OBSERVATION_NAMESPACE}\" {}\n", key.line())
}

/// The lines of a `host.toml`.
pub fn host_file(setup: &Setup) -> Result<Vec<Line>> {
    let proposal = &setup.proposal;
    let site = proposal.site.as_ref().filter(|site| !site.value.is_empty());
    let site = site
        .ok_or_else(|| usage("the site has no name".to_owned()).hint("name it: `--site LABEL`"))?;
    let directory = text_of(&setup.directory)?;
    let state = text_of(&setup.state)?;
    let paths = proposal.roots.iter().map(|root| &root.value);
    let roots = paths.map(text_of).collect::<Result<Vec<&str>>>()?;
    let mut from: Vec<&str> = proposal.roots.iter().map(|root| root.source.as_str()).collect();
    from.dedup();
    let both = setup.signers.len().min(2);
    let mut lines = vec![
        Line::plain(
            "# What this host permits. No plan and no configuration beside a plan can loosen it.",
        ),
        Line::new(format!("site = {}", toml_text(&site.value)), &site.source),
    ];
    lines.extend(
        setup
            .environment
            .as_ref()
            .map(|name| Line::new(format!("environment = {}", toml_text(name)), "--environment")),
    );
    let own = FilePath::new(format!("{directory}/{PROFILE}"));
    if let Some(profile) = &proposal.profile {
        lines.push(Line::plain("# Its application: version table, columns that name files."));
        lines.push(host_text::profile_line(profile, &own));
    }
    lines.push(Line::plain("# Directories that plans may touch, with all below them."));
    lines.push(Line::new(format!("roots = {}", host_text::list(&roots)), &from.join(", ")));
    lines.extend(proposal.commands.iter().flat_map(host_text::command));
    let roots = setup.proposal.roots.iter().map(|root| &root.value);
    lines.extend(host_text::links(roots.chain([&setup.state]))?);
    lines.extend([
        Line::plain(""),
        Line::plain("[state]"),
        Line::plain("# Journals, saved tables, backups: on a disk that stays."),
        Line::new(format!("directory = {}", toml_text(state)), "--state"),
        Line::plain(""),
        Line::plain("[trust]"),
        Line::new(
            format!("allowed_signers = {}", toml_text(&format!("{directory}/{ALLOWED}"))),
            "--directory",
        ),
        Line::new("required = 1", "default"),
        Line::new(format!("required_for_destructive = {both}"), "default"),
    ]);
    Ok(lines)
}

/// A principal that needs no quoting and means nobody else: no blanks, commas, wildcards.
fn check_principal(principal: &str) -> Result<()> {
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"\"*?!,#".contains(c);
    if principal.is_empty() || !principal.chars().all(plain) {
        return Err(usage(format!("`{principal}` cannot be a signer's name"))
            .hint("use an address: alice@example.com"));
    }
    Ok(())
}

fn public_key(principal: &str, line: &str) -> Result<PublicKey> {
    let wrong =
        |why: String| usage(format!("the key of `{principal}` cannot be used")).because(why);
    let (key, _comment) = Key::from_line(line.trim().as_bytes()).map_err(wrong)?;
    if key.certificate().is_some() {
        return Err(wrong(
            "it is a certificate; its authority belongs into the file instead".to_owned(),
        ));
    }
    key.plain().strong_enough().map_err(wrong)?;
    Ok(key.plain().clone())
}

fn usage(message: String) -> Error {
    Error::new(Kind::Usage, message)
}

/// Writes all files or none: each under a temporary name, then moved into place without replacing.
pub fn write_new(directory: &Path, papers: &[Paper]) -> Result<Vec<PathBuf>> {
    let shown = directory.display();
    let failed = |error: std::io::Error| {
        Error::new(Kind::Failed, format!("the files of trust cannot be written to `{shown}`"))
            .because(error)
    };
    // Nobody else may write here, whatever the umask: such files would not be believed.
    DirBuilder::new().recursive(true).mode(0o755).create(directory).map_err(failed)?;
    let mut made: Vec<PathBuf> = Vec::new();
    for paper in papers {
        let path = directory.join(&paper.name);
        if let Err(error) = write_one(directory, &path, paper) {
            for path in &made {
                // They were made a moment ago by this call; what remains is named in the error
                // anyway.
                let _ = std::fs::remove_file(path);
            }
            return Err(match error.kind() {
                std::io::ErrorKind::AlreadyExists => Error::new(
                    Kind::Failed,
                    format!("`{}` exists already and is not replaced", path.display()),
                ),
                _ => failed(error),
            });
        }
        made.push(path);
    }
    File::open(directory).and_then(|folder| folder.sync_all()).map_err(failed)?;
    Ok(made)
}

fn write_one(directory: &Path, path: &Path, paper: &Paper) -> std::io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(paper.text.reveal().as_bytes())?;
    file.as_file().set_permissions(Permissions::from_mode(if paper.private {
        0o600
    } else {
        0o644
    }))?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::host_profile::RewritableColumn;
    use crate::model::host_proposal::{ProposedCommand, ProposedProfile, Sourced};
    use crate::trust::host_files::read_allowed_signers;

    fn initialise(setup: &Setup) -> Result<Vec<PathBuf>> {
        write_new(setup.directory.as_path(), &papers(setup)?)
    }

    fn setup(directory: &Path, signers: &[(&str, KeySource)]) -> Setup {
        Setup {
            directory: FilePath::new(directory),
            environment: Some("production".into()),
            proposal: HostProposal {
                site: Some(Sourced::new("prod \"one\"\n".into(), "--site")),
                roots: ["/app", "/data"].map(|r| Sourced::new(r.into(), "--allow-root")).into(),
                commands: vec![ProposedCommand {
                    name: "upgrade".into(),
                    command: crate::trust::test_host::run().as_host_command(),
                    source: "/app/ttplan.toml:7".into(),
                    keys: vec![("directory", "default".into())],
                }],
                profile: Some(ProposedProfile {
                    shipped: None,
                    system: Some(Sourced::new("framework".into(), "/app/ttplan.toml:2")),
                    version_table: None,
                    columns: ["users", "teams"]
                        .map(|table| RewritableColumn {
                            table: table.into(),
                            column: "avatar".into(),
                            upload: "avatars".into(),
                        })
                        .map(|column| Sourced::new(column, "/app/ttplan.toml:9"))
                        .into(),
                    source: "/app/ttplan.toml:1".into(),
                }),
                left_out: Vec::new(),
            },
            state: "/var/lib/ttplan".into(),
            signers: signers
                .iter()
                .map(|(who, source)| ((*who).to_owned(), source.clone()))
                .collect(),
        }
    }

    #[test]
    fn a_shop_of_one_has_a_key_that_its_own_files_allow() {
        let folder = tempfile::tempdir().unwrap();
        let shop = folder.path().join("etc");
        let made = initialise(&setup(&shop, &[("alice@example.com", KeySource::New)])).unwrap();
        let names: Vec<_> =
            made.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(
            names,
            [
                "alice@example.com.key",
                "alice@example.com.key.pub",
                "allowed_signers",
                "profile.toml",
                "host.toml"
            ]
        );
        let mode = |at: usize| made[at].metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!([mode(0), mode(1), mode(2), mode(3)], [0o600, 0o644, 0o644, 0o644]);
        let key = SigningKey::read(&made[0], &mut || panic!()).unwrap();
        let allowed = read_allowed_signers(&FilePath::new(&made[2])).unwrap();
        let key = Key::Plain(key.public().clone());
        assert_eq!(allowed.permit("alice@example.com", &key, PLAN_NAMESPACE, 1), Ok(()));
        assert!(allowed.permit("alice@example.com", &key, "file", 1).is_err());
        assert!(allowed.problems().is_empty());
    }

    #[test]
    fn host_toml_says_what_was_asked_for_whatever_it_holds() {
        let bob = SigningKey::generate("").unwrap().public_line();
        let setup = setup(
            Path::new("/etc/ttplan"),
            &[("alice", KeySource::New), ("bob", KeySource::Public(bob))],
        );
        let read = |lines: &[Line]| host_text::text(lines).parse::<toml::Table>().unwrap();
        let lines = host_file(&setup).unwrap();
        let host = read(&lines);
        assert_eq!(host["site"].as_str(), Some("prod \"one\"\n"));
        assert_eq!(host["environment"].as_str(), Some("production"));
        let upgrade = &host["commands"]["upgrade"];
        assert_eq!(upgrade["argv"][2].as_str(), Some("upgrade"));
        assert_eq!(upgrade["env"]["FLASK_APP"].as_str(), Some("app"));
        assert_eq!(upgrade["pass"][0].as_str(), Some("SECRET_KEY"));
        assert_eq!(host["profile"].as_str(), Some("/etc/ttplan/profile.toml"));
        let source = |start: &str| {
            let line = lines.iter().find(|line| line.text.starts_with(start)).unwrap();
            line.source.clone().unwrap()
        };
        assert_eq!(source("argv"), "/app/ttplan.toml:7");
        assert_eq!(source("directory = \"/app\""), "default");
        let profile = setup.proposal.profile.as_ref().unwrap();
        let profile = read(&host_text::profile(profile));
        assert_eq!(profile["uploads"][0]["references"].as_array().map(Vec::len), Some(2));
        assert_eq!(host["roots"].as_array().map(Vec::len), Some(2));
        assert_eq!(host["state"]["directory"].as_str(), Some("/var/lib/ttplan"));
        assert_eq!(host["trust"]["allowed_signers"].as_str(), Some("/etc/ttplan/allowed_signers"));
        assert_eq!(host["trust"]["required"].as_integer(), Some(1));
        assert_eq!(host["trust"]["required_for_destructive"].as_integer(), Some(2));
        let alone = Setup { signers: setup.signers[..1].to_vec(), ..setup };
        let host = read(&host_file(&alone).unwrap());
        assert_eq!(host["trust"]["required_for_destructive"].as_integer(), Some(1));
    }

    #[test]
    fn nothing_is_replaced_and_nothing_half_made_is_left() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("host.toml"), "mine").unwrap();
        let error = initialise(&setup(folder.path(), &[("alice", KeySource::New)])).unwrap_err();
        assert!(error.message().contains("host.toml` exists already"), "{error}");
        assert_eq!(std::fs::read(folder.path().join("host.toml")).unwrap(), b"mine");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_shop_that_makes_no_sense_is_refused() {
        let line = SigningKey::generate("").unwrap().public_line();
        let public = || KeySource::Public(line.clone());
        for signers in [
            vec![],
            vec![("a b", KeySource::New)],
            vec![("*@example.com", KeySource::New)],
            vec![("", KeySource::New)],
            vec![("alice", KeySource::New), ("alice", KeySource::New)],
            vec![("alice", public()), ("bob", public())],
            vec![("alice", KeySource::Public("ssh-dss AAAA".into()))],
        ] {
            let error = papers(&setup(Path::new("/x"), &signers)).unwrap_err();
            assert_eq!(error.kind(), Kind::Usage, "{signers:?}");
        }
        let relative =
            Setup { state: "state".into(), ..setup(Path::new("/x"), &[("alice", KeySource::New)]) };
        assert!(papers(&relative).is_err());
    }
}
