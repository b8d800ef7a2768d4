//! Shows what a command says while it runs, by following the file that its output is kept in. That
//! file has no secrets in it: they were taken out before.

use std::fs::File;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::model::text::visible_line;

/// How long to wait for more.
const PAUSE: Duration = Duration::from_millis(100);

/// A file that is followed until this is dropped; then the rest of it is shown.
pub struct Tail {
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Tail {
    /// Follows a file that may not be there yet, and writes its lines to `to`, each of them
    /// escaped.
    pub fn follow(path: PathBuf, mut to: impl Write + Send + 'static) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&ended);
        let thread = thread::spawn(move || {
            let (mut file, mut kept) = (None, Vec::new());
            loop {
                // Asked before reading: what was written until then is read in any case.
                let last = is_over.load(Ordering::SeqCst);
                file = file.or_else(|| File::open(&path).ok());
                if let Some(file) = &mut file {
                    let _ = file.read_to_end(&mut kept);
                }
                let whole = if last {
                    kept.len()
                } else {
                    kept.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1)
                };
                for line in String::from_utf8_lossy(&kept[..whole]).lines() {
                    let _ = writeln!(to, "      | {}", visible_line(line));
                }
                kept.drain(..whole);
                if last {
                    break;
                }
                thread::sleep(PAUSE);
            }
        });
        Self { ended, thread: Some(thread) }
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn all_that_was_written_is_shown_escaped_even_what_came_last() {
        let directory = tempfile::tempdir().unwrap();
        let (path, shown) = (directory.path().join("log"), Shared::default());
        let tail = Tail::follow(path.clone(), shown.clone());
        std::fs::write(&path, "one\n\x1b[31mtwo").unwrap();
        drop(tail);
        let text = String::from_utf8(shown.0.lock().unwrap().clone()).unwrap();
        assert!(
            text.starts_with("      | one\n      | ")
                && text.contains("two")
                && !text.contains('\x1b'),
            "{text}"
        );
    }

    #[test]
    fn a_file_that_never_comes_is_no_harm() {
        let shown = Shared::default();
        drop(Tail::follow("/nowhere/log".into(), shown.clone()));
        assert!(shown.0.lock().unwrap().is_empty());
    }
}
