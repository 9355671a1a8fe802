//! Limits of this process and of processes that it starts.

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::Pid;

use super::error::{Errno, Result, SysError};

/// Limits the private, writable memory of each process from here on, in bytes.
pub(crate) fn limit_memory(bytes: u64) -> Result<()> {
    let failed = || SysError::new(format!("setrlimit(RLIMIT_DATA, {bytes})"));
    let (_, hard) = getrlimit(Resource::RLIMIT_DATA).map_err(failed())?;
    let limit = bytes.min(hard);
    setrlimit(Resource::RLIMIT_DATA, limit, limit).map_err(failed())
}

/// Returns the number of processors that this process may use.
pub(crate) fn processors() -> Result<usize> {
    let set = sched_getaffinity(Pid::from_raw(0)).map_err(SysError::new("sched_getaffinity"))?;
    Ok(members(&set).count())
}

/// Limits this process, and processes that it starts from now on, to this number of its processors.
/// `seed` selects which, so that jobs side by side don't all have the same.
pub(crate) fn limit_processors(count: usize, seed: usize) -> Result<()> {
    let failed = || SysError::new(format!("sched_setaffinity({count} processors)"));
    let all = sched_getaffinity(Pid::from_raw(0)).map_err(failed())?;
    let all: Vec<usize> = members(&all).collect();
    let mut chosen = CpuSet::new();
    for place in 0..count.min(all.len()) {
        let processor = all.get((seed + place) % all.len()).ok_or(Errno::EINVAL);
        let added = processor.and_then(|processor| chosen.set(*processor));
        added.map_err(failed())?;
    }
    sched_setaffinity(Pid::from_raw(0), &chosen).map_err(failed())
}

fn members(set: &CpuSet) -> impl Iterator<Item = usize> {
    (0..CpuSet::count()).filter(|processor| set.is_set(*processor).unwrap_or(false))
}
