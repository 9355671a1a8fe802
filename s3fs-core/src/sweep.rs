//! Aborting the uploads that a process which was killed left in a bucket.

use futures_util::stream::{self, StreamExt};

use crate::config::MountConfig;
use crate::object::Key;
use crate::resources::Resources;
use crate::store::s3::{ConnectError, connect};
use crate::store::{Store, StoreError, UnfinishedUpload, UploadId};

/// Requests at once.
const AT_ONCE: usize = 16;

/// Aborts uploads. Returns why some could not be aborted; one that has ended meanwhile is no
/// failure.
///
/// # Errors
/// The bucket can't be reached.
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
