//! Differences of other servers from S3.

use std::sync::atomic::{AtomicU32, Ordering};

/// Difference from S3 that some existing server has; see [`Knobs::set_quirk`](crate::Knobs::set_quirk).
///
/// ```
/// use s3_local::{Quirk, S3Local};
///
/// let server = S3Local::builder().start();
/// server.knobs().set_quirk(Quirk::TreeOrder, true);
/// assert!(server.knobs().has_quirk(Quirk::TreeOrder));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Quirk {
    /// `PUT` and `POST` without `Content-Length` are refused: 411 `MissingContentLength`.
    LengthRequired,
    /// `PUT` and completion of an object with `If-Match` or `If-None-Match` are refused: 501
    /// `NotImplemented`.
    NoConditionalWrites,
    /// The conditions of `CompleteMultipartUpload` are ignored.
    UncheckedCompletion,
    /// The answer to `PutObject`, `CopyObject` and `CompleteMultipartUpload` has no `ETag`, or an
    /// empty one.
    NoTagOfWrites,
    /// The condition of a copy fails where the source was uploaded in parts: 412
    /// `PreconditionFailed`.
    CopyConditionOfParts,
    /// The condition of a copy is ignored.
    UncheckedCopies,
    /// Keys are listed as a walk through folders meets them: `sub/…` before `sub-1`, and
    /// `start-after` with a folder's name passes over the folder.
    TreeOrder,
    /// Parts have numbers up to 1,000: 400 `InvalidArgument`.
    FewParts,
    /// Keys that end in `/` can't be the source of a copy: 404 `NoSuchKey`.
    NoMarkerCopies,
    /// Keys that end in `/` can't be created: 400 `InvalidArgument`.
    NoMarkers,
    /// Keys that end in `/` are stored without metadata.
    NoMarkerMetadata,
    /// Requests without a signature get 412 and a text that is no XML.
    UnsignedIsNotS3,
    /// Nothing more can be stored: 403 `QuotaExceeded`.
    QuotaExceeded,
    /// Uploads in parts and copies with other metadata lose their tags.
    LostTags,
    /// `HeadObject` does not show the number of tags.
    HiddenTags,
    /// There are no tags: requests with a header about them get 400 `InvalidArgument`, and those for
    /// tags 501 `NotImplemented`.
    NoTags,
    /// Requests with a storage class other than `STANDARD` get 400 `InvalidStorageClass`.
    OneClass,
    /// `PUT` of objects and parts needs `Content-MD5` or a checksum, as in a bucket with Object Lock: else
    /// 400 `InvalidRequest`.
    DigestRequired,
    /// Requests with `x-amz-checksum-…` headers or trailers are refused: 501 `NotImplemented`.
    NoChecksums,
    /// `PUT` and completion of an object with `If-Match` or `If-None-Match` are refused: 400
    /// `InvalidArgument`, with the name of the header in the message.
    UnknownConditions,
    /// `ListObjectsV2` without `start-after` answers an empty page first, though others follow, and then
    /// pages of one entry.
    ShortPages,
}

/// The quirks in force.
#[derive(Debug, Default)]
pub(super) struct Quirks(AtomicU32);

impl Quirks {
    pub(super) fn has(&self, quirk: Quirk) -> bool {
        self.0.load(Ordering::Relaxed) & bit(quirk) != 0
    }

    pub(super) fn set(&self, quirk: Quirk, on: bool) {
        if on {
            self.0.fetch_or(bit(quirk), Ordering::Relaxed);
        } else {
            self.0.fetch_and(!bit(quirk), Ordering::Relaxed);
        }
    }

    pub(super) fn clear(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

const fn bit(quirk: Quirk) -> u32 {
    1 << quirk as u32
}
