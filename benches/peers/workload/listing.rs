//! Workloads on folders, mostly with common command-line programs.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use super::objects::{self, LISTED};
use crate::connection::Connection;

/// Interval between checks whether the folder is mounted.
const GLANCE: Duration = Duration::from_millis(1);

/// Lists the folder, then gets the size of each file.
pub fn stat(mount: &Path, count: u32) -> io::Result<()> {
    let entries: io::Result<Vec<_>> = fs::read_dir(objects::folder(mount))?.collect();
    let entries = entries?;
    objects::expect(entries.len() as u64, count)?;
    for entry in entries {
        if fs::symlink_metadata(entry.path())?.len() != LISTED {
            return Err(io::Error::other("a file has another size"));
        }
    }
    Ok(())
}

/// Lists the folder in directory order.
pub fn ls(mount: &Path, count: u32) -> io::Result<()> {
    let mut ls = command("ls", &["-f"], mount);
    objects::expect(lines(&mut ls)?, count)
}

/// Finds every file of the tree.
pub fn find(mount: &Path, count: u32) -> io::Result<()> {
    let mut find = command("find", &[], mount);
    objects::expect(lines(find.args(["-type", "f"]))?, count)
}

/// Runs a program on the folder and ignores its output.
pub fn run(program: &str, options: &[&str], mount: &Path) -> io::Result<()> {
    let mut command = command(program, options, mount);
    succeeded(command.stdout(Stdio::null()).status()?)
}

/// Lists the mount as soon as it exists.
pub fn as_soon_as_mounted(mount: &Path) -> io::Result<()> {
    while Connection::find(mount)?.is_none() {
        thread::sleep(GLANCE);
    }
    objects::expect(
        fs::read_dir(mount)?.count() as u64,
        objects::FILES_OF_FOLDER,
    )
}

fn command(program: &str, options: &[&str], mount: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(options).arg(objects::folder(mount));
    command.env("LC_ALL", "C");
    command
}

/// Counts the lines that a program prints, except for the folder itself and its parent.
fn lines(command: &mut Command) -> io::Result<u64> {
    let mut process = command.stdout(Stdio::piped()).spawn()?;
    let mut count = 0;
    if let Some(output) = process.stdout.take() {
        for line in BufReader::new(output).split(b'\n') {
            count += u64::from(!matches!(line?.as_slice(), b"." | b".."));
        }
    }
    succeeded(process.wait()?)?;
    Ok(count)
}

fn succeeded(status: ExitStatus) -> io::Result<()> {
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other(status.to_string()))
    }
}
