//! Whether the image that the compose files name brings the revisions that the database records.
//! Which revision a release brings is known where the profile says so, and unknown everywhere else.

use crate::doctor::services::{Compose, Service, files, of_application};
use crate::doctor::{Check, DoctorContext};
use crate::model::config::RevisionsConfig;
use crate::model::database::catalogue::Catalogue;
use crate::model::health::Line;
use crate::model::observation::Facts;

/// The record on the shelf.
pub const CHECK: Check = Check { name: "image", examine };

fn examine(patient: &mut DoctorContext<'_>) -> Vec<Line> {
    let Some(revisions) = &patient.config.revisions else { return Vec::new() };
    let (facts, variable) = (&patient.seen.facts, patient.url_variable());
    let mut lines = Vec::new();
    for compose in files(patient.config.root.as_path()).iter().flatten() {
        for service in of_application(compose, variable) {
            if let Some(image) =
                service.image.as_deref().filter(|_| service.environment.contains_key(variable))
            {
                lines.push(of_image(compose, service, image, revisions, facts));
            }
        }
    }
    lines
}

/// The tag of an image; none where it has none or is known by its digest.
fn tag(image: &str) -> Option<&str> {
    let name = image.rsplit('/').next().unwrap_or(image);
    name.split_once(':').map(|(_, tag)| tag).filter(|_| !image.contains('@'))
}

fn of_image(
    compose: &Compose,
    service: &Service,
    image: &str,
    revisions: &RevisionsConfig,
    facts: &Facts,
) -> Line {
    let whose = format!("`{}`: service `{}` runs `{image}`", compose.name, service.name);
    let tag = tag(image);
    let release = tag
        .map(|tag| tag.strip_prefix('v').unwrap_or(tag))
        .and_then(|tag| revisions.releases.get(tag));
    let Some(brought) = release else {
        let why = match tag {
            _ if image.contains('$') => "which one that is depends on a variable",
            None | Some("latest" | "main" | "master" | "edge" | "stable" | "nightly") => {
                "which names no release: the next pull may bring another"
            }
            Some(_) => "a release that nothing is known of here",
        };
        let message = format!("{whose}, {why}; whether it fits the database is unknown");
        return Line::warning(
            CHECK.name,
            message,
            "name the release in the image's tag, or in `[revisions] releases`",
        );
    };
    let recorded = facts.recorded();
    let (brings, has) = (brought.join(", "), recorded.join(", "));
    if recorded.is_empty() {
        return Line::ok(
            CHECK.name,
            format!("{whose}, which brings {brings}; the database records nothing yet"),
        );
    }
    match facts.catalogue.as_ref().and_then(|catalogue| order(catalogue, recorded, brought)) {
        _ if recorded == brought => {
            Line::ok(CHECK.name, format!("{whose}, which is what the database records: {has}"))
        }
        Some(std::cmp::Ordering::Less) => {
            let message = format!(
                "{whose}, which brings {brings}; the database records {has}, and is migrated by its start"
            );
            Line::warning(CHECK.name, message, "ttplan plan")
        }
        Some(_) => {
            let message = format!(
                "{whose}, which brings {brings}; the database records {has}, which is later"
            );
            Line::failure(CHECK.name, message, "run a release that knows the database's revision")
        }
        None => {
            let message =
                format!("{whose}, which brings {brings}; whether {has} fits that is unknown");
            Line::warning(CHECK.name, message, "ttplan plan")
        }
    }
}

/// Whether one head set was recorded before the other; none where the catalogue does not know both.
fn order(catalogue: &Catalogue, one: &[String], other: &[String]) -> Option<std::cmp::Ordering> {
    Some(catalogue.position(one)?.cmp(&catalogue.position(other)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::database::revisions::RecordedRevisions;
    use crate::model::database::version_table::VersionTable;
    use crate::model::health::CheckStatus;

    #[test]
    fn a_tag_is_what_follows_the_last_colon_behind_the_last_slash() {
        assert_eq!(tag("ghcr.io/x/app:5.10.0"), Some("5.10.0"));
        assert_eq!(tag("host:5000/x/app"), None);
        assert_eq!(tag("app@sha256:00"), None);
        assert_eq!(tag("app"), None);
    }

    #[test]
    fn what_nothing_is_known_of_is_unknown() {
        let compose =
            Compose { name: "compose.yml".into(), services: Vec::new(), is_partial: false };
        let service = Service { name: "app".into(), ..Service::default() };
        let revisions = RevisionsConfig {
            system: "x".into(),
            directory: "/app/migrations".into(),
            target: vec!["head".into()],
            catalogue: None,
            sql: None,
            upgrade: None,
            releases: [("2.0".to_owned(), vec!["b".to_owned()])].into(),
        };
        let mut facts = crate::analysis::reference_resolution::tests::facts();
        let line =
            |image: &str, facts: &Facts| of_image(&compose, &service, image, &revisions, facts);
        for image in ["app", "app:latest", "app:${TAG:-2.0}", "app:1.0"] {
            let line = line(image, &facts);
            assert!(
                line.status == CheckStatus::Warning && line.message.contains("is unknown"),
                "{}",
                line.message
            );
        }
        assert!(line("app:2.0", &facts).message.contains("records nothing yet"));
        let table = crate::model::names::ObjectRef::table("main", "versions");
        let book = |ids: &[&str]| RecordedRevisions {
            versions: VersionTable::of_heads(table.clone(), "version_num"),
            width: None,
            recorded: Some(ids.iter().map(|id| (*id).to_owned()).collect()),
        };
        facts.database.book = Some(book(&["b"]));
        assert_eq!(line("app:v2.0", &facts).status, CheckStatus::Ok);
        facts.database.book = Some(book(&["c"]));
        assert!(line("app:2.0", &facts).message.contains("is unknown"));
    }
}
