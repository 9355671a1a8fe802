//! `[engine]`: where calls are run.

use std::path::PathBuf;

use serde::Deserialize;

use super::units::Time;
use crate::options::{Engine, EngineName, Slurm};

/// The engines, and the one that is used unless told otherwise.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct EngineTable {
    pub(super) default: Option<EngineName>,
    pub(super) slurm: Option<SlurmTable>,
}

/// A cluster with Slurm.
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

/// The engine of this name, or the one that is used unless told otherwise, as these say, of which the nearer comes
/// first.
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
    }
}
