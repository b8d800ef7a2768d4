//! Profiles: an application's defaults. Those that come with ttplan are TOML files beside this
//! one; a path to a file of one's own does as well.
//!
//! A profile is written like `ttplan.toml`, without `profile` and with one table more:
//! `[recognise]` lists files that show, all together, that a directory holds the application.

use std::path::Path;

use toml::Spanned;
use toml::de::DeTable;

use crate::config::file::head;
use crate::config::source::{ConfigText, ConfigTexts};
use crate::config::suggest::nearest;
use crate::error::{Error, Kind, Result};

/// The profiles that come with ttplan: name and text.
pub const ALL: &[(&str, &str)] = &[("timetracker", include_str!("profiles/timetracker.toml"))];

/// The catalogues that come with them: profile, engine, document.
pub const CATALOGUES: &[(&str, &str, &[u8])] = &[
    ("timetracker", "postgres", include_bytes!("profiles/timetracker-postgres.json.zst")),
    ("timetracker", "sqlite", include_bytes!("profiles/timetracker-sqlite.json.zst")),
];

/// The text of the profile `name`, to be placed behind `before`. What holds a `/` or ends in
/// `.toml` is a path, relative to `base`.
pub fn open(name: &str, base: &Path, before: Option<&ConfigText>) -> Result<ConfigText> {
    if let Some((name, text)) = ALL.iter().find(|(known, _)| *known == name) {
        return Ok(ConfigText::new(format!("profile {name}"), text, before));
    }
    if name.contains('/') || name.ends_with(".toml") {
        let path = base.join(name);
        let text = ConfigText::read(&path, before)?;
        return Ok(if is_own(&path, base) { text } else { text.kept_secret() });
    }
    let names = || ALL.iter().map(|(known, _)| *known);
    let error = Error::new(Kind::Config, format!("there is no profile `{name}`"));
    Err(match nearest(name, names()) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint(format!(
            "choose `{}`, or give the path of a file",
            names().collect::<Vec<_>>().join("`, `")
        )),
    })
}

/// Whether a file lies below a directory, wherever links lead.
pub fn is_own(path: &Path, directory: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    real(path).zip(real(directory)).is_some_and(|(path, directory)| path.starts_with(directory))
}

/// The table of a profile without what only a profile has.
pub fn table(source: &ConfigText) -> Result<Spanned<DeTable<'_>>> {
    if let Some(profile) = head(source)?.profile {
        return Err(ConfigTexts(vec![source])
            .error("a profile cannot name a profile itself", profile.span()));
    }
    let mut table = source.parse()?;
    table.get_mut().remove("recognise");
    Ok(table)
}

/// The built-in profile whose files are all below `directory`, with these files.
pub fn recognised(directory: &Path) -> Result<Option<(&'static str, Vec<String>)>> {
    for (name, text) in ALL {
        let files =
            head(&ConfigText::new(*name, text, None))?.recognise.map(|recognise| recognise.files);
        let files = files.unwrap_or_default();
        if !files.is_empty() && files.iter().all(|file| directory.join(file).is_file()) {
            return Ok(Some((name, files)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_profile_is_answered_with_the_nearest_or_with_all() {
        for (name, _) in ALL {
            let error = open(&format!("{name}_"), Path::new("/"), None).err().unwrap();
            assert_eq!(error.hints(), [format!("did you mean `{name}`?")]);
            let error = open("", Path::new("/"), None).err().unwrap();
            assert!(error.hints()[0].contains(name), "{:?}", error.hints());
        }
    }

    #[test]
    fn a_profile_names_no_profile() {
        let source = ConfigText::new("p", "version = 1\nprofile = 'x'", None);
        assert!(table(&source).err().unwrap().message().contains("itself"));
    }

    #[test]
    fn every_profile_can_be_recognised() {
        for (name, text) in ALL {
            let source = ConfigText::new(*name, text, None);
            assert!(table(&source).is_ok(), "{name}");
            assert!(!head(&source).unwrap().recognise.unwrap().files.is_empty(), "{name}");
        }
    }
}
