//! Digests of uploads: the checksum of the settings, and `Content-MD5` where the server demands it.

use std::io;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU8, Ordering};

use aws_sdk_s3::types::{self, ChecksumType};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use crc_fast::CrcAlgorithm;
use md5::{Digest as _, Md5};

use super::S3Store;
use super::upload_records::UploadRecords;
use crate::config::UploadChecksum;
use crate::object::Key;
use crate::store::{
    Body, ChecksumAlgorithm, Content, PartChecksum, StoreError, StoreErrorKind, UploadId,
};

/// Largest body that is hashed inline, in bytes: handing a smaller one to another thread costs
/// more than its work.
const INLINE: u64 = 128 << 10;

/// Size of the pieces in which a file is hashed, in bytes.
const PIECE: usize = 1 << 20;

/// Lesson: the server demands `Content-MD5`.
const WANTS_MD5: u8 = 1;

/// Lesson: the server refuses the checksum of the settings.
const REFUSES_CHECKSUM: u8 = 2;

/// Digests that uploads carry, as far as the server's answers have shown.
#[derive(Debug)]
pub(super) struct Integrity {
    algorithm: Option<ChecksumAlgorithm>,
    lessons: AtomicU8,
    /// Checksums with which uploads were created.
    uploads: UploadRecords<ChecksumAlgorithm>,
}

/// Digests that one request carries, apart from those of the SDK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) algorithm: Option<ChecksumAlgorithm>,
    has_md5: bool,
}

impl Integrity {
    /// Creates the digests of the settings.
    pub(super) fn new(checksum: Option<UploadChecksum>) -> Self {
        let algorithm = match checksum {
            None | Some(UploadChecksum::Off) => None,
            Some(UploadChecksum::Crc32) => Some(ChecksumAlgorithm::Crc32),
            Some(UploadChecksum::Crc32c) => Some(ChecksumAlgorithm::Crc32c),
            Some(UploadChecksum::Crc64Nvme) => Some(ChecksumAlgorithm::Crc64Nvme),
        };
        Self {
            algorithm,
            lessons: AtomicU8::new(0),
            uploads: UploadRecords::default(),
        }
    }

    /// Returns the digests of the next request.
    pub(super) fn plan(&self) -> Plan {
        let lessons = self.lessons.load(Ordering::Acquire);
        let is_refused = lessons & REFUSES_CHECKSUM != 0;
        Plan {
            algorithm: self.algorithm.filter(|_| !is_refused),
            has_md5: lessons != 0,
        }
    }

    /// Records the digests with which an upload was created.
    pub(super) fn created(&self, upload: &UploadId, plan: Plan) {
        self.uploads.created(upload, plan.algorithm);
    }

    /// Returns the digests of the next part of an upload. The upload keeps the checksum with which
    /// it was created: the server demands it of each part.
    pub(super) fn plan_of(&self, upload: &UploadId) -> Plan {
        let plan = self.plan();
        Plan {
            algorithm: self.uploads.get(upload).or(plan.algorithm),
            ..plan
        }
    }

    /// Forgets an upload that has ended, or whose own part showed that the server takes no
    /// checksums.
    pub(super) fn forget(&self, upload: &UploadId) {
        self.uploads.ended(upload);
    }

    /// Learns from a failed request. Returns whether to send it again, with other digests.
    pub(super) fn learn(&self, plan: Plan, kind: &StoreErrorKind) -> bool {
        let Some(lesson) = lesson(plan, kind) else {
            return false;
        };
        let before = self.lessons.fetch_or(lesson, Ordering::AcqRel);
        if before & lesson == 0 {
            tracing::warn!("uploads carry Content-MD5, as the server refuses others: {kind}");
        }
        self.plan() != plan
    }
}

/// Returns the lesson of a refusal: the server demands a digest, or does not take the one it got.
fn lesson(plan: Plan, kind: &StoreErrorKind) -> Option<u8> {
    let (StoreErrorKind::Other(words) | StoreErrorKind::Unsupported(words)) = kind else {
        return None;
    };
    let words = words.to_ascii_lowercase();
    // A digest that does not fit the bytes is no reason to send another one.
    let code = words.split(':').next().unwrap_or_default();
    if code.contains("digest") || words.contains("mismatch") || words.contains("not match") {
        return None;
    }
    let names_md5 = words.contains("content-md5") || words.starts_with("missingcontentmd5");
    let is_demand = words.contains("required") || words.contains("missing");
    if names_md5 && is_demand && !plan.has_md5 {
        Some(WANTS_MD5)
    } else if plan.algorithm.is_some() && words.contains("checksum") && is_unknown(kind, &words) {
        Some(REFUSES_CHECKSUM)
    } else {
        None
    }
}

/// Returns whether a refusal says that the server does not know what it was sent.
fn is_unknown(kind: &StoreErrorKind, words: &str) -> bool {
    matches!(kind, StoreErrorKind::Unsupported(_))
        || [
            "not supported",
            "unsupported",
            "not implemented",
            "unknown",
            "not recognized",
            "unrecognized",
        ]
        .iter()
        .any(|phrase| words.contains(phrase))
}

/// Digests of a body, in base64.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Digests {
    pub(super) md5: Option<String>,
    pub(super) crc32: Option<String>,
    pub(super) crc32c: Option<String>,
    pub(super) crc64nvme: Option<String>,
}

