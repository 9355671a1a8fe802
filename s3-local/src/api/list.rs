//! `ListObjectsV2` and `ListObjects`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::dto::{
    self, CommonPrefix, EncodingType, ListObjectsInput, ListObjectsOutput, ListObjectsV2Input,
    ListObjectsV2Output, ObjectStorageClass,
};
use s3s::{S3Request, S3Response, S3Result};

use super::Api;
use super::buckets::page_limit;
use super::convert::{count, invalid_argument, length, timestamp};
use crate::Quirk;
use crate::catalog::{After, Entry, ListQuery, Object, Order};

/// Characters that S3 leaves unencoded when it encodes keys.
const LITERAL: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'*')
    .remove(b'/');

/// Token of the first page with entries, behind an empty one ([`Quirk::ShortPages`]).
const BEGINNING: &str = "beginning";

/// Encoding of keys in a response.
#[derive(Clone, Copy)]
pub(super) enum Encoding {
    Plain,
    /// Form encoding: `%` and two digits, and `+` for a space.
    Url,
}

impl Encoding {
    pub(super) fn of(encoding: Option<&EncodingType>) -> S3Result<Encoding> {
        match encoding.map(EncodingType::as_str) {
            None => Ok(Encoding::Plain),
            Some(EncodingType::URL) => Ok(Encoding::Url),
            Some(_) => Err(invalid_argument(
                "Invalid Encoding Method specified in Request",
            )),
        }
    }

    pub(super) fn write(self, text: &str) -> String {
        match self {
            Encoding::Plain => text.to_owned(),
            Encoding::Url => utf8_percent_encode(text, LITERAL)
                .to_string()
                .replace("%20", "+"),
        }
    }

    pub(super) fn write_some(self, text: Option<&str>) -> Option<String> {
        text.map(|text| self.write(text))
    }
}

