//! Signatures of security keys, made here in software: the format is that of PROTOCOL.u2f,
//! and `ssh-keygen` verifies it without any device.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Command;

use crate::oracle::{MESSAGE, Papers, bench, judge, verifies};
use sha2::{Digest, Sha256, Sha512};
use signature::Signer;
use ssh_key::Signature;
use ssh_key::encoding::Encode;
use ssh_key::encoding::base64::{Base64, Encoding};
use ssh_key::private::{EcdsaKeypair, Ed25519Keypair};
use ssh_key::public::{KeyData, SkEcdsaSha2NistP256, SkEd25519};
use ttplan::openssh::agent::Agent;
use ttplan::openssh::signer;
use ttplan::openssh::verify::Refusal;
use ttplan::trust::PLAN_NAMESPACE;

const APPLICATION: &str = "ssh:plans";

type Sign = Box<dyn Fn(&[u8]) -> Signature + Sync>;

/// A security key in software.
struct Token {
    name: &'static str,
    public: KeyData,
    sign: Sign,
}

fn ed25519() -> Token {
    let pair = Ed25519Keypair::from_seed(&[7; 32]);
    let public = KeyData::SkEd25519(SkEd25519::new(pair.public, APPLICATION));
    Token {
        name: "sk-ssh-ed25519@openssh.com",
        public,
        sign: Box::new(move |message| pair.sign(message)),
    }
}

fn p256() -> Token {
    let bench = bench();
    let private = ssh_key::PrivateKey::read_openssh_file(bench.path("p256")).unwrap();
    let Some(EcdsaKeypair::NistP256 { public, private }) = private.key_data().ecdsa().cloned()
    else {
        panic!()
    };
    let public = KeyData::SkEcdsaSha2NistP256(SkEcdsaSha2NistP256::new(public, APPLICATION));
    let sign = move |message: &[u8]| private.sign(message);
    Token { name: "sk-ecdsa-sha2-nistp256@openssh.com", public, sign: Box::new(sign) }
}

fn string(bytes: &[u8]) -> Vec<u8> {
    bytes.to_vec().encode_vec().unwrap()
}

impl Token {
    fn line(&self) -> String {
        format!("{} {}", self.name, Base64::encode_string(&self.public.encode_vec().unwrap()))
    }

    /// A signature file with these flags, counted as the ninth.
    fn signature(&self, flags: u8, namespace: &str) -> String {
        let hash = Sha512::digest(MESSAGE);
        let fields = [
            &b"SSHSIG"[..],
            &string(namespace.as_bytes()),
            &string(b""),
            &string(b"sha512"),
            &string(&hash),
        ];
        let value = self.touch(flags, &fields.concat());
        let blob = [
            &b"SSHSIG\0\0\0\x01"[..],
            &string(&self.public.encode_vec().unwrap()),
            &string(namespace.as_bytes()),
            &string(b""),
            &string(b"sha512"),
            &string(&value),
        ]
        .concat();
        let armour = Base64::encode_string(&blob);
        format!("-----BEGIN SSH SIGNATURE-----\n{armour}\n-----END SSH SIGNATURE-----\n")
    }

    /// What the key gives when it is touched, with these flags, counted as the ninth.
    fn touch(&self, flags: u8, data: &[u8]) -> Vec<u8> {
        let trailer = [&[flags][..], &9u32.to_be_bytes()].concat();
        let signed = [&Sha256::digest(APPLICATION)[..], &trailer, &Sha256::digest(data)].concat();
        [string(self.name.as_bytes()), string((self.sign)(&signed).as_bytes()), trailer].concat()
    }

