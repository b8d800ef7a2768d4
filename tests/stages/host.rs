//! Stories of the host: what it permits beside what the configuration says.

use std::collections::BTreeMap;

use ttplan::model::host::HostFacts;
use ttplan::model::host_command::{CHECK, HostCommand, UPGRADE};
use ttplan::model::host_profile::{HostProfile, HostVersionTable};

use crate::site::{Site, VERSION_COLUMN, words};
use crate::stories::{Story, story};

pub fn stories() -> Vec<Story> {
    vec![
        story("beyond_host", "The configured command is not the one that the host permits.")
            .at(|site| {
                site.recorded(&["001_initial"]);
                crate::site::without_codes(&mut site.database.schema);
                let mut host = host(site);
                host.commands.get_mut(UPGRADE).unwrap().argv =
                    words(&["/opt/venv/bin/flask", "db", "upgrade"]);
                site.host = Some(host);
            })
            .finding("beyond_host")
            .but("it is", |site| site.host = Some(host(site))),
    ]
}

/// A host that permits what the configuration says.
fn host(site: &Site) -> HostFacts {
    let upgrade = site.config.revisions.as_ref().unwrap().upgrade.as_ref().unwrap();
    let run = HostCommand::of_upgrade(upgrade, site.program.as_ref());
    let check = HostCommand::of_check(upgrade, site.check_program.as_ref()).unwrap();
    HostFacts {
        commands: BTreeMap::from([(UPGRADE.to_owned(), run), (CHECK.to_owned(), check)]),
        profile: Some(HostProfile {
            source: "/etc/ttplan/profile.toml".to_owned(),
            version_table: Some(HostVersionTable {
                table: "alembic_version".to_owned(),
                column: VERSION_COLUMN.to_owned(),
            }),
            columns: Vec::new(),
            tolerate: Vec::new(),
        }),
    }
}
