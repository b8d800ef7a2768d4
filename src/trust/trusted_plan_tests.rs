//! Tests of making a plan a trusted one: the order of the checks and the kind of each refusal.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use crate::error::{Error, Kind, Result};
use crate::model::database::catalogue::tests::sample;
use crate::model::host::HostConfig;
use crate::model::names::{Digest, Moment};
use crate::model::plan::Plan;
use crate::model::plan::step::{FileList, Move, Risk};
use crate::openssh::allowed_signers::AllowedSigners;
use crate::openssh::revoked_keys::RevokedKeys;
use crate::openssh::signing_key::SigningKey;
use crate::openssh::sshsig::sign;
use crate::openssh::verify::Keyring;
use crate::trust::PLAN_NAMESPACE;
use crate::trust::context::{PlanFile, PlanFormat, VerifyContext};
use crate::trust::signature_files::signature_file_name;
use crate::trust::signers::SignatureFile;
use crate::trust::test_plans::{gentle_plan, plan, plan_of, site};
use crate::trust::trusted_plan::{TrustedPlan, accept_unsigned, check_time, verify};

const NAME: &str = "change.ttplan.json";

fn read(bytes: &[u8]) -> Result<Plan> {
    serde_json::from_slice(bytes).map_err(|why| Error::new(Kind::Config, "not a plan").because(why))
}

fn write(plan: &Plan) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(plan).unwrap();
    text.push(b'\n');
    text
}

/// Two people with a key each, and the host that believes them.
struct Shop {
    alice: SigningKey,
    bob: SigningKey,
    site: HostConfig,
    revoked: Option<RevokedKeys>,
    break_glass: Option<String>,
}

impl Shop {
    fn new() -> Self {
        let [alice, bob] = [(); 2].map(|()| SigningKey::generate("").unwrap());
        Self { alice, bob, site: site(), revoked: None, break_glass: None }
    }

    fn file(bytes: Vec<u8>) -> PlanFile {
        PlanFile { name: NAME.to_owned(), bytes }
    }

    fn signed(&self, bytes: &[u8], who: &[&str]) -> Vec<SignatureFile> {
        let key = |who: &str| if who.starts_with("alice") { &self.alice } else { &self.bob };
        let one = |who: &&str| SignatureFile {
            name: signature_file_name(NAME, who),
            text: sign(bytes, PLAN_NAMESPACE, key(who)).unwrap(),
        };
        who.iter().map(one).collect()
    }

    fn judge(&self, bytes: &[u8], signatures: Vec<SignatureFile>) -> Result<TrustedPlan> {
        self.with_host(|host| verify(Self::file(bytes.to_vec()), signatures, host))
    }

