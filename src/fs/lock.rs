//! Takes a kernel lock with patience. Whose lock it is, and what to say when it is not to be had, is
//! for the caller.

use std::fs::{File, TryLockError};
use std::io::Result;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long to wait between two tries; doubled each time up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Locks `file` for itself alone, trying again until `wait` is over; whether it is held then. The
/// lock is given back when the file is closed.
pub fn take(file: &File, wait: Duration) -> Result<bool> {
    let until = Instant::now() + wait;
    let mut pause = FIRST_PAUSE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) => {}
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(false);
        }
        sleep(pause.min(left));
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_waited_for_and_not_longer() {
        let directory = tempfile::tempdir().unwrap();
        let open = || File::open(directory.path()).unwrap();
        let held = open();
        assert!(take(&held, Duration::ZERO).unwrap());
        let begun = Instant::now();
        assert!(!take(&open(), Duration::from_millis(60)).unwrap());
        assert!(begun.elapsed() >= Duration::from_millis(60));
        let freeing = std::thread::spawn(move || {
            sleep(Duration::from_millis(50));
            drop(held);
        });
        assert!(take(&open(), Duration::from_secs(20)).unwrap());
        freeing.join().unwrap();
    }
}
