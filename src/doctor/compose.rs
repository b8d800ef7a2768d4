//! Whether the compose files mount something where uploads belong. Reads of them only what is mounted where; a file that
//! cannot be read so is told of as that.

use std::io::Read;
use std::path::Path;

use crate::doctor::{Check, Patient};
use crate::model::health::Line;
use crate::model::names::FilePath;

/// The record on the shelf.
pub const CHECK: Check = Check { name: "compose", examine };

/// A compose file is written by hand; of a larger file no more is read.
const LARGEST: u64 = 1024 * 1024;

fn examine(patient: &mut Patient<'_>) -> Vec<Line> {
    let mut roots: Vec<&FilePath> = patient.config.uploads.iter().map(|upload| &upload.to).collect();
    roots.sort();
    roots.dedup();
    let Ok(entries) = std::fs::read_dir(patient.config.root.as_path()) else { return Vec::new() };
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(|path| is_compose(path)).collect();
    files.sort();
    files.iter().flat_map(|file| of_file(file, &roots)).collect()
}

fn is_compose(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is_yaml = name.ends_with(".yml") || name.ends_with(".yaml");
    is_yaml && (name.starts_with("docker-compose") || name.starts_with("compose")) && path.is_file()
}

fn of_file(file: &Path, roots: &[&FilePath]) -> Vec<Line> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let mut text = String::new();
    let read = std::fs::File::open(file).and_then(|file| file.take(LARGEST).read_to_string(&mut text));
    if let Err(error) = read {
        return vec![Line::warning(CHECK.name, format!("`{name}` cannot be read: {error}"), "check the file")];
    }
    let mounted = mounted(&text);
    let is_held = |root: &FilePath| mounted.iter().any(|target| root.is_within(&FilePath::new(target)));
    let lost: Vec<&&FilePath> = roots.iter().filter(|root| !is_held(root)).collect();
    if lost.is_empty() {
        return vec![Line::ok(CHECK.name, format!("`{name}` mounts something wherever uploads belong"))];
    }
    let line = |root: &&FilePath| {
        let path = root.to_text();
        let message = format!("`{name}` mounts nothing at or above `{path}`: what lies there goes with the container");
        Line::warning(CHECK.name, message, format!("under `volumes:` of the service: `- uploads:{path}`"))
    };
    lost.into_iter().map(line).collect()
}

/// Where the services mount something: of `- SOURCE:/target:ro` and `target: /target` the target.
fn mounted(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    // The indentation of the `volumes:` that the lines stand below.
    let mut below: Option<usize> = None;
    for line in text.lines() {
        let line = line.split(" #").next().unwrap_or(line).trim_end();
        let content = line.trim_start();
        let indent = line.len() - content.len();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        // A list may stand at the same depth as its key.
        if below.is_some_and(|depth| indent < depth || indent == depth && !content.starts_with('-')) {
            below = None;
        }
        if content == "volumes:" && indent > 0 {
            below = Some(indent);
        } else if below.is_some() {
            found.extend(target(content));
        }
    }
    found
}

fn target(content: &str) -> Option<String> {
    let plain = |text: &str| text.trim().trim_matches(['"', '\'']).trim_end_matches('/').to_owned();
    let item = content.trim_start_matches("- ");
    if let Some(target) = item.strip_prefix("target:") {
        return Some(plain(target));
    }
    // The source may hold colons of its own: `${DATA:-./data}:/data`.
    let item = plain(item);
    let (_, target) = item.rsplit_once(":/")?;
    let target = target.split(':').next().unwrap_or(target);
    Some(format!("/{}", target.trim_end_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "services:
  app:
    image: x
    volumes:
      - app_data:/data
      - \"${UPLOADS:-./up}:/app/app/static/uploads/:ro\"  # a comment
      # - old:/app/uploads
      - type: bind
        source: ./logs
        target: /app/logs
    environment:
      - X=/app/uploads:/app/uploads
  db:
    volumes:
    - db:/var/lib/db
volumes:
  app_data:
    driver: local
";

    #[test]
    fn what_is_mounted_is_read_and_nothing_else() {
        assert_eq!(mounted(FILE), ["/data", "/app/app/static/uploads", "/app/logs", "/var/lib/db"]);
    }

    #[test]
    fn a_directory_that_no_volume_holds_is_told_of() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("docker-compose.yml");
        std::fs::write(&file, FILE).unwrap();
        let roots = ["/app/app/static/uploads/logos", "/app/uploads", "/data/uploads"].map(FilePath::from);
        let lines = of_file(&file, &roots.iter().collect::<Vec<_>>());
        assert_eq!(lines.len(), 1);
        assert!(lines[0].message.contains("`/app/uploads`"), "{}", lines[0].message);
        assert!(of_file(&file, &[&roots[2]])[0].message.contains("wherever"));
    }
}
