//! Descriptors kept in reserve: a process that has none left can store nothing, and must be able to save
//! the bytes all the same.

use std::fs::File;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;

/// Number of descriptors: one is enough, unless somebody else takes it in the moment when it is free.
const KEPT: usize = 4;

/// The descriptors.
#[derive(Debug)]
pub(super) struct Reserve(Mutex<Vec<File>>);

impl Default for Reserve {
    fn default() -> Self {
        let reserve = Self(Mutex::default());
        reserve.fill();
        reserve
    }
}

impl Reserve {
    /// Opens a file, in place of one in reserve if no other descriptor is left.
    ///
    /// # Errors
    /// As `open`.
    pub(super) fn open(&self, open: impl Fn() -> io::Result<File>) -> io::Result<File> {
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

    /// Takes descriptors into reserve again, as far as there are any.
    pub(super) fn fill(&self) {
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

/// Whether the process or the machine has no descriptor left.
fn is_out(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw);
    matches!(errno, Some(Errno::EMFILE | Errno::ENFILE))
}
