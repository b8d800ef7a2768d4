//! Whether the host says the same of its application as the plan does: its commands by their names,
//! its version table, the columns that name files. What differs is refused with the line of the
//! host's own file that would permit it. Must never believe the plan about any of it.

use crate::model::database::version_table::VersionTable;
use crate::model::files::rewriting::Rewriting;
use crate::model::host::HostConfig;
use crate::model::host_command::HostCommand;
use crate::model::host_profile::{HostProfile, line_of_column, line_of_version_table};
use crate::model::names::ObjectRef;
use crate::model::plan::step::{Run, RunCheck};
use crate::trust::offence::Offence;

/// What the host does not say of a command, its check included.
pub(in crate::trust) fn command(run: &Run, site: &HostConfig) -> Option<Offence> {
    let asked = run.as_host_command();
    let differs = |known: &HostCommand| known.differing(&asked);
    let file = site.file.to_text();
    match site.commands.get(&run.command) {
        None => Some(Offence::new(
            "command_not_permitted",
            format!("the host permits no command `{}` (`{}`)", run.command, run.argv.join(" ")),
            format!("permit it in `{file}`: {}", asked.line(&run.command)),
        )),
        Some(known) if !differs(known).is_empty() => Some(Offence::new(
            "command_differs",
            format!(
                "the command `{}` is not the host's: {} differs (`{}`, the host's is `{}`)",
                run.command,
                differs(known).join(", "),
                run.argv.join(" "),
                known.argv.join(" "),
            ),
            format!("permit it in `{file}`: {}", asked.line(&run.command)),
        )),
        Some(_) => run.check.as_ref().and_then(|check| check_of(check, &asked, site)),
    }
}

fn check_of(check: &RunCheck, beside: &HostCommand, site: &HostConfig) -> Option<Offence> {
    let name = &check.command;
    let asked = HostCommand { argv: check.argv.clone(), timeout_seconds: None, ..beside.clone() };
    let hint = format!("permit it in `{}`: {}", site.file.to_text(), asked.line(name));
    match site.commands.get(name) {
        Some(known) if known.argv == check.argv => None,
        Some(known) => Some(Offence::new(
            "command_differs",
            format!(
                "the check `{name}` is not the host's: argv differs (`{}`, the host's is `{}`)",
                check.argv.join(" "),
                known.argv.join(" ")
            ),
            hint,
        )),
        None => Some(Offence::new(
            "command_not_permitted",
            format!("the host permits no command `{name}` (`{}`)", check.argv.join(" ")),
            hint,
        )),
    }
}

/// Recording revisions anywhere but in the host's version table.
pub(in crate::trust) fn version_table(
    versions: &VersionTable,
    site: &HostConfig,
) -> Option<Offence> {
    table_of_versions(&versions.table, Some(versions.column()), site)
}

/// The same of a table that is dropped as the version table.
pub(in crate::trust) fn table_of_versions(
    table: &ObjectRef,
    column: Option<&str>,
    site: &HostConfig,
) -> Option<Offence> {
    let profile = site.profile.as_ref();
    if profile.is_some_and(|profile| profile.permits_stamp(table, column)) {
        return None;
    }
    let named = column.map_or(String::new(), |column| format!("`{column}` of "));
    let known = profile.and_then(|profile| profile.version_table.as_ref());
    let known = known.map_or("it names none".to_owned(), |known| {
        format!("it is `{}` of `{}`", known.column, known.table)
    });
    let written = format!("{}.{}", table.schema, table.name);
    Some(Offence::new(
        "profile_differs",
        format!("{named}{table} is not the version table that the host's profile names: {known}"),
        in_profile(site, &line_of_version_table(&written)),
    ))
}

/// Rewriting references in a column that the host's profile does not name.
pub(in crate::trust) fn rewrite(rewriting: &Rewriting, site: &HostConfig) -> Option<Offence> {
    let (table, column) = (&rewriting.table, &rewriting.column);
    let permits = |profile: &HostProfile| profile.permits_rewrite(table, column);
    if site.profile.as_ref().is_some_and(permits) {
        return None;
    }
    Some(Offence::new(
        "profile_differs",
        format!("`{column}` of {table} is no column that the host's profile names as a reference"),
        in_profile(site, &line_of_column(&table.name, column)),
    ))
}

/// Where the line of a profile goes.
fn in_profile(site: &HostConfig, line: &str) -> String {
    let file = site.file.to_text();
    let own = site.profile.as_ref().map(|profile| profile.source.as_str());
    match own.filter(|source| source.starts_with('/')) {
        Some(own) => format!("permit it in `{own}`, the profile of `{file}`: {line}"),
        None => {
            format!("permit it in a profile that `{file}` names by `profile = \"FILE\"`: {line}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::test_plans;

    #[test]
    fn a_command_is_the_hosts_to_the_last_word_or_refused_with_the_line_that_permits_it() {
        let site = test_plans::site();
        let run = test_plans::run();
        assert_eq!(command(&run, &site), None);
        let mut other = run.clone();
        other.command = "downgrade".into();
        let offence = command(&other, &site).unwrap();
        assert_eq!(offence.reason.code, "command_not_permitted");
        assert!(offence.hint.contains("commands.downgrade = { argv = ["), "{}", offence.hint);
        type Change = (&'static str, fn(&mut Run));
        let changes: [Change; 8] = [
            ("argv", |run| run.argv.push("--sql".into())),
            ("argv", |run| run.argv[0] = "flask".into()),
            ("directory", |run| run.directory = "/tmp".into()),
            ("env", |run| drop(run.env.insert("LD_PRELOAD".into(), "/tmp/x.so".into()))),
            ("env", |run| run.env.clear()),
            ("pass", |run| run.pass.push("PYTHONPATH".into())),
            ("url_variable", |run| run.url_variable = Some("PATH".into())),
            ("timeout", |run| run.timeout_seconds += 1),
        ];
        for (key, change) in changes {
            let mut other = run.clone();
            change(&mut other);
            let offence = command(&other, &site).unwrap();
            assert_eq!(offence.reason.code, "command_differs");
            assert!(
                offence.reason.message.contains(&format!("{key} differs")),
                "{}",
                offence.reason.message
            );
        }
        let mut other = run;
        other.check = Some(RunCheck { command: "upgrade".into(), argv: vec!["/bin/x".into()] });
        assert_eq!(command(&other, &site).unwrap().reason.code, "command_differs");
    }
}
