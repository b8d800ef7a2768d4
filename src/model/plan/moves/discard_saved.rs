//! `discard_saved`: what a run that was undone has kept goes for good. No way back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::names::FilePath;
use crate::model::plan::moves::effects::{
    Act, Domain, Effects, Guards, PathRole, Surroundings, Use,
};
use crate::model::plan::moves::values;
use crate::model::plan::probe::Probe;
use crate::model::plan::reversal::Reversal;
use crate::model::plan::risk::Risk;
use crate::model::plan::step::Move;
use crate::model::text::{bytes, counted};

/// Removes what another run kept, which was undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiscardSaved {
    /// The run's id, 16 hexadecimal digits.
    pub run: String,
    /// Sorted.
    pub saved: Vec<SavedCopyRef>,
}

/// A backup, saved objects or saved files of a run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SavedCopyRef {
    /// Name within the run; a plain file name.
    pub name: String,
    /// Where it lies; null for the run's own folder.
    pub directory: Option<FilePath>,
    pub bytes: u64,
}

impl Act for DiscardSaved {
    fn effects(&self) -> Effects<'_> {
        let size = self.saved.iter().map(|copy| copy.bytes).fold(0, u64::saturating_add);
        let copies = match self.saved.len() {
            1 => "1 copy".to_owned(),
            n => counted(n as u64, "copy"),
        };
        let title = format!("remove what run `{}` kept ({copies}, {})", self.run, bytes(size));
        let line = |copy: &SavedCopyRef| {
            format!("{}, {}", values::kept(&copy.name, copy.directory.as_ref()), bytes(copy.bytes))
        };
        let mut effects = Effects::new(Domain::State, Risk::Destructive, title)
            .details(self.saved.iter().map(line));
        for copy in &self.saved {
            effects = effects.directory(copy.directory.as_ref(), PathRole::Backups, Use::Remove);
        }
        effects
    }

    fn guards(&self, around: &Surroundings<'_>) -> Guards {
        Guards {
            ready: vec![Probe::RunUndone { run: self.run.clone() }],
            save: Vec::new(),
            done: vec![Probe::SavedIsGone { r#move: around.index }],
        }
    }

    fn reversal(&self) -> Reversal {
        Reversal::OneWay("what is removed here is kept nowhere else".to_owned())
    }

    fn way_back(&self, _: &Surroundings<'_>) -> Vec<Move> {
        Vec::new()
    }

    fn problem(&self) -> Option<String> {
        let sorted = self.saved.is_sorted_by(|one, next| one < next);
        values::run(&self.run)
            .or_else(|| self.saved.iter().find_map(|copy| values::name(&copy.name)))
            .or_else(|| values::paths(self.saved.iter().filter_map(|copy| copy.directory.as_ref())))
            .or_else(|| {
                (self.saved.is_empty() || !sorted)
                    .then(|| "what is to be removed is not listed, or not sorted".to_owned())
            })
    }

    fn discards(&self) -> Option<&DiscardSaved> {
        Some(self)
    }
}
