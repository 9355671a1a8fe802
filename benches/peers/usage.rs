//! Resource usage of a process and its children.

use std::fs;
use std::io;
use std::time::Duration;

use nix::time::clock_getcpuclockid;
use nix::unistd::Pid;

/// Resource usage of a process and its children since their start.
#[derive(Clone, Copy)]
pub struct Usage {
    /// Processor time of all threads, ended ones included.
    pub cpu: Duration,
    /// Peak memory, in bytes.
    pub peak_memory: u64,
}

impl Usage {
    /// Returns the resource usage of this process and its children: the times together, the memory of
    /// the largest.
    pub fn of(pid: u32) -> io::Result<Self> {
        let mut usage = Self::of_one(pid)?;
        for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
            // Threads and children may end at any moment.
            let children = fs::read_to_string(thread?.path().join("children"));
            let children = children.unwrap_or_default();
            let children = children.split_whitespace().map(str::parse);
            for child in children.flatten().flat_map(Self::of_one) {
                usage.cpu += child.cpu;
                usage.peak_memory = usage.peak_memory.max(child.peak_memory);
            }
        }
        Ok(usage)
    }

    fn of_one(pid: u32) -> io::Result<Self> {
        let number = pid.try_into().map_err(io::Error::other)?;
        let cpu = clock_getcpuclockid(Pid::from_raw(number))?.now()?;
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let odd = || io::Error::other("/proc has an unknown form");
        Ok(Self {
            cpu: cpu.into(),
            peak_memory: peak_memory(&status).ok_or_else(odd)?,
        })
    }

    /// Returns this usage minus the processor time used before.
    pub fn since(self, before: Self) -> Self {
        Self {
            cpu: self.cpu.saturating_sub(before.cpu),
            ..self
        }
    }
}

fn peak_memory(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib << 10)
}
