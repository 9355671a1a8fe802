//! Mounts of this machine, from the kernel's mount table.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::mount::{MntFlags, umount2};
use nix::sys::statfs::statfs;
use serde::{Deserialize, Serialize};

/// File system types of our mounts: made by `mount(2)`, and by `fusermount3`.
const KINDS: [&str; 2] = ["fuse", "fuse.stub"];

/// Prefix of the source of a mounted bucket.
const SOURCE: &[u8] = b"s3://";

/// FUSE mount at a folder of this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MountEntry {
    /// Numbers of the mount and of its file system. Both are reused for later mounts.
    id: String,
    device: String,
    pub(super) folder: PathBuf,
    /// Folder in the file system that is mounted: not `/` if it is a bind mount of a part.
    pub(super) root: PathBuf,
    pub(super) source: OsString,
    /// User who may mount and serve it.
    pub(super) user: Option<u32>,
}

impl MountEntry {
    /// Returns the uppermost mount at a folder, if it is one of ours. Sends no request to the mount
    /// itself, which may be dead.
    pub fn at(folder: &Path) -> Option<Self> {
        let table = std::fs::read("/proc/self/mountinfo").ok()?;
        uppermost(&table, folder)
    }

    /// Returns whether it is a mounted bucket whose process is gone. A live mount answers at once,
    /// without a request to its bucket.
    pub fn is_dead(&self) -> bool {
        self.source.as_bytes().starts_with(SOURCE)
            && matches!(statfs(&self.folder), Err(Errno::ENOTCONN))
    }

    /// Returns whether it is still mounted.
    pub fn is_mounted(&self) -> bool {
        let table = std::fs::read("/proc/self/mountinfo").unwrap_or_default();
        lines(&table).any(|(_, entry)| entry == *self)
    }

    /// Returns whether it is the uppermost mount at its folder. Unmounting goes by the path, and
    /// removes that one.
    pub fn is_uppermost(&self) -> bool {
        let table = std::fs::read("/proc/self/mountinfo").unwrap_or_default();
        uppermost(&table, &self.folder).as_ref() == Some(self)
    }

    /// Detaches the mount; programs keep the files that they have open. Uses `fusermount3` for an
    /// ordinary user.
    ///
    /// # Errors
    /// Fails if it is still mounted, for instance because another mount covers it, which is left
    /// alone.
    pub fn detach(&self) -> io::Result<()> {
        if !self.is_uppermost() {
            return if self.is_mounted() {
                Err(io::Error::other("another mount covers it"))
            } else {
                Ok(())
            };
        }
        match umount2(
            &self.folder,
            MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW,
        ) {
            Ok(()) => return Ok(()),
            Err(Errno::EPERM) => fusermount(&self.folder),
            Err(_) if !self.is_mounted() => return Ok(()),
            Err(errno) => return Err(errno.into()),
        }
        if self.is_mounted() {
            Err(io::Error::other("fusermount3 failed to unmount it"))
        } else {
            Ok(())
        }
    }
}

fn fusermount(folder: &Path) {
    for program in ["fusermount3", "fusermount"] {
        let mut command = Command::new(program);
        command.args(["-u", "-q", "-z", "--"]).arg(folder);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        if command.status().is_ok_and(|status| status.success()) {
            return;
        }
    }
}

fn uppermost(table: &[u8], folder: &Path) -> Option<MountEntry> {
    any_uppermost(table, folder)?.ok()
}

/// Returns the uppermost mount at a folder, `Err` if it is not one of ours; `None` if there is none.
pub(super) fn any_uppermost(table: &[u8], folder: &Path) -> Option<Result<MountEntry, ()>> {
    let here = lines(table).filter(|(_, entry)| entry.folder == folder);
    let (kind, entry) = here.last()?;
    Some(KINDS.contains(&kind.as_str()).then_some(entry).ok_or(()))
}

