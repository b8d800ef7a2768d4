//! For tests: the host of the plans in `test_plans`, and the command that they run.

use std::collections::BTreeMap;

use crate::model::client_programs::ClientPrograms;
use crate::model::database::version_table::VersionTable;
use crate::model::host::{HostConfig, Policy, Trust};
use crate::model::host_command::HostCommand;
use crate::model::host_profile::{HostProfile, HostVersionTable, RewritableColumn};
use crate::model::names::{Digest, ObjectRef};
use crate::model::plan::step::{Expectation, Run, RunCheck, Scripts};

/// What the plans run.
pub fn run() -> Run {
    let versions = VersionTable::of_heads(ObjectRef::table("public", "versions"), "version_num");
    Run {
        command: "upgrade".into(),
        argv: vec!["/usr/bin/flask".into(), "db".into(), "upgrade".into()],
        directory: "/app".into(),
        env: [("FLASK_APP".to_owned(), "app".to_owned())].into(),
        pass: vec!["SECRET_KEY".into()],
        url_variable: Some("DATABASE_URL".into()),
        check: Some(RunCheck {
            command: "check".into(),
            argv: vec!["/usr/bin/flask".into(), "--version".into()],
        }),
        revision: None,
        timeout_seconds: 900,
        revisions: vec!["003".into()],
        scripts: Scripts {
            system: "scripts".into(),
            directories: vec!["/app/migrations".into()],
            sha256: Digest::of("scripts"),
        },
        expects: Expectation {
            versions: versions.clone(),
            recorded: vec![versions.row("003")],
            core: BTreeMap::from([("users".to_owned(), vec!["id".to_owned()])]),
            shape: None,
        },
        known_stops: Vec::new(),
    }
}

/// The host of these plans.
pub fn site() -> HostConfig {
    let upgrade = run().as_host_command();
    let argv = run().check.map(|check| check.argv).unwrap_or_default();
    let check = HostCommand { argv, timeout_seconds: None, ..upgrade.clone() };
    HostConfig {
        file: "/etc/ttplan/host.toml".into(),
        name: "prod".into(),
        environment: None,
        roots: vec!["/app".into(), "/data".into()],
        links: BTreeMap::new(),
        commands: BTreeMap::from([("upgrade".to_owned(), upgrade), ("check".to_owned(), check)]),
        programs: ClientPrograms::default(),
        public_variables: Vec::new(),
        profile: Some(HostProfile {
            source: "/etc/ttplan/profile.toml".into(),
            version_table: Some(HostVersionTable {
                table: "versions".into(),
                column: "version_num".into(),
            }),
            columns: vec![RewritableColumn {
                table: "users".into(),
                column: "avatar".into(),
                upload: "avatars".into(),
            }],
            tolerate: Vec::new(),
        }),
        unattended: Vec::new(),
        state: "/data/ttplan".into(),
        trust: Trust {
            allowed_signers: "/etc/ttplan/allowed_signers".into(),
            revoked_keys: None,
            required: 1,
            required_for_destructive: 2,
            ..Trust::default()
        },
        policy: Policy::default(),
    }
}
