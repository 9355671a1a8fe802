//! Guardian process, which unmounts the bucket if `stub mount` is killed.

use std::env;
use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitCode, Stdio};

use s3fs_core::MountEntry;

/// First argument of a guardian's command line.
const NAME: &str = "guard-mount";

/// Variables that a guardian needs to find `fusermount3`.
const VARIABLES: [&str; 1] = ["PATH"];

/// Guardian, as seen by the process that it watches.
#[derive(Debug)]
pub(super) struct Guardian(Child);

impl Guardian {
    /// Starts a guardian of this process. It gets no secrets, and no signals of a terminal.
    pub(super) fn start(mount: &MountEntry) -> io::Result<Self> {
        let mut command = Command::new("/proc/self/exe");
        command
            .arg0("stub: guardian")
            .arg(NAME)
            .env_clear()
            .envs(
                VARIABLES
                    .iter()
                    .filter_map(|name| Some((name, env::var_os(name)?))),
            )
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut guardian = Self(command.spawn()?);
        if let Some(line) = &mut guardian.0.stdin {
            let mount = serde_json::to_string(mount)?;
            writeln!(line, "{mount}")?;
        }
        Ok(guardian)
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        // Its input ends, and thereby it does.
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// Returns whether this process is a guardian.
pub(crate) fn is_guardian() -> bool {
    env::args_os().nth(1).as_deref() == Some(OsStr::new(NAME))
}

/// Waits for the end of the process that started this one, then unmounts its mount.
pub(crate) fn guard() -> ExitCode {
    let mut input = BufReader::new(io::stdin());
    let mut line = String::new();
    let read = input.read_line(&mut line);
    let Some(mount) = read
        .ok()
        .and_then(|_| serde_json::from_str::<MountEntry>(&line).ok())
    else {
        return ExitCode::FAILURE;
    };
    // Nothing more comes but the end.
    let _ = io::copy(&mut input, &mut io::sink());
    if mount.detach().is_err() {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
