//! Whether the compose files mount something where uploads belong, and what: a directory that no
//! volume holds goes with its container.

use crate::doctor::services::{Compose, Service, files, of_application};
use crate::doctor::{Check, DoctorContext};
use crate::model::health::Line;
use crate::model::names::FilePath;

/// The record on the shelf.
pub const CHECK: Check = Check { name: "compose", examine };

fn examine(patient: &mut DoctorContext<'_>) -> Vec<Line> {
    let mut roots: Vec<&FilePath> =
        patient.config.uploads.iter().map(|upload| &upload.to).collect();
    roots.sort();
    roots.dedup();
    let variable = patient.url_variable();
    let lines = |read: &Result<Compose, (String, std::io::Error)>| match read {
        Ok(compose) => of_file(compose, variable, &roots),
        Err((name, error)) => {
            vec![Line::warning(
                CHECK.name,
                format!("`{name}` cannot be read: {error}"),
                "check the file",
            )]
        }
    };
    files(patient.config.root.as_path()).iter().flat_map(lines).collect()
}

fn of_file(compose: &Compose, variable: &str, roots: &[&FilePath]) -> Vec<Line> {
    let services = of_application(compose, variable);
    let mut lines: Vec<Line> = roots.iter().map(|root| of_root(compose, &services, root)).collect();
    if compose.is_partial {
        let message =
            format!("`{}` takes parts from elsewhere, which were not read here", compose.name);
        lines.push(Line::warning(CHECK.name, message, "docker compose config"));
    }
    lines
}

fn of_root(compose: &Compose, services: &[&Service], root: &FilePath) -> Line {
    let (name, path) = (&compose.name, root.to_text());
    let mounted = services.iter().find_map(|service| Some((service, service.mount_of(root)?)));
    match mounted {
        Some((service, (source, target))) => {
            let source = if source.is_empty() { "a volume without a name" } else { source };
            let message = format!(
                "`{name}`: `{}` mounts `{source}` at `{target}`, which holds `{path}`",
                service.name
            );
            Line::ok(CHECK.name, message)
        }
        None => {
            let message = format!(
                "`{name}` mounts nothing at or above `{path}`: what lies there goes with the container"
            );
            Line::warning(
                CHECK.name,
                message,
                format!("under `volumes:` of the service: `- uploads:{path}`"),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::health::CheckStatus;

    const FILE: &str = "services:
  app:
    environment:
      - DATABASE_URL=x
    volumes:
      - app_data:/data
      - ./up:/app/app/static/uploads:ro
  db:
    volumes:
      - all:/app
";

    #[test]
    fn a_directory_that_no_volume_of_the_application_holds_is_told_of() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("docker-compose.yml"), FILE).unwrap();
        let compose = files(directory.path()).remove(0).unwrap();
        let roots =
            ["/app/app/static/uploads/logos", "/app/uploads", "/data/uploads"].map(FilePath::from);
        let lines = of_file(&compose, "DATABASE_URL", &roots.iter().collect::<Vec<_>>());
        let told: Vec<_> = lines.iter().map(|line| (line.status, line.message.as_str())).collect();
        assert_eq!(
            told[0],
            (
                CheckStatus::Ok,
                "`docker-compose.yml`: `app` mounts `./up` at `/app/app/static/uploads`, which holds `/app/app/static/uploads/logos`"
            )
        );
        // What the database's container mounts is of no use to the application.
        assert!(
            told[1].0 == CheckStatus::Warning
                && told[1].1.contains("nothing at or above `/app/uploads`")
        );
        assert_eq!((told[2].0, told.len()), (CheckStatus::Ok, 3));
    }
}
