//! Assembly of an object from an upload's parts: S3's rules for `CompleteMultipartUpload`, without I/O.

use s3s::crypto::{Checksum as _, Md5};

use super::{Object, Part, Refusal, Upload, WriteCondition};
use crate::content::Content;
use crate::digest::Checksum;

/// Minimum size of every part but the last, in bytes.
pub(crate) const MIN_PART_SIZE: u64 = 5 * 1024 * 1024;

/// Part as named by the client when it completes the upload.
#[derive(Clone, Debug)]
pub(crate) struct RequestedPart {
    pub(crate) number: u16,
    /// `ETag` without the quotes.
    pub(crate) etag: Option<String>,
    /// Base64 values of any algorithm.
    pub(crate) checksums: Vec<String>,
}

/// Parts, condition and checksums that the client sends when it completes an upload.
#[derive(Clone, Debug, Default)]
pub(crate) struct Completion {
    pub(crate) parts: Vec<RequestedPart>,
    pub(crate) condition: WriteCondition,
    /// Base64 values for the whole object, of any algorithm.
    pub(crate) checksums: Vec<String>,
}

/// Returns the object that results from completing the upload with the requested parts.
pub(super) fn assemble(
    upload: &Upload,
    completion: &Completion,
    modified: i64,
) -> Result<Object, Refusal> {
    let requested = &completion.parts;
    if requested.is_empty() {
        return Err(Refusal::NoParts);
    }
    if !requested.is_sorted_by(|a, b| a.number < b.number) {
        return Err(Refusal::InvalidPartOrder);
    }
    let parts = requested.iter().map(|request| find(upload, request));
    let parts = parts.collect::<Result<Vec<&Part>, Refusal>>()?;
    let all_but_last = requested.iter().zip(&parts).take(parts.len() - 1);
    for (request, part) in all_but_last {
        if part.size < MIN_PART_SIZE {
            let (number, size) = (request.number, part.size);
            return Err(Refusal::EntityTooSmall { number, size });
        }
    }
    let extents = parts
        .iter()
        .flat_map(|part| part.content.extents.iter().cloned())
        .collect();
    let checksums = parts
        .iter()
        .map(|part| part.checksum.as_ref().map(|sum| (sum, part.size)));
    let checksum = match (upload.checksum, checksums.collect::<Option<Vec<_>>>()) {
        (Some((algorithm, kind)), Some(sums)) => Checksum::of_parts(algorithm, kind, &sums),
        _ => None,
    };
    if let Some(computed) = &checksum
        && completion
            .checksums
            .iter()
            .any(|value| *value != computed.value)
    {
        return Err(Refusal::BadDigest);
    }
    Ok(Object {
        content: Content { extents },
        size: parts.iter().map(|part| part.size).sum(),
        etag: etag_of_parts(&parts),
        modified,
        headers: upload.headers.clone(),
        checksum,
        parts: u32::try_from(parts.len()).unwrap_or(u32::MAX),
    })
}

fn find<'u>(upload: &'u Upload, request: &RequestedPart) -> Result<&'u Part, Refusal> {
    let invalid = || Refusal::InvalidPart(request.number);
    let part = upload.parts.get(&request.number).ok_or_else(invalid)?;
    if request.etag.as_ref() != Some(&part.etag) {
        return Err(invalid());
    }
    let same = |value: &String| part.checksum.as_ref().is_none_or(|sum| sum.value == *value);
    if request.checksums.iter().all(same) {
        Ok(part)
    } else {
        Err(invalid())
    }
}

/// Returns the MD5 of the parts' MD5s, a hyphen and the number of parts.
fn etag_of_parts(parts: &[&Part]) -> String {
    let mut md5 = Md5::new();
    for part in parts {
        // A part's ETag is made by this crate: 32 hex digits.
        md5.update(&hex::decode(&part.etag).unwrap_or_default());
    }
    format!("{}-{}", hex::encode(md5.finalize()), parts.len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use bytes::Bytes;

    use super::*;
    use crate::catalog::Headers;

    fn upload(sizes: &[u64]) -> Upload {
        let part = |(index, &size): (usize, &u64)| {
            let content = Content::from(Bytes::from(vec![b'x'; usize::try_from(size).unwrap()]));
            let etag = format!("{index:032x}");
            let number = u16::try_from(index + 1).unwrap();
            (
                number,
                Part {
                    content,
                    size,
                    etag,
                    modified: 0,
                    checksum: None,
                },
            )
        };
        Upload {
            key: "k".into(),
            initiated: 0,
            headers: Headers::default(),
            checksum: None,
            parts: sizes.iter().enumerate().map(part).collect(),
        }
    }

    fn assemble(
        upload: &Upload,
        parts: &[RequestedPart],
        modified: i64,
    ) -> Result<Object, Refusal> {
        let completion = Completion {
            parts: parts.to_vec(),
            ..Completion::default()
        };
        super::assemble(upload, &completion, modified)
    }

    fn all(upload: &Upload) -> Vec<RequestedPart> {
        let request = |(&number, part): (&u16, &Part)| RequestedPart {
            number,
            etag: Some(part.etag.clone()),
            checksums: Vec::new(),
        };
        upload.parts.iter().map(request).collect()
    }

    #[test]
    fn the_last_part_alone_may_be_small() {
        let upload = upload(&[MIN_PART_SIZE, 1]);
        let object = assemble(&upload, &all(&upload), 7).unwrap();
        assert_eq!((object.size, object.modified), (MIN_PART_SIZE + 1, 7));
        assert!(object.etag.ends_with("-2"));

        let upload = self::upload(&[MIN_PART_SIZE - 1, 1]);
        let refused = assemble(&upload, &all(&upload), 0);
        assert!(matches!(
            refused,
            Err(Refusal::EntityTooSmall { number: 1, .. })
        ));
    }

    #[test]
    fn parts_must_ascend_and_exist_with_their_etag() {
        let upload = upload(&[MIN_PART_SIZE, MIN_PART_SIZE, 1]);
        let mut reversed = all(&upload);
        reversed.reverse();
        assert!(matches!(
            assemble(&upload, &reversed, 0),
            Err(Refusal::InvalidPartOrder)
        ));
        let mut twice = all(&upload);
        twice[1] = twice[0].clone();
        assert!(matches!(
            assemble(&upload, &twice, 0),
            Err(Refusal::InvalidPartOrder)
        ));
        let mut other = all(&upload);
        other[2].etag = Some("f".repeat(32));
        assert!(matches!(
            assemble(&upload, &other, 0),
            Err(Refusal::InvalidPart(3))
        ));
        let mut missing = all(&upload);
        missing[2].number = 9;
        assert!(matches!(
            assemble(&upload, &missing, 0),
            Err(Refusal::InvalidPart(9))
        ));
        assert!(matches!(assemble(&upload, &[], 0), Err(Refusal::NoParts)));
    }

    #[test]
    fn parts_left_out_are_not_in_the_object() {
        let upload = upload(&[MIN_PART_SIZE, MIN_PART_SIZE, 1]);
        let mut some = all(&upload);
        some.remove(1);
        let object = assemble(&upload, &some, 0).unwrap();
        assert_eq!(object.size, MIN_PART_SIZE + 1);
        assert_eq!(object.content.len(), object.size);
    }
}
