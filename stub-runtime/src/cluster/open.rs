//! Conversion of an engine's settings to its spool and its scheduler.

use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;

use s3fs_core::chain;

use super::error::ClusterError;
#[cfg(feature = "kubernetes")]
use super::kubernetes;
use super::scheduler::Scheduler;
use super::seal::SealKey;
use super::slurm::{Slurm, processors};
use super::spool::Location;
use crate::declare;
use crate::declare::{Engine, Settings, VolumeUrl};
use crate::host::config;

/// Default spool, in the user's home, which clusters mostly share.
const SPOOL: &str = ".stub/spool";

/// A cluster on which calls run.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) engine: Engine,
    /// Location of the spool, as it was written.
    pub(super) spool: String,
    pub(super) location: Location,
    pub(super) scheduler: Box<dyn Scheduler>,
    /// Path at which the scheduler puts the key on nodes, if it does.
    pub(super) key_file: Option<PathBuf>,
    /// Shell expression for the number of a task.
    pub(super) number: &'static str,
    /// Maximum number of tasks that run at once.
    pub(super) max_tasks: Option<usize>,
    /// Target run time of a task.
    pub(super) task_time: std::time::Duration,
}

/// Purpose for which a cluster is opened: tasks of one call.
#[derive(Clone, Copy, Debug)]
pub(super) struct For<'a> {
    /// Id of the call.
    pub(super) call: &'a str,
    #[cfg_attr(
        not(feature = "kubernetes"),
        expect(dead_code, reason = "no scheduler hands it out")
    )]
    pub(super) key: &'a SealKey,
    /// Location of its spool, if an earlier caller has made it.
    pub(super) spool: Option<&'a str>,
    /// Number of processors that each task takes.
    pub(super) cpu: Option<f64>,
}

/// Opens the cluster of an engine.
pub(super) fn open(engine: &Engine, wanted: For<'_>) -> Result<Cluster, ClusterError> {
    match engine {
        Engine::Local => Err(ClusterError::Unusable(
            "it is not run by a cluster".to_owned(),
        )),
        Engine::Slurm(settings) => slurm(engine, settings, wanted),
        Engine::Kubernetes(settings) => kubernetes(engine, settings, wanted, None),
    }
}

/// Opens a cluster with Kubernetes that gets no requests: `written` receives their text instead.
pub(super) fn open_to_write(
    engine: &Engine,
    wanted: For<'_>,
    written: Sender<String>,
) -> Result<Cluster, ClusterError> {
    match engine {
        Engine::Kubernetes(settings) => kubernetes(engine, settings, wanted, Some(written)),
        _ => Err(ClusterError::Unusable(format!(
            "calls of the engine `{}` can't be written down",
            engine.name()
        ))),
    }
}

fn slurm(
    engine: &Engine,
    settings: &declare::Slurm,
    wanted: For<'_>,
) -> Result<Cluster, ClusterError> {
    let spool = match wanted.spool.or(settings.spool.as_deref()) {
        Some(spool) => spool.to_owned(),
        None => in_home(engine)?,
    };
    let location = location(&spool)?;
    let log = match (&settings.log, &location) {
        (Some(log), _) => log.display().to_string(),
        // Beside the call's own folder, which is there before the first task is.
        (None, Location::Folder(root)) => {
            let folder = root.join(wanted.call);
            folder.join("log-%A-%a").display().to_string()
        }
        (None, Location::Bucket(_)) => "/dev/null".to_owned(),
    };
    let slurm = Slurm::new(settings.clone(), log, processors(wanted.cpu));
    Ok(Cluster {
        engine: engine.clone(),
        spool,
        location,
        scheduler: Box::new(slurm),
        key_file: None,
        number: "${SLURM_ARRAY_TASK_ID:-0}",
        max_tasks: settings.max_tasks,
        task_time: settings.task_time,
    })
}

#[cfg(feature = "kubernetes")]
fn kubernetes(
    engine: &Engine,
    settings: &declare::Kubernetes,
    wanted: For<'_>,
    written: Option<Sender<String>>,
) -> Result<Cluster, ClusterError> {
    kubernetes::check(settings)?;
    let said = wanted.spool.or(settings.spool.as_deref());
    let spool = match (said, &settings.volume_claim) {
        (Some(spool), _) => spool.to_owned(),
        (None, Some(_)) => in_home(engine)?,
        (None, None) => {
            return Err(ClusterError::Unusable(
                "there is no place for inputs and values; set `spool` in `[engine.kubernetes]` of stub.toml to s3://bucket/prefix, or `volume_claim`".to_owned(),
            ));
        }
    };
    let location = location(&spool)?;
    let (settings, key) = (settings.clone(), wanted.key.clone());
    let (max_tasks, task_time) = (settings.max_tasks, settings.task_time);
    let scheduler: Box<dyn Scheduler> = match written {
        None => Box::new(kubernetes::Kubernetes::new(
            settings,
            wanted.call,
            key,
            &location,
        )),
        Some(written) => Box::new(kubernetes::Printed::new(
            settings,
            wanted.call,
            key,
            &location,
            written,
        )),
    };
    Ok(Cluster {
        engine: engine.clone(),
        spool,
        location,
        scheduler,
        key_file: Some(kubernetes::KEY_FILE.into()),
        number: "${JOB_COMPLETION_INDEX:-0}",
        max_tasks,
        task_time,
    })
}

#[cfg(not(feature = "kubernetes"))]
fn kubernetes(
    _: &Engine,
    _: &declare::Kubernetes,
    _: For<'_>,
    _: Option<Sender<String>>,
) -> Result<Cluster, ClusterError> {
    Err(ClusterError::Unusable(
        "this program was built without it: build it with the feature `kubernetes` of the crate `stub`, or of `stub-cli`".to_owned(),
    ))
}

fn in_home(engine: &Engine) -> Result<String, ClusterError> {
    let home = config::home().ok_or_else(|| {
        ClusterError::Unusable(format!(
            "there is no home for the spool; set `spool` in `[engine.{}]` of stub.toml to a folder that the nodes share, or to s3://bucket/prefix",
            engine.name()
        ))
    })?;
    Ok(home.join(SPOOL).display().to_string())
}

fn location(text: &str) -> Result<Location, ClusterError> {
    let unusable = |reason: String| ClusterError::Unusable(format!("the spool `{text}`: {reason}"));
    if text.starts_with("s3://") {
        let url: VolumeUrl = text.parse().map_err(unusable)?;
        let settings = Settings::load().map_err(|error| unusable(chain(&error)))?;
        let config = settings.apply(url.volume(Path::new(""))).into_config();
        let config = config.map_err(|error| unusable(chain(&error)))?;
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::declare::Kubernetes;

    /// Returns the error of a call with such settings, before any cluster is asked.
    fn refused(settings: Kubernetes) -> String {
        let wanted = For {
            call: "0",
            key: &SealKey::generate().unwrap(),
            spool: None,
            cpu: None,
        };
        open(&settings.into(), wanted).unwrap_err().to_string()
    }

    #[cfg(not(feature = "kubernetes"))]
    #[test]
    fn what_was_not_built_in_is_told_with_its_feature() {
        assert!(refused(Kubernetes::new("i")).contains("the feature `kubernetes`"));
    }

    #[cfg(feature = "kubernetes")]
    #[test]
    fn settings_that_lack_something_are_told_with_its_name() {
        assert!(refused(Kubernetes::new("")).contains("`image`"));
        assert!(refused(Kubernetes::new("i")).contains("`spool`"));
        let settings = Kubernetes::new("i").spool("/s").fuse("yes");
        assert!(refused(settings).contains("device plugin"));
    }
}
