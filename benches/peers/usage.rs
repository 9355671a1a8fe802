//! Resource usage of a process.

use std::fs;
use std::io;
use std::time::Duration;

use nix::time::clock_getcpuclockid;
use nix::unistd::Pid;

/// Resource usage of a process since its start.
#[derive(Clone, Copy)]
pub struct Usage {
    /// Processor time of all threads, ended ones included.
    pub cpu: Duration,
    /// Peak memory, in bytes.
    pub peak_memory: u64,
}

impl Usage {
    /// Returns the resource usage of this process.
    pub fn of(pid: u32) -> io::Result<Self> {
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
