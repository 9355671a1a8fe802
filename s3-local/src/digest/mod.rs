//! Digests of bodies: the MD5 for the `ETag`, and the checksums that clients send.

mod checksum;

pub(crate) use checksum::{Checksum, ChecksumAlgorithm, ChecksumKind};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Md5, Sha1, Sha256};

/// Digests computed in one pass over the bytes.
pub(crate) struct Digests {
    md5: Option<Md5>,
    checksum: Option<(ChecksumAlgorithm, Hasher)>,
}

enum Hasher {
    Crc32(Crc32),
    Crc32c(Crc32c),
    Crc64Nvme(Crc64Nvme),
    Sha1(Sha1),
    Sha256(Sha256),
}

/// Results of the digests.
pub(crate) struct Digested {
    pub(crate) md5: Option<[u8; 16]>,
    pub(crate) checksum: Option<Checksum>,
}

impl Digests {
    pub(crate) fn new(with_md5: bool, checksum: Option<ChecksumAlgorithm>) -> Digests {
        let hasher = |algorithm| match algorithm {
            ChecksumAlgorithm::Crc32 => Hasher::Crc32(Crc32::new()),
            ChecksumAlgorithm::Crc32c => Hasher::Crc32c(Crc32c::new()),
            ChecksumAlgorithm::Crc64Nvme => Hasher::Crc64Nvme(Crc64Nvme::new()),
            ChecksumAlgorithm::Sha1 => Hasher::Sha1(Sha1::new()),
            ChecksumAlgorithm::Sha256 => Hasher::Sha256(Sha256::new()),
        };
        Digests {
            md5: with_md5.then(Md5::new),
            checksum: checksum.map(|algorithm| (algorithm, hasher(algorithm))),
        }
    }

    /// Returns whether no digest is computed.
    pub(crate) fn is_empty(&self) -> bool {
        self.md5.is_none() && self.checksum.is_none()
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        if let Some(md5) = &mut self.md5 {
            md5.update(bytes);
        }
        match self.checksum.as_mut().map(|(_, hasher)| hasher) {
            Some(Hasher::Crc32(hasher)) => hasher.update(bytes),
            Some(Hasher::Crc32c(hasher)) => hasher.update(bytes),
            Some(Hasher::Crc64Nvme(hasher)) => hasher.update(bytes),
            Some(Hasher::Sha1(hasher)) => hasher.update(bytes),
            Some(Hasher::Sha256(hasher)) => hasher.update(bytes),
            None => {}
        }
    }

    pub(crate) fn finish(self) -> Digested {
        let checksum = self.checksum.map(|(algorithm, hasher)| {
            let value = match hasher {
                Hasher::Crc32(hasher) => STANDARD.encode(hasher.finalize()),
                Hasher::Crc32c(hasher) => STANDARD.encode(hasher.finalize()),
                Hasher::Crc64Nvme(hasher) => STANDARD.encode(hasher.finalize()),
                Hasher::Sha1(hasher) => STANDARD.encode(hasher.finalize()),
                Hasher::Sha256(hasher) => STANDARD.encode(hasher.finalize()),
            };
            Checksum {
                algorithm,
                kind: ChecksumKind::FullObject,
                value,
            }
        });
        Digested {
            md5: self.md5.map(Md5::finalize),
            checksum,
        }
    }
}

impl std::fmt::Debug for Digests {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Digests").finish_non_exhaustive()
    }
}
