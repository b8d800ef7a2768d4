//! Values in the database that name uploaded files, and in which form they do so.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::files::reference_text::{self, Kind};
use crate::model::names::{Digest, FilePath};

/// How a column spells the file it means.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Only the file's name, directly below the root.
    Name,
    /// A path relative to the root.
    Relative,
    /// A path with a fixed prefix before the part relative to the root.
    Prefixed,
    /// An absolute path.
    Absolute,
    /// A URL, or the path of one, that begins with a fixed prefix.
    Url,
    /// Such URLs anywhere in markdown, HTML or plain text.
    Text,
    /// Such URLs anywhere in JSON.
    Json,
}

impl Form {
    /// All forms as written in a configuration.
    pub const ALL: &[(&str, Form)] = &[
        ("name", Form::Name),
        ("relative", Form::Relative),
        ("prefixed", Form::Prefixed),
        ("absolute", Form::Absolute),
        ("url", Form::Url),
        ("text", Form::Text),
        ("json", Form::Json),
    ];

    /// As a configuration and a report write it.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, form)| *form == self).map_or("", |(word, _)| word)
    }

    /// Whether it needs a prefix.
    pub fn takes_prefix(self) -> bool {
        matches!(self, Self::Prefixed | Self::Url | Self::Text | Self::Json)
    }

    /// Whether a value may name any number of files, or none.
    pub fn is_within_text(self) -> bool {
        matches!(self, Self::Text | Self::Json)
    }

    /// How a value may escape what it names; `None` where the value is the path itself.
    pub fn spelling(self) -> Option<Kind> {
        match self {
            Self::Url | Self::Text => Some(Kind::Text),
            Self::Json => Some(Kind::Json),
            Self::Name | Self::Relative | Self::Prefixed | Self::Absolute => None,
        }
    }
}

/// A column whose values name files of one upload.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    pub table: String,
    pub column: String,
    pub form: Form,
    /// What stands before the relative path, where the form takes one.
    #[serde(default)]
    pub prefix: Option<String>,
    /// What older releases wrote there instead; a plan rewrites it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub formerly: Vec<String>,
}

/// The values found in one such column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Referenced {
    /// The upload's name in the configuration.
    pub upload: String,
    pub reference: Reference,
    /// Whether the table and column are there at all.
    pub present: bool,
    /// `[key, value]`, sorted by key; the key is the primary key as text. Of texts only what names
    /// a file is kept, as it reads without its escapes.
    pub values: Vec<(String, String)>,
    /// The rows that spell a file in an older way, where there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outdated: Option<Outdated>,
}

/// What a value in the database comes to.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ReferenceStatus {
    /// Its file is where it belongs.
    Ok,
    /// Its file is in an old place, or it is spelled as of old.
    Misplaced,
    /// Its file is nowhere.
    Missing,
    /// It is not of the declared form, or what it names is no plain file.
    Invalid,
    /// A place where its file could be could not be read.
    Unknown,
}

impl ReferenceStatus {
    /// As a report writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Misplaced => "misplaced",
            Self::Missing => "missing",
            Self::Invalid => "invalid",
            Self::Unknown => "unknown",
        }
    }
}

/// What `ttplan uploads check` found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UploadsReport {
    /// In the order of the configuration, then by key.
    pub references: Vec<ReferenceReport>,
    /// Files that nothing in the database names, sorted.
    pub unused: Vec<UnusedReport>,
    /// Names with two contents.
    pub conflicts: Vec<ConflictReport>,
}

/// One value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReferenceReport {
    pub table: String,
    pub column: String,
    /// The primary key as text.
    pub key: String,
    /// Of a text only the part that names a file.
    pub value: String,
    pub form: Form,
    pub status: ReferenceStatus,
    /// The absolute path of the file.
    pub found_at: Option<FilePath>,
}

/// One file that nothing names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnusedReport {
    pub root: FilePath,
    pub path: FilePath,
    /// In bytes.
    pub size: u64,
}

