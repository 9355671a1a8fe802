//! Reserve of file descriptors, to save bytes that a process without free descriptors can't store.

use std::fs::File;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;

/// Number of descriptors in reserve. One is enough, unless another thread takes it while it is
/// free.
const KEPT: usize = 4;

/// Descriptors in reserve.
#[derive(Debug)]
pub(in crate::fs) struct Reserve(Mutex<Vec<File>>);

impl Default for Reserve {
    fn default() -> Self {
        let reserve = Self(Mutex::default());
        reserve.fill();
        reserve
    }
}

impl Reserve {
    /// Opens a file. If no other descriptor is free, a descriptor of the reserve is closed for it.
    ///
    /// # Errors
    /// Same errors as `open`.
    pub(in crate::fs) fn open(&self, open: impl Fn() -> io::Result<File>) -> io::Result<File> {
        loop {
            match open() {
                Err(error) if is_out(&error) => {
                    if self.lock().pop().is_none() {
                        return Err(error);
                    }
                }
                opened => return opened,
            }
        }
    }

    /// Refills the reserve as far as descriptors are free.
    pub(in crate::fs) fn fill(&self) {
        let mut kept = self.lock();
        while kept.len() < KEPT
            && let Ok(file) = File::open("/dev/null")
        {
            kept.push(file);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<File>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns whether the process or the machine has no free descriptor.
fn is_out(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw);
    matches!(errno, Some(Errno::EMFILE | Errno::ENFILE))
}
