//! What commands that meet a site take from flags and environment, and how a site is opened with
//! it.

use std::path::PathBuf;

use crate::cli::out::Out;
use crate::config::{self, CliOverrides, ResolvedConfig};
use crate::error::{Error, Kind, Result};
use crate::model::config::Access;
use crate::model::host::HostConfig;
use crate::model::names::Secret;
use crate::model::text::shell_word;

/// The variable with the URL of a direct connection, where the application's own goes through a
/// pooler.
const DIRECT: &str = "TTPLAN_MIGRATION_DATABASE_URL";

/// Where the site is, and what is wished of it.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Site")]
pub struct SiteArgs {
    /// The configuration [default: ttplan.toml here or above]
    #[arg(long, value_name = "FILE", env = "TTPLAN_CONFIG")]
    config: Option<PathBuf>,
    /// The application: a profile that ttplan knows, or the path of one's own
    #[arg(long, value_name = "NAME", env = "TTPLAN_PROFILE")]
    profile: Option<String>,
    /// The database; better left to the environment, where other users do not see it
    #[arg(long, value_name = "URL", env = "TTPLAN_DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// The site's label, which must be the host's own
    #[arg(long, value_name = "LABEL", env = "TTPLAN_SITE")]
    pub site: Option<String>,
    /// The application's directory, against which relative paths resolve
    #[arg(long, value_name = "DIR", env = "TTPLAN_ROOT")]
    root: Option<PathBuf>,
    #[command(flatten)]
    pub host: HostArgs,
}

/// Where the host's own decisions stand. No variable names that file: it is the only place that
/// decides about trust, and whoever sets variables decides nothing.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Site")]
pub struct HostArgs {
    /// The host's own file [default: /etc/ttplan/host.toml]
    #[arg(long, value_name = "FILE")]
    host_config: Option<PathBuf>,
}

impl SiteArgs {
    /// The same for a run: the database is reached directly where `TTPLAN_MIGRATION_DATABASE_URL`
    /// says how, past a pooler that the application itself goes through.
    pub fn settle_to_change(&self) -> Result<ResolvedConfig> {
        let settled = self.resolve()?;
        let Some(direct) = std::env::var_os(DIRECT).filter(|url| !url.is_empty()) else {
            return Ok(settled);
        };
        let direct = direct
            .to_str()
            .ok_or_else(|| Error::new(Kind::Config, format!("{DIRECT} is not UTF-8")))?;
        let said = CliOverrides { database_url: Some(Secret::new(direct)), ..self.said()? };
        let access = config::resolve(&said)
            .map_err(|error| error.under(format!("{DIRECT} cannot be used")))?
            .access;
        let access = Access { programs: settled.access.programs.clone(), ..access };
        if access.database.engine != settled.access.database.engine {
            let message = format!("{DIRECT} is of another engine than the site's database");
            return Err(Error::new(Kind::Config, message).hint(format!("unset {DIRECT}")));
        }
        Ok(ResolvedConfig { access, ..settled })
    }

    fn said(&self) -> Result<CliOverrides> {
        Ok(CliOverrides {
            config_file: self.config.clone(),
            profile: self.profile.clone(),
            database_url: self.database_url.as_deref().map(Secret::new),
            site: self.site.clone(),
            root: self.root.clone(),
            ..self.host.said()?
        })
    }

    /// The settled wishes. Without a label of its own, a site is called as its host calls it.
    pub fn resolve(&self) -> Result<ResolvedConfig> {
        let mut said = self.said()?;
        let host = config::host(&said)?;
        said.public_variables =
            host.as_ref().map(|host| host.public_variables.clone()).unwrap_or_default();
        let mut settled = config::resolve(&said)?;
        if settled.file.is_none() && settled.config.profile.is_none() {
            return Err(Error::new(Kind::Config, "nothing says which application this is")
                .because(format!(
                    "there is no `{}` here or above, and no profile was named",
                    config::FILE
                ))
                .hint("ttplan init")
                .hint("or name a profile: `--profile timetracker`"));
        }
        if let Some(host) = &host {
            settled.config.site.get_or_insert_with(|| host.name.clone());
            settled.access.programs = host.programs.clone();
        }
        settled.host = host;
        Ok(settled)
    }
}

impl HostArgs {
    /// The same for another command, so that a hint can be pasted as it stands.
    pub fn words(&self) -> String {
        self.host_config.as_ref().map_or_else(String::new, |file| {
            format!(" --host-config {}", shell_word(&file.to_string_lossy()))
        })
    }

    fn said(&self) -> Result<CliOverrides> {
        let working_directory = std::env::current_dir().map_err(|error| {
            Error::new(Kind::Failed, "there is no working directory").because(error)
        })?;
        let environment = std::env::vars_os().collect();
        Ok(CliOverrides {
            host_config: self.host_config.clone(),
            working_directory,
            environment,
            ..CliOverrides::default()
        })
    }

    /// The host's own decisions, where there are any: planning needs none.
    pub fn site_if_any(&self) -> Result<Option<HostConfig>> {
        config::host(&self.said()?)
    }

    /// The host's own decisions.
    ///
    /// Errors: `Kind::Refused` where there are none.
    pub fn site(&self) -> Result<HostConfig> {
        config::host(&self.said()?)?.ok_or_else(|| {
            Error::new(Kind::Refused, "this host permits nothing yet: there is no host.toml")
                .code("host_config_missing")
                .because("signers, permitted roots and commands, and the state directory come from it alone")
                .hint("ttplan trust init --site NAME --principal YOU --allow-root DIR")
        })
    }
}

/// Says where a document was written. Results go to stdout, so this does not.
pub fn tell_written(path: &std::path::Path, out: &mut Out) {
    out.say(&format!("Saved to {}\n", crate::render::style::plain(&path.to_string_lossy())));
}
