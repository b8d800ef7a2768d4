//! A plan in numbers: counted from what its moves do, for people and pipelines.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::text::{bytes, counted};

/// The plan in numbers. Derived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    pub tables_to_create: u64,
    pub columns_to_add: u64,
    pub columns_to_drop: u64,
    pub files_to_remove: u64,
    pub one_way_steps: u64,
    pub tables_to_drop: u64,
    pub tables_to_quarantine: u64,
    pub revisions_to_stamp: u64,
    pub migrations_to_run: u64,
    pub files_to_move: u64,
    pub bytes_to_move: u64,
    pub references_to_rewrite: u64,
    pub destructive_steps: u64,
}

impl Summary {
    /// Adds what another counts.
    pub fn add(&mut self, more: &Self) {
        let fields: [(&mut u64, u64); 13] = [
            (&mut self.tables_to_create, more.tables_to_create),
            (&mut self.columns_to_add, more.columns_to_add),
            (&mut self.columns_to_drop, more.columns_to_drop),
            (&mut self.files_to_remove, more.files_to_remove),
            (&mut self.one_way_steps, more.one_way_steps),
            (&mut self.tables_to_drop, more.tables_to_drop),
            (&mut self.tables_to_quarantine, more.tables_to_quarantine),
            (&mut self.revisions_to_stamp, more.revisions_to_stamp),
            (&mut self.migrations_to_run, more.migrations_to_run),
            (&mut self.files_to_move, more.files_to_move),
            (&mut self.bytes_to_move, more.bytes_to_move),
            (&mut self.references_to_rewrite, more.references_to_rewrite),
            (&mut self.destructive_steps, more.destructive_steps),
        ];
        for (sum, more) in fields {
            *sum = sum.saturating_add(more);
        }
    }

    /// The line that sums a plan up: destructive things first, nothing left out, `no changes` when
    /// there are none.
    pub fn line(&self, steps: usize) -> String {
        let mut parts = Vec::new();
        let mut add = |n: u64, what: &str, then: &str| {
            if n > 0 {
                parts.push(format!("{}{then}", counted(n, what)));
            }
        };
        add(self.destructive_steps, "destructive step", "");
        add(self.one_way_steps, "one-way step", "");
        add(self.tables_to_drop, "table", " to drop");
        add(self.columns_to_drop, "column", " to drop");
        add(self.files_to_remove, "file", " to remove");
        add(self.tables_to_quarantine, "table", " to quarantine");
        add(self.tables_to_create, "table", " to create");
        add(self.columns_to_add, "column", " to add");
        add(self.revisions_to_stamp, "revision", " to stamp");
        add(self.migrations_to_run, "migration", " to run");
        let size = format!(" ({}) to move", bytes(self.bytes_to_move));
        add(self.files_to_move, "file", &size);
        add(self.references_to_rewrite, "reference", " to rewrite");
        match (parts.is_empty(), steps) {
            (true, 0) => "no changes".to_owned(),
            (true, n) => counted(n as u64, "step"),
            (false, n) => format!("{}, in {}", parts.join(", "), counted(n as u64, "step")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_puts_destruction_first_and_knows_nothing() {
        assert_eq!(Summary::default().line(0), "no changes");
        let summary = Summary {
            destructive_steps: 1,
            tables_to_drop: 2,
            files_to_move: 1,
            ..Summary::default()
        };
        assert_eq!(
            summary.line(4),
            "1 destructive step, 2 tables to drop, 1 file (0 B) to move, in 4 steps"
        );
    }
}
