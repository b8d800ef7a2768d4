//! The oracle: `ssh-keygen` of the machine, with keys made once in a folder of its own.
//!
//! Every start of `ssh-keygen` is counted, so that a test can say what it cost.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::tz::TimeZone;
use ttplan::error::Result;
use ttplan::model::names::{Moment, Secret};
use ttplan::openssh::allowed_signers::AllowedSigners;
use ttplan::openssh::signing_key::SigningKey;
use ttplan::openssh::verify::{Keyring, Refusal, Signed, check_signature};
use ttplan::trust::PLAN_NAMESPACE;

/// The moment at which everything is judged unless a test says otherwise.
pub const NOW: &str = "2026-11-20T12:00:00Z";

/// What is signed.
pub const MESSAGE: &[u8] = b"{\n  \"format_version\": \"1.0\"\n}\n";

/// How often `ssh-keygen` was started.
pub static STARTS: AtomicUsize = AtomicUsize::new(0);

/// Keys of each kind: name, type, bits, passphrase.
const KEYS: &[(&str, &str, &str, &str)] = &[
    ("ed25519", "ed25519", "256", ""),
    ("other", "ed25519", "256", ""),
    ("authority", "ed25519", "256", ""),
    ("p256", "ecdsa", "256", ""),
    ("p384", "ecdsa", "384", ""),
    ("p521", "ecdsa", "521", ""),
    ("rsa3072", "rsa", "3072", ""),
    ("rsa2048", "rsa", "2048", ""),
    ("locked", "ed25519", "256", "open sesame"),
];

/// A folder with keys.
pub struct Bench {
    pub folder: PathBuf,
}

/// The keys, made on first use and kept for the whole test binary.
pub fn bench() -> &'static Bench {
    static BENCH: OnceLock<Bench> = OnceLock::new();
    BENCH.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(env!("CARGO_CRATE_NAME"));
        // What an earlier run left.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let bench = Bench { folder };
        for (name, kind, bits, passphrase) in KEYS {
            bench.make_key(name, &["-t", kind, "-b", bits, "-N", passphrase]);
        }
        bench
    })
}

/// What `ssh-keygen` is asked about a signature.
#[derive(Clone)]
pub struct Asked<'a> {
    pub allowed: &'a Path,
    pub signature: &'a Path,
    pub message: &'a Path,
    pub who: &'a str,
    pub namespace: &'a str,
    /// As `-Overify-time` takes it.
    pub time: &'a str,
    pub revoked: Option<&'a Path>,
    /// The variable `TZ`.
    pub zone: &'a str,
}

impl Bench {
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes a file and returns its path.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    pub fn public_line(&self, name: &str) -> String {
        fs::read_to_string(self.path(&format!("{name}.pub"))).unwrap().trim_end().to_owned()
    }

    /// Makes a key pair; returns its path.
    pub fn make_key(&self, name: &str, arguments: &[&str]) -> PathBuf {
        let path = self.path(name);
        let mut all = vec!["-q", "-C", name, "-f", path.to_str().unwrap()];
        all.extend(arguments);
        succeed(&run(&all, "UTC", None));
        path
    }

    /// Certifies the public key `NAME.pub` into `NAME-cert.pub` and returns the certificate's path.
    pub fn certify(&self, name: &str, authority: &str, arguments: &[&str]) -> PathBuf {
        let (authority, public) = (self.path(authority), self.path(&format!("{name}.pub")));
        let mut all = vec!["-q", "-s", authority.to_str().unwrap(), "-I", "an id"];
        all.extend(arguments);
        all.push(public.to_str().unwrap());
        succeed(&run(&all, "UTC", None));
        self.path(&format!("{name}-cert.pub"))
    }

    /// A second name for a key, so that it can have a certificate of its own.
    pub fn copy_key(&self, name: &str, copy: &str) {
        fs::copy(self.path(name), self.path(copy)).unwrap();
        fs::set_permissions(self.path(copy), fs::Permissions::from_mode(0o600)).unwrap();
        fs::copy(self.path(&format!("{name}.pub")), self.path(&format!("{copy}.pub"))).unwrap();
    }