fn not_empty(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// Entries of a page in the types of the responses.
#[derive(Default)]
struct Page {
    objects: Vec<dto::Object>,
    prefixes: Vec<CommonPrefix>,
    resume: Option<After>,
}

impl Page {
    fn count(&self) -> usize {
        self.objects.len() + self.prefixes.len()
    }
}

impl Api {
    fn page(&self, bucket: &str, query: &ListQuery<'_>, encoding: Encoding) -> S3Result<Page> {
        let order = if self.knobs.has_quirk(Quirk::TreeOrder) {
            Order::Tree
        } else {
            Order::Bytes
        };
        let listing = self.catalog.list(bucket, query, order)?;
        let mut page = Page {
            objects: Vec::new(),
            prefixes: Vec::new(),
            resume: listing.resume,
        };
        for entry in listing.entries {
            match entry {
                Entry::Object(key, object) => {
                    page.objects
                        .push(describe(encoding.write(key.as_str()), &object));
                }
                Entry::CommonPrefix(prefix) => {
                    page.prefixes.push(CommonPrefix {
                        prefix: Some(encoding.write(&prefix)),
                    });
                }
            }
        }
        Ok(page)
    }

    pub(super) fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = request.input;
        let encoding = Encoding::of(input.encoding_type.as_ref())?;
        let (prefix, delimiter) = (input.prefix.unwrap_or_default(), not_empty(input.delimiter));
        let delimiter = delimiter.as_deref();
        let is_short = self.knobs.has_quirk(Quirk::ShortPages);
        let is_first = input.continuation_token.is_none() && input.start_after.is_none();
        let after = match (&input.continuation_token, &input.start_after) {
            (Some(token), _) if is_short && token == BEGINNING => None,
            (Some(token), _) => {
                let incorrect = || invalid_argument("The continuation token provided is incorrect");
                Some(After::from_token(token).ok_or_else(incorrect)?)
            }
            (None, Some(marker)) => Some(After::from_marker(marker, &prefix, delimiter)),
            (None, None) => None,
        };
        let limit = page_limit(input.max_keys)?;
        let query = ListQuery {
            prefix: &prefix,
            delimiter,
            after,
            limit: if is_short { limit.min(1) } else { limit },
        };
        let page = if is_short && is_first {
            Page::default()
        } else {
            self.page(&input.bucket, &query, encoding)?
        };
        let next = match &page.resume {
            None if is_short && is_first => Some(BEGINNING.to_owned()),
            resume => resume.as_ref().map(After::to_token),
        };
        Ok(S3Response::new(ListObjectsV2Output {
            key_count: Some(count(page.count())),
            is_truncated: Some(next.is_some()),
            next_continuation_token: next,
            contents: Some(page.objects),
            common_prefixes: Some(page.prefixes),
            name: Some(input.bucket),
            prefix: Some(encoding.write(&prefix)),
            delimiter: encoding.write_some(delimiter),
            start_after: encoding.write_some(input.start_after.as_deref()),
            continuation_token: input.continuation_token,
            max_keys: Some(count(limit)),
            encoding_type: input.encoding_type,
            ..ListObjectsV2Output::default()
        }))
    }

    pub(super) fn list_objects(
        &self,
        request: S3Request<ListObjectsInput>,
    ) -> S3Result<S3Response<ListObjectsOutput>> {
        let input = request.input;
        let encoding = Encoding::of(input.encoding_type.as_ref())?;
        let (prefix, delimiter) = (input.prefix.unwrap_or_default(), not_empty(input.delimiter));
        let delimiter = delimiter.as_deref();
        let marker = not_empty(input.marker);
        let after = marker
            .as_deref()
            .map(|marker| After::from_marker(marker, &prefix, delimiter));
        let limit = page_limit(input.max_keys)?;
        let query = ListQuery {
            prefix: &prefix,
            delimiter,
            after,
            limit,
        };
        let page = self.page(&input.bucket, &query, encoding)?;
        // Without a delimiter the last key of the page is the marker, and S3 leaves it to the client.
        let next_marker = page.resume.clone().filter(|_| delimiter.is_some());
        Ok(S3Response::new(ListObjectsOutput {
            is_truncated: Some(page.resume.is_some()),
            next_marker: next_marker.map(|resume| encoding.write(&resume.into_marker())),
            contents: Some(page.objects),
            common_prefixes: Some(page.prefixes),
            name: Some(input.bucket),
            prefix: Some(encoding.write(&prefix)),
            delimiter: encoding.write_some(delimiter),
            marker: Some(encoding.write(marker.as_deref().unwrap_or_default())),
            max_keys: Some(count(limit)),
            encoding_type: input.encoding_type,
            ..ListObjectsOutput::default()
        }))
    }
}

fn describe(key: String, object: &Object) -> dto::Object {
    let class = object.headers.storage_class.clone();
    let checksum = object.checksum.as_ref();
    dto::Object {
        key: Some(key),
        size: Some(length(object.size)),
        e_tag: Some(dto::ETag::Strong(object.etag.clone())),
        last_modified: Some(timestamp(object.modified)),
        storage_class: Some(ObjectStorageClass::from(
            class.unwrap_or_else(|| ObjectStorageClass::STANDARD.to_owned()),
        )),
        checksum_algorithm: checksum
            .map(|sum| vec![dto::ChecksumAlgorithm::from_static(sum.algorithm.name())]),
        checksum_type: checksum.map(|sum| dto::ChecksumType::from_static(sum.kind.name())),
        ..dto::Object::default()
    }
}

#[cfg(test)]
mod tests {
    use super::Encoding;

    #[test]
    fn keys_are_encoded_as_in_a_form() {
        let encoded = Encoding::Url.write("a/b c+d\u{1}\u{e9}%*-_.~");
        assert_eq!(encoded, "a/b+c%2Bd%01%C3%A9%25*-_.%7E");
        assert_eq!(Encoding::Plain.write("a b"), "a b");
    }
}
