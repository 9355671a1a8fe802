//! Tags of objects.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use s3s::dto::{
    DeleteObjectTaggingInput, DeleteObjectTaggingOutput, GetObjectTaggingInput,
    GetObjectTaggingOutput, PutObjectTaggingInput, PutObjectTaggingOutput, Tag,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::Api;
use crate::Quirk;
use crate::catalog::Headers;

/// Maximum number of tags of an object.
const MAX_TAGS: usize = 10;

/// Maximum length of a tag's name and of its value, in characters.
const MAX_LENGTH: (usize, usize) = (128, 256);

/// Parses the header `x-amz-tagging`, which is the query of a URL.
pub(super) fn parse(header: Option<&str>) -> S3Result<BTreeMap<String, String>> {
    let decode = |text: &str| {
        let spaced = text.replace('+', " ");
        percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
    };
    let pairs = header.unwrap_or_default().split('&');
    let pairs = pairs.filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    });
    checked(pairs.collect())
}

fn checked(tags: BTreeMap<String, String>) -> S3Result<BTreeMap<String, String>> {
    if tags.len() > MAX_TAGS {
        return Err(s3_error!(
            InvalidTag,
            "Object tags cannot be greater than 10"
        ));
    }
    let is_long = |(name, value): (&String, &String)| {
        name.is_empty()
            || name.chars().count() > MAX_LENGTH.0
            || value.chars().count() > MAX_LENGTH.1
    };
    if tags.iter().any(is_long) {
        return Err(s3_error!(
            InvalidTag,
            "The TagKey you have provided is invalid"
        ));
    }
    Ok(tags)
}

impl Api {
    /// Drops the tags of a new object on servers with that quirk.
    pub(super) fn lose_tags(&self, headers: &mut Headers) {
        if self.knobs.has_quirk(Quirk::LostTags) {
            headers.tags.clear();
        }
    }

    pub(super) fn get_object_tagging(
        &self,
        request: S3Request<GetObjectTaggingInput>,
    ) -> S3Result<S3Response<GetObjectTaggingOutput>> {
        if self.knobs.has_quirk(Quirk::NoTags) {
            return Err(s3_error!(NotImplemented, "tags are not supported"));
        }
        let input = request.input;
        let object = self.catalog.object(&input.bucket, &input.key)?;
        let tags = object.headers.tags.iter();
        let tag_set = tags.map(|(name, value)| Tag {
            key: Some(name.clone()),
            value: Some(value.clone()),
        });
        Ok(S3Response::new(GetObjectTaggingOutput {
            tag_set: tag_set.collect(),
            version_id: None,
        }))
    }

    pub(super) fn put_object_tagging(
        &self,
        request: S3Request<PutObjectTaggingInput>,
    ) -> S3Result<S3Response<PutObjectTaggingOutput>> {
        let input = request.input;
        let tags = input.tagging.tag_set.into_iter();
        let tags = tags.map(|tag| (tag.key.unwrap_or_default(), tag.value.unwrap_or_default()));
        let tags = checked(tags.collect())?;
        self.catalog
            .change_headers(&input.bucket, &input.key, |headers| headers.tags = tags)?;
        Ok(S3Response::new(PutObjectTaggingOutput::default()))
    }

    pub(super) fn delete_object_tagging(
        &self,
        request: S3Request<DeleteObjectTaggingInput>,
    ) -> S3Result<S3Response<DeleteObjectTaggingOutput>> {
        let input = request.input;
        self.catalog
            .change_headers(&input.bucket, &input.key, |headers| headers.tags.clear())?;
        Ok(S3Response::new(DeleteObjectTaggingOutput::default()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn tags_are_the_query_of_a_url() {
        let tags = parse(Some("a=1&b%20c=%C3%BC+x&empty=&bare")).unwrap();
        let expected = [("a", "1"), ("b c", "ü x"), ("empty", ""), ("bare", "")];
        assert!(
            tags.iter()
                .map(|(n, v)| (&**n, &**v))
                .eq(BTreeMap::from(expected))
        );
        assert!(parse(None).unwrap().is_empty());
        let eleven: Vec<_> = (0..11).map(|number| format!("{number}=")).collect();
        assert!(parse(Some(&eleven.join("&"))).is_err());
    }
}
