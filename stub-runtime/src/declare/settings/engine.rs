//! Table `[engine]`: the engines that run calls.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::units::Time;
use crate::declare::options::{Engine, EngineName, Kubernetes, Slurm};

/// Value of `fuse` that requests privileged containers instead of a device.
const PRIVILEGED: &str = "privileged";

/// Engines, and the default one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct EngineTable {
    pub(super) default: Option<EngineName>,
    pub(super) slurm: Option<SlurmTable>,
    pub(super) kubernetes: Option<KubernetesTable>,
}

/// Settings of a cluster with Slurm.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SlurmTable {
    spool: Option<String>,
    partition: Option<String>,
    account: Option<String>,
    qos: Option<String>,
    time: Option<Time>,
    flags: Vec<String>,
    max_tasks: Option<usize>,
    task_time: Option<Time>,
    log: Option<PathBuf>,
}

impl SlurmTable {
    fn settings(&self) -> Slurm {
        let mut slurm = Slurm::new().flags(self.flags.iter().cloned());
        slurm.spool.clone_from(&self.spool);
        slurm.partition.clone_from(&self.partition);
        slurm.account.clone_from(&self.account);
        slurm.qos.clone_from(&self.qos);
        slurm.time = self.time.map(|time| time.0);
        slurm.max_tasks = self.max_tasks;
        slurm.log.clone_from(&self.log);
        if let Some(time) = self.task_time {
            slurm.task_time = time.0;
        }
        slurm
    }
}

/// Settings of a cluster with Kubernetes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct KubernetesTable {
    image: Option<String>,
    spool: Option<String>,
    volume_claim: Option<String>,
    namespace: Option<String>,
    context: Option<String>,
    service_account: Option<String>,
    image_pull_secret: Option<String>,
    fuse: Option<String>,
    node_selector: BTreeMap<String, String>,
    max_tasks: Option<usize>,
    task_time: Option<Time>,
}

impl KubernetesTable {
    fn settings(&self) -> Kubernetes {
        // One without an image is refused when a call begins: others may never be run there.
        let mut kubernetes = Kubernetes::new(self.image.clone().unwrap_or_default());
        kubernetes.spool.clone_from(&self.spool);
        kubernetes.volume_claim.clone_from(&self.volume_claim);
        kubernetes.namespace.clone_from(&self.namespace);
        kubernetes.context.clone_from(&self.context);
        kubernetes.service_account.clone_from(&self.service_account);
        kubernetes
            .image_pull_secret
            .clone_from(&self.image_pull_secret);
        kubernetes.fuse = self.fuse.clone().filter(|said| said != PRIVILEGED);
        kubernetes.node_selector.clone_from(&self.node_selector);
        kubernetes.max_tasks = self.max_tasks;
        if let Some(time) = self.task_time {
            kubernetes.task_time = time.0;
        }
        kubernetes
    }
}

/// Returns the engine of this name, or the default one, from these tables. The nearest one comes first.
pub(super) fn engine<'a>(
    tables: &(impl Iterator<Item = &'a EngineTable> + Clone),
    name: Option<EngineName>,
) -> Engine {
    let default = || tables.clone().find_map(|table| table.default);
    match name.or_else(default).unwrap_or(EngineName::Local) {
        EngineName::Local => Engine::Local,
        EngineName::Slurm => {
            let said = tables.clone().find_map(|table| table.slurm.as_ref());
            Engine::Slurm(said.map(SlurmTable::settings).unwrap_or_default())
        }
        EngineName::Kubernetes => {
            let said = tables.clone().find_map(|table| table.kubernetes.as_ref());
            let none = KubernetesTable::default;
            Engine::Kubernetes(said.cloned().unwrap_or_else(none).settings())
        }
    }
}
