//! The entries of a run's journal: what was begun, saved, done and undone. Nouns only: `artifact`
//! writes and reads the file, and no entry says what is so now.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::names::{Digest, FilePath, Moment, ObjectRef};

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JournalEntry {
    /// Counted from 1.
    pub n: u64,
    pub at: Moment,
    /// SHA-256 of the line before it, without its newline; of nothing for the first.
    pub prev: Digest,
    pub what: JournalEvent,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", content = "with", rename_all = "snake_case", deny_unknown_fields)]
pub enum JournalEvent {
    /// The run's first line.
    Opened {
        format_version: String,
        made_by: String,
        plan_sha256: Digest,
        site: String,
        signed_by: Vec<String>,
    },
    /// Somebody started `apply` (or `undo`); process and host are for people only.
    Attempt {
        of: Attempt,
        user: String,
        host: String,
        pid: u32,
    },
    /// The plan was run with fewer signatures than it needs, where the host permits that.
    BrokeGlass {
        reason: String,
    },
    /// The step's changes may begin after this line.
    Begun {
        step: String,
    },
    /// A save of the step is complete and was read back.
    Saved {
        step: String,
        name: String,
        bytes: u64,
        sha256: Digest,
        tables: Vec<(ObjectRef, u64)>,
    },
    /// These directories were missing and are made next; outermost first.
    Making {
        step: String,
        paths: Vec<FilePath>,
    },
    /// These files of the step's list were missing and are copied next; `[first, count]` ranges.
    Copying {
        step: String,
        absent: Vec<(u64, u64)>,
    },
    /// These files of the step's list are put in the place of others next; `[first, count]` ranges.
    /// What was there is kept under that name in the run's folder.
    Replacing {
        step: String,
        kept: String,
        files: Vec<(u64, u64)>,
    },
    /// What the database held before the step's command was started, when it had ended well, or
    /// before the step was taken back.
    Content {
        step: String,
        when: When,
        sha256: Digest,
    },
    Done {
        step: String,
    },
    Failed {
        step: String,
        error: String,
    },
    Finished {},
    UndoBegun {
        step: String,
    },
    Undone {
        step: String,
    },
    AllUndone {},
}

/// What was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Attempt {
    Apply,
    Undo,
}

/// On which side of a step's command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum When {
    Before,
    After,
    /// After it failed and the database was put back to before the run.
    PutBack,
    /// Before the step is taken back.
    Undo,
}
