//! All signatures beside a document together: who signed, what does not count, how many persons
//! that makes, and what happened to a document that its signatures no longer fit.

use crate::openssh::sshsig::SshSig;
use crate::openssh::verify::{Keyring, Refusal, Signed, check_signature, count_persons, persons};
use crate::trust::signature_files::claimed_principal;

/// A signature file as it lies beside a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureFile {
    /// Its name without the folder.
    pub name: String,
    pub text: String,
}

/// What the signatures of a document come to.
#[derive(Clone, Debug)]
pub struct Signers {
    /// The signatures that count, in the order of the files.
    pub signed: Vec<Signed>,
    /// The files that do not, by name.
    pub refused: Vec<(String, Refusal)>,
    /// How many persons signed.
    pub persons: u32,
    /// Which signatures are taken for one person's, and why.
    pub shared: Vec<String>,
}

impl Signers {
    /// The same without the person who is `principal`, whatever else they signed as; `None` where
    /// they did not sign.
    pub fn beside(&self, principal: &str) -> Option<Self> {
        let (person, _) = persons(&self.signed);
        let own = self.signed.iter().position(|signed| signed.principal == principal)?;
        let own = *person.get(own)?;
        let others = self.signed.iter().zip(&person).filter(|(_, person)| **person != own);
        let signed: Vec<Signed> = others.map(|(signed, _)| signed.clone()).collect();
        let (persons, shared) = count_persons(&signed);
        Some(Self { signed, refused: self.refused.clone(), persons, shared })
    }
}

/// Judges every signature beside the document `name` with content `bytes`.
pub fn judge(
    name: &str,
    bytes: &[u8],
    signatures: &[SignatureFile],
    namespace: &str,
    ring: &Keyring<'_>,
) -> Signers {
    let (mut signed, mut refused) = (Vec::new(), Vec::new());
    for file in signatures {
        let claimed = claimed_principal(name, &file.name);
        match check_signature(bytes, &file.text, namespace, claimed.as_deref(), ring) {
            Ok(signature) => signed.push(signature),
            Err(refusal) => refused.push((file.name.clone(), refusal)),
        }
    }
    let (persons, shared) = count_persons(&signed);
    Signers { signed, refused, persons, shared }
}

/// What ticket systems and editors do to a file, in words and undone.
type Alteration = (&'static str, fn(&[u8]) -> Option<Vec<u8>>);

const ALTERATIONS: &[Alteration] = &[
    ("a byte order mark was put before it", |bytes| {
        bytes.strip_prefix(b"\xef\xbb\xbf").map(<[u8]>::to_vec)
    }),
    ("its line ends were changed to CRLF", without_carriage_returns),
    ("the empty lines at its end were changed", with_one_final_newline),
];

/// Says what was done to `bytes` since they were signed, where some signature fits them as they
/// were before. This explains a refusal and never takes it back.
///
/// `rewritten` is the document as ttplan itself writes it, where it can still be read.
pub fn explain_misfit(
    bytes: &[u8],
    rewritten: Option<&[u8]>,
    signatures: &[SignatureFile],
) -> Option<String> {
    let signatures: Vec<SshSig> =
        signatures.iter().filter_map(|file| SshSig::read(&file.text).ok()).collect();
    let fits = |bytes: &[u8]| signatures.iter().any(|signature| signature.check(bytes).is_ok());
    let alone =
        ALTERATIONS.iter().filter_map(|(words, undo)| Some(((*words).to_owned(), undo(bytes)?)));
    let mut together = (Vec::new(), bytes.to_vec());
    for (words, undo) in ALTERATIONS {
        if let Some(undone) = undo(&together.1) {
            together.1 = undone;
            together.0.push(*words);
        }
    }
    let together = (together.0.join(", and "), together.1);
    if let Some((words, _)) =
        alone.chain([together]).find(|(_, before)| before != bytes && fits(before))
    {
        return Some(words);
    }
    let rewritten = rewritten.filter(|rewritten| *rewritten != bytes)?;
    fits(rewritten).then(|| "its layout was changed, though not what it says".to_owned())
}

fn without_carriage_returns(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut lines = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().peekable();
    while let Some(byte) = rest.next() {
        if *byte != b'\r' || rest.peek() != Some(&&b'\n') {
            lines.push(*byte);
        }
    }
    (lines.len() != bytes.len()).then_some(lines)
}

fn with_one_final_newline(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut trimmed = bytes.trim_ascii_end().to_vec();
    trimmed.push(b'\n');
    (trimmed != bytes).then_some(trimmed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openssh::signing_key::SigningKey;
    use crate::openssh::sshsig::sign;

    const TEXT: &[u8] = b"{\n  \"a\": 1\n}\n";

    fn signature() -> Vec<SignatureFile> {
        let text = sign(TEXT, "n", &SigningKey::generate("").unwrap()).unwrap();
        vec![SignatureFile { name: "x.sig".to_owned(), text }]
    }

    #[test]
    fn what_a_ticket_system_does_is_recognised() {
        let crlf = b"{\r\n  \"a\": 1\r\n}\r\n".to_vec();
        let both = [&b"\xef\xbb\xbf"[..], &crlf].concat();
        for (changed, words) in [
            (crlf, "its line ends were changed to CRLF"),
            (both, "a byte order mark was put before it, and its line ends were changed to CRLF"),
            (TEXT.trim_ascii_end().to_vec(), "the empty lines at its end were changed"),
            ([TEXT, b"\n"].concat(), "the empty lines at its end were changed"),
        ] {
            assert_eq!(explain_misfit(&changed, None, &signature()).as_deref(), Some(words));
        }
        let indented = b"{\n    \"a\": 1\n}\n";
        let found = explain_misfit(indented, Some(TEXT), &signature());
        assert_eq!(found.as_deref(), Some("its layout was changed, though not what it says"));
        assert_eq!(explain_misfit(indented, Some(indented), &signature()), None);
        assert_eq!(explain_misfit(b"{\n  \"a\": 2\n}\n", None, &signature()), None);
    }
}
