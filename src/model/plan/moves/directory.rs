//! `make_directory`, `remove_directory`: the directory that files go to, and the way back while it is
//! empty.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::files::location::Location;
use crate::model::plan::moves::effects::{Act, Effects, Guards, PathRole, Surroundings, Use};
use crate::model::plan::moves::values;
use crate::model::plan::probe::Probe;
use crate::model::plan::reversal::{By, Reversal};
use crate::model::plan::risk::Risk;
use crate::model::plan::step::Move;

/// Makes a directory and the missing ones above it, within a permitted root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MakeDirectory {
    pub path: Location,
    /// Octal; null for the usual mode.
    pub mode: Option<String>,
    /// `uid:gid`; null for the running user.
    pub owner: Option<String>,
}

/// Removes a directory that this run made, if it is empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveDirectory {
    pub path: Location,
}

impl Act for MakeDirectory {
    fn effects(&self) -> Effects<'_> {
        let title = format!("make directory `{}`", self.path.to_text());
        Effects::in_files(Risk::Safe, title)
            .path(&self.path, PathRole::Directory, Use::Create)
            .details(values::attributes(self.mode.as_deref(), self.owner.as_deref()))
    }

    fn guards(&self, _: &Surroundings<'_>) -> Guards {
        let is = |present| Probe::DirectoryIs { path: self.path.clone(), present };
        Guards { ready: vec![is(false)], save: Vec::new(), done: vec![is(true)] }
    }

    fn reversal(&self) -> Reversal {
        Reversal::By(By::Inverse)
    }

    fn way_back(&self, _: &Surroundings<'_>) -> Vec<Move> {
        vec![Move::RemoveDirectory(RemoveDirectory { path: self.path.clone() })]
    }

    fn problem(&self) -> Option<String> {
        values::places([&self.path])
            .or_else(|| values::mode(self.mode.as_deref(), values::DIRECTORY_MODE))
            .or_else(|| values::owner(self.owner.as_deref()))
    }
}

impl Act for RemoveDirectory {
    fn effects(&self) -> Effects<'_> {
        let title = format!("remove directory `{}`", self.path.to_text());
        Effects::in_files(Risk::Destructive, title).path(
            &self.path,
            PathRole::Directory,
            Use::Remove,
        )
    }

    fn guards(&self, _: &Surroundings<'_>) -> Guards {
        Guards::default()
    }

    fn reversal(&self) -> Reversal {
        Reversal::By(By::Nothing)
    }

    fn way_back(&self, _: &Surroundings<'_>) -> Vec<Move> {
        Vec::new()
    }

    fn problem(&self) -> Option<String> {
        values::places([&self.path])
    }
}
