//! What a store can do. Amazon's S3 can do all of it; other servers lack this or that.
//!
//! A mount begins with what is known of the endpoint and learns the rest from answers. Trust is only ever
//! taken away: a capability that was contradicted once is not used again.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};

/// One thing that a store can do, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// Keys are listed in the order of their bytes.
    OrderedListing,
    /// `start-after` begins a page behind that key.
    StartAfter,
    /// `PutObject` heeds `If-Match` and `If-None-Match`.
    ConditionalPut,
    /// `CompleteMultipartUpload` heeds `If-Match` and `If-None-Match`.
    ConditionalComplete,
    /// `CopyObject` and `UploadPartCopy` heed `x-amz-copy-source-if-match`, and compare the `ETag` that a
    /// `HEAD` shows.
    ConditionalCopy,
    /// Empty objects whose keys end in `/` can be stored.
    Markers,
    /// Such an object can be copied.
    MarkerCopy,
    /// An upload has up to 10,000 parts.
    ManyParts,
    /// The checksums that the SDK adds by itself are taken.
    Checksums,
}

impl Capability {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 9] = [
        Self::OrderedListing,
        Self::StartAfter,
        Self::ConditionalPut,
        Self::ConditionalComplete,
        Self::ConditionalCopy,
        Self::Markers,
        Self::MarkerCopy,
        Self::ManyParts,
        Self::Checksums,
    ];

    /// Consequence of its absence, for whoever reads the log.
    pub fn without(self) -> &'static str {
        match self {
            Self::OrderedListing => {
                "keys are not listed in order: folders are listed one page after the other"
            }
            Self::StartAfter => {
                "`start-after` is not heeded: folders are listed one page after the other"
            }
            Self::ConditionalPut => {
                "conditional PUT is not supported: new files are checked by HEAD first, so two clients that \
                 create the same name at the same moment may replace each other's file"
            }
            Self::ConditionalComplete => {
                "conditional CompleteMultipartUpload is not supported: new files above 8 MiB are checked by \
                 HEAD first, so two clients that create the same name at the same moment may replace each \
                 other's file"
            }
            Self::ConditionalCopy => {
                "the condition of a copy is ignored or compares another hash: copies are checked by HEAD"
            }
            Self::Markers => {
                "keys that end in `/` are refused: folders exist only while they hold files"
            }
            Self::MarkerCopy => "keys that end in `/` can't be copied: they are stored anew",
            Self::ManyParts => "uploads have at most 1,000 parts: parts grow earlier",
            Self::Checksums => "the newer checksums are not supported: none are sent",
        }
    }

    const fn bit(self) -> u32 {
        1 << self as u32
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OrderedListing => "ordered listing",
            Self::StartAfter => "start-after",
            Self::ConditionalPut => "conditional PUT",
            Self::ConditionalComplete => "conditional CompleteMultipartUpload",
            Self::ConditionalCopy => "conditional copy",
            Self::Markers => "folder markers",
            Self::MarkerCopy => "copy of folder markers",
            Self::ManyParts => "10,000 parts",
            Self::Checksums => "checksums",
        })
    }
}

/// Origin of what is known of a store before it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vendor {
    /// Amazon's S3, whose documentation is kept to.
    Amazon,
    /// Another server, or one that is not known.
    Other,
}

/// The capabilities of one store.
#[derive(Debug)]
pub struct Capabilities {
    vendor: Vendor,
    missing: AtomicU32,
    proven: AtomicU32,
}

impl Capabilities {
    /// What a vendor's servers are trusted to do before they have answered.
    pub fn of(vendor: Vendor) -> Self {
        let missing = match vendor {
            Vendor::Amazon => 0,
            // Not all servers have these, and their absence shows in no answer, or too late.
            Vendor::Other => {
                Capability::ConditionalComplete.bit()
                    | Capability::ManyParts.bit()
                    | Capability::Checksums.bit()
            }
        };
        Self {
            vendor,
            missing: AtomicU32::new(missing),
            proven: AtomicU32::new(match vendor {
                Vendor::Amazon => u32::MAX,
                Vendor::Other => 0,
            }),
        }
    }

    /// Whether the store can do this, as far as is known.
    pub fn has(&self, capability: Capability) -> bool {
        self.missing.load(Ordering::Acquire) & capability.bit() == 0
    }

    /// Whether the store has shown that it can do this. Its absence would show in no answer.
    pub fn is_proven(&self, capability: Capability) -> bool {
        self.proven.load(Ordering::Acquire) & capability.bit() != 0
    }

    /// The store has shown that it can do this.
    pub fn prove(&self, capability: Capability) {
        self.proven.fetch_or(capability.bit(), Ordering::AcqRel);
    }

    /// Whether pages may begin at any key, and what lies between two keys of a page is known.
    pub fn has_order(&self) -> bool {
        self.has(Capability::OrderedListing) && self.has(Capability::StartAfter)
    }

    /// Whether the order of listings needs no proof.
    pub fn is_order_proven(&self) -> bool {
        self.vendor == Vendor::Amazon && self.has_order()
    }

    /// Assumes all, to be contradicted by trials. Not for a mount.
    pub(crate) fn assume_all(&self) {
        self.missing.store(0, Ordering::Release);
    }

    /// The store can't do this. Says so in the log, the first time.
    pub fn lacks(&self, capability: Capability) {
        let before = self.missing.fetch_or(capability.bit(), Ordering::AcqRel);
        if before & capability.bit() == 0 {
            tracing::warn!("{}", capability.without());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trust_is_only_taken_away() {
        let amazon = Capabilities::of(Vendor::Amazon);
        assert!(Capability::ALL.into_iter().all(|it| amazon.has(it)));
        assert!(amazon.is_order_proven());
        amazon.lacks(Capability::StartAfter);
        assert!(amazon.has(Capability::OrderedListing) && !amazon.has_order());
        let other = Capabilities::of(Vendor::Other);
        assert!(other.has_order() && !other.is_order_proven());
        assert!(!other.has(Capability::ConditionalComplete));
        assert!(!other.has(Capability::ManyParts));
    }
}
