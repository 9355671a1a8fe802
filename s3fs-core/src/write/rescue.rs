//! Saving what is here of a file that could not be stored.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use crate::object::{Key, ObjectRef};
use crate::store::UploadId;
use crate::write::error::WriteError;
use crate::write::extents::{Extents, Source};
use crate::write::inner::{Inner, Phase};

/// What was saved of a file.
#[derive(Clone, Debug, Default)]
pub struct Rescued {
    /// Which bytes were not here. The local file has zeros in their place.
    pub missing: Vec<Missing>,
    /// The upload that has some of them, and was left unfinished for that.
    pub upload: Option<(Key, UploadId)>,
}

impl Rescued {
    /// What is not in the local file, in words; nothing if all is.
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

/// Bytes that were not here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// They are with the upload, or lost if there is none.
    Sent(Range<u64>),
    /// They were refused when the kernel handed them over.
    Refused(Range<u64>),
    /// They are in a stored object.
    Stored {
        /// Which of the file's bytes.
        range: Range<u64>,
        /// Which object.
        object: Arc<ObjectRef>,
        /// Where the first of them is in it.
        offset: u64,
    },
}

impl Inner {
    /// Writes all that is here into a local file.
    ///
    /// # Errors
    /// The file or the temporary file failed.
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
                    extents.set(offset..offset + buffer.length(), Source::Stage);
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
        Ok(Rescued { missing, upload })
    }
}

fn missing(extents: &Extents) -> Vec<Missing> {
    let missing = extents.all().filter_map(|extent| match extent.source {
        Source::Sent => Some(Missing::Sent(extent.range)),
        Source::Object { object, offset } => Some(Missing::Stored {
            range: extent.range,
            object,
            offset,
        }),
        Source::Stage | Source::Hole => None,
    });
    missing.collect()
}

/// Either file failed.
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
