//! Saving what could not be stored: its bytes go to a folder of the local disk.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::fs::Fs;
use crate::fs::open_files::OpenFile;
use crate::object::Key;

impl Fs {
    /// Saves the bytes of all files that are not stored, and lets the ledger know where.
    pub(super) async fn rescue_all(&self) {
        let Some(dir) = &self.rescue else {
            return;
        };
        for file in self.open_files.all() {
            if let Some(key) = self.last_key_of(file.ino)
                && !file.writer.is_stored()
                && self.is_wanted(file.ino)
            {
                let uri = self.store.uri(&key);
                match self.rescue(dir, &file, &key).await {
                    Ok((path, missing)) => self.ledger.rescued(&uri, path, missing),
                    Err(error) => {
                        let words =
                            format!("its bytes could not be kept in {}: {error}", dir.display());
                        self.ledger.lost(&uri, &words);
                    }
                }
            }
        }
    }

    /// Saves the bytes of one; returns where, and what is missing there.
    async fn rescue(
        &self,
        dir: &Path,
        file: &OpenFile,
        key: &Key,
    ) -> io::Result<(PathBuf, Option<String>)> {
        let (path, saved) = create(dir, &self.store.uri(key))?;
        let rescued = file.writer.rescue(&saved).await?;
        saved.sync_all()?;
        Ok((path, rescued.missing()))
    }
}

/// Makes a file of its own for an object, `s3://bucket/key`: below the folder, by bucket and key, in a
/// folder that says when.
fn create(dir: &Path, uri: &str) -> io::Result<(PathBuf, File)> {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = seconds.map_or(0, |since| since.as_secs());
    let run = format!("{seconds}-{}", std::process::id());
    let name = uri.strip_prefix("s3://").unwrap_or(uri);
    // A key's parts are names of entries: none of them is `..`.
    let path = dir.join(run).join(name);
    if let Some(folder) = path.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)?;
    Ok((path, file))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_is_saved_is_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("unsaved");
        let (path, _) = create(&folder, "s3://bucket/d/a name").unwrap();
        assert!(path.starts_with(&folder) && path.ends_with("bucket/d/a name"));
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(&folder), 0o700);
        assert!(
            create(&folder, "s3://bucket/d/a name").is_err(),
            "nothing is replaced"
        );
    }
}
