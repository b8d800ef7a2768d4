//! What sort of failure an error is: the heading and the exit code, in one table. Never words
//! about one failure.

/// What sort of failure this is. The kind, and nothing else, gives the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Something went wrong that no other kind names.
    Failed,
    /// Our own configuration, or a document of ours, cannot be read as it stands.
    Config,
    /// The database or a directory could not be looked at.
    Unreachable,
    /// A person said no.
    Cancelled,
    /// The plan no longer fits what is there, or the plan is for another target.
    Stale,
    /// A signature, the host's policy or a recomputed value refuses the plan.
    Refused,
    /// Another run holds the lock.
    Locked,
    /// The run stopped midway; running the same plan again finishes it.
    Midway,
    /// What should hold after the run does not hold.
    Verification,
    /// A person has to decide something first.
    Blocked,
    /// The command line makes no sense as given.
    Usage,
    /// SIGINT was received.
    Interrupted,
    /// SIGTERM was received.
    Terminated,
}

/// Every kind with its exit code and its meaning in the user's words.
///
/// `docs/exit-codes.md` shows the same table; a test compares them.
pub const KINDS: &[(Kind, u8, &str)] = &[
    (Kind::Failed, 1, "error"),
    (Kind::Config, 1, "configuration or document that cannot be read"),
    (Kind::Unreachable, 1, "database or directory that cannot be looked at"),
    (Kind::Cancelled, 1, "cancelled by the person asked"),
    (Kind::Stale, 3, "stale plan, changed scripts, or wrong target"),
    (Kind::Refused, 4, "refused: signature, policy, host permission or mismatch"),
    (Kind::Locked, 5, "lock held by another run"),
    (Kind::Midway, 6, "stopped midway; run again to finish"),
    (Kind::Verification, 7, "verification failed"),
    (Kind::Blocked, 8, "blocked: a person must decide first"),
    (Kind::Usage, 64, "wrong usage, or a question that nobody is there to answer"),
    (Kind::Interrupted, 130, "interrupted (SIGINT)"),
    (Kind::Terminated, 143, "terminated (SIGTERM)"),
];

impl Kind {
    /// The code of an error of this kind that has none of its own.
    pub fn default_code(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Config => "configuration",
            Self::Unreachable => "unreachable",
            Self::Cancelled => "cancelled",
            Self::Stale => "stale",
            Self::Refused => "refused",
            Self::Locked => "busy",
            Self::Midway => "stopped_midway",
            Self::Verification => "verification_failed",
            Self::Blocked => "blocked",
            Self::Usage => "usage",
            Self::Interrupted => "interrupted",
            Self::Terminated => "terminated",
        }
    }

    /// The process exit code of this kind.
    pub fn exit_code(self) -> u8 {
        KINDS.iter().find(|(kind, ..)| *kind == self).map_or(1, |(_, code, _)| *code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_row_once() {
        for (kind, code, _) in KINDS {
            assert_eq!(kind.exit_code(), *code);
            assert_eq!(KINDS.iter().filter(|(other, ..)| other == kind).count(), 1);
        }
        assert_eq!(Kind::Refused.exit_code(), 4);
    }
}
