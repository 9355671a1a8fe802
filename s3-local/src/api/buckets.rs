//! Operations on whole buckets.

#![allow(
    clippy::needless_pass_by_value,
    clippy::unnecessary_wraps,
    reason = "the signatures are those of the S3 trait"
)]

use s3s::dto::{
    self, BucketLocationConstraint, CreateBucketInput, CreateBucketOutput, DeleteBucketInput,
    DeleteBucketOutput, GetBucketLocationInput, GetBucketLocationOutput, HeadBucketInput,
    HeadBucketOutput, ListBucketsInput, ListBucketsOutput,
};
use s3s::{S3Request, S3Response, S3Result};

use super::Api;
use super::convert::{now, timestamp};
use crate::catalog::{Bucket, BucketSettings, Refusal, is_directory};

/// Region that is reported without a location constraint.
const UNNAMED_REGION: &str = "us-east-1";

impl Api {
    pub(super) fn list_buckets(
        &self,
        request: S3Request<ListBucketsInput>,
    ) -> S3Result<S3Response<ListBucketsOutput>> {
        let input = request.input;
        let prefix = input.prefix.clone().unwrap_or_default();
        let limit = input.max_buckets.and_then(|max| usize::try_from(max).ok());
        let limit = limit.unwrap_or(10_000);
        let is_wanted = |name: &String, bucket: &Bucket| {
            !is_directory(name)
                && name.starts_with(&prefix)
                && input
                    .continuation_token
                    .as_ref()
                    .is_none_or(|last| name > last)
                && input
                    .bucket_region
                    .as_ref()
                    .is_none_or(|it| *it == bucket.settings.region)
        };
        let mut buckets: Vec<dto::Bucket> = self.catalog.read(|state| {
            let wanted = state
                .buckets
                .iter()
                .filter(|(name, bucket)| is_wanted(name, bucket));
            wanted.take(limit.saturating_add(1)).map(describe).collect()
        });
        let is_truncated = buckets.len() > limit;
        buckets.truncate(limit);
        let last = buckets.last().and_then(|bucket| bucket.name.clone());
        Ok(S3Response::new(ListBucketsOutput {
            continuation_token: last.filter(|_| is_truncated),
            buckets: Some(buckets),
            prefix: input.prefix,
            ..ListBucketsOutput::default()
        }))
    }

    pub(super) fn create_bucket(
        &self,
        request: S3Request<CreateBucketInput>,
    ) -> S3Result<S3Response<CreateBucketOutput>> {
        let input = request.input;
        let constraint = input
            .create_bucket_configuration
            .and_then(|given| given.location_constraint);
        let region = match constraint.as_ref().map(BucketLocationConstraint::as_str) {
            Some("EU") => "eu-west-1".to_owned(),
            Some(region) if !region.is_empty() => region.to_owned(),
            _ => self.region.clone(),
        };
        let settings = BucketSettings {
            region,
            public_read: false,
            requester_pays: false,
        };
        self.catalog.create_bucket(&input.bucket, settings, now())?;
        let location = Some(format!("/{}", input.bucket));
        Ok(S3Response::new(CreateBucketOutput { location }))
    }

    pub(super) fn delete_bucket(
        &self,
        request: S3Request<DeleteBucketInput>,
    ) -> S3Result<S3Response<DeleteBucketOutput>> {
        self.catalog.delete_bucket(&request.input.bucket)?;
        let mut response = S3Response::new(DeleteBucketOutput::default());
        response.status = Some(http::StatusCode::NO_CONTENT);
        Ok(response)
    }

    pub(super) fn head_bucket(
        &self,
        request: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        let region = self.region_of(&request.input.bucket)?;
        let bucket_region = Some(region);
        Ok(S3Response::new(HeadBucketOutput {
            bucket_region,
            ..HeadBucketOutput::default()
        }))
    }

    pub(super) fn get_bucket_location(
        &self,
        request: S3Request<GetBucketLocationInput>,
    ) -> S3Result<S3Response<GetBucketLocationOutput>> {
        let region = self.region_of(&request.input.bucket)?;
        let named = Some(region).filter(|region| region != UNNAMED_REGION);
        let location_constraint = named.map(BucketLocationConstraint::from);
        Ok(S3Response::new(GetBucketLocationOutput {
            location_constraint,
        }))
    }

    fn region_of(&self, bucket: &str) -> Result<String, Refusal> {
        let settings = self.catalog.settings(bucket).ok_or(Refusal::NoSuchBucket)?;
        Ok(settings.region)
    }
}

fn describe((name, bucket): (&String, &Bucket)) -> dto::Bucket {
    dto::Bucket {
        name: Some(name.clone()),
        creation_date: Some(timestamp(bucket.created)),
        bucket_region: Some(bucket.settings.region.clone()),
    }
}

/// Returns the page limit for a requested one: at most 1000, which is also the default.
pub(super) fn page_limit(asked: Option<i32>) -> S3Result<usize> {
    let negative = |_| super::convert::invalid_argument("Argument must be at least 0");
    let asked = asked.map(usize::try_from).transpose().map_err(negative)?;
    Ok(asked.unwrap_or(1000).min(1000))
}
