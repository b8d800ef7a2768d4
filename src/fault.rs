//! GROUND: the points at which a test lets a run die, stop or fail.
//!
//! Whatever changes the world, or writes down that it does, passes a point before and after. In a
//! release build a point is nothing at all: the code that counts and the words it listens to are
//! only there with debug assertions. Never decides anything, never stands in for an error that
//! nature cannot make.

/// Passes the point called `what`.
///
/// Errors: the one that was asked for, at the point that was asked for; never in a release build.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub fn point(_what: &str) -> std::io::Result<()> {
    Ok(())
}

#[cfg(debug_assertions)]
pub use armed::{arm, point};

#[cfg(debug_assertions)]
mod armed {
    use std::fs::OpenOptions;
    use std::io::{Error, Result, Write};
    use std::path::PathBuf;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use rustix::process::{Signal, getpid, kill_process};

    /// What is to happen.
    enum Fault {
        /// The process gets this signal at the point with this number, counted from 1.
        Signal(u64, Signal),
        /// The point with this number fails with this error number.
        Fails(u64, i32),
        /// Every point is written down here, one a line.
        Trace(PathBuf),
    }

    static FAULT: OnceLock<Fault> = OnceLock::new();
    static PASSED: AtomicU64 = AtomicU64::new(0);

    /// Asks for a fault: `kill@N`, `stop@N`, `term@N`, `int@N`, an error's number `28@N`, or
    /// `trace@FILE`. False where the text says none of these.
    pub fn arm(text: &str) -> bool {
        let Some((what, at)) = text.split_once('@') else { return false };
        let fault = match (what, at.parse::<u64>()) {
            ("trace", _) => Some(Fault::Trace(at.into())),
            ("kill", Ok(n)) => Some(Fault::Signal(n, Signal::KILL)),
            ("stop", Ok(n)) => Some(Fault::Signal(n, Signal::STOP)),
            ("term", Ok(n)) => Some(Fault::Signal(n, Signal::TERM)),
            ("int", Ok(n)) => Some(Fault::Signal(n, Signal::INT)),
            (number, Ok(n)) => number.parse().ok().map(|number| Fault::Fails(n, number)),
            _ => None,
        };
        fault.is_some_and(|fault| FAULT.set(fault).is_ok())
    }

    /// Passes the point called `what`.
    pub fn point(what: &str) -> Result<()> {
        let Some(fault) = FAULT.get() else { return Ok(()) };
        let n = PASSED.fetch_add(1, Ordering::SeqCst) + 1;
        match fault {
            Fault::Signal(at, signal) if *at == n => Ok(kill_process(getpid(), *signal)?),
            Fault::Fails(at, number) if *at == n => Err(Error::from_raw_os_error(*number)),
            Fault::Trace(path) => OpenOptions::new()
                .append(true)
                .create(true)
                .open(path)?
                .write_all(format!("{what}\n").as_bytes()),
            _ => Ok(()),
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn only_words_that_are_known_arm_anything() {
            for text in ["", "kill", "kill@", "kill@x", "@1", "hang@1"] {
                assert!(!arm(text), "{text}");
            }
            assert!(point("anything").is_ok());
        }
    }
}
