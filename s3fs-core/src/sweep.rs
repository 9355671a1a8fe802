//! Abort of uploads that a killed process left in a bucket.

use futures_util::stream::{self, StreamExt};

use crate::config::MountConfig;
use crate::object::Key;
use crate::resources::Resources;
use crate::store::s3::{ConnectError, connect};
use crate::store::{Store, StoreError, UnfinishedUpload, UploadId};

/// Maximum number of requests in flight.
const AT_ONCE: usize = 16;

/// Aborts uploads. Returns the errors of those that could not be aborted; an upload that has ended
/// meanwhile is no error.
///
/// # Errors
/// Fails if the bucket can't be reached.
pub async fn abort_uploads(
    config: &MountConfig,
    resources: &Resources,
    uploads: Vec<UnfinishedUpload>,
) -> Result<Vec<StoreError>, ConnectError> {
    let (store, _) = connect(config, &resources.http).await?;
    let store = &store;
    let aborted = stream::iter(uploads).map(|upload| async move {
        let (key, id) = (Key::new(upload.key), UploadId(upload.id));
        store.abort_upload(&key, &id).await.err()
    });
    let failures = aborted.buffer_unordered(AT_ONCE);
    Ok(failures.filter_map(async |failure| failure).collect().await)
}
