//! The S3 operations, as the `s3s` service calls them.

mod buckets;
mod convert;
mod copy;
mod delete;
mod failure;
mod get;
mod list;
mod list_uploads;
mod multipart;
mod put;
mod receive;
mod rename;
mod session;
mod tags;

pub(crate) use convert::now;
pub(crate) use put::{ReceivedPut, store};
pub(crate) use rename::Renames;

use std::sync::Arc;

use s3s::dto;
use s3s::{S3, S3Request, S3Response, S3Result};

use crate::access::{Access, Sessions};
use crate::catalog::{Catalog, is_directory};
use crate::storage::Storage;
use crate::{Knobs, Quirk};

/// Source of objects' `ETag`s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Etags {
    /// The MD5 of the bytes, as S3 does for most buckets.
    #[default]
    Md5,
    /// Random, as unrelated to the bytes as S3's are for objects encrypted with KMS keys. Uploads are
    /// then not limited by the speed of MD5.
    Opaque,
}

/// The S3 service's view of the server.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) storage: Storage,
    pub(crate) access: Access,
    pub(crate) etags: Etags,
    pub(crate) region: String,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) knobs: Arc<Knobs>,
}

impl Api {
    /// Returns the source of the `ETag`s of a bucket's objects.
    fn etags_in(&self, bucket: &str) -> Etags {
        if is_directory(bucket) {
            Etags::Opaque
        } else {
            self.etags
        }
    }

    /// Returns the `ETag` for the response to a request that created an object.
    fn written_tag(&self, etag: String) -> dto::ETag {
        let is_silent = self.knobs.has_quirk(Quirk::NoTagOfWrites);
        dto::ETag::Strong(if is_silent { String::new() } else { etag })
    }
}

/// Implements the trait by the inherent methods of the same names, each in the file of its family.
/// `at_once` marks methods that are not async.
macro_rules! operations {
    ($($pace:ident $method:ident($input:ident) -> $output:ident;)*) => {
        #[async_trait::async_trait]
        impl S3 for Api {
            $(
                async fn $method(
                    &self,
                    request: S3Request<dto::$input>,
                ) -> S3Result<S3Response<dto::$output>> {
                    operations!(@ $pace Api::$method(self, request))
                }
            )*
        }
    };
    (@ at_once $call:expr) => { $call };
    (@ awaits $call:expr) => { $call.await };
}

operations! {
    at_once list_buckets(ListBucketsInput) -> ListBucketsOutput;
    at_once create_session(CreateSessionInput) -> CreateSessionOutput;
    at_once create_bucket(CreateBucketInput) -> CreateBucketOutput;
    at_once delete_bucket(DeleteBucketInput) -> DeleteBucketOutput;
    at_once head_bucket(HeadBucketInput) -> HeadBucketOutput;
    at_once get_bucket_location(GetBucketLocationInput) -> GetBucketLocationOutput;
    at_once list_objects(ListObjectsInput) -> ListObjectsOutput;
    at_once list_objects_v2(ListObjectsV2Input) -> ListObjectsV2Output;
    at_once head_object(HeadObjectInput) -> HeadObjectOutput;
    at_once get_object(GetObjectInput) -> GetObjectOutput;
    awaits put_object(PutObjectInput) -> PutObjectOutput;
    awaits copy_object(CopyObjectInput) -> CopyObjectOutput;
    at_once get_object_tagging(GetObjectTaggingInput) -> GetObjectTaggingOutput;
    at_once put_object_tagging(PutObjectTaggingInput) -> PutObjectTaggingOutput;
    at_once delete_object_tagging(DeleteObjectTaggingInput) -> DeleteObjectTaggingOutput;
    at_once delete_object(DeleteObjectInput) -> DeleteObjectOutput;
    at_once delete_objects(DeleteObjectsInput) -> DeleteObjectsOutput;
    at_once create_multipart_upload(CreateMultipartUploadInput) -> CreateMultipartUploadOutput;
    awaits upload_part(UploadPartInput) -> UploadPartOutput;
    awaits upload_part_copy(UploadPartCopyInput) -> UploadPartCopyOutput;
    at_once complete_multipart_upload(CompleteMultipartUploadInput) -> CompleteMultipartUploadOutput;
    at_once abort_multipart_upload(AbortMultipartUploadInput) -> AbortMultipartUploadOutput;
    at_once list_parts(ListPartsInput) -> ListPartsOutput;
    at_once list_multipart_uploads(ListMultipartUploadsInput) -> ListMultipartUploadsOutput;
}
