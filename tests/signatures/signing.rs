//! Signing with what people have: a real SSH agent, and the key that CI keeps in a variable. What
//! comes out is verified by `ssh-keygen`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

use crate::oracle::{Papers, bench, verifies};
use ttplan::openssh::agent::Agent;
use ttplan::openssh::signer::Signer;
use ttplan::openssh::sshsig::SshSig;
use ttplan::trust::{OBSERVATION_NAMESPACE, PLAN_NAMESPACE};

/// An agent of our own, ended with the test.
struct TestAgent {
    child: Child,
    socket: PathBuf,
    _folder: tempfile::TempDir,
}

impl TestAgent {
    fn with(keys: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("agent");
        let child = Command::new("ssh-agent")
            .args(["-D", "-a"])
            .arg(&socket)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let agent = Self { child, socket, _folder: folder };
        while Agent::reach(&agent.socket).is_err() {
            std::thread::yield_now();
        }
        for key in keys {
            let mut add = Command::new("ssh-add");
            add.arg("-q").arg(bench().path(key)).env("SSH_AUTH_SOCK", &agent.socket);
            assert!(add.output().unwrap().status.success(), "{key}");
        }
        agent
    }
}

impl Drop for TestAgent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn an_agent_signs_with_keys_of_every_kind_as_ssh_keygen_expects() {
    let kinds = ["ed25519", "p256", "p384", "p521", "rsa3072"];
    let running = TestAgent::with(&kinds);
    for kind in kinds {
        let mut agent = Agent::reach(&running.socket).unwrap();
        let found = agent.identities().unwrap();
        assert_eq!(found.len(), kinds.len());
        let wanted = found.iter().find(|one| one.comment == kind).unwrap().key.clone();
        let identity = agent.choose(Some(&wanted)).unwrap();
        let text =
            Signer::Agent(agent, identity).sign(crate::oracle::MESSAGE, PLAN_NAMESPACE).unwrap();
        let allowed = format!("alice {}", bench().public_line(kind));
        let papers = Papers::new(bench(), &format!("agent-{kind}"), &allowed, &text);
        assert!(verifies(&papers.asked("alice")), "{kind}: {text}");
        // The very text that ssh-keygen writes, where the kind of key always gives the same
        // signature.
        if ["ed25519", "rsa3072"].contains(&kind) {
            assert_eq!(text, bench().sign(kind, PLAN_NAMESPACE, crate::oracle::MESSAGE, &[]));
        }
    }
}

#[test]
fn an_agent_that_cannot_or_may_not_is_told_from_one_that_is_not_there() {
    let running = TestAgent::with(&["ed25519", "rsa2048"]);
    let mut agent = Agent::reach(&running.socket).unwrap();
    let error = agent.choose(None).unwrap_err();
    assert!(
        error.message().contains("holds 2 keys") && error.hints()[0].contains("--key"),
        "{error}"
    );
    let weak =
        agent.identities().unwrap().into_iter().find(|one| one.comment == "rsa2048").unwrap();
    let error = Signer::Agent(agent, weak).sign(b"x", PLAN_NAMESPACE).unwrap_err();
    assert!(error.to_string().contains("2048 bits"), "{error}");
    let mut empty = Agent::reach(&running.socket).unwrap();
    let gone = empty.identities().unwrap().remove(0);
    let mut remove = Command::new("ssh-add");
    assert!(
        remove
            .args(["-q", "-D"])
            .env("SSH_AUTH_SOCK", &running.socket)
            .output()
            .unwrap()
            .status
            .success()
    );
    assert!(empty.choose(None).unwrap_err().message().contains("holds no key"));
    assert!(
        Signer::Agent(empty, gone)
            .sign(b"x", PLAN_NAMESPACE)
            .unwrap_err()
            .message()
            .contains("did not sign")
    );
    assert!(Agent::reach(Path::new("/nowhere")).is_err());
}

