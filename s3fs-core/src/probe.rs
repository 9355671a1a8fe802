//! Check of a mount's permissions, without leaving anything in the bucket.

use crate::config::{Access, MountConfig};
use crate::object::{BucketKind, Headers, Key, Tags};
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
    /// Consequence for a mount without the permission; absent if it can't work without.
    pub without: Option<&'static str>,
}

impl Probe {
    /// Creates the result from a response. A missing object is a success: a caller without the
    /// permission gets another error.
    fn of<T>(action: &'static str, answer: Result<T, StoreError>) -> Self {
        let refused = answer
            .err()
            .filter(|error| !matches!(error.kind, StoreErrorKind::NoSuchKey));
        Self {
            action,
            refused,
            without: None,
        }
    }
}

/// Checks the permissions of a mount on a key that does not exist: reads it, starts and aborts an
/// upload, deletes it. In a directory bucket, one permission allows all of it.
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
            without: None,
        },
        Probe::of("s3:GetObject", store.head(&key).await),
    ];
    if let Access::ReadWrite { delete, .. } = config.access {
        probes.extend(probe_writing(&store, &key).await);
        probes.extend(probe_tags(&store, &key).await);
        if delete {
            probes.push(Probe::of("s3:DeleteObject", store.delete(&key).await));
        }
    }
    if config.bucket.kind() == BucketKind::Directory {
        let refused = probes.into_iter().find_map(|probe| probe.refused);
        probes = vec![Probe {
            action: "s3express:CreateSession",
            refused,
            without: None,
        }];
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

/// Checks the permission to read tags. A server without tags denies nothing.
async fn probe_tags(store: &Bucket, key: &Key) -> Option<Probe> {
    let tags = store.tags(key, &Tags::Counted(1)).await;
    let refused = tags.err()?;
    matches!(refused.kind, StoreErrorKind::AccessDenied(_)).then(|| Probe {
        action: "s3:GetObjectTagging",
        refused: Some(refused),
        without: Some("tags of objects can't be read: an object that is written again loses them"),
    })
}

/// Returns a key that no object has.
fn key(config: &MountConfig) -> Key {
    let random: String = std::iter::repeat_with(fastrand::alphanumeric)
        .take(16)
        .collect();
    Key::new(format!("{}.stub-probe-{random}", config.prefix))
}
