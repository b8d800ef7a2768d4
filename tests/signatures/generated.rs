//! A thousand generated questions: allowed-signers files put together from good and bad pieces,
//! keys, names, namespaces, times and time zones. The seed is fixed; the answers have to agree.

use std::sync::atomic::Ordering;

use jiff::tz::TimeZone;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};

use crate::oracle::{Asked, MESSAGE, STARTS, bench, find_principals, verifies};
use ttplan::model::names::Moment;
use ttplan::openssh::allowed_signers::AllowedSigners;
use ttplan::openssh::sshsig::SshSig;
use ttplan::openssh::verify::{Keyring, check_signature};

const QUESTIONS: usize = 1000;
/// Of every so many questions, one also asks for the principals.
const FIND_EVERY: usize = 5;

const PRINCIPALS: &[&str] = &[
    "alice",
    "alice@example.com",
    "*@example.com",
    "al?ce",
    "*",
    "!alice,*",
    "*,!bob",
    "bob,alice",
    "Alice",
    "ALICE@EXAMPLE.COM",
    "a*e,!alice@*",
    "alice,",
    ",alice",
    "\"alice\"",
    "\"ali ce\",alice",
    "ali\"ce\"",
    "\"alice",
    "a**e*",
    "!*",
];

const OPTIONS: &[&str] = &[
    "cert-authority",
    "CERT-Authority",
    "cert-authorityx",
    "namespaces=\"ttplan-plan-v1\"",
    "namespaces=\"file,ttplan-*\"",
    "NameSpaces=\"*,!file\"",
    "namespaces=\"file\"",
    "namespaces=\"a\\\"b,ttplan-plan-v?\"",
    "namespaces=ttplan-plan-v1",
    "namespaces=\"\"",
    "namespaces=\"x y, ttplan-plan-v1\"",
    "namespaces=\"ttplan-plan-v1",
    "no-touch-required",
    "",
    "\"",
];

/// Around the moments at which is asked, in all forms.
const TIMES: &[&str] = &[
    "20260101",
    "20260329",
    "202603290230",
    "20260701",
    "20260701Z",
    "20260630230000",
    "202606302300Z",
    "20260701000000utc",
    "20261025",
    "202610250230",
    "20261120",
    "20261120120000Z",
    "20261120115959Z",
    "202611201300",
    "20270101Z",
    "20260231",
    "2026 7 1",
    "20261360",
    "1970",
    "19700101Z",
    "",
];

const KEYS: &[&str] = &["ed25519", "ed25519", "other", "p256", "rsa3072", "authority", "authority"];
const SIGNERS: &[&str] = &["ed25519", "ed25519", "p256", "rsa3072", "named", "named", "expiring"];
const CERTIFIED: &[&str] = &["named", "expiring"];
const WHO: &[&str] = &["alice", "alice@example.com", "bob", "ali ce", "ops", "alice"];
const NAMESPACES: &[&str] = &["ttplan-plan-v1", "ttplan-plan-v1", "file"];
const ASKED_AT: &[&str] = &[
    "20261120120000Z",
    "20261120120001Z",
    "20260630225959Z",
    "20260630230000Z",
    "20260701000000Z",
    "20260329013000Z",
    "20261025013000Z",
    "20260101050000Z",
];
/// As the variable `TZ` and as our own time zones.
const ZONES: &[&str] = &["UTC0", "CET-1CEST,M3.5.0,M10.5.0/3", "EST5EDT,M3.2.0,M11.1.0"];

fn one_of(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    select(words).prop_map(str::to_owned)
}

fn options() -> impl Strategy<Value = Vec<String>> {
    let timed = (select(&["valid-after", "valid-before", "Valid-Before"][..]), one_of(TIMES))
        .prop_map(|(name, time)| format!("{name}=\"{time}\""));
    let option = prop_oneof![3 => one_of(&OPTIONS[..6]), 2 => one_of(OPTIONS), 3 => timed];
    prop_oneof![3 => Just(Vec::new()), 4 => prop::collection::vec(option, 1..4)]
}

/// The pieces of a line.
#[derive(Clone, Debug)]
struct Line {
    indent: &'static str,
    who: String,
    gaps: (&'static str, &'static str),
    options: Vec<String>,
    /// A key's name in `<>`, or some text instead of a key.
    key: String,
    comment: String,
    end: &'static str,
    /// Whether it is made to be about the signer, by key or by authority.
    fitting: bool,
}

fn line() -> impl Strategy<Value = Line> {
    let gap = || select(&[" ", " ", " ", "\t", "  ", " \t "][..]);
    let who = prop_oneof![one_of(PRINCIPALS), one_of(&PRINCIPALS[..8])];
    let key = prop_oneof![
        12 => select(KEYS).prop_map(|key| format!("<{key}>")),
        1 => Just("<named-cert>".to_owned()),
        1 => one_of(&["ssh-ed25519", "ssh-ed25519 AAAA", "ssh-dss AAAA", "", "AAAA", "ssh-ed25519 %%%"]),
    ];
    let (indent, end) = (select(&["", "", "", " ", "\t"][..]), select(&["", "", "", "\r"][..]));
    let comment = one_of(&["", "", " c", " a b # c", " "]);
    (indent, who, (gap(), gap()), options(), key, comment, end, prop::bool::weighted(0.7)).prop_map(
        |(indent, who, gaps, options, key, comment, end, fitting)| Line {
            indent,
            who,
            gaps,
            options,
            key,
            comment,
            end,
            fitting,
        },
    )
}

