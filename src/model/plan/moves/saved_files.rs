//! `save_files`, `restore_files`: copies of files in the run's keeping, and the way back from them.
//! Derived from what a step removes or replaces, never moves of their own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::files::location::Location;
use crate::model::plan::moves::effects::{Act, Effects, Guards, PathRole, Surroundings, Use};
use crate::model::plan::moves::file_list::FileList;
use crate::model::plan::moves::values;
use crate::model::plan::reversal::{By, Reversal};
use crate::model::plan::risk::Risk;
use crate::model::plan::step::Move;

/// Puts copies of files into the run's keeping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SaveFiles {
    /// Name of the copies' directory within the run; a plain file name.
    pub name: String,
    pub from: Location,
    pub files: FileList,
}

/// Restores saved files where they were, where nothing is or what this run put there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RestoreFiles {
    pub name: String,
    pub root: Location,
    pub files: FileList,
    /// What this run put in their place; null where it only removed them.
    pub replacing: Option<FileList>,
}

impl Act for SaveFiles {
    fn effects(&self) -> Effects<'_> {
        let title = format!("save the files of `{}`", self.from.to_text());
        let mut effects = Effects::in_files(Risk::Safe, title)
            .path(&self.from, PathRole::Files, Use::Read)
            .list(&self.files)
            .detail(values::kept(&self.name, None));
        effects.saves = Some(&self.name);
        effects
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
        values::name(&self.name).or_else(|| values::places([&self.from]))
    }
}

impl Act for RestoreFiles {
    fn effects(&self) -> Effects<'_> {
        let title = format!("restore the files of `{}`", self.root.to_text());
        let mut effects = Effects::in_files(Risk::Destructive, title)
            .path(&self.root, PathRole::Files, Use::Change)
            .list(&self.files);
        effects.lists.extend(&self.replacing);
        effects.needs = Some(&self.name);
        effects
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
        values::name(&self.name).or_else(|| values::places([&self.root]))
    }
}