    fn with_host<T>(&self, then: impl FnOnce(&VerifyContext<'_>) -> T) -> T {
        let lines =
            format!("alice,alice2 {}\nbob {}\n", self.alice.public_line(), self.bob.public_line());
        let allowed = AllowedSigners::parse("allowed_signers", lines.as_bytes(), &TimeZone::UTC);
        let now = Moment::parse("2026-11-20T12:00:00Z").unwrap();
        let ring = Keyring { allowed: &allowed, revoked: self.revoked.as_ref(), now };
        then(&VerifyContext {
            site: &self.site,
            ring,
            format: PlanFormat { read: &read, write: &write },
            catalogues: &|_| Ok(vec![sample()]),
            break_glass: self.break_glass.as_deref(),
        })
    }

    /// Signs the plan by both and tells why it is refused.
    fn refusal(&self, plan: &Plan) -> Error {
        let bytes = write(plan);
        self.judge(&bytes, self.signed(&bytes, &["alice", "bob"])).unwrap_err()
    }
}

#[test]
fn a_plan_with_enough_signatures_is_trusted_and_holds_what_was_signed() {
    let shop = Shop::new();
    let bytes = write(&plan());
    let trusted = shop.judge(&bytes, shop.signed(&bytes, &["alice", "bob"])).unwrap();
    assert_eq!(trusted.plan(), &plan());
    assert_eq!(trusted.file().bytes, bytes);
    assert_eq!(trusted.sha256(), Digest::of(&bytes));
    assert_eq!(
        trusted.signed().iter().map(|one| one.principal.as_str()).collect::<Vec<_>>(),
        ["alice", "bob"]
    );
    assert!(!trusted.is_unsigned());
    assert_eq!(trusted.signatures().len(), 2);
    let (in_time, too_late) = (plan().expires_at, plan().expires_at.plus_seconds(1));
    let code = |now| check_time(trusted.plan(), now).map_err(|error| error.stable_code());
    assert_eq!((code(in_time), code(too_late)), (Ok(()), Err("expired")));
}

#[test]
fn a_destructive_plan_needs_more_persons_than_a_gentle_one() {
    let shop = Shop::new();
    let bytes = write(&gentle_plan());
    assert!(shop.judge(&bytes, shop.signed(&bytes, &["alice"])).is_ok());
    let none = shop.judge(&bytes, vec![]).unwrap_err();
    assert_eq!(
        (none.kind(), none.message()),
        (Kind::Refused, "plan `change.ttplan.json` has 0 of the 1 signatures it needs")
    );
    let bytes = write(&plan());
    for who in [&["alice"][..], &["alice", "alice2"], &["alice", "alice"]] {
        let error = shop.judge(&bytes, shop.signed(&bytes, who)).unwrap_err();
        assert_eq!(
            error.message(),
            "plan `change.ttplan.json` has 1 of the 2 signatures it needs",
            "{who:?}"
        );
        assert!(error.causes().contains(&"the plan is destructive".to_owned()), "{error}");
    }
}

#[test]
fn a_host_that_asks_for_no_signature_still_gets_none_unsigned() {
    let mut shop = Shop::new();
    (shop.site.trust.required, shop.site.trust.required_for_destructive) = (0, 0);
    let bytes = write(&plan());
    assert_eq!(shop.judge(&bytes, vec![]).unwrap_err().kind(), Kind::Refused);
    assert!(shop.judge(&bytes, shop.signed(&bytes, &["bob"])).is_ok());
}

#[test]
fn a_bad_signature_beside_good_ones_is_reported_and_does_not_count() {
    let mut shop = Shop::new();
    let bytes = write(&gentle_plan());
    let mut signatures = shop.signed(&bytes, &["alice", "bob", "mallory"]);
    signatures[1].text = "what".to_owned();
    let trusted = shop.judge(&bytes, signatures.clone()).unwrap();
    assert_eq!((trusted.signed().len(), trusted.refused().len()), (1, 2));
    shop.revoked =
        Some(RevokedKeys::parse("revoked", shop.alice.public_line().as_bytes()).unwrap());
    let error = shop.judge(&bytes, signatures).unwrap_err();
    assert!(error.causes()[0].contains("alice.sig`: the key is revoked by `revoked`"), "{error}");
}

#[test]
fn nothing_is_parsed_before_its_signatures_were_verified() {
    let shop = Shop::new();
    let error = shop.judge(b"not a plan", vec![]).unwrap_err();
    assert_eq!(error.kind(), Kind::Refused);
    let error = shop.judge(b"not a plan", shop.signed(b"not a plan", &["alice"])).unwrap_err();
    assert_eq!((error.kind(), error.message()), (Kind::Config, "not a plan"));
}

#[test]
fn a_plan_that_a_ticket_system_changed_is_explained_and_refused() {
    let shop = Shop::new();
    let bytes = write(&gentle_plan());
    let signatures = shop.signed(&bytes, &["alice"]);
    let compact = serde_json::to_vec(&gentle_plan()).unwrap();
    let crlf = String::from_utf8(bytes).unwrap().replace('\n', "\r\n").into_bytes();
    for (changed, said) in [(crlf, "CRLF"), (compact, "its layout was changed")] {
        let error = shop.judge(&changed, signatures.clone()).unwrap_err();
        assert!(error.causes()[0].contains(said), "{error}");
    }
}

#[test]
fn each_check_after_the_signatures_refuses_by_its_code() {
    let shop = Shop::new();
    let mut lying = plan();
    lying.steps[5].risk = Risk::Safe;
    lying.summary.destructive_steps = 0;
    let error = shop.refusal(&lying);
    assert_eq!((error.kind(), error.stable_code()), (Kind::Refused, "risk_differs"));
    for site in [Some("test".to_owned()), None] {
        let mut elsewhere = plan();
        elsewhere.target.site = site;
        let error = shop.refusal(&elsewhere);
        assert_eq!((error.kind(), error.stable_code()), (Kind::Stale, "wrong_site"));
    }
    let mut foreign = plan();
    foreign.target.database.engine = "oracle".into();
    assert_eq!(shop.refusal(&foreign).stable_code(), "unknown_engine");
    let mut unsaved = plan();
    unsaved.steps[5].save.clear();
    assert_eq!(shop.refusal(&unsaved).stable_code(), "save_differs");
    let mut elsewhere = Shop::new();
    elsewhere.site.roots = vec!["/data".into()];
    let error = elsewhere.refusal(&plan());
    assert_eq!((error.kind(), error.stable_code()), (Kind::Refused, "path_outside_roots"));
}

#[test]
fn a_plan_of_another_ttplan_that_follows_otherwise_is_to_be_made_again() {
    let shop = Shop::new();
    let mut older = plan();
    older.made_by = "ttplan 0.0.1".into();
    let bytes = write(&older);
    assert!(shop.judge(&bytes, shop.signed(&bytes, &["alice", "bob"])).is_ok());
    older.steps[2].title.push('!');
    assert_eq!(shop.refusal(&older).stable_code(), "made_by_other_version");
}

#[test]
fn a_plan_without_steps_is_trusted_too() {
    let shop = Shop::new();
    let mut empty = plan_of(vec![], vec![]);
    empty.premises.clear();
    let bytes = write(&empty);
    assert!(shop.judge(&bytes, shop.signed(&bytes, &["bob"])).is_ok());
}

#[test]
fn an_unsigned_plan_is_taken_only_where_the_host_permits_it_and_is_marked() {
    let mut shop = Shop::new();
    let bytes = write(&gentle_plan());
    let take = |shop: &Shop, bytes: &[u8]| {
        shop.with_host(|host| accept_unsigned(Shop::file(bytes.to_vec()), host))
    };
    let error = take(&shop, &bytes).unwrap_err();
    assert_eq!(error.kind(), Kind::Refused);
    assert!(error.message().contains("does not run unsigned plans"), "{error}");
    shop.site.policy.allow_unsigned = true;
    let trusted = take(&shop, &bytes).unwrap();
    assert!(trusted.is_unsigned() && trusted.signed().is_empty());
    let mut senseless = gentle_plan();
    senseless.steps[0].id.clear();
    assert_eq!(take(&shop, &write(&senseless)).unwrap_err().stable_code(), "id_differs");
}

#[test]
fn sizes_that_no_disk_holds_are_counted_without_harm() {
    let mut huge = gentle_plan();
    for list in huge.steps.iter_mut().flat_map(|step| &mut step.moves).flat_map(Move::lists_mut) {
        if let FileList::Inline(files) = list {
            files.iter_mut().for_each(|file| file.1 = u64::MAX);
        }
    }
    assert_eq!(Shop::new().refusal(&huge).stable_code(), "title_differs");
}

#[test]
fn a_destructive_plan_needs_a_signer_of_each_role() {
    let mut shop = Shop::new();
    shop.site.trust.roles =
        BTreeMap::from([("dba".to_owned(), vec!["carol".to_owned(), "bob".to_owned()])]);
    shop.site.trust.roles_for_destructive = vec!["dba".to_owned()];
    let bytes = write(&plan());
    assert!(shop.judge(&bytes, shop.signed(&bytes, &["alice", "bob"])).is_ok());
    shop.site.trust.roles.insert("dba".to_owned(), vec!["carol".to_owned()]);
    let error = shop.judge(&bytes, shop.signed(&bytes, &["alice", "bob"])).unwrap_err();
    assert_eq!(
        (error.kind(), error.message()),
        (Kind::Refused, "plan `change.ttplan.json` needs the signature of a `dba`")
    );
    assert!(error.causes().contains(&"that is carol".to_owned()), "{error}");
    let gentle = write(&gentle_plan());
    assert!(shop.judge(&gentle, shop.signed(&gentle, &["alice"])).is_ok());
}

#[test]
fn the_glass_is_broken_only_where_the_host_permits_it_with_a_reason_and_a_signature() {
    let mut shop = Shop::new();
    let bytes = write(&plan());
    shop.break_glass = Some("the site is down".to_owned());
    let error = shop.judge(&bytes, shop.signed(&bytes, &["alice"])).unwrap_err();
    assert!(error.message().contains("break the glass"), "{error}");
    shop.site.policy.break_glass = true;
    let trusted = shop.judge(&bytes, shop.signed(&bytes, &["alice"])).unwrap();
    assert_eq!(trusted.break_glass(), Some("the site is down"));
    assert_eq!(shop.judge(&bytes, vec![]).unwrap_err().kind(), Kind::Refused);
    shop.break_glass = Some("  ".to_owned());
    assert_eq!(
        shop.judge(&bytes, shop.signed(&bytes, &["alice"])).unwrap_err().kind(),
        Kind::Usage
    );
}

#[test]
fn a_plan_older_than_the_host_takes_is_refused() {
    let mut shop = Shop::new();
    let bytes = write(&plan());
    shop.site.policy.minimum_format = Some((0, 9));
    assert!(shop.judge(&bytes, shop.signed(&bytes, &["alice", "bob"])).is_ok());
    shop.site.policy.minimum_format = Some((9, 1));
    let error = shop.judge(&bytes, shop.signed(&bytes, &["alice", "bob"])).unwrap_err();
    assert!(error.causes().contains(&"this host takes none older than 9.1".to_owned()), "{error}");
}

#[test]
fn an_author_signs_and_is_not_one_who_approves() {
    let mut shop = Shop::new();
    shop.site.trust.separate_author = true;
    let message = |shop: &Shop, plan: &Plan, who: &[&str]| {
        let bytes = write(plan);
        shop.judge(&bytes, shop.signed(&bytes, who))
            .map(|_| ())
            .map_err(|error| error.message().to_owned())
    };
    let by = |author: &str| Plan { author: Some(author.to_owned()), ..gentle_plan() };
    assert_eq!(message(&shop, &by("alice"), &["alice", "bob"]), Ok(()));
    for (plan, who, told) in [
        (gentle_plan(), &["alice", "bob"][..], "names no author"),
        (by("alice"), &["bob"], "is not signed by its author"),
        (by("carol"), &["alice", "bob"], "is not signed by its author"),
        (by("alice"), &["alice"], "has 0 of the 1 signatures"),
        // The same person by another name is no second one.
        (by("alice"), &["alice", "alice2"], "has 0 of the 1 signatures"),
    ] {
        let found = message(&shop, &plan, who).unwrap_err();
        assert!(found.contains(told), "{:?} {who:?}: {found}", plan.author);
    }
    let destructive = Plan { author: Some("alice".to_owned()), ..plan() };
    let found = message(&shop, &destructive, &["alice", "bob"]).unwrap_err();
    assert!(found.contains("has 1 of the 2 signatures"), "{found}");
    // A role is no use to an author either.
    shop.site.trust.required_for_destructive = 1;
    shop.site.trust.roles = [("dba".to_owned(), vec!["alice".to_owned()])].into();
    shop.site.trust.roles_for_destructive = vec!["dba".to_owned()];
    let found = message(&shop, &destructive, &["alice", "bob"]).unwrap_err();
    assert!(found.contains("needs the signature of a `dba`"), "{found}");
    shop.site.trust.separate_author = false;
    assert_eq!(message(&shop, &destructive, &["alice"]), Ok(()));
}
