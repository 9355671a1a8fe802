//! Data that all submissions of a call share.

use std::path::PathBuf;

use crate::cluster::seal::SealKey;
use crate::cluster::spool::Location;
use crate::declare::Kubernetes as Settings;
use crate::sys;

/// Name of the scheduler in messages.
pub(super) const NAME: &str = "Kubernetes";

/// Path of the file with the key, in a pod.
pub(in crate::cluster) const KEY_FILE: &str = "/run/stub/key/key";

/// Folder of that file.
pub(super) const KEY_FOLDER: &str = "/run/stub/key";

/// Names of a pod's volumes.
pub(super) const KEY_VOLUME: &str = "key";
pub(super) const SPOOL_VOLUME: &str = "spool";

/// Data that all submissions of a call share.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) settings: Settings,
    /// Id of the call.
    pub(super) call: String,
    pub(super) key: SealKey,
    /// The spool, if it is a folder.
    pub(super) folder: Option<PathBuf>,
    /// User and group id in the containers.
    pub(super) user: (u32, u32),
}

impl Frame {
    /// Makes the data that all submissions share. Files that pods write into a folder belong to the
    /// caller's user. Elsewhere, pods run as root, to be able to read the key, whatever the image
    /// says.
    pub(super) fn new(settings: Settings, call: &str, key: SealKey, spool: &Location) -> Self {
        let folder: Option<PathBuf> = match spool {
            Location::Folder(root) => Some(root.clone()),
            Location::Bucket(_) => None,
        };
        let ids = sys::effective_ids();
        Self {
            settings,
            call: call.to_owned(),
            key,
            user: folder.as_ref().map_or((0, 0), |_| (ids.user, ids.group)),
            folder,
        }
    }
}
