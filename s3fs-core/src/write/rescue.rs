//! Rescue of a file that could not be stored, into a local file.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use crate::object::{Key, ObjectRef};
use crate::store::UploadId;
use crate::write::error::WriteError;
use crate::write::extents::{ExtentSource, Extents};
use crate::write::file_state::{FileState, Phase};

/// Result of saving a file.
#[derive(Clone, Debug, Default)]
pub struct Rescued {
    /// Length of the file in bytes.
    pub length: u64,
    /// Ranges that were not held here. The local file has zeros in their place.
    pub missing: Vec<Missing>,
    /// Upload that has some of them, and was therefore left unfinished.
    pub upload: Option<(Key, UploadId)>,
}

impl Rescued {
    /// Returns the ranges that neither the local file nor a stored object has.
    pub fn lacks(&self) -> Vec<Range<u64>> {
        let lacks = self.missing.iter().filter_map(|missing| match missing {
            Missing::Sent(range) | Missing::Refused(range) => Some(range.clone()),
            Missing::Stored { .. } => None,
        });
        lacks.collect()
    }

    /// Describes the ranges that the local file lacks; `None` if it is complete.
    pub fn missing(&self) -> Option<String> {
        let words = self
            .missing
            .iter()
            .map(|missing| match (missing, &self.upload) {
                (Missing::Sent(range), Some((key, id))) => {
                    let range = of(range);
                    format!(
                        "{range} are parts of the unfinished upload {} of {key}",
                        id.0
                    )
                }
                (Missing::Sent(range), None) => format!("{} are lost", of(range)),
                (Missing::Refused(range), _) => {
                    format!("{} of its mapped pages were not taken", of(range))
                }
                (
                    Missing::Stored {
                        range,
                        object,
                        offset,
                    },
                    _,
                ) => {
                    let range = of(range);
                    format!("{range} are those of {} from {offset} on", object.key)
                }
            });
        let words: Vec<String> = words.collect();
        (!words.is_empty()).then(|| words.join(", "))
    }
}

fn of(range: &Range<u64>) -> String {
    format!("bytes {} to {}", range.start, range.end)
}

/// Range of bytes that were not held here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Bytes that the upload has, or that are lost if there is none.
    Sent(Range<u64>),
    /// Bytes of mapped pages that were refused when the kernel wrote them back.
    Refused(Range<u64>),
    /// Bytes that a stored object has.
    Stored {
        /// Range in the file.
        range: Range<u64>,
        /// Object that has the bytes.
        object: Arc<ObjectRef>,
        /// Offset of the first byte in the object.
        offset: u64,
    },
}

impl FileState {
    /// Writes all bytes held here into a local file.
    ///
    /// # Errors
    /// Fails if the local file or the temporary file fails.
    pub(super) fn rescue(&mut self, into: &File) -> io::Result<Rescued> {
        let length = self.phase.length();
        into.set_len(length)?;
        let save = |at, bytes: &[u8]| Ok::<_, Failed>(into.write_all_at(bytes, at)?);
        let mut upload = None;
        let extents = match &mut self.phase {
            Phase::Whole(buffer) => {
                buffer.each_piece(save)?;
                Extents::default()
            }
            Phase::Staged(staged) => {
                staged.each_piece(save)?;
                staged.extents().clone()
            }
            Phase::Streaming(streaming) => {
                let mut extents = streaming.extents();
                for (offset, buffer) in streaming.held() {
                    buffer.each_piece(|at, bytes| save(offset + at, bytes))?;
                    extents.set(offset..offset + buffer.length(), ExtentSource::Stage);
                }
                if let Some(of) = streaming
                    .upload_mut()
                    .filter(|_| extents.has_sent(0..length))
                {
                    of.leave();
                    upload = of.id().map(|id| (of.key().clone(), id));
                }
                extents
            }
        };
        let mut missing = missing(&extents);
        missing.extend(self.missed.ranges().map(Missing::Refused));
        Ok(Rescued {
            length,
            missing,
            upload,
        })
    }
}

fn missing(extents: &Extents) -> Vec<Missing> {
    let missing = extents.all().filter_map(|extent| match extent.source {
        ExtentSource::Sent => Some(Missing::Sent(extent.range)),
        ExtentSource::Object { object, offset } => Some(Missing::Stored {
            range: extent.range,
            object,
            offset,
        }),
        ExtentSource::Stage | ExtentSource::Hole => None,
    });
    missing.collect()
}

/// Failure of the local file or the temporary file.
struct Failed(io::Error);

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self(error)
    }
}

impl From<WriteError> for Failed {
    fn from(error: WriteError) -> Self {
        Self(io::Error::other(error))
    }
}

impl From<Failed> for io::Error {
    fn from(Failed(error): Failed) -> Self {
        error
    }
}
