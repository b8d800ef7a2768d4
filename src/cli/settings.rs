//! What every command that meets a site takes from flags and environment, and how a site is opened
//! with it.

use std::path::PathBuf;

use clap::Parser;

use crate::config::{self, Said, Settled};
use crate::error::{Error, Kind, Result};
use crate::model::names::Secret;
use crate::model::site::Site;

/// Where things are. The host's own file is the only place that decides about trust.
#[derive(Debug, Parser)]
pub struct Global {
    /// The configuration [default: ttplan.toml here or above]
    #[arg(long, global = true, value_name = "FILE", env = "TTPLAN_CONFIG", help_heading = "Site")]
    pub config: Option<PathBuf>,
    /// The application: a profile that ttplan knows, or the path of one's own
    #[arg(long, global = true, value_name = "NAME", env = "TTPLAN_PROFILE", help_heading = "Site")]
    pub profile: Option<String>,
    /// The database; better left to the environment, where other users do not see it
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "TTPLAN_DATABASE_URL",
        hide_env_values = true,
        help_heading = "Site"
    )]
    pub database_url: Option<String>,
    /// The site's label, which must be the host's own
    #[arg(long, global = true, value_name = "LABEL", env = "TTPLAN_SITE", help_heading = "Site")]
    pub site: Option<String>,
    /// The application's directory, against which relative paths resolve
    #[arg(long, global = true, value_name = "DIR", env = "TTPLAN_ROOT", help_heading = "Site")]
    pub root: Option<PathBuf>,
    /// The host's own file [default: /etc/ttplan/host.toml]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Site")]
    pub host_config: Option<PathBuf>,
}

impl Global {
    /// Everything that was said, by flags and by the environment.
    pub fn said(&self) -> Result<Said> {
        let working_directory = std::env::current_dir()
            .map_err(|error| Error::new(Kind::Failed, "there is no working directory").because(error))?;
        Ok(Said {
            config_file: self.config.clone(),
            profile: self.profile.clone(),
            database_url: self.database_url.as_deref().map(Secret::new),
            site: self.site.clone(),
            host_config: self.host_config.clone(),
            root: self.root.clone(),
            working_directory,
            environment: std::env::vars_os().collect(),
        })
    }

    /// The settled wishes. Without a label of its own, a site is called as its host calls it.
    pub fn settle(&self) -> Result<Settled> {
        let said = self.said()?;
        let mut settled = config::settle(&said)?;
        if settled.config.site.is_none() {
            settled.config.site = config::host(&said)?.map(|site| site.name);
        }
        Ok(settled)
    }

    /// The host's own decisions.
    ///
    /// Errors: `Kind::Refused` where there are none.
    pub fn site(&self) -> Result<Site> {
        config::host(&self.said()?)?.ok_or_else(|| {
            Error::new(Kind::Refused, "this host permits nothing yet: there is no host.toml")
                .because("signers, permitted roots and commands, and the state directory come from it alone")
                .hint("ttplan trust init --site NAME --principal YOU")
        })
    }
}
