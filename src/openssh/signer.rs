//! Who makes a signature: a private key at hand, or an agent that holds one.

use crate::error::{Error, Kind, Result};
use crate::openssh::agent::{Agent, AgentKey};
use crate::openssh::public_key::PublicKey;
use crate::openssh::signing_key::SigningKey;
use crate::openssh::sshsig;
use crate::openssh::sshsig::SshSig;

/// Something that can sign.
pub enum Signer {
    Key(Box<SigningKey>),
    Agent(Agent, AgentKey),
}

impl Signer {
    /// The key that signs.
    pub fn public(&self) -> &PublicKey {
        match self {
            Self::Key(key) => key.public(),
            Self::Agent(_, identity) => &identity.key,
        }
    }

    /// Signs `bytes` for one purpose; the text of the signature file.
    ///
    /// Errors: `Kind::Refused` for a key too weak to be believed; as [`Agent::sign`].
    pub fn sign(&mut self, bytes: &[u8], namespace: &str) -> Result<String> {
        match self {
            Self::Key(key) => sshsig::sign(bytes, namespace, key),
            Self::Agent(agent, identity) => {
                let weak = |why| {
                    Error::new(Kind::Refused, "the agent's key cannot sign")
                        .code("key_refused")
                        .because(why)
                };
                identity.key.strong_enough().map_err(weak)?;
                let signature = agent.sign(identity, &sshsig::to_be_signed(bytes, namespace))?;
                let text = sshsig::envelope(&identity.key, namespace, &signature);
                let fits =
                    SshSig::read(&text).is_ok_and(|signature| signature.check(bytes).is_ok());
                let wrong =
                    || Error::new(Kind::Failed, "the SSH agent gave a signature that does not fit");
                fits.then_some(text).ok_or_else(wrong)
            }
        }
    }
}
