//! `ttplan schema`: the JSON Schema of each document, generated from the types.

use clap::ValueEnum;
use schemars::schema_for;

use crate::cli::out::Out;
use crate::error::{Error, Kind, Result};

/// Print the JSON Schema of a document.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which document
    #[arg(value_enum)]
    name: Name,
}

/// The documents that have a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Name {
    Plan,
    Observation,
    /// One line of a journal
    Journal,
    Report,
    /// What `uploads check` found
    Uploads,
    Status,
    History,
    Verification,
    /// A catalogue of schemas
    Catalogue,
}

/// Runs the command.
pub fn run(args: &Args, out: &mut Out) -> Result<u8> {
    out.result(&text(args.name)?)?;
    Ok(0)
}

/// The schema as `docs/formats/schemas/` holds it.
pub fn text(name: Name) -> Result<String> {
    let schema = match name {
        Name::Plan => schema_for!(crate::model::plan::Plan),
        Name::Observation => schema_for!(crate::model::observation::Observation),
        Name::Journal => schema_for!(crate::model::run::journal::JournalEntry),
        Name::Report => schema_for!(crate::model::run::report::Report),
        Name::Uploads => schema_for!(crate::model::files::references::UploadsReport),
        Name::Status => schema_for!(crate::model::run::history::StateDirectoryStatus),
        Name::Verification => schema_for!(crate::model::verification::Verification),
        Name::Catalogue => schema_for!(crate::model::database::catalogue::Catalogue),
        Name::History => schema_for!(crate::model::run::history::History),
    };
    let text = serde_json::to_string_pretty(&schema);
    text.map(|text| text + "\n")
        .map_err(|error| Error::new(Kind::Failed, "cannot write the schema").because(error))
}
