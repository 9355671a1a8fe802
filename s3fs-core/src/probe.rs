//! Check of a mount's permissions, without leaving anything in the bucket.

use crate::config::{Access, MountConfig};
use crate::object::{Headers, Key};
use crate::resources::Resources;
use crate::store::s3::{Bucket, ConnectError, connect};
use crate::store::{Store, StoreError, StoreErrorKind, UploadId};

/// Result of checking one permission that a mount needs.
#[derive(Debug)]
pub struct Probe {
    /// IAM action, such as `s3:GetObject`.
    pub action: &'static str,
    /// Error of the request, if the permission is missing.
    pub refused: Option<StoreError>,
}

impl Probe {
    /// Creates the result from a response. A missing object is a success: a caller without the
    /// permission gets another error.
    fn of<T>(action: &'static str, answer: Result<T, StoreError>) -> Self {
        let refused = answer
            .err()
            .filter(|error| !matches!(error.kind, StoreErrorKind::NoSuchKey));
        Self { action, refused }
    }
}

/// Checks the permissions of a mount on a key that does not exist: reads it, starts and aborts an
/// upload, deletes it.
///
/// # Errors
/// Fails if the bucket can't be reached or listed.
pub async fn probe(
    config: &MountConfig,
    resources: &Resources,
) -> Result<Vec<Probe>, ConnectError> {
    let (store, _) = connect(config, &resources.http).await?;
    let key = key(config);
    let mut probes = vec![
        Probe {
            action: "s3:ListBucket",
            refused: None,
        },
        Probe::of("s3:GetObject", store.head(&key).await),
    ];
    if let Access::ReadWrite { delete, .. } = config.access {
        probes.extend(probe_writing(&store, &key).await);
        if delete {
            probes.push(Probe::of("s3:DeleteObject", store.delete(&key).await));
        }
    }
    Ok(probes)
}

async fn probe_writing(store: &Bucket, key: &Key) -> Vec<Probe> {
    let created = store.create_upload(key, &Headers::default()).await;
    let id: Option<UploadId> = created.as_ref().ok().cloned();
    let mut probes = vec![Probe::of("s3:PutObject", created)];
    if let Some(id) = id {
        let aborted = store.abort_upload(key, &id).await;
        probes.push(Probe::of("s3:AbortMultipartUpload", aborted));
    }
    probes
}

/// Returns a key that no object has.
fn key(config: &MountConfig) -> Key {
    let random: String = std::iter::repeat_with(fastrand::alphanumeric)
        .take(16)
        .collect();
    Key::new(format!("{}.stub-probe-{random}", config.prefix))
}
