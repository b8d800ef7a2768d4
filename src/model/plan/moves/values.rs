//! What single values of moves have to be: file names, paths, modes, owners.

use crate::model::files::location::Location;
use crate::model::names::FilePath;

/// As long as a file name may be nearly everywhere, with room for what the runner adds.
const LONGEST_NAME: usize = 200;

/// Why this cannot be the name of a copy in a run's folder.
pub fn name(name: &str) -> Option<String> {
    let plain = !name.contains('/')
        && name.len() <= LONGEST_NAME
        && !name.chars().any(char::is_control)
        && FilePath::new(name).is_plain_relative();
    (!plain).then(|| format!("`{name}` is not a plain file name"))
}

/// Why this cannot be a run's id.
pub fn run(run: &str) -> Option<String> {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (run.len() != 16 || !run.bytes().all(digit)).then(|| format!("`{run}` is no run"))
}

/// Why one of these cannot be a place.
pub fn places<'a>(places: impl IntoIterator<Item = &'a Location>) -> Option<String> {
    let odd = places.into_iter().find(|place| !place.is_plain())?;
    Some(format!("`{}` is not a plain absolute path", odd.to_text()))
}

/// Why one of these cannot be an absolute path.
pub fn paths<'a>(paths: impl IntoIterator<Item = &'a FilePath>) -> Option<String> {
    let odd = paths.into_iter().find(|path| !path.is_plain_absolute())?;
    Some(format!("`{}` is not a plain absolute path", odd.to_text()))
}

/// Why files cannot go from one of these to the other.
pub fn apart(from: &Location, to: &Location) -> Option<String> {
    let inside = from.is_within(to) || to.is_within(from);
    inside.then(|| format!("`{}` and `{}` lie one within the other", from.to_text(), to.to_text()))
}

/// Why this cannot be the mode of a file (`0777` at most) or of a directory (setgid too).
pub fn mode(mode: Option<&str>, highest: u32) -> Option<String> {
    let mode = mode?;
    let fits = mode.bytes().all(|byte| (b'0'..=b'7').contains(&byte))
        && u32::from_str_radix(mode, 8).is_ok_and(|mode| mode & !highest == 0);
    (!fits).then(|| format!("`{mode}` is not a mode up to {highest:o}"))
}

/// Why this cannot be an owner.
pub fn owner(owner: Option<&str>) -> Option<String> {
    let owner = owner?;
    let is_id =
        |id: &str| id.bytes().all(|byte| byte.is_ascii_digit()) && id.parse::<u32>().is_ok();
    let fits = owner.split_once(':').is_some_and(|(user, group)| is_id(user) && is_id(group));
    (!fits).then(|| format!("`{owner}` is not an owner as `uid:gid`"))
}

/// Mode and owner as lines, where they are said.
pub fn attributes(mode: Option<&str>, owner: Option<&str>) -> Vec<String> {
    let mode = mode.map(|mode| format!("mode {mode}"));
    let owner = owner.map(|owner| format!("owner {owner}"));
    mode.into_iter().chain(owner).collect()
}

/// Where a copy is kept, as a line.
pub fn kept(name: &str, directory: Option<&FilePath>) -> String {
    match directory {
        Some(directory) => format!("as `{name}` in `{}`", directory.to_text()),
        None => format!("as `{name}` in the run's own folder"),
    }
}

/// The bits that a file's mode may have.
pub const FILE_MODE: u32 = 0o777;

/// The bits that a directory's mode may have: setgid as well, which hands the group down.
pub const DIRECTORY_MODE: u32 = 0o2777;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_modes_and_owners_are_plain() {
        assert!(name("drop_table-a606d048").is_none());
        for odd in ["", "..", "a/b", "a\nb", &"x".repeat(201)] {
            assert!(name(odd).is_some(), "{odd}");
        }
        assert!(run("0123456789abcdef").is_none());
        assert!(run("0123456789ABCDEF").is_some() && run("../../../../etc/x").is_some());
        assert!(mode(Some("0644"), FILE_MODE).is_none() && mode(Some("4755"), FILE_MODE).is_some());
        assert!(mode(Some("2775"), DIRECTORY_MODE).is_none());
        assert!(mode(Some("4775"), DIRECTORY_MODE).is_some() && mode(Some("+7"), 0o777).is_some());
        assert!(owner(Some("1000:1000")).is_none() && owner(Some("root:root")).is_some());
    }
}
