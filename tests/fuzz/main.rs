//! Whatever comes in from outside as a document, reading it ends in a value or an error: mutations
//! of real documents, by the thousand here and by the million with `TTPLAN_FUZZ=1000000` (`just
//! fuzz`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests may fail"
)]

mod bytes;

use std::path::Path;
use std::sync::OnceLock;

use jiff::tz::TimeZone;
use ttplan::artifact::document;
use ttplan::artifact::journal;
use ttplan::model::names::FilePath;
use ttplan::openssh::allowed_signers::AllowedSigners;
use ttplan::openssh::signing_key::SigningKey;
use ttplan::openssh::sshsig::{SshSig, sign};
use ttplan::stores::local::archive::{Part, pack, unpack};

/// How many inputs each reader gets where nobody says otherwise.
const FEW: u64 = 500;

/// Numbers that look random and are the same every time (Marsaglia's xorshift).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}

/// What is put into documents besides single bytes.
const SPICES: [&[u8]; 14] = [
    b"\"",
    b"{",
    b"[[[[[[[[[[[[[[[[",
    b"}",
    b"\\u0000",
    b"99999999999999999999",
    b"-1",
    b"null",
    b"\n",
    b"\r\n",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"!*,?",
    b"valid-after=\"",
];

/// A document with a few things done to it.
fn mutated(seed: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(bytes.len() + 1);
        let end = (at + numbers.below(40)).min(bytes.len());
        match numbers.below(6) {
            0 if at < bytes.len() => bytes[at] = numbers.next() as u8,
            1 if at < bytes.len() => bytes[at] ^= 1 << numbers.below(8),
            2 => drop(bytes.drain(at..end)),
            3 => {
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
            4 => bytes.truncate(at),
            _ => {
                let spice = SPICES[numbers.below(SPICES.len())];
                bytes.splice(at..at, spice.iter().copied());
            }
        }
    }
    bytes
}

/// Feeds a reader; says how many inputs it took and how many of them it read.
fn feed(name: &str, seeds: &[Vec<u8>], read: impl Fn(&[u8]) -> bool) {
    feed_of(wanted(), name, seeds, read);
}

fn wanted() -> u64 {
    std::env::var("TTPLAN_FUZZ").ok().and_then(|text| text.parse().ok()).unwrap_or(FEW)
}

fn feed_of(count: u64, name: &str, seeds: &[Vec<u8>], read: impl Fn(&[u8]) -> bool) {
    for seed in seeds {
        assert!(read(seed), "{name}: a seed is not read: {}", String::from_utf8_lossy(seed));
    }
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let mut accepted = 0_u64;
    for n in 0..count {
        let seed = &seeds[n as usize % seeds.len()];
        accepted += u64::from(read(&mutated(seed, &mut numbers)));
    }
    println!("{name}: {count} inputs, {accepted} of them read, no panic");
    assert!(accepted < count, "{name}: everything is taken");
}

/// A plan, an observation and a journal, as a run of the demo leaves them.
fn papers() -> &'static [Vec<u8>; 3] {
    static PAPERS: OnceLock<[Vec<u8>; 3]> = OnceLock::new();
    PAPERS.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("demo");
        let program = || std::process::Command::new(env!("CARGO_BIN_EXE_ttplan"));
        let demo = program().args(["demo", "--keep"]).arg(&home).output().unwrap();
        assert!(demo.status.success(), "{}", String::from_utf8_lossy(&demo.stderr));
        let mut inspect = program();
        inspect.args(["inspect", "-o", "seen.json", "--site", "demo"]).current_dir(&home);
        assert!(inspect.output().unwrap().status.success());
        let run =
            std::fs::read_dir(home.join("state/runs")).unwrap().next().unwrap().unwrap().path();
        ["plans/change.ttplan.json", "seen.json", run.join("journal.jsonl").to_str().unwrap()]
            .map(|path| std::fs::read(home.join(path)).unwrap())
    })
}

#[test]
fn plans() {
    feed("plan reader", &papers()[..1], |bytes| document::read_plan("p", bytes).is_ok());
}

#[test]
fn observations() {
    // One holds a whole catalogue: ten times as long, so nobody waits for as many where nobody
    // asked.
    let count = if wanted() == FEW { FEW / 10 } else { wanted() };
    feed_of(count, "observation reader", &papers()[1..2], |bytes| {
        document::read_observation("o", bytes).is_ok()
    });
}

#[test]
fn journals() {
    feed("journal reader", &papers()[2..], |bytes| journal::parse(Path::new("j"), bytes).is_ok());
}

#[test]
fn signatures() {
    let key = SigningKey::generate("").unwrap();
    let seed = sign(b"message", "n", &key).unwrap().into_bytes();
    feed("signature reader", &[seed], |bytes| {
        let read = SshSig::read(&String::from_utf8_lossy(bytes));
        read.is_ok_and(|signature| signature.check(b"message").is_ok())
    });
}

#[test]
fn allowed_signers() {
    let line = SigningKey::generate("").unwrap().public_line();
    let seeds = [
        format!("ada {line}\n"),
        format!(
            "*@example.com,!eve@example.com namespaces=\"a,b\" {line} a comment\n# another\n\n"
        ),
        format!(
            "\"a b\" cert-authority,valid-after=\"20260101\",valid-before=\"20270101Z\" {line}\n"
        ),
    ];
    feed("allowed_signers parser", &seeds.map(String::into_bytes), |bytes| {
        AllowedSigners::parse("a", bytes, &TimeZone::UTC).problems().is_empty()
    });
}

#[test]
fn archives() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir_all(at("up/d")).unwrap();
    std::fs::write(at("up/a"), "some content").unwrap();
    std::fs::write(at("up/d").join("n".repeat(150)), "more").unwrap();
    let part = Part { name: "up".into(), root: FilePath::from(at("up")), ignore: Vec::new() };
    pack(&[part], &at("up.tar.zst"), "fuzz", &mut |_| Ok(())).unwrap();
    let whole = zstd::decode_all(&std::fs::read(at("up.tar.zst")).unwrap()[..]).unwrap();
    let (archive, to) = (at("x.tar.zst"), FilePath::from(at("deep/back")));
    feed("archive reader", &[whole], |bytes| {
        std::fs::write(&archive, zstd::encode_all(bytes, 1).unwrap()).unwrap();
        let unpacked = unpack(&archive, &to, &mut |_| Ok(()));
        // Whatever came, it came to where it was to, or nothing did.
        let names = |path: &str| std::fs::read_dir(at(path)).map_or(0, Iterator::count);
        assert_eq!((names(""), names("deep")), if unpacked.is_ok() { (4, 1) } else { (3, 0) });
        let _ = std::fs::remove_dir_all(at("deep"));
        unpacked.is_ok()
    });
}
