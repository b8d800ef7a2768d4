//! Stories of files: where they lie, whose names are taken, which rows name them.

use ttplan::model::config::OnConflict;
use ttplan::model::database::schema::Attachment;
use ttplan::model::files::references::{Form, Outdated, Reference};
use ttplan::model::files::uploads::{MountInfo, MountKind, Odd, OddKind, RootState};
use ttplan::model::names::{Digest, ObjectKind};

use crate::site::{NEW, OLD, Site};
use crate::stories::{Story, story};

pub fn stories() -> Vec<Story> {
    let two_contents = |choice: OnConflict| {
        move |site: &mut Site| {
            site.upload().on_conflict = choice;
            site.file(OLD, "ada.png", "another ada");
        }
    };
    let same_content = |site: &mut Site| {
        let there = site.tree(NEW).files[0].clone();
        site.tree(OLD).files[0] = there;
    };
    vec![
        story("files_in_old_place", "Two avatars lie where an older release kept them.")
            .at(|site| {
                site.file(OLD, "bob.png", "bob");
                site.user("2", "bob.png");
            })
            .finding("files_in_old_place")
            .step("move_files")
            .but("nothing lies there", |site| site.tree(OLD).files.clear()),
        story("first_move", "The directory that files belong in is not there yet.")
            .at(|site| {
                site.file(OLD, "bob.png", "bob");
                site.references[0].values.clear();
                site.tree(NEW).files.clear();
                site.tree(NEW).state = RootState::Missing;
            })
            .step("make_directory")
            .but("it is there", |site| site.tree(NEW).state = RootState::Present),
        story("missing_file", "A row names an avatar that is nowhere.")
            .at(|site| site.user("2", "bob.png"))
            .finding("missing_file")
            .but("the avatar is there", |site| site.file(NEW, "bob.png", "bob")),
        story("odd_upload", "A symbolic link lies among the avatars.")
            .at(|site| {
                let odd = Odd { path: "bob.png".into(), what: OddKind::Symlink };
                site.tree(OLD).odd.push(odd);
            })
            .finding("odd_upload")
            .but("it does not", |site| site.tree(OLD).odd.clear()),
        story("outdated_reference", "Rows spell their avatars as an older release did.")
            .at(outdated)
            .finding("outdated_reference")
            .step("rewrite_references")
            .but("none was counted", |site| site.references[0].outdated = None),
        story("trigger_on_written_table", "A trigger acts when the rows would be rewritten.")
            .at(|site| {
                outdated(site);
                site.table("users").attachments = vec![Attachment {
                    kind: ObjectKind::Trigger,
                    name: "sweeping".to_owned(),
                    definition: "CREATE TRIGGER sweeping".to_owned(),
                }];
            })
            .finding("trigger_on_written_table")
            .but("there is none", |site| site.table("users").attachments.clear()),
        story("released_source", "An avatar that was moved lies in the old place still.")
            .at(|site| site.file(OLD, "ada.png", "ada"))
            .finding("released_source")
            .but("its copy has another content", |site| {
                site.tree(NEW).files[0].2 = Digest::of("another ada");
            }),
        story("release_sources", "It was decided to release what was moved.")
            .at(|site| {
                site.file(OLD, "ada.png", "ada");
                site.decisions.release_sources = true;
            })
            .step("release_sources")
            .but("nobody decided so", |site| site.decisions.release_sources = false),
        story("upload_conflict", "A name has two contents, and nobody said which is right.")
            .at(two_contents(OnConflict::Stop))
            .finding("upload_conflict")
            .but("both have the same content", same_content),
        story("upload_conflict_replace", "A name has two contents, and the old place is right.")
            .at(two_contents(OnConflict::Replace))
            .step("replace_files")
            .but("the new place is right", |site| {
                site.upload().on_conflict = OnConflict::KeepDestination;
            }),
        story("upload_conflict_rename", "A name has two contents, and both are right.")
            .at(|site| {
                two_contents(OnConflict::Rename)(site);
                site.references[0].values.clear();
            })
            .step("move_files")
            .but("a row names the file, so nobody can tell which of the two it means", |site| {
                site.user("1", "ada.png");
            }),
        story("upload_place", "The new place is in the container's own layer.")
            .at(|site| {
                let place = MountInfo {
                    there: NEW.into(),
                    kind: MountKind::Layer,
                    mounted_at: "/".into(),
                    filesystem: "overlay".to_owned(),
                    read_only: false,
                    free_bytes: 1 << 34,
                    free_files: Some(1 << 20),
                    uid: 1000,
                    gid: 1000,
                    mode: 0o755,
                };
                site.observation.circumstances.places.insert(NEW.to_owned(), place);
            })
            .finding("upload_place")
            .but("it is on a volume", |site| {
                for place in site.observation.circumstances.places.values_mut() {
                    place.kind = MountKind::Volume;
                }
            }),
        story("upload_root", "The new place is a link to a directory.")
            .at(|site| site.tree(NEW).state = RootState::NotADirectory)
            .finding("upload_root")
            .but("it is the directory itself", |site| site.tree(NEW).state = RootState::Present),
    ]
}

/// A row names its avatar as an older release did.
fn outdated(site: &mut Site) {
    let reference = Reference {
        form: Form::Prefixed,
        prefix: Some("uploads/".to_owned()),
        formerly: vec!["static/".to_owned()],
        ..site.references[0].reference.clone()
    };
    site.upload().references = vec![reference.clone()];
    site.references[0].reference = reference;
    site.references[0].values = vec![("1".to_owned(), "static/ada.png".to_owned())];
    let sha256 = Digest::of("the keys and values");
    site.references[0].outdated = Some(Outdated { rows: 1, sha256 });
}
