//! Workload that unpacks a tree.

use std::fs;
use std::io::{self, Error};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::objects::{self, FILES_OF_FOLDER, LISTED};
use crate::bucket::content;
use crate::scale::Scale;

/// Archive on the local disk.
pub struct Archive(
    #[allow(dead_code, reason = "it is removed with this")] TempDir,
    PathBuf,
);

impl Deref for Archive {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.1
    }
}

/// Creates an archive of the tree of the `find` workload.
pub fn pack(scale: Scale) -> io::Result<Archive> {
    let work = TempDir::with_prefix("bench-tree-")?;
    let content = content::object(0, LISTED);
    for folder in objects::folders_of_tree(scale.folders) {
        let folder = work.path().join(folder);
        fs::create_dir_all(&folder)?;
        for n in 0..FILES_OF_FOLDER {
            fs::write(folder.join(format!("file-{n}")), &content)?;
        }
    }
    let archive = work.path().join("archive.tar");
    let mut tar = Command::new("tar");
    tar.arg("-cf")
        .arg(&archive)
        .arg("-C")
        .arg(work.path())
        .arg("folder");
    succeeded(&mut tar)?;
    Ok(Archive(work, archive))
}

/// Unpacks the archive. Modes and times are not restored, since some file systems refuse to set them.
pub fn unpack(archive: Option<&Path>, mount: &Path) -> io::Result<()> {
    let archive = archive.ok_or_else(|| Error::other("no archive"))?;
    let mut tar = Command::new("tar");
    tar.args(["-x", "-m", "--no-same-owner", "--no-same-permissions", "-f"]);
    succeeded(tar.arg(archive).arg("-C").arg(mount))
}

fn succeeded(command: &mut Command) -> io::Result<()> {
    let status = command.status()?;
    if status.success() {
        Ok(())
    } else {
        Err(Error::other(format!("tar: {status}")))
    }
}