/// One name with two contents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConflictReport {
    pub path: FilePath,
    /// The root in which it would be moved from.
    pub from: FilePath,
    /// The root in which the other content is.
    pub with: FilePath,
}

/// Rows that a rewriting would change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Outdated {
    pub rows: u64,
    /// Over their keys and whole values.
    pub sha256: Digest,
}

/// What a value names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Below the root; `None` where it is no such path (an absolute URL, a path that climbs out).
    pub path: Option<FilePath>,
    /// Whether it is spelled as an older release did.
    pub is_outdated: bool,
}

impl Reference {
    /// What `value` names, if it is of the declared form. `from` are the upload's old places, under
    /// which absolute values may still stand. Of texts this takes one thing that
    /// [`parts`](Self::parts) gives.
    pub fn named(&self, value: &str, to: &FilePath, from: &[FilePath]) -> Named {
        let named = |(rest, is_outdated): (&str, bool)| {
            let path = FilePath::new(rest);
            Named { path: Some(path).filter(FilePath::is_plain_relative), is_outdated }
        };
        let found = match self.form {
            Form::Name => Some((value, false)).filter(|(name, _)| !name.contains('/')),
            Form::Relative => Some((value, false)),
            Form::Absolute => below(value, &to.to_text()).map(|rest| (rest, false)).or_else(|| {
                from.iter().find_map(|root| below(value, &root.to_text())).map(|rest| (rest, true))
            }),
            Form::Prefixed => {
                self.behind_prefix(value).map(|(rest, old)| (rest.trim_start_matches('/'), old))
            }
            Form::Url => return self.named_by_url(value),
            Form::Text | Form::Json => self.behind_prefix(value),
        };
        found.map_or(Named { path: None, is_outdated: false }, named)
    }

    /// The parts of a value that name files: of a text whatever begins with a prefix, without its
    /// escapes; otherwise the value itself.
    pub fn parts(&self, value: &str) -> Vec<String> {
        let Some(kind) = self.form.spelling().filter(|_| self.form.is_within_text()) else {
            return vec![value.to_owned()];
        };
        let mut found: Vec<(usize, String)> = Vec::new();
        for prefix in self.prefixes() {
            let mentions = reference_text::mentions(value, prefix, kind).into_iter();
            found.extend(
                mentions.map(|mention| (mention.whole.start, format!("{prefix}{}", mention.path))),
            );
        }
        found.sort();
        // Of two prefixes at one place the longer one is meant, and it sorts with the same text.
        found.dedup();
        found.into_iter().map(|(_, part)| part).collect()
    }

    /// A word without which no value can name a file; empty where any value can.
    pub fn catchword(&self) -> &str {
        match (self.form.is_within_text(), self.prefix.as_deref()) {
            (true, Some(prefix)) if self.formerly.is_empty() => {
                let words = prefix.split(|c: char| !c.is_ascii_alphanumeric());
                words.max_by_key(|word| word.len()).unwrap_or_default()
            }
            _ => "",
        }
    }

    fn prefixes(&self) -> impl Iterator<Item = &str> {
        self.prefix.iter().chain(&self.formerly).map(String::as_str)
    }

    /// What follows the prefix, and whether that is an old one.
    fn behind_prefix<'v>(&self, value: &'v str) -> Option<(&'v str, bool)> {
        let now =
            value.strip_prefix(self.prefix.as_deref().unwrap_or("")).map(|rest| (rest, false));
        now.or_else(|| {
            self.formerly
                .iter()
                .find_map(|old| value.strip_prefix(old.as_str()))
                .map(|rest| (rest, true))
        })
    }

    fn named_by_url(&self, value: &str) -> Named {
        for (n, prefix) in self.prefixes().enumerate() {
            let mentions = reference_text::mentions(value, prefix, Kind::Text);
            let first = mentions.first().filter(|mention| {
                let before = value.get(..mention.whole.start).unwrap_or_default();
                let after = value.get(mention.whole.end..).unwrap_or_default();
                (before.is_empty() || before.contains("//"))
                    && (after.is_empty() || after.starts_with(['?', '#']))
            });
            if let Some(mention) = first {
                let path = FilePath::new(&mention.path);
                return Named {
                    path: Some(path).filter(FilePath::is_plain_relative),
                    is_outdated: n > 0,
                };
            }
        }
        Named { path: None, is_outdated: false }
    }
}

