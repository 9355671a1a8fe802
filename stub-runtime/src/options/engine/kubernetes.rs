//! A cluster with Kubernetes.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::TASK_TIME;

/// A cluster with [Kubernetes], reached as `kubectl` reaches it: by the files in `KUBECONFIG`, else `~/.kube/config`,
/// else by the service account of the pod that this program is in.
///
/// Each submission of a call is an Indexed Job, each task a pod. A function's `cpu` and `memory` become requests and
/// limits of its pods, `timeout` their `activeDeadlineSeconds`, `max_containers` the Job's `parallelism`.
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
    /// The resource that gives a container `/dev/fuse`; without one, it is privileged.
    pub(crate) fuse: Option<String>,
    pub(crate) node_selector: BTreeMap<String, String>,
    pub(crate) max_tasks: Option<usize>,
    pub(crate) task_time: Duration,
}

impl Kubernetes {
    /// Pods of this image. It has this program under the path that it has here; or `sh`, `sha256sum` and `curl`, with
    /// which a pod fetches the program from a spool that is in a bucket.
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

    /// Where inputs and values lie on their way: `s3://bucket/prefix`, which pods reach with credentials of their own,
    /// or a folder that this machine and the nodes have under the same path. `~/.stub/spool` unless set, if there is a
    /// [`volume_claim`](Self::volume_claim).
    pub fn spool(mut self, place: impl Into<String>) -> Self {
        self.spool = Some(place.into());
        self
    }

    /// The `PersistentVolumeClaim` that pods have as the folder of the spool. This machine has what is in it under the
    /// same path.
    pub fn volume_claim(mut self, name: impl Into<String>) -> Self {
        self.volume_claim = Some(name.into());
        self
    }

    /// The namespace; that of the context unless set.
    pub fn namespace(mut self, name: impl Into<String>) -> Self {
        self.namespace = Some(name.into());
        self
    }

    /// The context of the kubeconfig; its current one unless set.
    pub fn context(mut self, name: impl Into<String>) -> Self {
        self.context = Some(name.into());
        self
    }

    /// The service account of the pods, whose token they have then.
    pub fn service_account(mut self, name: impl Into<String>) -> Self {
        self.service_account = Some(name.into());
        self
    }

    /// The Secret with which the image is pulled.
    pub fn image_pull_secret(mut self, name: impl Into<String>) -> Self {
        self.image_pull_secret = Some(name.into());
        self
    }

    /// The resource of a device plugin that gives a container `/dev/fuse`, such as `smarter-devices/fuse`. Unless set,
    /// containers are privileged.
    pub fn fuse(mut self, resource: impl Into<String>) -> Self {
        self.fuse = Some(resource.into());
        self
    }

    /// The labels of the nodes that pods may be on.
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

    /// At most so many tasks of a call run at once; as many as the function's `max_containers`, or the cluster, allow
    /// unless set.
    pub fn max_tasks(mut self, most: usize) -> Self {
        self.max_tasks = Some(most);
        self
    }

    /// How long a task should last: it gets as many inputs as that takes. 30 seconds unless set.
    pub fn task_time(mut self, time: Duration) -> Self {
        self.task_time = time;
        self
    }
}
