//! Listing of unfinished uploads.

use aws_sdk_s3::types::{EncodingType, MultipartUpload};

use super::S3Store;
use super::values::decode;
use crate::object::Key;
use crate::store::{Capability, StoreError, UploadId};

/// Maximum number of pages of a folder's uploads.
const PAGES: usize = 10;

impl S3Store {
    /// Returns the unfinished uploads of a key, of the first page of a listing. Keys that begin with
    /// this one come later. A directory bucket lists the uploads of the folder, in no order.
    pub(super) async fn list_multipart(&self, key: &Key) -> Result<Vec<UploadId>, StoreError> {
        let pages = if self.capabilities.has(Capability::AnyPrefix) {
            1
        } else {
            PAGES
        };
        let (prefix, _) = self.listed_prefix(key.as_str());
        let (mut found, mut marker) = (Vec::new(), None);
        for _ in 0..pages {
            let answer = self
                .client
                .list_multipart_uploads()
                .bucket(self.bucket.as_str())
                .prefix(prefix)
                .set_key_marker(marker)
                .encoding_type(EncodingType::Url)
                .set_request_payer(self.payer.clone())
                .send()
                .await
                .map_err(self.error("ListMultipartUploads", key))?;
            let encoded = answer.encoding_type() == Some(&EncodingType::Url);
            let id = |upload: &MultipartUpload| {
                let of = decode(upload.key()?, encoded)?;
                let id = UploadId(upload.upload_id()?.to_owned());
                (of == key.as_str()).then_some(id)
            };
            found.extend(answer.uploads().iter().filter_map(id));
            match answer.next_key_marker {
                Some(next) if answer.is_truncated == Some(true) => marker = Some(next),
                _ => break,
            }
        }
        Ok(found)
    }
}
