//! Every catalogued schema without its record: which revision is it?

use std::time::Instant;

use ttplan::catalogue::infer;
use ttplan::model::database::catalogue::Catalogue;

use crate::{ENGINES, shipped};

/// The revisions that being at `index` is the same as: the scripts from there on do nothing.
fn same_as(catalogue: &Catalogue, index: usize) -> Vec<&[String]> {
    let mut same = vec![catalogue.entries[index].revisions.as_slice()];
    let mut grown = true;
    while grown {
        grown = false;
        for entry in catalogue.entries.iter().filter(|entry| entry.empty) {
            let after = entry.after.as_deref().unwrap_or_default();
            if same.contains(&after) && !same.contains(&entry.revisions.as_slice()) {
                same.push(&entry.revisions);
                grown = true;
            }
        }
    }
    same
}

#[test]
fn no_revision_is_taken_for_another() {
    for engine in ENGINES {
        let (catalogue, bytes) = shipped(engine);
        let (mut exact, mut passed_over, mut candidates, mut wrong) = (0, 0, 0, Vec::new());
        let begun = Instant::now();
        for (index, entry) in catalogue.entries.iter().enumerate() {
            let found = infer(&catalogue, &catalogue.shape(index), &[]);
            match (&found.exact, found.candidates.as_slice()) {
                (Some(ids), _) if *ids == entry.revisions => exact += 1,
                (Some(ids), _) if same_as(&catalogue, index).contains(&ids.as_slice()) => {
                    passed_over += 1;
                }
                (None, several)
                    if several
                        .iter()
                        .any(|ids| same_as(&catalogue, index).contains(&ids.as_slice())) =>
                {
                    candidates += 1;
                }
                _ => wrong.push(&entry.revisions),
            }
            // Where it is recorded, it is called by its own name.
            let recorded = infer(&catalogue, &catalogue.shape(index), &entry.revisions);
            assert!(
                recorded
                    .exact
                    .as_ref()
                    .is_none_or(|ids| *ids == entry.revisions || found.exact.is_none())
            );
        }
        let each = begun.elapsed() / (2 * catalogue.entries.len() as u32);
        println!(
            "{engine}: {exact} exact, {passed_over} called by a later revision whose scripts do nothing, {candidates} \
             candidates, {} wrong of {}; {each:?} each, {bytes} bytes",
            wrong.len(),
            catalogue.entries.len()
        );
        assert!(wrong.is_empty(), "{engine}: {wrong:?}");
        assert_eq!(exact + passed_over + candidates, 177);
        assert!(exact > 160, "{engine}: {exact}");
    }
}