impl Line {
    fn text(&self, signer: &str) -> String {
        let (mut options, mut key) = (self.options.clone(), self.key.clone());
        if self.fitting {
            options.retain(|option| !option.starts_with("cert-authority"));
            key = format!("<{signer}>");
            if CERTIFIED.contains(&signer) {
                options.push("cert-authority".to_owned());
                key = "<authority>".to_owned();
            }
        }
        let mut options = options.join(",");
        if !options.is_empty() {
            options.push_str(self.gaps.1);
        }
        let Self { indent, who, comment, end, .. } = self;
        format!("{indent}{who}{}{options}{key}{comment}{end}", self.gaps.0)
    }
}

/// Lines that say nothing, put between the others.
const SILENT: &[&str] = &["", "# alice <ed25519>", " \t", "alice", "\r"];

#[derive(Clone, Debug)]
struct Question {
    lines: Vec<Line>,
    silent: &'static str,
    last_newline: bool,
    signer: &'static str,
    who: &'static str,
    namespace: &'static str,
    time: &'static str,
    zone: &'static str,
}

fn question() -> impl Strategy<Value = Question> {
    let rest = (
        select(SILENT),
        select(SIGNERS),
        select(WHO),
        select(NAMESPACES),
        select(ASKED_AT),
        select(ZONES),
    );
    (prop::collection::vec(line(), 1..4), any::<bool>(), rest).prop_map(
        |(lines, last_newline, (silent, signer, who, namespace, time, zone))| Question {
            lines,
            silent,
            last_newline,
            signer,
            who,
            namespace,
            time,
            zone,
        },
    )
}

impl Question {
    fn allowed(&self) -> String {
        let bench = bench();
        let lines: Vec<String> = self.lines.iter().map(|line| line.text(self.signer)).collect();
        let mut text = lines.join(&format!("\n{}\n", self.silent));
        for key in KEYS {
            text = text.replace(&format!("<{key}>"), bare(&bench.public_line(key)));
        }
        let certificate = std::fs::read_to_string(bench.path("named-cert.pub")).unwrap();
        text = text.replace("<named-cert>", bare(&certificate));
        if self.last_newline { text + "\n" } else { text }
    }

    fn signature(&self) -> String {
        std::fs::read_to_string(bench().path(&format!("by-{}-{}", self.signer, self.namespace)))
            .unwrap()
    }

    fn now(&self) -> Moment {
        let t = self.time;
        let text = format!(
            "{}-{}-{}T{}:{}:{}Z",
            &t[..4],
            &t[4..6],
            &t[6..8],
            &t[8..10],
            &t[10..12],
            &t[12..14]
        );
        Moment::parse(&text).unwrap()
    }
}

/// Without the comment.
fn bare(line: &str) -> &str {
    line.match_indices(' ').nth(1).map_or(line, |(at, _)| &line[..at])
}

/// Signatures of every signer for every namespace, once.
fn prepare() {
    let bench = bench();
    bench.copy_key("ed25519", "named");
    bench.certify(
        "named",
        "authority",
        &["-n", "alice,ops,alice@example.com", "-V", "always:forever"],
    );
    bench.copy_key("p256", "expiring");
    bench.certify(
        "expiring",
        "authority",
        &["-n", "alice,bob", "-V", "20260101050000:20260701000000"],
    );
    for signer in SIGNERS {
        for namespace in NAMESPACES {
            let key = if CERTIFIED.contains(signer) {
                format!("{signer}-cert.pub")
            } else {
                (*signer).to_owned()
            };
            bench.write(
                &format!("by-{signer}-{namespace}"),
                bench.sign(&key, namespace, MESSAGE, &[]),
            );
        }
    }
    bench.write("generated.message", MESSAGE);
}

#[test]
fn a_thousand_generated_questions_are_answered_alike() {
    prepare();
    let bench = bench();
    let before = STARTS.load(Ordering::Relaxed);
    let mut runner =
        TestRunner::new_with_rng(Config::default(), TestRunner::deterministic().new_rng());
    let (mut accepted, mut refused, mut found) = (0, 0, 0);
    for number in 0..QUESTIONS {
        let question = question().new_tree(&mut runner).unwrap().current();
        let allowed = question.allowed();
        let zone = TimeZone::posix(question.zone).unwrap();
        let parsed = AllowedSigners::parse("allowed_signers", allowed.as_bytes(), &zone);
        let ring = Keyring { allowed: &parsed, revoked: None, now: question.now() };
        let text = question.signature();
        let ours = check_signature(MESSAGE, &text, question.namespace, Some(question.who), &ring);
        let asked = Asked {
            allowed: &bench.write("generated.allowed", &allowed),
            signature: &bench.path(&format!("by-{}-{}", question.signer, question.namespace)),
            message: &bench.path("generated.message"),
            who: question.who,
            namespace: question.namespace,
            time: question.time,
            revoked: None,
            zone: question.zone,
        };
        assert_eq!(
            ours.is_ok(),
            verifies(&asked),
            "question {number}: {question:?}\n{allowed}\nours: {ours:?}"
        );
        if ours.is_ok() {
            accepted += 1;
        } else {
            refused += 1;
        }
        if number % FIND_EVERY == 0 {
            let key = SshSig::read(&text).unwrap().key;
            let principals = parsed.find_principals(&key, question.now().unix().unsigned_abs());
            assert_eq!(
                principals,
                find_principals(&asked),
                "question {number}: {question:?}\n{allowed}"
            );
            found += usize::from(!principals.is_empty());
        }
    }
    println!("{accepted} accepted, {refused} refused, principals found {found} times");
    println!("at most {} starts of ssh-keygen", STARTS.load(Ordering::Relaxed) - before);
    assert!(
        accepted > QUESTIONS / 10 && refused > QUESTIONS / 3 && found > 20,
        "{accepted} {refused} {found}"
    );
}