/// Sets the headers of digests on `PutObject` or `UploadPart`.
macro_rules! with_digests {
    ($request:expr, $digests:expr) => {
        $request
            .set_content_md5($digests.md5)
            .set_checksum_crc32($digests.crc32)
            .set_checksum_crc32_c($digests.crc32c)
            .set_checksum_crc64_nvme($digests.crc64nvme)
    };
}
pub(super) use with_digests;

/// Returns the checksum of a part from an answer: that of the upload's algorithm, or the SDK's.
macro_rules! part_checksum {
    ($answer:expr, $plan:expr) => {{
        use $crate::store::{ChecksumAlgorithm, PartChecksum};
        let algorithm = $plan.algorithm.unwrap_or(ChecksumAlgorithm::Crc32);
        let value = match algorithm {
            ChecksumAlgorithm::Crc32 => $answer.checksum_crc32.take(),
            ChecksumAlgorithm::Crc32c => $answer.checksum_crc32_c.take(),
            ChecksumAlgorithm::Crc64Nvme => $answer.checksum_crc64_nvme.take(),
        };
        value.map(|value| PartChecksum { algorithm, value })
    }};
}
pub(super) use part_checksum;

/// Returns an algorithm in the SDK's form.
pub(super) fn sdk_algorithm(algorithm: ChecksumAlgorithm) -> types::ChecksumAlgorithm {
    match algorithm {
        ChecksumAlgorithm::Crc32 => types::ChecksumAlgorithm::Crc32,
        ChecksumAlgorithm::Crc32c => types::ChecksumAlgorithm::Crc32C,
        ChecksumAlgorithm::Crc64Nvme => types::ChecksumAlgorithm::Crc64Nvme,
    }
}

/// Returns the coverage of an upload's checksum, if it is not the default: CRC64NVME has none of
/// parts.
pub(super) fn checksum_type(algorithm: Option<ChecksumAlgorithm>) -> Option<ChecksumType> {
    (algorithm == Some(ChecksumAlgorithm::Crc64Nvme)).then_some(ChecksumType::FullObject)
}

/// Returns the value of a part's checksum, if it is of this algorithm.
pub(super) fn value_of(
    checksum: Option<&PartChecksum>,
    algorithm: ChecksumAlgorithm,
) -> Option<String> {
    let checksum = checksum.filter(|it| it.algorithm == algorithm)?;
    Some(checksum.value.clone())
}

impl S3Store {
    /// Computes the digests of a body.
    ///
    /// # Errors
    /// Returns an error if a local file can't be read.
    pub(super) async fn digests(
        &self,
        plan: Plan,
        (operation, key): (&'static str, &Key),
        body: &Body,
    ) -> Result<Digests, StoreError> {
        if plan.algorithm.is_none() && !plan.has_md5 {
            return Ok(Digests::default());
        }
        let content = body.content.clone();
        let digested = if body.length() <= INLINE {
            digest(plan, &content)
        } else {
            let task = tokio::task::spawn_blocking(move || digest(plan, &content));
            task.await.map_err(io::Error::other).flatten()
        };
        digested.map_err(|error| {
            let words = format!("failed to read the bytes to send: {error}");
            self.failed(operation, key, StoreErrorKind::Other(words))
        })
    }
}

fn digest(plan: Plan, content: &Content) -> io::Result<Digests> {
    let mut crc = plan
        .algorithm
        .map(|it| (it, crc_fast::Digest::new(crc_of(it))));
    let mut md5 = plan.has_md5.then(Md5::new);
    each_piece(content, |piece| {
        if let Some((_, crc)) = &mut crc {
            crc.update(piece);
        }
        if let Some(md5) = &mut md5 {
            md5.update(piece);
        }
    })?;
    let mut digests = Digests {
        md5: md5.map(|md5| STANDARD.encode(md5.finalize())),
        ..Digests::default()
    };
    if let Some((algorithm, crc)) = crc {
        let bytes = crc.finalize().to_be_bytes();
        let (field, width) = match algorithm {
            ChecksumAlgorithm::Crc32 => (&mut digests.crc32, 4),
            ChecksumAlgorithm::Crc32c => (&mut digests.crc32c, 4),
            ChecksumAlgorithm::Crc64Nvme => (&mut digests.crc64nvme, 8),
        };
        *field = Some(STANDARD.encode(&bytes[bytes.len() - width..]));
    }
    Ok(digests)
}

fn crc_of(algorithm: ChecksumAlgorithm) -> CrcAlgorithm {
    match algorithm {
        ChecksumAlgorithm::Crc32 => CrcAlgorithm::Crc32IsoHdlc,
        ChecksumAlgorithm::Crc32c => CrcAlgorithm::Crc32Iscsi,
        ChecksumAlgorithm::Crc64Nvme => CrcAlgorithm::Crc64Nvme,
    }
}

fn each_piece(content: &Content, mut see: impl FnMut(&[u8])) -> io::Result<()> {
    let (file, mut offset, mut left) = match content {
        Content::Memory(bytes) => {
            let bytes: &Bytes = bytes;
            see(bytes);
            return Ok(());
        }
        Content::File {
            file,
            offset,
            length,
        } => (file, *offset, *length),
    };
    let mut buffer = vec![0; PIECE];
    while left > 0 {
        let size = usize::try_from(left).map_or(PIECE, |left| left.min(PIECE));
        file.read_exact_at(&mut buffer[..size], offset)?;
        see(&buffer[..size]);
        offset += size as u64;
        left -= size as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
