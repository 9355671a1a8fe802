//! Settings of a cluster with Kubernetes.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::tasks::{TASK_TIME, cluster_options};

/// Cluster with [Kubernetes], reached as by `kubectl`: by the files in `KUBECONFIG`, else
/// `~/.kube/config`, else by the service account of the pod that this program is in.
///
/// Each submission of a call is an Indexed Job, each task a pod. A function's `cpu` and `memory`
/// become requests and limits of its pods, `timeout` becomes their `activeDeadlineSeconds`, and
/// `max_containers` the Job's `parallelism`.
///
/// ```no_run
/// # use stub_runtime::{Engine, Kubernetes};
/// let kubernetes = Kubernetes::new("registry.example/tasks:1").spool("s3://spool-bucket/calls");
/// Engine::from(kubernetes).select();
/// ```
///
/// [Kubernetes]: https://kubernetes.io
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct Kubernetes {
    pub(crate) image: String,
    pub(crate) spool: Option<String>,
    pub(crate) volume_claim: Option<String>,
    pub(crate) namespace: Option<String>,
    pub(crate) context: Option<String>,
    pub(crate) service_account: Option<String>,
    pub(crate) image_pull_secret: Option<String>,
    /// Resource that gives a container `/dev/fuse`; without one, it is privileged.
    pub(crate) fuse: Option<String>,
    pub(crate) node_selector: BTreeMap<String, String>,
    pub(crate) max_tasks: Option<usize>,
    pub(crate) task_time: Duration,
}

impl Kubernetes {
    /// Creates the settings of a cluster whose pods have this image. The image must have this
    /// program under the same path as here; or `sh`, `sha256sum` and `curl`, with which a pod
    /// fetches the program from a spool in a bucket.
    pub fn new(image: impl Into<String>) -> Self {
        Self {
            image: image.into(),
            spool: None,
            volume_claim: None,
            namespace: None,
            context: None,
            service_account: None,
            image_pull_secret: None,
            fuse: None,
            node_selector: BTreeMap::new(),
            max_tasks: None,
            task_time: TASK_TIME,
        }
    }

    /// Sets the labels of the nodes that pods may be on.
    pub fn node_selector(
        mut self,
        labels: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
    ) -> Self {
        let labels = labels.into_iter();
        self.node_selector = labels
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        self
    }
}

cluster_options! {
    Kubernetes:
    /// Sets the spool, for inputs and values in transit: `s3://bucket/prefix`, which pods reach
    /// with credentials of their own, or a folder that this machine and the nodes have under the
    /// same path. Defaults to `~/.stub/spool` if there is a [`volume_claim`](Self::volume_claim).
    spool(place),
    /// Sets the `PersistentVolumeClaim` that pods have as the folder of the spool. This machine
    /// must have the same contents under the same path.
    volume_claim(name),
    /// Sets the namespace; defaults to that of the context.
    namespace(name),
    /// Sets the context of the kubeconfig; defaults to its current one.
    context(name),
    /// Sets the service account of the pods, which then have its token.
    service_account(name),
    /// Sets the Secret with which the image is pulled.
    image_pull_secret(name),
    /// Sets the resource of a device plugin that gives a container `/dev/fuse`, such as
    /// `smarter-devices/fuse`. By default, containers are privileged.
    fuse(resource),
}
