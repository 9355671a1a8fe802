//! What a process has used, from `/proc`.

use std::fs;
use std::io;
use std::time::Duration;

/// The kernel counts in hundredths of a second here, on every architecture.
const TICK: Duration = Duration::from_millis(10);

/// What a process has used since it started.
pub struct Usage {
    /// Processor time of all its threads and of its children that have ended.
    pub cpu: Duration,
    /// The most memory it ever had, in bytes.
    pub peak_memory: u64,
}

impl Usage {
    /// What this process has used.
    pub fn of(pid: u32) -> io::Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let odd = || io::Error::other("/proc has an unknown form");
        Ok(Self {
            cpu: cpu(&stat).ok_or_else(odd)?,
            peak_memory: peak_memory(&status).ok_or_else(odd)?,
        })
    }
}

/// The fields utime, stime, cutime and cstime: the 12th to 15th after the name in parentheses.
fn cpu(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let ticks: Option<Vec<u32>> = fields
        .split(' ')
        .skip(11)
        .take(4)
        .map(|field| field.parse().ok())
        .collect();
    Some(TICK * ticks?.into_iter().sum())
}

fn peak_memory(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib << 10)
}
