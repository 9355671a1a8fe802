//! Variables of a node of a cluster, and the credentials that it needs of its caller.

use std::ffi::{OsStr, OsString};

use super::credentials::{OF_MACHINE, begins, credentials};

/// Variables that belong to a node, by their names, or by their prefixes if they end with `_`:
/// facts from its scheduler about a task, and paths. Variables that give a pod credentials of its
/// own, for the spool, belong to it, too.
const OF_NODES: [&str; 14] = [
    "SLURM_",
    "SLURMD_",
    "KUBERNETES_",
    "JOB_COMPLETION_INDEX",
    "TMPDIR",
    "TMP",
    "TEMP",
    "HOSTNAME",
    "XDG_RUNTIME_DIR",
    "CUDA_VISIBLE_DEVICES",
    "ROCR_VISIBLE_DEVICES",
    "ZE_AFFINITY_MASK",
    "GPU_DEVICE_ORDINAL",
    "NVIDIA_",
];

/// Returns whether a variable belongs to the node, whatever a caller's environment says.
pub(crate) fn is_of_node(name: &OsStr) -> bool {
    OF_NODES.iter().any(|own| match own.strip_suffix('_') {
        Some(_) => begins(name, &[own]),
        None => name == *own,
    }) || begins(name, &OF_MACHINE)
}

/// Returns the credentials that are of use on another machine.
pub(crate) fn credentials_for_nodes() -> Vec<(OsString, OsString)> {
    let mut credentials = credentials();
    credentials.retain(|(name, _)| !is_of_node(name));
    credentials
}
