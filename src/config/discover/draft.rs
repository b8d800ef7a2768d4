//! A first `ttplan.toml` out of what was found, with comments for who goes on with it.

use std::fmt::Write as _;

use crate::config::discover::{Discovery, Migrations};
use crate::config::resolve::URL_VARIABLE;

const HEAD: &str = "\
# What ttplan has to know of this application. Relative paths are relative to `[app] root`.
# `${NAME}` and `${NAME:-default}` are filled in from the environment; `$$` is a dollar sign.
version = 1
";

const SITE: &str = "
# The label of this site. A host accepts only plans that are made for it.
# site = \"production\"
";

const ROOT: &str = "
[app]
# Relative to this file.
root = \".\"
";

const TABLES: &str = "
[tables]
# The tables that the application cannot be without, each with columns that show that it is
# this application's table and not another's of the same name.
# core = { users = [\"username\", \"role\"] }
# What to do with tables that nothing explains: \"drop\", \"quarantine\" or \"keep\".
unexpected = \"keep\"
";

const UPLOADS: &str = "
# Files that were uploaded: where they may still lie, where they belong, and which columns name them.
# [[uploads]]
# name = \"avatars\"
# from = [\"static/uploads/avatars\"]
# to = \"/data/uploads/avatars\"
# references = [{ table = \"users\", column = \"avatar\", form = \"name\" }]
";

impl Discovery {
    /// The text of a `ttplan.toml` for what was found. It can be read as it is, and holds no
    /// secret.
    pub fn to_toml(&self) -> String {
        let mut text = HEAD.to_owned();
        if let Some((profile, files)) = &self.profile {
            comment(
                &mut text,
                &format!(
                    "Recognised by {}. What stands below wins over the profile.",
                    files.join(", ")
                ),
            );
            let _ = writeln!(text, "profile = {}", quoted(profile));
        }
        text.push_str(SITE);
        text.push_str(ROOT);
        if let Some(root) = &self.image_root {
            comment(
                &mut text,
                &format!("In the image of the Dockerfile the application lies in {root}."),
            );
        }
        self.database(&mut text);
        if self.profile.is_none() {
            match &self.revisions {
                Some(found) => self.revisions(&mut text, found),
                None => text.push_str(
                    "\n# No migrations were recognised: describe them under `[revisions]`.\n",
                ),
            }
            text.push_str(TABLES);
            text.push_str(UPLOADS);
        }
        for (file, volume) in &self.volumes {
            comment(&mut text, &format!("A volume in {file}: {volume}"));
        }
        for file in &self.unread {
            comment(&mut text, &format!("Could not be read, so nothing is known of it: {file}"));
        }
        text
    }

    fn database(&self, text: &mut String) {
        text.push_str("\n[database]\n");
        let name = self.url_variable();
        match (&self.url_variable, self.databases.as_slice()) {
            (Some((_, files)), _) => {
                comment(text, &format!("{name} is set in {}.", files.join(", ")));
            }
            (None, []) => {
                comment(text, &format!("Nothing here says where the database is: set {name}."));
            }
            (None, databases) => comment(text, &format!("Found: {}", databases.join(", "))),
        }
        let default = match (&self.url_variable, self.databases.first()) {
            (None, Some(database)) => format!(":-sqlite:///{database}"),
            _ => String::new(),
        };
        let _ = writeln!(text, "url = \"${{{name}{default}}}\"");
    }

    fn revisions(&self, text: &mut String, found: &Migrations) {
        let Migrations { system, directory, found_by, command, check, env } = found;
        text.push_str("\n[revisions]\n");
        comment(text, &format!("As {found_by} says."));
        let _ = writeln!(text, "system = {}\ndirectory = {}", quoted(system), quoted(directory));
        text.push_str("target = \"heads\"\n\n[revisions.upgrade]\n# Run as it stands here, never through a shell.\n");
        let words =
            |words: &[String]| words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(", ");
        let _ = writeln!(text, "command = [{}]\ncheck = [{}]", words(command), words(check));
        let env = env
            .iter()
            .map(|(name, value)| format!("{name} = {}", quoted(value)))
            .collect::<Vec<_>>();
        if !env.is_empty() {
            let _ = writeln!(text, "env = {{ {} }}", env.join(", "));
        }
        let _ = writeln!(text, "url_variable = {}\ntimeout = \"15m\"", quoted(self.url_variable()));
    }

    fn url_variable(&self) -> &str {
        self.url_variable.as_ref().map_or(URL_VARIABLE, |(name, _)| name)
    }
}

fn comment(text: &mut String, line: &str) {
    let _ = writeln!(text, "# {line}");
}

/// A TOML string that means exactly `text`.
fn quoted(text: &str) -> String {
    toml::Value::String(text.replace('$', "$$")).to_string()
}
