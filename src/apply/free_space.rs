//! Whether there is room for what a run puts into keeping, before it begins: a disk that runs full
//! in the middle may be the database's own.

use std::collections::BTreeMap;

use crate::engines;
use crate::error::{Error, Kind, Result};
use crate::fs::permitted::Purpose;
use crate::live::LiveWriter;
use crate::model::names::FilePath;
use crate::model::plan::Plan;
use crate::model::plan::step::Step;
use crate::model::text::bytes;

/// What else may need room meanwhile: a sixteenth more, and a little in any case.
fn with_margin(size: u64) -> u64 {
    size.saturating_add(size / 16).saturating_add(1 << 16)
}

/// Refuses a run whose backup would not fit. Where nobody can say what is free, nothing is refused.
///
/// Errors: `Kind::Failed`, and nothing has been begun.
pub fn demand(
    plan: &Plan,
    to_do: &[&Step],
    state: &FilePath,
    prove: bool,
    live: &mut dyn LiveWriter,
) -> Result<()> {
    let one_file = engines::by_name(&plan.target.database.engine)
        .is_some_and(|engine| engine.dialect.is_one_file());
    let mut copies: BTreeMap<&FilePath, u64> = BTreeMap::new();
    for mv in to_do.iter().flat_map(|step| &step.moves) {
        if let Some(backup) = mv.backup() {
            *copies.entry(backup.directory.as_ref().unwrap_or(state)).or_default() += 1;
            *copies.entry(state).or_default() += u64::from(one_file && prove);
            // It is made in the state directory first where others may write.
            let outside = backup.directory.as_ref().map(|directory| {
                live.open_place(directory, Purpose::Backups).is_ok_and(|place| !place.is_ours_alone)
            });
            *copies.entry(state).or_default() += u64::from(outside == Some(true));
        }
        // Migrations work on a copy there.
        let works_on_copy = one_file && mv.effects().command.is_some();
        *copies.entry(state).or_default() += u64::from(works_on_copy);
    }
    copies.retain(|_, copies| *copies > 0);
    if copies.is_empty() {
        return Ok(());
    }
    let size = live.change_database().backup_bytes()?;
    for (directory, copies) in copies {
        let needed = with_margin(size.saturating_mul(copies));
        let Some(free) = live.files().free_bytes(directory).filter(|free| *free < needed) else {
            continue;
        };
        let place = directory.to_text();
        return Err(Error::new(
            Kind::Failed,
            format!("there is no room for a backup in `{place}`; nothing was begun"),
        )
        .code("no_space")
        .because(format!("it may take {}, and {} are free", bytes(needed), bytes(free)))
        .hint(
            "make room there, or name a larger disk as `directory` of `[backup]` and plan again",
        ));
    }
    Ok(())
}
