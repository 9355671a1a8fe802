//! Capabilities of a store. Amazon S3 has all of them; other servers lack some.
//!
//! A mount starts with the capabilities expected of its endpoint and corrects them by the
//! responses. Capabilities are only ever removed: once contradicted, a capability is not used
//! again.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};

/// Capability that a store has or lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// Keys are listed in the order of their bytes.
    OrderedListing,
    /// `start-after` starts a page after that key.
    StartAfter,
    /// Keys are listed in the order of their bytes, or as a walk through folders meets them.
    SomeOrder,
    /// A page may have any prefix. Else it must end in `/`, or be empty.
    AnyPrefix,
    /// `PutObject` honours `If-Match` and `If-None-Match`.
    ConditionalPut,
    /// `CompleteMultipartUpload` honours `If-Match` and `If-None-Match`.
    ConditionalComplete,
    /// `CopyObject` and `UploadPartCopy` honour `x-amz-copy-source-if-match`, and compare it with
    /// the `ETag` that `HEAD` returns.
    ConditionalCopy,
    /// Empty objects whose keys end in `/` can be stored.
    Markers,
    /// Empty objects whose keys end in `/` can be copied.
    MarkerCopy,
    /// Objects whose keys end in `/` keep their metadata.
    MarkerMetadata,
    /// A folder is listed only while it holds a key.
    EmptyFoldersVanish,
    /// Keys keep their backslashes.
    Backslashes,
    /// An upload may have up to 10,000 parts.
    ManyParts,
    /// The checksums that the SDK adds by default are accepted.
    Checksums,
    /// An object can be renamed, by `RenameObject`.
    Rename,
}

impl Capability {
    /// All capabilities, in display order.
    pub const ALL: [Self; 15] = [
        Self::OrderedListing,
        Self::StartAfter,
        Self::SomeOrder,
        Self::AnyPrefix,
        Self::ConditionalPut,
        Self::ConditionalComplete,
        Self::ConditionalCopy,
        Self::Markers,
        Self::MarkerCopy,
        Self::MarkerMetadata,
        Self::EmptyFoldersVanish,
        Self::Backslashes,
        Self::ManyParts,
        Self::Checksums,
        Self::Rename,
    ];

    /// Returns the consequence of a missing capability, as a log message.
    pub fn without(self) -> &'static str {
        match self {
            Self::OrderedListing => {
                "keys are not listed in order: folders are listed one page after the other"
            }
            Self::StartAfter => {
                "`start-after` is ignored: folders are listed one page after the other"
            }
            Self::SomeOrder => "keys are listed in no order: a page says nothing of other keys",
            Self::AnyPrefix => "only folders are listed: names are looked up by HEAD and LIST",
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
            Self::MarkerCopy => "keys that end in `/` can't be copied: they are created again",
            Self::MarkerMetadata => {
                "keys that end in `/` keep no metadata: modes, owners, times and attributes of folders last as \
                 long as the mount"
            }
            Self::EmptyFoldersVanish => {
                "folders are listed after their last key is deleted: those that are removed or renamed are \
                 deleted as well"
            }
            Self::Backslashes => {
                "keys with a backslash are refused, or it becomes `/`: don't use names with one"
            }
            Self::ManyParts => "uploads have at most 1,000 parts: parts grow earlier",
            Self::Rename => "objects can't be renamed: they are copied and deleted",
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
            Self::SomeOrder => "listing in some order",
            Self::AnyPrefix => "listing of any prefix",
            Self::ConditionalPut => "conditional PUT",
            Self::ConditionalComplete => "conditional CompleteMultipartUpload",
            Self::ConditionalCopy => "conditional copy",
            Self::Markers => "folder markers",
            Self::MarkerCopy => "copy of folder markers",
            Self::MarkerMetadata => "metadata of folder markers",
            Self::EmptyFoldersVanish => "removal of empty folders",
            Self::Backslashes => "backslashes in keys",
            Self::ManyParts => "10,000 parts",
            Self::Checksums => "checksums",
            Self::Rename => "rename of objects",
        })
    }
}

/// Vendor of a store, which decides the capabilities expected before any response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vendor {
    /// Amazon S3, expected to work as documented.
    Amazon,
    /// Other or unknown server.
    Other,
}

/// Capabilities of one store.
#[derive(Debug)]
pub struct Capabilities {
    vendor: Vendor,
    missing: AtomicU32,
    proven: AtomicU32,
}

impl Capabilities {
    /// Returns the capabilities expected of a vendor's servers before any response.
    pub fn of(vendor: Vendor) -> Self {
        let missing = match vendor {
            Vendor::Amazon => Capability::Rename.bit(),
            // Not all servers have these, and no response shows in time that they are missing.
            Vendor::Other => {
                Capability::ConditionalComplete.bit()
                    | Capability::ManyParts.bit()
                    | Capability::Checksums.bit()
                    | Capability::Rename.bit()
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

    /// Returns the capabilities of directory buckets, which are Amazon's.
    pub fn of_directory_bucket() -> Self {
        let missing = [
            Capability::OrderedListing,
            Capability::StartAfter,
            Capability::SomeOrder,
            Capability::AnyPrefix,
        ];
        let missing = missing.iter().fold(0, |bits, it| bits | it.bit());
        Self {
            missing: AtomicU32::new(missing),
            ..Self::of(Vendor::Amazon)
        }
    }

    /// Returns the vendor of the store.
    pub fn vendor(&self) -> Vendor {
        self.vendor
    }

    /// Returns whether the store is expected to have this capability.
    pub fn has(&self, capability: Capability) -> bool {
        self.missing.load(Ordering::Acquire) & capability.bit() == 0
    }

    /// Returns whether the store has proved that it has this capability. No response would show
    /// that it lacks it.
    pub fn is_proven(&self, capability: Capability) -> bool {
        self.proven.load(Ordering::Acquire) & capability.bit() != 0
    }

    /// Records that the store has proved this capability.
    pub fn prove(&self, capability: Capability) {
        self.proven.fetch_or(capability.bit(), Ordering::AcqRel);
    }

    /// Returns whether a page may start after any key, and a page shows that nothing lies between
    /// two of its keys.
    pub fn has_order(&self) -> bool {
        self.has(Capability::OrderedListing) && self.has(Capability::StartAfter)
    }

    /// Returns whether the order of listings needs no proof.
    pub fn is_order_proven(&self) -> bool {
        self.vendor == Vendor::Amazon && self.has_order()
    }

    /// Assumes all capabilities, for tests to contradict. Not for mounts.
    pub(crate) fn assume_all(&self) {
        self.missing.store(0, Ordering::Release);
    }

    /// Records that the store lacks this capability; logs a warning the first time.
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
        let mut all = Capability::ALL.into_iter();
        assert!(all.all(|it| amazon.has(it) == (it != Capability::Rename)));
        assert!(amazon.is_order_proven());
        amazon.lacks(Capability::StartAfter);
        assert!(amazon.has(Capability::OrderedListing) && !amazon.has_order());
        let other = Capabilities::of(Vendor::Other);
        assert!(other.has_order() && !other.is_order_proven());
        assert!(!other.has(Capability::ConditionalComplete));
        assert!(!other.has(Capability::ManyParts));
        let directory = Capabilities::of_directory_bucket();
        assert!(!directory.has_order() && !directory.is_order_proven());
        assert!(directory.has(Capability::Rename) && !directory.has(Capability::AnyPrefix));
        assert!(directory.has(Capability::ConditionalComplete));
    }
}