    /// The text that `ssh-keygen -Y sign` writes; `key` may be a private key or a certificate.
    pub fn sign(&self, key: &str, namespace: &str, message: &[u8], options: &[&str]) -> String {
        let key = self.path(key);
        let mut all = vec!["-q", "-Y", "sign", "-f", key.to_str().unwrap(), "-n", namespace];
        all.extend(options);
        let output = run(&all, "UTC", Some(message));
        succeed(&output);
        String::from_utf8(output.stdout).unwrap()
    }

    /// Our own reading of a private key of the bench.
    pub fn signing_key(&self, name: &str) -> Result<SigningKey> {
        SigningKey::read(&self.path(name), &mut || Ok(Secret::new("open sesame")))
    }
}

/// What `ssh-keygen -Y verify` says.
pub fn verifies(asked: &Asked) -> bool {
    let time = format!("-Overify-time={}", asked.time);
    let (allowed, signature) = (asked.allowed.to_str().unwrap(), asked.signature.to_str().unwrap());
    let mut all = vec!["-q", "-Y", "verify", "-f", allowed, "-I", asked.who, "-n", asked.namespace];
    all.extend(["-s", signature, &time]);
    if let Some(revoked) = asked.revoked {
        all.extend(["-r", revoked.to_str().unwrap()]);
    }
    run(&all, asked.zone, Some(&fs::read(asked.message).unwrap())).status.success()
}

/// What `ssh-keygen -Y find-principals` prints.
pub fn find_principals(asked: &Asked) -> Vec<Vec<u8>> {
    let time = format!("-Overify-time={}", asked.time);
    let (allowed, signature) = (asked.allowed.to_str().unwrap(), asked.signature.to_str().unwrap());
    let output = run(
        &["-q", "-Y", "find-principals", "-f", allowed, "-s", signature, &time],
        asked.zone,
        None,
    );
    output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(<[u8]>::to_vec)
        .collect()
}

/// Starts `ssh-keygen` without anything of the surroundings that could matter.
pub fn run(arguments: &[&str], zone: &str, input: Option<&[u8]>) -> Output {
    use std::io::Write;
    STARTS.fetch_add(1, Ordering::Relaxed);
    let mut command = Command::new("ssh-keygen");
    command.args(arguments).env("TZ", zone).env("LC_ALL", "C").env_remove("SSH_AUTH_SOCK");
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("ssh-keygen is installed");
    if let (Some(input), Some(mut pipe)) = (input, child.stdin.take()) {
        // It may refuse before it reads.
        let _ = pipe.write_all(input);
    }
    child.wait_with_output().unwrap()
}

pub fn succeed(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Our own verdict on a plan signature.
pub fn judge(allowed: &str, signature: &str, message: &[u8], who: &str) -> Result<Signed, Refusal> {
    let allowed = AllowedSigners::parse("allowed_signers", allowed.as_bytes(), &TimeZone::UTC);
    let ring = Keyring { allowed: &allowed, revoked: None, now: Moment::parse(NOW).unwrap() };
    check_signature(message, signature, PLAN_NAMESPACE, Some(who), &ring)
}

/// A signature with all that `ssh-keygen` needs to judge it, in files of the bench.
pub struct Papers {
    pub allowed: PathBuf,
    pub signature: PathBuf,
    pub message: PathBuf,
}

impl Papers {
    pub fn new(bench: &Bench, name: &str, allowed: &str, signature: &str) -> Self {
        Self {
            allowed: bench.write(&format!("{name}.allowed"), allowed),
            signature: bench.write(&format!("{name}.sig"), signature),
            message: bench.write(&format!("{name}.message"), MESSAGE),
        }
    }

    pub fn asked<'a>(&'a self, who: &'a str) -> Asked<'a> {
        Asked {
            allowed: &self.allowed,
            signature: &self.signature,
            message: &self.message,
            who,
            namespace: PLAN_NAMESPACE,
            time: "20261120120000Z",
            revoked: None,
            zone: "UTC",
        }
    }
}
