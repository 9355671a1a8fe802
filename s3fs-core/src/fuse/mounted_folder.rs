//! Folder in a mounted bucket, as a place in the bucket.

use std::path::{Path, PathBuf};

use super::mounts::any_uppermost;
use crate::object::{BucketName, Prefix};

/// Characters with a meaning in the options of a mount, and the one that escapes them.
const ESCAPED: [char; 3] = ['%', ',', '\\'];

/// Place of a folder of a mounted bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MountedFolder {
    /// Name of the bucket.
    pub bucket: String,
    /// Prefix of the keys below the folder; empty, or with a `/` at its end.
    pub prefix: String,
}

/// Error of finding the place of a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MountedFolderError {
    /// Folder outside of mounted buckets.
    #[error("is in no mounted bucket\ngive a folder in one, or s3://bucket/prefix")]
    NotMounted,
    /// Mount of another user, who chose what the mount table says about it.
    #[error("is in a bucket that another user mounted\ngive s3://bucket/prefix")]
    Foreign,
    /// Path that is no key.
    #[error("is not UTF-8")]
    NotUtf8,
}

impl MountedFolder {
    /// Returns the place of a folder in a bucket that this user mounted. The path must be canonical.
    /// Sends no request to the mount.
    ///
    /// # Errors
    /// Fails if the folder is in no bucket that this user mounted.
    pub fn of(folder: &Path) -> Result<Self, MountedFolderError> {
        let table = std::fs::read("/proc/self/mountinfo").unwrap_or_default();
        Self::in_table(&table, folder, nix::unistd::geteuid().as_raw())
    }

    /// Returns the source under which a bucket is mounted.
    pub fn source(bucket: &BucketName, prefix: &Prefix) -> String {
        let place = format!("s3://{bucket}/{prefix}");
        ESCAPED.iter().fold(place, |text, letter| {
            text.replace(*letter, &escape(*letter))
        })
    }

    fn in_table(table: &[u8], folder: &Path, user: u32) -> Result<Self, MountedFolderError> {
        // The nearest mount, of any kind: what it covers is another tree.
        let nearest = folder
            .ancestors()
            .find_map(|above| any_uppermost(table, above));
        let Some(Ok(entry)) = nearest else {
            return Err(MountedFolderError::NotMounted);
        };
        let place = entry
            .source
            .to_str()
            .and_then(|it| it.strip_prefix("s3://"));
        let place = unescaped(place.ok_or(MountedFolderError::NotMounted)?);
        if entry.user != Some(user) {
            return Err(MountedFolderError::Foreign);
        }
        let (bucket, prefix) = BucketName::split(&place);
        let below = folder.strip_prefix(&entry.folder);
        let root: PathBuf = entry.root.components().skip(1).collect();
        let below = root.join(below.map_err(|_| MountedFolderError::NotMounted)?);
        let below = below.to_str().ok_or(MountedFolderError::NotUtf8)?;
        let below = below.trim_end_matches('/');
        let end = if below.is_empty() { "" } else { "/" };
        Ok(Self {
            bucket: bucket.to_owned(),
            prefix: format!("{prefix}{below}{end}"),
        })
    }
}

/// Decodes what [`MountedFolder::source`] escapes.
fn unescaped(source: &str) -> String {
    let letters = ESCAPED.iter().rev();
    letters.fold(source.to_owned(), |text, letter| {
        text.replace(&escape(*letter), &letter.to_string())
    })
}

fn escape(letter: char) -> String {
    format!("%{:02X}", u32::from(letter))
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "what a test expects to succeed is unwrapped"
)]
mod tests {
    use super::*;

    const TABLE: &[u8] = b"22 1 8:1 / / rw - ext4 /dev/root rw
40 22 0:50 / /mnt/a rw - fuse.stub s3://b/x/ rw,user_id=7,group_id=0
41 22 0:50 /sub/c:ro /mnt/bound rw - fuse.stub s3://b/x/ rw,user_id=7,group_id=0
42 40 0:51 / /mnt/a/tmp rw - tmpfs tmpfs rw
43 22 0:52 / /mnt/other rw - fuse.stub s3://b/ rw,user_id=8,group_id=0
44 22 0:53 / /mnt/files rw - fuse files rw,user_id=7,group_id=0
";

    fn prefix(folder: &str) -> Result<String, MountedFolderError> {
        let found = MountedFolder::in_table(TABLE, Path::new(folder), 7)?;
        assert_eq!(found.bucket, "b");
        Ok(found.prefix)
    }

    #[test]
    fn a_folder_is_found_below_the_part_that_is_mounted() {
        assert_eq!(prefix("/mnt/a").unwrap(), "x/");
        assert_eq!(prefix("/mnt/a/d:profile=p").unwrap(), "x/d:profile=p/");
        assert_eq!(prefix("/mnt/bound").unwrap(), "x/sub/c:ro/");
        assert_eq!(prefix("/mnt/bound/d").unwrap(), "x/sub/c:ro/d/");
    }

    #[test]
    fn only_mounts_of_this_user_are_trusted() {
        assert_eq!(prefix("/mnt/other"), Err(MountedFolderError::Foreign));
        for elsewhere in ["/mnt", "/mnt/a/tmp/d", "/mnt/files"] {
            assert_eq!(prefix(elsewhere), Err(MountedFolderError::NotMounted));
        }
    }

    #[test]
    fn a_source_says_each_prefix() {
        let bucket = BucketName::new("bucket").unwrap();
        for prefix in ["", "a,b_c/", "100%/", "%2C,%252C/", "a\\,b/", "a b:ro/"] {
            let prefix = Prefix::new(prefix).unwrap();
            let source = MountedFolder::source(&bucket, &prefix);
            assert!(!source.contains(','), "{source}");
            let place = unescaped(source.strip_prefix("s3://").unwrap());
            assert_eq!(place, format!("bucket/{prefix}"));
        }
    }
}
