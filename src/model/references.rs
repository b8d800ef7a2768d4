//! Values in the database that name uploaded files, and in which form they do so.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a column spells the file it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
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
}

impl Form {
    /// All forms as written in a configuration.
    pub const ALL: &[(&str, Form)] = &[
        ("name", Form::Name),
        ("relative", Form::Relative),
        ("prefixed", Form::Prefixed),
        ("absolute", Form::Absolute),
    ];
}

/// A column whose values name files of one upload.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    pub table: String,
    pub column: String,
    pub form: Form,
    /// With `form = "prefixed"`: what stands before the relative path.
    #[serde(default)]
    pub prefix: Option<String>,
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
    /// `[key, value]`, sorted by key; the key is the primary key as text.
    pub values: Vec<(String, String)>,
}

impl Reference {
    /// The path below the root that `value` means, or `None` where the value is not of the
    /// declared form (an absolute URL, a path that climbs out, an empty text).
    pub fn relative_path<'a>(&self, value: &'a str, root: &str) -> Option<&'a str> {
        let path = match self.form {
            Form::Name if value.contains('/') => return None,
            Form::Name | Form::Relative => value,
            Form::Prefixed => value.strip_prefix(self.prefix.as_deref().unwrap_or(""))?.trim_start_matches('/'),
            Form::Absolute => value.strip_prefix(root)?.strip_prefix('/')?,
        };
        let plain = crate::model::names::FilePath::new(path).is_plain_relative();
        plain.then_some(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(form: Form, prefix: Option<&str>) -> Reference {
        Reference { table: "t".into(), column: "c".into(), form, prefix: prefix.map(str::to_owned) }
    }

    #[test]
    fn each_form_finds_its_path_and_nothing_that_climbs_out() {
        let name = reference(Form::Name, None);
        assert_eq!(name.relative_path("a.png", "/x"), Some("a.png"));
        assert_eq!(name.relative_path("b/a.png", "/x"), None);
        assert_eq!(name.relative_path("..", "/x"), None);
        let prefixed = reference(Form::Prefixed, Some("uploads/receipts/"));
        assert_eq!(prefixed.relative_path("uploads/receipts/a.pdf", "/x"), Some("a.pdf"));
        assert_eq!(prefixed.relative_path("uploads/receipts/../../etc/passwd", "/x"), None);
        assert_eq!(prefixed.relative_path("a.pdf", "/x"), None);
        let absolute = reference(Form::Absolute, None);
        assert_eq!(absolute.relative_path("/data/e/a.json", "/data/e"), Some("a.json"));
        assert_eq!(absolute.relative_path("/data/else/a.json", "/data/e"), None);
    }
}
