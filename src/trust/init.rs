//! What `ttplan trust init` makes: keys, an allowed-signers file and a `host.toml`, for a shop of
//! one person or more. Never replaces a file.

use std::collections::BTreeSet;
use std::fs::{DirBuilder, File, Permissions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};
use crate::fs::way::{Links, links_to_pin};
use crate::model::names::{FilePath, Secret};
use crate::openssh::certificate::Key;
use crate::openssh::public_key::PublicKey;
use crate::openssh::signing_key::SigningKey;
use crate::trust::signature_files::encode;
use crate::trust::{OBSERVATION_NAMESPACE, PLAN_NAMESPACE};

/// What a shop is to look like.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Where the files go: usually `/etc/ttplan`.
    pub directory: FilePath,
    /// The label of the site.
    pub site: String,
    pub environment: Option<String>,
    /// Directories that plans may touch.
    pub roots: Vec<FilePath>,
    /// Commands that plans may run, checks included, word by word.
    pub commands: Vec<Vec<String>>,
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
    /// Whether only its owner may read it.
    pub private: bool,
}

/// Makes all files of a shop in its directory; returns their paths.
///
/// Errors: `Kind::Usage` for a shop that makes no sense, `Kind::Failed` when a file exists or
/// cannot be written; then none is left behind.
pub fn initialise(setup: &Setup) -> Result<Vec<PathBuf>> {
    write_new(setup.directory.as_path(), &papers(setup)?)
}

/// The files of a shop: private keys, their public halves, `allowed_signers`, `host.toml`.
pub fn papers(setup: &Setup) -> Result<Vec<Paper>> {
    let mut papers = Vec::new();
    let mut lines = String::new();
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
                papers.push(Paper { name: name.clone(), text: key.to_file_text()?, private: true });
                papers.push(Paper { name: format!("{name}.pub"), text: public, private: false });
                key.public().clone()
            }
            KeySource::Public(line) => public_key(principal, line)?,
        };
        if keys.contains(&key) {
            return Err(usage(format!("the key of `{principal}` is another signer's too")));
        }
        lines.push_str(&allowed_line(principal, &key));
        keys.push(key);
    }
    if names.is_empty() {
        return Err(usage("nobody is to sign".to_owned()));
    }
    papers.push(Paper { name: ALLOWED.to_owned(), text: Secret::new(lines), private: false });
    papers.push(Paper {
        name: "host.toml".to_owned(),
        text: Secret::new(host_file(setup)?),
        private: false,
    });
    Ok(papers)
}

const ALLOWED: &str = "allowed_signers";

/// The line that lets `key` sign plans and observations as `principal`, and nothing else.
pub fn allowed_line(principal: &str, key: &PublicKey) -> String {
    format!("{principal} namespaces=\"{PLAN_NAMESPACE},{OBSERVATION_NAMESPACE}\" {}\n", key.line())
}

/// The text of a `host.toml`.
pub fn host_file(setup: &Setup) -> Result<String> {
    if setup.site.is_empty() {
        return Err(usage("the site has no name".to_owned()));
    }
    let directory = text_of(&setup.directory)?;
    let state = text_of(&setup.state)?;
    let roots = setup.roots.iter().map(text_of).collect::<Result<Vec<&str>>>()?;
    if roots.is_empty() {
        return Err(usage("no directory is permitted".to_owned()));
    }
    let environment =
        setup.environment.as_ref().map(|name| format!("environment = {}\n", toml_text(name)));
    let commands: Vec<String> = setup.commands.iter().map(|argv| toml_list(argv)).collect();
    let both = setup.signers.len().min(2);
    let links = pinned(setup)?;
    Ok(format!(
        "# What this host permits. No plan and no configuration beside a plan can loosen it.\n\
         site = {site}\n{environment}\
         # Directories that plans may touch, with all below them.\n\
         roots = {roots}\n\
         # Commands that plans may run, word by word.\n\
         commands = [{commands}]\n\
         {links}\
         \n[state]\n\
         # Journals, saved tables, backups: on a disk that stays.\n\
         directory = {state}\n\
         \n[trust]\n\
         allowed_signers = {allowed}\n\
         required = 1\n\
         required_for_destructive = {both}\n",
        site = toml_text(&setup.site),
        environment = environment.unwrap_or_default(),
        roots = toml_list(&roots),
        commands = commands.join(", "),
        state = toml_text(state),
        allowed = toml_text(&format!("{directory}/{ALLOWED}")),
    ))
}

/// The links on the way to the permitted places, each with what it says now.
fn pinned(setup: &Setup) -> Result<String> {
    let mut links = Links::new();
    for place in setup.roots.iter().chain([&setup.state]) {
        match links_to_pin(place) {
            Ok(found) => links.extend(found),
            Err(error) if error.kind() == Kind::Refused => return Err(error),
            // A place that cannot be looked at yet is looked at by each run.
            Err(_) => {}
        }
    }
    let lines = links.iter().map(|(at, says)| {
        Ok(format!("{} = {}\n", toml_text(text_of(at)?), toml_text(&says.to_text())))
    });
    let lines = lines.collect::<Result<String>>()?;
    Ok(match lines.is_empty() {
        true => lines,
        false => format!(
            "\n[links]\n# Links on the way to these places, and what each says; no other is followed.\n{lines}"
        ),
    })
}

fn toml_text(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn toml_list(words: &[impl AsRef<str>]) -> String {
    let words: Vec<String> = words.iter().map(|word| toml_text(word.as_ref())).collect();
    format!("[{}]", words.join(", "))
}

fn text_of(path: &FilePath) -> Result<&str> {
    let text = std::str::from_utf8(path.as_bytes()).ok().filter(|_| path.is_plain_absolute());
    text.ok_or_else(|| usage(format!("`{}` is not a plain absolute path in UTF-8", path.to_text())))
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
    use crate::trust::host_files::read_allowed_signers;

    fn setup(directory: &Path, signers: &[(&str, KeySource)]) -> Setup {
        Setup {
            directory: FilePath::new(directory),
            site: "prod \"one\"\n".into(),
            environment: Some("production".into()),
            roots: vec!["/app".into(), "/data".into()],
            commands: vec![
                vec!["/usr/bin/flask".into(), "db".into()],
                vec!["/bin/x".into(), "a\\ \"b".into()],
            ],
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
            ["alice@example.com.key", "alice@example.com.key.pub", "allowed_signers", "host.toml"]
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
        let host: toml::Table = host_file(&setup).unwrap().parse().unwrap();
        assert_eq!(host["site"].as_str(), Some("prod \"one\"\n"));
        assert_eq!(host["environment"].as_str(), Some("production"));
        assert_eq!(host["commands"][1][1].as_str(), Some("a\\ \"b"));
        assert_eq!(host["roots"].as_array().map(Vec::len), Some(2));
        assert_eq!(host["state"]["directory"].as_str(), Some("/var/lib/ttplan"));
        assert_eq!(host["trust"]["allowed_signers"].as_str(), Some("/etc/ttplan/allowed_signers"));
        assert_eq!(host["trust"]["required"].as_integer(), Some(1));
        assert_eq!(host["trust"]["required_for_destructive"].as_integer(), Some(2));
        let alone = Setup { signers: setup.signers[..1].to_vec(), ..setup };
        let host: toml::Table = host_file(&alone).unwrap().parse().unwrap();
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
