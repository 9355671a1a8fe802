//! Unnamed temporary files for bytes that exceed memory, and the limit on them.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, fallocate};

use crate::store::Body;
use crate::write::error::WriteError;

/// Size of the pieces, in bytes, in which zeros are written where no hole can be punched.
const PIECE: u64 = 64 << 10;

/// Folder for unnamed temporary files, and the limit on their bytes in total. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Stages(Arc<StageFolder>);

#[derive(Debug)]
struct StageFolder {
    dir: PathBuf,
    limit: u64,
    used: AtomicU64,
}

impl Default for Stages {
    fn default() -> Self {
        Self::new(std::env::temp_dir(), u64::MAX)
    }
}

impl Stages {
    /// Creates unnamed files in `dir`, with `limit` bytes in total.
    pub fn new(dir: PathBuf, limit: u64) -> Self {
        let used = AtomicU64::new(0);
        Self(Arc::new(StageFolder { dir, limit, used }))
    }

    /// Returns the number of bytes that the files have now.
    #[cfg(test)]
    pub fn used(&self) -> u64 {
        self.0.used.load(Ordering::Relaxed)
    }

    /// Creates a file.
    pub(super) fn create(&self) -> Result<StageFile, WriteError> {
        Ok(StageFile {
            file: Arc::new(tempfile::tempfile_in(&self.0.dir)?),
            resizing: Mutex::new(()),
            space: Space {
                stages: self.clone(),
                bytes: AtomicU64::new(0),
            },
        })
    }
}

/// Bytes taken from the limit, returned on drop.
#[derive(Debug)]
struct Space {
    stages: Stages,
    bytes: AtomicU64,
}

impl Space {
    fn take(&self, bytes: u64) -> Result<(), WriteError> {
        let StageFolder { limit, used, .. } = &*self.stages.0;
        let fits = |now: u64| now.checked_add(bytes).filter(|sum| sum <= limit);
        used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits)
            .map_err(|_| WriteError::NoSpace)?;
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    fn give_back(&self, bytes: u64) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.stages.0.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        self.give_back(self.bytes.load(Ordering::Relaxed));
    }
}

/// Unnamed temporary file. Ranges that were not written read as zeros.
#[derive(Debug)]
pub(super) struct StageFile {
    file: Arc<File>,
    /// Lock held while the length is read and set. Parts of one upload are sent concurrently:
    /// setting a length that was read before would cut off bytes added since.
    resizing: Mutex<()>,
    space: Space,
}

impl StageFile {
    /// Returns the number of bytes held.
    pub(super) fn held(&self) -> u64 {
        self.space.bytes.load(Ordering::Relaxed)
    }

    /// Writes bytes, of which `new` were not held before.
    pub(super) fn write(&self, at: u64, data: &[u8], new: u64) -> Result<(), WriteError> {
        self.space.take(new)?;
        let written = self.file.write_all_at(data, at);
        if written.is_err() {
            self.space.give_back(new);
        }
        Ok(written?)
    }

    /// Overwrites a range with zeros; `held` of its bytes were held.
    pub(super) fn clear(&self, range: Range<u64>, held: u64) -> io::Result<()> {
        let end = range.end.min(self.file.metadata()?.len());
        if range.start < end {
            self.punch(range.start..end)?;
        }
        self.space.give_back(held);
        Ok(())
    }

    fn punch(&self, range: Range<u64>) -> io::Result<()> {
        let flags = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
        let signed = |value: u64| i64::try_from(value).map_err(io::Error::other);
        let (at, length) = (signed(range.start)?, signed(range.end - range.start)?);
        match fallocate(&self.file, flags, at, length) {
            Err(Errno::EOPNOTSUPP | Errno::ENOSYS) => self.write_zeros(range),
            done => Ok(done?),
        }
    }

    fn write_zeros(&self, range: Range<u64>) -> io::Result<()> {
        let zeros = vec![0; PIECE as usize];
        for at in range.clone().step_by(PIECE as usize) {
            let length = (range.end - at).min(PIECE) as usize;
            self.file.write_all_at(&zeros[..length], at)?;
        }
        Ok(())
    }

    /// Truncates the file; `held` of the bytes behind the new end were held.
    pub(super) fn cut(&self, length: u64, held: u64) -> io::Result<()> {
        self.resize_if(|now| now > length, length)?;
        self.space.give_back(held);
        Ok(())
    }

    /// Sets the length if `is_wanted` accepts the present one.
    fn resize_if(&self, is_wanted: impl Fn(u64) -> bool, length: u64) -> io::Result<()> {
        let _alone = self.resizing.lock().unwrap_or_else(PoisonError::into_inner);
        if is_wanted(self.file.metadata()?.len()) {
            self.file.set_len(length)?;
        }
        Ok(())
    }

    /// Reads bytes that were written.
    pub(super) fn read(&self, at: u64, length: u64) -> io::Result<Bytes> {
        read(&self.file, at, length)
    }

    /// Returns a range as a request body. The caller must keep it from changing while it is sent.
    pub(super) fn body(&self, range: Range<u64>) -> io::Result<Body> {
        self.resize_if(|now| now < range.end, range.end)?;
        let length = range.end - range.start;
        Ok(Body::file(Arc::clone(&self.file), range.start, length))
    }

    /// Returns whether a body of the file may still be in flight.
    pub(super) fn is_sent(&self) -> bool {
        Arc::strong_count(&self.file) > 1
    }
}

/// Reads a range of a file.
pub(super) fn read(file: &File, at: u64, length: u64) -> io::Result<Bytes> {
    let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    file.read_exact_at(&mut bytes, at)?;
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Content;

    #[test]
    fn files_share_one_limit_and_give_back_what_they_no_longer_hold() {
        let stages = Stages::new(std::env::temp_dir(), 100);
        let one = stages.create().unwrap();
        let other = stages.create().unwrap();
        one.write(0, &[1; 60], 60).unwrap();
        let refused = other.write(0, &[2; 41], 41);
        assert!(matches!(refused, Err(WriteError::NoSpace)));
        one.write(0, &[3; 60], 0).unwrap();
        other.write(7, &[2; 40], 40).unwrap();
        one.clear(10..30, 20).unwrap();
        one.cut(50, 10).unwrap();
        assert_eq!(stages.used(), 70);
        assert_eq!(
            one.read(9, 22).unwrap()[..],
            [&[3][..], &[0; 20], &[3]].concat()
        );
        drop(one);
        assert_eq!(stages.used(), 40);
    }

    #[test]
    fn what_was_never_written_is_sent_as_zeros() {
        let file = Stages::default().create().unwrap();
        let body = file.body(5..20).unwrap();
        let Content::File {
            file,
            offset,
            length,
        } = body.content()
        else {
            panic!("in memory")
        };
        assert_eq!(read(file, *offset, *length).unwrap()[..], [0; 15]);
    }

    #[test]
    fn bodies_of_a_hole_are_made_at_the_same_time_and_none_is_cut_off() {
        const THREADS: u64 = 8;
        for _ in 0..300 {
            let file = Stages::default().create().unwrap();
            let begin = std::sync::Barrier::new(THREADS as usize);
            std::thread::scope(|scope| {
                for part in 0..THREADS {
                    let (file, begin) = (&file, &begin);
                    scope.spawn(move || {
                        begin.wait();
                        file.body(part * 100..(part + 1) * 100).unwrap();
                    });
                }
            });
            assert_eq!(file.file.metadata().unwrap().len(), THREADS * 100);
        }
    }
}
