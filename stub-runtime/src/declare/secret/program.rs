//! Programs that print secrets.

use std::io::{self, ErrorKind, Read};
use std::os::fd::AsFd;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// Interval of looks at a program that has closed its output and still runs.
const LOOK: Duration = Duration::from_millis(10);

/// Maximum duration of a program.
#[derive(Clone, Copy, Debug)]
pub(super) enum Limit {
    /// As long as it takes: a user may have to type a password.
    None,
    /// Killed after this time.
    After(Duration),
}

/// Runs a program and returns its status and standard output. What it asks or complains about goes
/// to the user. The error is `TimedOut` if it was killed.
pub(super) fn output(command: &mut Command, limit: Limit) -> io::Result<(ExitStatus, Vec<u8>)> {
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped());
    let end = match limit {
        Limit::None => None,
        Limit::After(limit) => Some(Instant::now() + limit),
    };
    let mut child = command.stderr(Stdio::inherit()).spawn()?;
    let ended = finish(&mut child, end);
    if ended.is_err() {
        // Fails only if it has ended by itself.
        let _ = child.kill();
        child.wait()?;
    }
    ended
}

fn finish(child: &mut Child, end: Option<Instant>) -> io::Result<(ExitStatus, Vec<u8>)> {
    let mut printed = Vec::new();
    if let Some(mut pipe) = child.stdout.take() {
        let mut part = [0; 4096];
        loop {
            // Processes that it has left behind may hold the pipe.
            wait_for(&pipe, end)?;
            match pipe.read(&mut part) {
                Ok(0) => break,
                Ok(length) => printed.extend_from_slice(&part[..length]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
    let Some(end) = end else {
        return Ok((child.wait()?, printed));
    };
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok((status, printed));
        }
        if Instant::now() >= end {
            return Err(ErrorKind::TimedOut.into());
        }
        thread::sleep(LOOK);
    }
}

/// Waits until a pipe can be read.
fn wait_for(pipe: impl AsFd, end: Option<Instant>) -> io::Result<()> {
    loop {
        let timeout = match end.map(|end| end.saturating_duration_since(Instant::now())) {
            None => PollTimeout::NONE,
            Some(Duration::ZERO) => return Err(ErrorKind::TimedOut.into()),
            // Rounded up, so that less than a millisecond does not spin.
            Some(left) => {
                PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX)
            }
        };
        match poll(&mut [PollFd::new(pipe.as_fd(), PollFlags::POLLIN)], timeout) {
            Ok(0) | Err(Errno::EINTR) => {}
            Ok(_) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_program_is_killed_when_its_time_is_up() {
        let limit = Limit::After(Duration::from_millis(1));
        for script in ["exec sleep 20", "exec sleep 20 >&-"] {
            let error = output(&mut shell(script), limit).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TimedOut, "{script}");
        }
    }

    #[test]
    fn a_program_that_ends_gives_its_output_and_status() {
        for limit in [Limit::None, Limit::After(Duration::from_hours(1))] {
            let (status, printed) = output(&mut shell("echo A=1; exit 3"), limit).unwrap();
            assert_eq!((status.code(), printed), (Some(3), b"A=1\n".to_vec()));
        }
    }
}