/// Returns the entries of a `mountinfo`, each with the type of its file system.
fn lines(table: &[u8]) -> impl Iterator<Item = (String, MountEntry)> {
    table.split(|byte| *byte == b'\n').filter_map(|line| {
        let mut fields = line.split(|byte| *byte == b' ').map(unescaped);
        let text = |field: OsString| field.to_string_lossy().into_owned();
        let (id, device) = (fields.next()?, fields.nth(1)?);
        let (root, folder) = (fields.next()?, fields.next()?);
        let mut behind = fields.skip_while(|field| field != "-").skip(1);
        let (kind, source) = (behind.next()?, behind.next()?);
        let options = behind.next().map(text).unwrap_or_default();
        let user = options
            .split(',')
            .find_map(|option| option.strip_prefix("user_id=")?.parse().ok());
        let entry = MountEntry {
            id: text(id),
            device: text(device),
            folder: folder.into(),
            root: root.into(),
            source,
            user,
        };
        Some((text(kind), entry))
    })
}

/// Decodes escapes such as `\040`, which the kernel writes for blanks and the like.
fn unescaped(field: &[u8]) -> OsString {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&first, behind)) = rest.split_first() {
        let octal = behind.get(..3).filter(|_| first == b'\\');
        let byte = octal.and_then(|digits| {
            let digits = OsStr::from_bytes(digits).to_str()?;
            u8::from_str_radix(digits, 8).ok()
        });
        plain.push(byte.unwrap_or(first));
        rest = if byte.is_some() { &behind[3..] } else { behind };
    }
    OsString::from_vec(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[u8] = b"22 1 8:1 / / rw - ext4 /dev/root rw
40 22 0:50 / /mnt/a\\040b rw,nosuid shared:1 - fuse.stub s3://b/x rw,user_id=0
41 22 0:51 / /mnt/c rw - fuse s3://b/ rw
42 22 0:52 / /mnt/c rw - tmpfs tmpfs rw
";

    #[test]
    fn the_uppermost_mount_of_a_folder_is_found_if_it_is_ours() {
        let found = uppermost(TABLE, Path::new("/mnt/a b")).unwrap();
        assert_eq!((found.id.as_str(), found.device.as_str()), ("40", "0:50"));
        assert_eq!(found.source, "s3://b/x");
        assert_eq!(uppermost(TABLE, Path::new("/mnt/c")), None, "covered");
        let uncovered = TABLE.strip_suffix(b"42 22 0:52 / /mnt/c rw - tmpfs tmpfs rw\n");
        assert!(uppermost(uncovered.unwrap(), Path::new("/mnt/c")).is_some());
        assert_eq!(uppermost(TABLE, Path::new("/")), None);
        assert_eq!(uppermost(TABLE, Path::new("/mnt")), None);
    }

    #[test]
    fn a_mount_that_covers_a_dead_one_is_left_alone() {
        if !nix::unistd::geteuid().is_root() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let fuse = std::fs::File::options()
            .read(true)
            .write(true)
            .open("/dev/fuse")
            .unwrap();
        let number = std::os::fd::AsRawFd::as_raw_fd(&fuse);
        let options = format!("fd={number},rootmode=40000,user_id=0,group_id=0");
        let mounted = |source, kind, options| {
            nix::mount::mount(
                Some(source),
                folder,
                Some(kind),
                nix::mount::MsFlags::empty(),
                options,
            )
        };
        mounted("s3://b/", "fuse", Some(options.as_str())).unwrap();
        let dead = MountEntry::at(folder).unwrap();
        drop(fuse);
        mounted("tmpfs", "tmpfs", None).unwrap();
        let refused = dead.detach();
        let taken = umount2(folder, MntFlags::MNT_DETACH);
        let detached = dead.detach();
        assert_eq!(refused.unwrap_err().to_string(), "another mount covers it");
        assert_eq!(taken, Ok(()), "the covering mount was still there");
        detached.unwrap();
        assert!(!dead.is_mounted());
    }
}