    /// Answers one conversation as an agent with this key does.
    fn answer(&self, mut peer: UnixStream) {
        loop {
            let mut length = [0; 4];
            if peer.read_exact(&mut length).is_err() {
                return;
            }
            let mut request = vec![0; u32::from_be_bytes(length) as usize];
            peer.read_exact(&mut request).unwrap();
            let blob = self.public.encode_vec().unwrap();
            let answer = match request[0] {
                11 => [&[12, 0, 0, 0, 1][..], &string(&blob), &string(b"token")].concat(),
                13 => {
                    let rest = &request[1 + 4 + blob.len()..];
                    let length = u32::from_be_bytes(rest[..4].try_into().unwrap()) as usize;
                    [&[14][..], &string(&self.touch(1, &rest[4..4 + length]))].concat()
                }
                _ => vec![5],
            };
            peer.write_all(&string(&answer)).unwrap();
        }
    }
}

/// Our own signing and `ssh-keygen` both come to the agent, and each believes what the other made.
#[test]
fn a_security_key_signs_through_an_agent() {
    for token in [ed25519(), p256()] {
        let folder = tempfile::tempdir().unwrap();
        let (socket, public) = (folder.path().join("agent"), folder.path().join("key.pub"));
        let listener = UnixListener::bind(&socket).unwrap();
        let allowed = format!("alice {}", token.line());
        std::fs::write(&public, token.line()).unwrap();
        std::fs::write(folder.path().join("message"), MESSAGE).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..2 {
                    token.answer(listener.accept().unwrap().0);
                }
            });
            let mut agent = Agent::reach(&socket).unwrap();
            let identity = agent.choose(None).unwrap();
            let ours =
                signer::Signer::Agent(agent, identity).sign(MESSAGE, PLAN_NAMESPACE).unwrap();
            let mut keygen = Command::new("ssh-keygen");
            keygen.args(["-q", "-Y", "sign", "-n", PLAN_NAMESPACE, "-f"]).arg(&public);
            keygen.arg(folder.path().join("message")).env("SSH_AUTH_SOCK", &socket);
            let output = keygen.output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let theirs = std::fs::read_to_string(folder.path().join("message.sig")).unwrap();
            for signature in [ours, theirs] {
                assert!(verifies(
                    &Papers::new(bench(), "agent-token", &allowed, &signature).asked("alice")
                ));
                assert_eq!(
                    judge(&allowed, &signature, MESSAGE, "alice").unwrap().kind.name(),
                    token.name
                );
            }
        });
    }
}

#[test]
fn signatures_of_security_keys_are_verified_by_both() {
    for token in [ed25519(), p256()] {
        let allowed = format!("alice {}", token.line());
        for flags in [0x01, 0x05] {
            let signature = token.signature(flags, PLAN_NAMESPACE);
            let papers = Papers::new(bench(), "token", &allowed, &signature);
            assert!(verifies(&papers.asked("alice")), "ssh-keygen: {}", token.name);
            let signed = judge(&allowed, &signature, MESSAGE, "alice").unwrap();
            assert_eq!(signed.kind.name(), token.name);
            let refusal = judge(&allowed, &signature, b"other", "alice").unwrap_err();
            assert!(matches!(refusal, Refusal::Wrong { .. }), "{refusal}");
        }
        let elsewhere = token.signature(1, "file");
        assert!(!verifies(&Papers::new(bench(), "token", &allowed, &elsewhere).asked("alice")));
        assert!(matches!(
            judge(&allowed, &elsewhere, MESSAGE, "alice"),
            Err(Refusal::Namespace { .. })
        ));
    }
}

#[test]
fn the_flags_of_a_security_key_are_signed_too() {
    let token = ed25519();
    let allowed = format!("alice {}", token.line());
    let signature = token.signature(1, PLAN_NAMESPACE);
    let armour: String = signature.lines().filter(|line| !line.starts_with("-----")).collect();
    let mut blob = Base64::decode_vec(&armour).unwrap();
    let flags = blob.len() - 5;
    blob[flags] = 5;
    let armour = Base64::encode_string(&blob);
    let forged = format!("-----BEGIN SSH SIGNATURE-----\n{armour}\n-----END SSH SIGNATURE-----\n");
    assert!(!verifies(&Papers::new(bench(), "flags", &allowed, &forged).asked("alice")));
    assert!(matches!(judge(&allowed, &forged, MESSAGE, "alice"), Err(Refusal::Wrong { .. })));
}