/// What follows a directory in an absolute path.
fn below<'v>(value: &'v str, directory: &str) -> Option<&'v str> {
    value.strip_prefix(directory)?.strip_prefix('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(form: Form, prefix: Option<&str>) -> Reference {
        Reference {
            table: "t".into(),
            column: "c".into(),
            form,
            prefix: prefix.map(str::to_owned),
            formerly: Vec::new(),
        }
    }

    fn path(reference: &Reference, value: &str) -> Option<String> {
        let named = reference.named(value, &"/data/e".into(), &["/old/e".into()]);
        named.path.map(|path| path.to_text().into_owned())
    }

    #[test]
    fn each_form_finds_its_path_and_nothing_that_climbs_out() {
        let name = reference(Form::Name, None);
        assert_eq!(path(&name, "a.png").as_deref(), Some("a.png"));
        assert_eq!(path(&name, "b/a.png"), None);
        assert_eq!(path(&name, ".."), None);
        let prefixed = reference(Form::Prefixed, Some("uploads/receipts/"));
        assert_eq!(path(&prefixed, "uploads/receipts/a.pdf").as_deref(), Some("a.pdf"));
        assert_eq!(path(&prefixed, "uploads/receipts/../../etc/passwd"), None);
        assert_eq!(path(&prefixed, "a.pdf"), None);
        let absolute = reference(Form::Absolute, None);
        assert_eq!(path(&absolute, "/data/e/a.json").as_deref(), Some("a.json"));
        assert_eq!(path(&absolute, "/data/else/a.json"), None);
        let url = reference(Form::Url, Some("/up/"));
        assert_eq!(path(&url, "/up/a%20b.png").as_deref(), Some("a b.png"));
        assert_eq!(path(&url, "https://h.example/up/a.png?v=2").as_deref(), Some("a.png"));
        for elsewhere in [
            "https://h.example/logo.png",
            "/up/..%2f..%2fetc/passwd",
            "/up/",
            "see /up/a.png",
            "a.png",
        ] {
            assert_eq!(path(&url, elsewhere), None, "{elsewhere}");
        }
    }

    #[test]
    fn a_text_names_any_number_of_files_and_the_rest_of_it_is_not_kept() {
        let text = reference(Form::Text, Some("/up/"));
        let parts = text.parts("secret ![a](/up/a%20b.png) and <img src='&#47;up/../c.png'>");
        assert_eq!(parts, ["/up/a b.png", "/up/../c.png"]);
        assert_eq!(path(&text, &parts[0]).as_deref(), Some("a b.png"));
        assert_eq!(path(&text, &parts[1]), None);
        assert_eq!(text.parts("no file"), [""; 0]);
        let json = reference(Form::Json, Some("/up/images/"));
        assert_eq!(
            (json.catchword(), reference(Form::Url, Some("/up/")).catchword()),
            ("images", "")
        );
    }

    #[test]
    fn values_of_an_older_release_are_understood_and_marked() {
        let old = reference(Form::Absolute, None).named(
            "/old/e/a.json",
            &"/data/e".into(),
            &["/old/e".into()],
        );
        assert_eq!(old, Named { path: Some("a.json".into()), is_outdated: true });
        let mut prefixed = reference(Form::Prefixed, Some("new/"));
        prefixed.formerly = vec!["was/".into()];
        assert!(prefixed.named("was/a", &"/d".into(), &[]).is_outdated);
        assert!(!prefixed.named("new/a", &"/d".into(), &[]).is_outdated);
    }
}
