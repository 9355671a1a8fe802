//! Slurm, by its commands: `options` makes their arguments, `states` parses their output, `command`
//! runs them.

mod command;
mod options;
mod states;

use std::collections::BTreeMap;
use std::collections::HashMap;

use super::error::ClusterError;
use super::names::BatchId;
use super::scheduler::{Fate, JobId, Room, Scheduler, Seen, Submission};
use crate::declare::Slurm as Settings;
use crate::sys;

use command::{NAME, run};
pub(super) use options::processors;

/// Assumed number of places where Slurm doesn't say.
const PLACES: usize = 64;

/// Maximum number of tasks of an array where Slurm doesn't say ([`MaxArraySize`]).
///
/// [`MaxArraySize`]: https://slurm.schedmd.com/slurm.conf.html#OPT_MaxArraySize
const ARRAY: usize = 1001;

/// Cluster with Slurm.
#[derive(Debug)]
pub(super) struct Slurm {
    settings: Settings,
    /// Pattern of the files with output of tasks outside of their call.
    log: String,
    /// Number of processors of a task.
    processors: usize,
    /// Maximum number of tasks of an array, once it is known.
    array: Option<usize>,
    /// Names of submissions by their ids.
    names: BTreeMap<JobId, String>,
    /// Fates of tasks, of jobs that were asked about since the last look at the queue.
    fates: HashMap<JobId, BTreeMap<u32, Fate>>,
}

impl Slurm {
    pub(super) fn new(settings: Settings, log: String, processors: usize) -> Self {
        Self {
            settings,
            log,
            processors: processors.max(1),
            array: None,
            names: BTreeMap::new(),
            fates: HashMap::new(),
        }
    }
}

impl Scheduler for Slurm {
    fn room(&mut self) -> Result<Room, ClusterError> {
        if self.array.is_none() {
            let config = run("scontrol", ["show", "config"].map(str::to_owned), None)?;
            self.array = Some(states::array_size(&config).unwrap_or(ARRAY));
        }
        let partition = self.settings.partition.iter();
        let partition = partition.map(|name| format!("--partition={name}"));
        let arguments = ["--noheader", "--format=%C"].map(str::to_owned);
        let places = run("sinfo", arguments.into_iter().chain(partition), None);
        let places = places.ok().and_then(|said| states::processors(&said));
        let places = places.map_or(PLACES, |all| all / self.processors);
        let most = self.settings.max_tasks.unwrap_or(usize::MAX);
        Ok(Room {
            places: places.clamp(1, most.max(1)),
            tasks: self.array.unwrap_or(ARRAY),
        })
    }

    fn submit(&mut self, submission: &Submission<'_>) -> Result<JobId, ClusterError> {
        let arguments = options::sbatch(&self.settings, &self.log, submission);
        let said = run("sbatch", arguments, Some(submission.script))?;
        let id = states::job_id(&said).ok_or_else(|| ClusterError::Refused {
            scheduler: NAME,
            reason: format!("`sbatch` said `{}` and no job's number", said.trim()),
        })?;
        self.names.insert(id.clone(), submission.name.to_owned());
        Ok(id)
    }

    fn find(&mut self, name: &str) -> Result<Option<JobId>, ClusterError> {
        let said = queue(name, "%F")?;
        let mut id = states::job_id(&said);
        if id.is_none() {
            let arguments = states::accounting(&[format!("--name={name}")]);
            // There may be no accounting.
            let said = run("sacct", arguments, None).unwrap_or_default();
            id = said.lines().next().and_then(states::array_of);
        }
        if let Some(id) = &id {
            self.names.insert(id.clone(), name.to_owned());
        }
        Ok(id)
    }

    fn look(&mut self, jobs: &[(u32, JobId)]) -> Result<BTreeMap<BatchId, Seen>, ClusterError> {
        let named = jobs.iter().filter_map(|(submission, id)| {
            let name = self.names.get(id)?;
            Some((name.as_str(), *submission))
        });
        let named: HashMap<&str, u32> = named.collect();
        let wanted: Vec<&str> = named.keys().copied().collect();
        // What is asked about later is asked again.
        self.fates.clear();
        let said = queue(&wanted.join(","), "%j|%K|%T|%r")?;
        let mut seen = BTreeMap::new();
        for line in said.lines() {
            if let Some((reason, job)) = states::hopeless(line) {
                return Err(ClusterError::Hopeless {
                    scheduler: NAME,
                    reason: format!("the job `{job}` waits for what will not come ({reason})"),
                });
            }
            if let Some((name, task, state)) = states::queued(line)
                && let Some(submission) = named.get(name).copied()
                && let Some(state) = states::seen(state)
            {
                let id = BatchId { submission, task };
                // Of one that was started twice, as an answer was lost, that which is there counts.
                let is_there = matches!(seen.get(&id), Some(Seen::Waiting | Seen::Running));
                if !is_there {
                    seen.insert(id, state);
                }
            }
        }
        Ok(seen)
    }

    fn fate(&mut self, job: &JobId, task: u32) -> Option<Fate> {
        let known = self.fates.entry(job.clone());
        known.or_insert_with(|| ask(job)).get(&task).cloned()
    }

    fn ask_to_end(&mut self, jobs: &[JobId]) -> Result<(), ClusterError> {
        let jobs = || jobs.iter().cloned();
        let waiting = ["--quiet", "--state=PENDING"].map(str::to_owned);
        // Of a job that has ended meanwhile it says that there is none.
        let waiting = run("scancel", waiting.into_iter().chain(jobs()), None);
        let running = ["--quiet", "--batch", "--signal=TERM"].map(str::to_owned);
        let running = run("scancel", running.into_iter().chain(jobs()), None);
        waiting.and(running).map(drop)
    }

    fn kill(&mut self, jobs: &[JobId]) -> Result<(), ClusterError> {
        let arguments = std::iter::once("--quiet".to_owned());
        run("scancel", arguments.chain(jobs.iter().cloned()), None).map(drop)
    }
}

/// Lists the user's own jobs of these names, each in this format.
fn queue(names: &str, format: &str) -> Result<String, ClusterError> {
    let user = sys::effective_ids().user;
    let arguments = [
        format!("--user={user}"),
        format!("--name={names}"),
        format!("--format={format}"),
    ];
    let fixed = ["--noheader", "--array", "--states=all"].map(str::to_owned);
    run("squeue", fixed.into_iter().chain(arguments), None)
}

/// Returns the exit reasons of the tasks of a job: from the controller, which knows them for some
/// minutes, and from the accounting, which is some seconds late.
fn ask(job: &JobId) -> BTreeMap<u32, Fate> {
    let arguments = states::accounting(&[format!("--jobs={job}")]);
    let accounted = run("sacct", arguments, None).unwrap_or_default();
    let arguments = ["--oneliner", "show", "job", job].map(str::to_owned);
    let shown = run("scontrol", arguments, None).unwrap_or_default();
    let accounted = accounted.lines().filter_map(states::accounted);
    accounted
        .chain(shown.lines().filter_map(states::shown))
        .collect()
}
