//! `[links]` of host.toml: the symbolic links on the way to permitted places, each with what it says.
//! Never looks at a link itself.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use crate::config::source::ConfigTexts;
use crate::error::Result;
use crate::model::names::FilePath;

/// As it is written: where a link stands, and what it says.
#[derive(Default, Deserialize)]
#[serde(transparent)]
pub struct WrittenLinks(BTreeMap<Spanned<String>, Spanned<String>>);

impl WrittenLinks {
    /// Refuses what can be no link.
    pub fn read(self, sources: &ConfigTexts<'_>) -> Result<BTreeMap<FilePath, FilePath>> {
        let link = |(at, says): (Spanned<String>, Spanned<String>)| {
            let (place, target) = (FilePath::new(at.get_ref()), FilePath::new(says.get_ref()));
            if !place.is_plain_absolute() || place.as_bytes() == b"/" {
                let message = "a link of the host is named by its plain absolute path";
                return Err(sources.error(message, at.span()));
            }
            if target.as_bytes().is_empty() || target.as_bytes().contains(&0) {
                let message = "write what the link says, as `readlink` prints it";
                return Err(sources.error(message, says.span()));
            }
            Ok((place, target))
        };
        self.0.into_iter().map(link).collect()
    }
}