/// A site with a plan and an observation to sign.
fn site() -> &'static Path {
    static SITE: OnceLock<PathBuf> = OnceLock::new();
    SITE.get_or_init(|| {
        let home = bench().path("demo");
        must(
            &Command::new(env!("CARGO_BIN_EXE_ttplan"))
                .args(["demo", "--keep"])
                .arg(&home)
                .output()
                .unwrap(),
        );
        let mut inspect = Command::new(env!("CARGO_BIN_EXE_ttplan"));
        inspect
            .args(["inspect", "-o", "plans/site.observation.json", "--site", "demo"])
            .current_dir(&home);
        must(&inspect.output().unwrap());
        home
    })
}

fn must(output: &Output) -> String {
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "{said}");
    said
}

fn sign(file: &str, who: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ttplan"));
    command.args(["sign", file, "--principal", who]).args(arguments).current_dir(site());
    command.env_remove("SSH_AUTH_SOCK").envs(variables.iter().copied()).stdin(Stdio::null());
    command.output().unwrap()
}

fn namespace_of(file: &str, who: &str) -> Vec<u8> {
    let text = fs::read_to_string(site().join(format!("{file}.{who}.sig"))).unwrap();
    let signature = SshSig::read(&text).unwrap();
    assert!(signature.check(&fs::read(site().join(file)).unwrap()).is_ok());
    signature.namespace
}

const PLAN: &str = "plans/change.ttplan.json";

#[test]
fn ci_signs_with_a_key_in_a_variable_and_its_passphrase() {
    for (key, passphrase) in [("ed25519", ""), ("locked", "open sesame")] {
        let text = fs::read_to_string(bench().path(key)).unwrap();
        for (who, text) in [("ci", text.clone()), ("ci-in-one-line", text.replace('\n', "\\n"))] {
            let variables =
                [("TTPLAN_SIGNING_KEY", &*text), ("TTPLAN_SIGNING_PASSPHRASE", passphrase)];
            let said = must(&sign(PLAN, who, &["--yes"], &variables));
            assert!(!said.contains("OPENSSH") && !said.contains("sesame"), "{said}");
            assert_eq!(namespace_of(PLAN, who), PLAN_NAMESPACE.as_bytes());
        }
    }
    let text = fs::read_to_string(bench().path("locked")).unwrap();
    let wrong = sign(
        PLAN,
        "x",
        &["--yes"],
        &[("TTPLAN_SIGNING_KEY", &text), ("TTPLAN_SIGNING_PASSPHRASE", "shut sesame")],
    );
    assert_eq!(wrong.status.code(), Some(1));
    assert!(!String::from_utf8_lossy(&wrong.stderr).contains("shut"));
}

#[test]
fn the_command_signs_by_the_agent_and_shows_what_it_signs() {
    let running = TestAgent::with(&["ed25519", "other"]);
    let socket = [("SSH_AUTH_SOCK", running.socket.to_str().unwrap())];
    let public = bench().path("other.pub");
    let said =
        must(&sign(PLAN, "by-agent", &["--yes", "--key", public.to_str().unwrap()], &socket));
    assert!(said.contains("for site `demo`") && said.contains("sha256"), "{said}");
    assert_eq!(namespace_of(PLAN, "by-agent"), PLAN_NAMESPACE.as_bytes());
    let unclear = sign(PLAN, "x", &["--yes"], &socket);
    assert_eq!(unclear.status.code(), Some(64), "{}", String::from_utf8_lossy(&unclear.stderr));
    assert_eq!(sign(PLAN, "x", &["--yes"], &[]).status.code(), Some(64));
    let unasked = sign(PLAN, "x", &["--key", bench().path("ed25519").to_str().unwrap()], &[]);
    assert_eq!(unasked.status.code(), Some(64), "nobody can be asked");
    assert!(!site().join(format!("{PLAN}.x.sig")).exists());
}

#[test]
fn an_observation_is_signed_for_its_own_purpose() {
    let file = "plans/site.observation.json";
    let key = bench().path("ed25519");
    let said = must(&sign(file, "ada", &["--yes", "--key", key.to_str().unwrap()], &[]));
    assert!(said.contains("database"), "{said}");
    assert_eq!(namespace_of(file, "ada"), OBSERVATION_NAMESPACE.as_bytes());
}
