//! Workloads of many small files.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::thread;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::objects::{self, SMALL, SMALL_FILES};
use crate::bucket::content;

/// Pause of a slow reader after each file.
pub const WORK: Duration = Duration::from_millis(20);

/// Number of handles open at once.
const HANDLES: u32 = 10_000;

/// Upper bound of a process's other open files.
const OTHER_FILES: u64 = 100;

/// Lists the folder, then reads the files one by one in the order of their names.
pub fn read_all(mount: &Path, count: u32, work: Duration) -> io::Result<()> {
    let folder = objects::folder(mount);
    let names: io::Result<Vec<_>> = fs::read_dir(&folder)?
        .map(|entry| Ok(entry?.file_name()))
        .collect();
    let mut names = names?;
    names.sort_unstable();
    objects::expect(names.len() as u64, count)?;
    for (n, name) in (0..).zip(names) {
        let bytes = fs::read(folder.join(name))?;
        if bytes.len() as u64 != SMALL {
            return Err(io::Error::other("a file has another size"));
        }
        content::glance(&bytes, n, 0)?;
        thread::sleep(work);
    }
    Ok(())
}

/// Writes many files, one after the other.
pub fn write_all(mount: &Path) -> io::Result<()> {
    fs::create_dir(objects::folder(mount))?;
    let mut bytes = content::object(0, SMALL);
    for n in 0..objects::WRITTEN_FILES {
        content::number(&mut bytes, n, 0);
        fs::write(objects::numbered(mount, n), &bytes)?;
    }
    Ok(())
}

/// Opens more files than most processes ever do, reads a little of each, and closes them.
pub fn handles(mount: &Path) -> io::Result<()> {
    let needed = u64::from(HANDLES) + OTHER_FILES;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, soft.max(needed), hard.max(needed))?;
    let open = |n| {
        Ok((
            n % SMALL_FILES,
            File::open(objects::numbered(mount, n % SMALL_FILES))?,
        ))
    };
    let files: io::Result<Vec<_>> = (0..HANDLES).map(open).collect();
    for (n, mut file) in files? {
        let mut start = [0; 4096];
        file.read_exact(&mut start)?;
        content::glance(&start, n, 0)?;
    }
    Ok(())
}
