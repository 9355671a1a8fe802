//! Checksums of S3: their names and values, and the computation of a multipart object's checksum.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Sha1, Sha256};
use serde::{Deserialize, Serialize};

/// A checksum algorithm of S3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ChecksumAlgorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

/// Coverage of a checksum: the object's bytes, or the checksums of its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ChecksumKind {
    FullObject,
    Composite,
}

impl ChecksumAlgorithm {
    pub(crate) const ALL: [ChecksumAlgorithm; 5] = [
        ChecksumAlgorithm::Crc32,
        ChecksumAlgorithm::Crc32c,
        ChecksumAlgorithm::Crc64Nvme,
        ChecksumAlgorithm::Sha1,
        ChecksumAlgorithm::Sha256,
    ];

    /// Returns the name in API fields.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            ChecksumAlgorithm::Crc32 => "CRC32",
            ChecksumAlgorithm::Crc32c => "CRC32C",
            ChecksumAlgorithm::Crc64Nvme => "CRC64NVME",
            ChecksumAlgorithm::Sha1 => "SHA1",
            ChecksumAlgorithm::Sha256 => "SHA256",
        }
    }

    /// Returns the header or trailer that carries the value.
    pub(crate) const fn header(self) -> &'static str {
        match self {
            ChecksumAlgorithm::Crc32 => "x-amz-checksum-crc32",
            ChecksumAlgorithm::Crc32c => "x-amz-checksum-crc32c",
            ChecksumAlgorithm::Crc64Nvme => "x-amz-checksum-crc64nvme",
            ChecksumAlgorithm::Sha1 => "x-amz-checksum-sha1",
            ChecksumAlgorithm::Sha256 => "x-amz-checksum-sha256",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<ChecksumAlgorithm> {
        ChecksumAlgorithm::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
    }

    pub(crate) fn from_header(header: &str) -> Option<ChecksumAlgorithm> {
        let same = |algorithm: &ChecksumAlgorithm| header.eq_ignore_ascii_case(algorithm.header());
        ChecksumAlgorithm::ALL.into_iter().find(same)
    }

    /// Returns the kind of a multipart object's checksum unless the client chose one.
    pub(crate) const fn default_kind(self) -> ChecksumKind {
        match self {
            ChecksumAlgorithm::Crc64Nvme => ChecksumKind::FullObject,
            _ => ChecksumKind::Composite,
        }
    }
}

impl ChecksumKind {
    /// Returns the name in API fields.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            ChecksumKind::FullObject => "FULL_OBJECT",
            ChecksumKind::Composite => "COMPOSITE",
        }
    }
}

/// Checksum of an object or a part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checksum {
    pub(crate) algorithm: ChecksumAlgorithm,
    pub(crate) kind: ChecksumKind,
    /// Base64; a composite one ends in `-` and the number of parts.
    pub(crate) value: String,
}

impl Checksum {
    /// Returns the checksum of an object made of parts with these checksums and sizes.
    ///
    /// Returns `None` if a part has another algorithm, or if the algorithm has no checksum of this kind.
    pub(crate) fn of_parts(
        algorithm: ChecksumAlgorithm,
        kind: ChecksumKind,
        parts: &[(&Checksum, u64)],
    ) -> Option<Checksum> {
        if parts.iter().any(|(part, _)| part.algorithm != algorithm) {
            return None;
        }
        let decoded = parts
            .iter()
            .map(|(part, _)| STANDARD.decode(&part.value).ok());
        let decoded = decoded.collect::<Option<Vec<_>>>()?;
        let value = match kind {
            ChecksumKind::Composite => {
                format!(
                    "{}-{}",
                    composite(algorithm, &decoded.concat())?,
                    parts.len()
                )
            }
            ChecksumKind::FullObject => {
                let sizes = parts.iter().map(|&(_, size)| size);
                combined(algorithm, decoded.iter().map(Vec::as_slice).zip(sizes))?
            }
        };
        Some(Checksum {
            algorithm,
            kind,
            value,
        })
    }
}

fn composite(algorithm: ChecksumAlgorithm, sums: &[u8]) -> Option<String> {
    Some(match algorithm {
        ChecksumAlgorithm::Crc32 => STANDARD.encode(Crc32::checksum(sums)),
        ChecksumAlgorithm::Crc32c => STANDARD.encode(Crc32c::checksum(sums)),
        ChecksumAlgorithm::Crc64Nvme => return None,
        ChecksumAlgorithm::Sha1 => STANDARD.encode(Sha1::checksum(sums)),
        ChecksumAlgorithm::Sha256 => STANDARD.encode(Sha256::checksum(sums)),
    })
}

fn combined<'s>(
    algorithm: ChecksumAlgorithm,
    sums: impl Iterator<Item = (&'s [u8], u64)>,
) -> Option<String> {
    let (crc, width) = match algorithm {
        ChecksumAlgorithm::Crc32 => (crc_fast::CrcAlgorithm::Crc32IsoHdlc, 4),
        ChecksumAlgorithm::Crc32c => (crc_fast::CrcAlgorithm::Crc32Iscsi, 4),
        ChecksumAlgorithm::Crc64Nvme => (crc_fast::CrcAlgorithm::Crc64Nvme, 8),
        ChecksumAlgorithm::Sha1 | ChecksumAlgorithm::Sha256 => return None,
    };
    let number = |sum: &[u8]| {
        sum.iter()
            .fold(0, |value, &byte| value << 8 | u64::from(byte))
    };
    let total = sums
        .map(|(sum, size)| (number(sum), size))
        .reduce(|(whole, _), (part, size)| {
            (crc_fast::checksum_combine(crc, whole, part, size), size)
        });
    let bytes = total?.0.to_be_bytes();
    Some(STANDARD.encode(&bytes[bytes.len() - width..]))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::digest::Digests;

    fn checksum(algorithm: ChecksumAlgorithm, bytes: &[u8]) -> Checksum {
        let mut digests = Digests::new(false, Some(algorithm));
        digests.update(bytes);
        digests.finish().checksum.unwrap()
    }

    #[test]
    fn a_full_object_checksum_of_parts_is_the_one_of_the_bytes() {
        use ChecksumAlgorithm::{Crc32, Crc32c, Crc64Nvme};
        for algorithm in [Crc32, Crc32c, Crc64Nvme] {
            let parts = [&b"first part"[..], b"2", b"and the third"];
            let sums = parts.map(|part| (checksum(algorithm, part), part.len() as u64));
            let sums = sums.each_ref().map(|(sum, size)| (sum, *size));
            let whole = Checksum::of_parts(algorithm, ChecksumKind::FullObject, &sums);
            assert_eq!(
                whole.unwrap(),
                checksum(algorithm, &parts.concat()),
                "{algorithm:?}"
            );
        }
    }

    #[test]
    fn a_composite_checksum_counts_its_parts() {
        let parts = [b"a", b"b"].map(|part| checksum(ChecksumAlgorithm::Sha256, part));
        let parts = parts.each_ref().map(|part| (part, 1));
        let kind = ChecksumKind::Composite;
        let sum = Checksum::of_parts(ChecksumAlgorithm::Sha256, kind, &parts).unwrap();
        assert!(sum.value.ends_with("-2"), "{sum:?}");
        assert_eq!(
            Checksum::of_parts(ChecksumAlgorithm::Crc64Nvme, kind, &parts),
            None
        );
    }
}
