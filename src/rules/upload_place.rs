//! `upload_place`: an upload directory that does not outlive its container, is too full for what is
//! to be copied, or is not the application's to write. Told from how things lie at the moment, so
//! it only warns.

use std::collections::BTreeMap;

use crate::analysis::context::AnalysisContext;
use crate::analysis::upload_comparison::compare_upload;
use crate::model::config::Upload;
use crate::model::diagnosis::{Finding, Severity};
use crate::model::files::uploads::{FileFact, MountInfo, MountKind};
use crate::model::names::FilePath;
use crate::model::text::{bytes, counted};
use crate::rules::{Rule, nothing};

/// The record on the shelf.
pub const RULE: Rule = Rule {
    code: "upload_place",
    about: "an upload directory does not last, has no room, or cannot be written by the application",
    page: include_str!("../../docs/rules/upload_place.md"),
    examine,
    remedy: nothing,
};

/// What has to be free beyond what is to be copied: a twentieth of that, and 64 MiB.
fn with_margin(needed: u64) -> u64 {
    needed.saturating_add(needed / 20).saturating_add(64 << 20)
}

fn place<'a>(case: &'a AnalysisContext<'_>, root: &FilePath) -> Option<&'a MountInfo> {
    case.circumstances?.places.get(&*root.to_text())
}

fn examine(case: &AnalysisContext) -> Vec<Finding> {
    let mut found: BTreeMap<String, Finding> = BTreeMap::new();
    let mut tell = |finding: Finding| {
        found.entry(format!("{}{}", finding.subject, finding.message)).or_insert(finding);
    };
    for upload in &case.facts.config.uploads {
        for root in upload.from.iter().chain([&upload.to]) {
            let has_files = case.facts.tree(root).is_some_and(|tree| !tree.files.is_empty());
            if let Some(place) = place(case, root).filter(|_| has_files || *root == upload.to) {
                lasting(upload, root, place).into_iter().for_each(&mut tell);
            }
        }
        if let Some(place) = place(case, &upload.to) {
            writable(upload, place).into_iter().for_each(&mut tell);
        }
    }
    room(case).into_iter().for_each(&mut tell);
    found.into_values().collect()
}

/// Whether what lies there outlives the container.
fn lasting(upload: &Upload, root: &FilePath, place: &MountInfo) -> Option<Finding> {
    let path = root.to_text();
    let subject = format!("{}: {path}", upload.name);
    match place.kind {
        MountKind::Layer => Some(
            RULE.finding(Severity::Warning, subject, "on no volume: what lies there goes with the container")
                .with_hint(format!(
                    "see `docker inspect --format '{{{{json .Mounts}}}}' CONTAINER`; mount one: `-v uploads:{path}`"
                )),
        ),
        MountKind::Memory => Some(
            RULE.finding(Severity::Warning, subject, "in memory: what lies there is gone with the next start")
                .with_hint(format!("mount a volume instead of the tmpfs: `-v uploads:{path}`")),
        ),
        MountKind::Volume | MountKind::Bind | MountKind::LocalStore => None,
    }
}

/// Whether the user that files are given to can write there.
fn writable(upload: &Upload, place: &MountInfo) -> Option<Finding> {
    let there = place.there.to_text();
    if place.read_only {
        let finding = RULE.finding(
            Severity::Warning,
            upload.name.clone(),
            format!("`{there}` is mounted read-only"),
        );
        return Some(finding.with_hint("take `:ro` from the mount"));
    }
    let owner = upload.owner.as_deref()?;
    let (uid, gid) = owner.split_once(':')?;
    if place.lets_write(uid.parse().ok()?, gid.parse().ok()?) {
        return None;
    }
    let message = format!(
        "`{there}` ({}:{}, mode {:04o}) cannot be written by {owner}",
        place.uid, place.gid, place.mode
    );
    let finding = RULE.finding(Severity::Warning, upload.name.clone(), message);
    Some(finding.with_hint(format!("docker exec -u 0 CONTAINER chown {owner} {there}")))
}

/// Whether all that is to be copied fits, on each mount together.
fn room(case: &AnalysisContext) -> Vec<Finding> {
    let mut wanted: BTreeMap<&FilePath, (u64, u64, &MountInfo)> = BTreeMap::new();
    for upload in &case.facts.config.uploads {
        let sorted = compare_upload(case.facts, upload);
        let replacing = sorted.replaces.into_values().flatten().map(|(new, _)| new);
        let files = sorted.moves.into_values().chain(sorted.renames.into_values()).flatten();
        let files: Vec<&FileFact> = files.chain(replacing).collect();
        if let Some(place) = place(case, &upload.to).filter(|_| !files.is_empty()) {
            let entry = wanted.entry(&place.mounted_at).or_insert((0, 0, place));
            entry.0 = entry.0.saturating_add(files.len() as u64);
            entry.1 = files.iter().map(|file| file.size()).fold(entry.1, u64::saturating_add);
        }
    }
    let mut found = Vec::new();
    for (mount, (files, size, place)) in wanted {
        let path = mount.to_text();
        let mut short = |what: String, has: String| {
            let message = format!(
                "{what} are to be copied to the filesystem at `{path}`, which has room for {has}"
            );
            let finding = RULE.finding(Severity::Warning, path.to_string(), message);
            found.push(finding.with_hint(format!(
                "make room: `docker system df -v`, `df -h {path}`, `df -i {path}`"
            )));
        };
        if place.free_bytes < with_margin(size) {
            short(bytes(size), bytes(place.free_bytes));
        }
        if let Some(free) = place.free_files.filter(|free| *free < files.saturating_add(files / 20))
        {
            short(counted(files, "file"), counted(free, "file"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::reference_resolution::tests::{facts, tree, upload};
    use crate::model::diagnosis::Decisions;
    use crate::model::observation::Circumstances;

    fn told(change: impl Fn(&mut MountInfo)) -> Vec<String> {
        let mut facts = facts();
        let mut upload = upload();
        upload.owner = Some("1000:1000".into());
        facts.config.uploads = vec![upload];
        facts.uploads = vec![tree("/new", &[]), tree("/old", &["a=1"])];
        let mut place = MountInfo {
            there: "/new".into(),
            kind: MountKind::Volume,
            mounted_at: "/new".into(),
            filesystem: "ext4".into(),
            read_only: false,
            free_bytes: 1 << 40,
            free_files: Some(1000),
            uid: 1000,
            gid: 1000,
            mode: 0o755,
        };
        change(&mut place);
        let circumstances = Circumstances {
            places: [("/new".to_owned(), place)].into(),
            ..Circumstances::default()
        };
        let decisions = Decisions::default();
        let mut case = AnalysisContext::new(&facts, &decisions);
        case.circumstances = Some(&circumstances);
        examine(&case).into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn a_good_place_is_not_worth_a_word_and_each_bad_one_is() {
        assert_eq!(told(|_| ()), [""; 0]);
        assert!(told(|place| place.kind = MountKind::Layer)[0].contains("on no volume"));
        assert!(told(|place| place.kind = MountKind::Memory)[0].contains("in memory"));
        assert!(told(|place| place.read_only = true)[0].contains("read-only"));
        assert!(told(|place| place.uid = 0)[0].contains("mode 0755"), "group may not write");
        assert!(told(|place| place.free_bytes = 1 << 20)[0].contains("room for 1.0 MB"));
        assert!(told(|place| place.free_files = Some(0))[0].contains("room for 0 files"));
    }
}
