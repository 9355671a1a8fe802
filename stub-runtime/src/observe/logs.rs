//! Output of jobs: printed on this program's own streams, and kept for `Call::logs`.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::{Mutex, PoisonError};

use crate::observe::output::{OutputStream, Sink};
use crate::observe::watch;

/// Maximum size, in bytes, of a call's output that is kept: the latest.
const KEPT: usize = 1 << 20;

/// Receiver that keeps the output of a call, and prints it.
#[derive(Debug, Default)]
pub(crate) struct OutputLog(Mutex<VecDeque<u8>>);

impl OutputLog {
    /// Returns the output so far.
    pub(crate) fn text(&self) -> String {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(kept.make_contiguous()).into_owned()
    }
}

impl Sink for OutputLog {
    fn line(&self, stream: OutputStream, _of: Option<u64>, line: &[u8]) {
        print(stream, line);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(line);
        let more = kept.len().saturating_sub(KEPT);
        kept.drain(..more);
    }
}

/// Receiver that prints lines with the number of their input.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prefixed;

impl Sink for Prefixed {
    fn line(&self, stream: OutputStream, of: Option<u64>, line: &[u8]) {
        let mut prefixed = of.map_or_else(Vec::new, |input| format!("[{input}] ").into_bytes());
        prefixed.extend_from_slice(line);
        print(stream, &prefixed);
    }
}

/// Receiver that prints lines as they are, beside progress bars.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plain;

impl Sink for Plain {
    fn line(&self, stream: OutputStream, _of: Option<u64>, line: &[u8]) {
        print(stream, line);
    }
}

/// Prints a line at once, so that lines of several jobs don't mix. It avoids the standard library's
/// streams, whose lock the program may hold while it waits for us.
fn print(stream: OutputStream, line: &[u8]) {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    // Where standard output is a terminal, there are no bars beside what is printed.
    if stream == OutputStream::Err && watch::above(line) {
        return;
    }
    let descriptor = match stream {
        OutputStream::Out => io::stdout().as_fd().try_clone_to_owned(),
        OutputStream::Err => io::stderr().as_fd().try_clone_to_owned(),
    };
    if let Ok(descriptor) = descriptor {
        // There is nobody to tell if this fails.
        let _ = File::from(descriptor).write_all(line);
    }
}
