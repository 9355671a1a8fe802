//! From an engine's settings to its spool and its scheduler.

use std::path::{Path, PathBuf};

use super::error::ClusterError;
use super::scheduler::Scheduler;
use super::slurm::{Slurm, processors};
use super::spool::Location;
use crate::config;
use crate::options::Engine;
use crate::settings::{Settings, VolumeUrl};

/// In the user's home, which clusters mostly share.
const SPOOL: &str = ".stub/spool";

/// A cluster that is called on.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) engine: Engine,
    /// Where the spool is, as it was written.
    pub(super) spool: String,
    pub(super) location: Location,
    pub(super) scheduler: Box<dyn Scheduler>,
    /// How the script writes the number of its task.
    pub(super) number: &'static str,
    /// So many run at once at most.
    pub(super) max_tasks: Option<usize>,
    /// How long a task should last.
    pub(super) task_time: std::time::Duration,
}

/// The cluster behind an engine, for tasks of a call that take so many processors; nothing if it is this machine.
pub(super) fn open(
    engine: &Engine,
    spool: Option<&str>,
    call: &str,
    cpu: Option<f64>,
) -> Result<Option<Cluster>, ClusterError> {
    let Engine::Slurm(settings) = engine else {
        return Ok(None);
    };
    let spool = match spool.or(settings.spool.as_deref()) {
        Some(spool) => spool.to_owned(),
        None => in_home()?,
    };
    let location = location(&spool)?;
    let log = match (&settings.log, &location) {
        (Some(log), _) => log.display().to_string(),
        // Beside the call's own folder, which is there before the first task is.
        (None, Location::Folder(root)) => root.join(call).join("log-%A-%a").display().to_string(),
        (None, Location::Bucket(_)) => "/dev/null".to_owned(),
    };
    let slurm = Slurm::new(settings.clone(), log, processors(cpu));
    Ok(Some(Cluster {
        engine: engine.clone(),
        spool,
        location,
        scheduler: Box::new(slurm),
        number: "${SLURM_ARRAY_TASK_ID:-0}",
        max_tasks: settings.max_tasks,
        task_time: settings.task_time,
    }))
}

fn in_home() -> Result<String, ClusterError> {
    let home = config::home().ok_or_else(|| {
        ClusterError::Unusable(
            "there is no home for the spool; set `spool` in `[engine.slurm]` of stub.toml to a folder that the nodes share, or to s3://bucket/prefix".to_owned(),
        )
    })?;
    Ok(home.join(SPOOL).display().to_string())
}

fn location(text: &str) -> Result<Location, ClusterError> {
    let unusable = |reason: String| ClusterError::Unusable(format!("the spool `{text}`: {reason}"));
    if text.starts_with("s3://") {
        let url: VolumeUrl = text.parse().map_err(unusable)?;
        let settings = Settings::load().map_err(|error| unusable(error.to_string()))?;
        let config = settings.apply(url.volume()).into_config();
        let config = config.map_err(|error| unusable(error.to_string()))?;
        return Ok(Location::Bucket(Box::new(config)));
    }
    let path = match (text.strip_prefix("~/"), config::home()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(text),
    };
    if !path.is_absolute() || path == Path::new("/") {
        return Err(unusable(
            "write the absolute path of a folder, or s3://bucket/prefix".to_owned(),
        ));
    }
    Ok(Location::Folder(path))
}
