//! Kernel's side of a FUSE mount, found without touching the mount itself.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Connection between the kernel and the serving process.
pub struct Connection {
    /// File to abort the connection: writing to it ends every request, waiting ones included, with an
    /// error.
    abort: PathBuf,
}

impl Connection {
    /// Returns the connection of the mount at this folder, if there is one yet.
    pub fn find(folder: &Path) -> io::Result<Option<Self>> {
        let mounts = fs::read_to_string("/proc/self/mountinfo")?;
        Ok(mounts.lines().find_map(|line| {
            // 36 35 0:98 / /mnt rw,… - fuse source rw,…
            let mut fields = line.split(' ').skip(2);
            let device = fields.next()?;
            let point = fields.nth(1)?;
            let minor = device.strip_prefix("0:")?;
            let abort = Path::new("/sys/fs/fuse/connections")
                .join(minor)
                .join("abort");
            (Path::new(point) == folder).then_some(Self { abort })
        }))
    }

    /// Aborts the connection.
    pub fn abort(&self) {
        // If it has ended already, there is nothing to write to.
        let _ = fs::write(&self.abort, "1");
    }
}
