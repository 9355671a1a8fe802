//! Extended attributes: those of users, which the bucket keeps with the object.

use std::ffi::OsStr;

use crate::fs::{Fs, FsError};
use crate::object::{MAX_METADATA, metadata_size};
use crate::tree::{Entry, Ino};

/// The only ones that programs may choose freely.
const USER: &str = "user.";

/// Room for what is kept of every file: mode, owner, time.
const RESERVED: usize = 128;

/// Whether an attribute must be there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetXattr {
    /// It may be.
    Any,
    /// It must not be (`XATTR_CREATE`).
    Create,
    /// It must be (`XATTR_REPLACE`).
    Replace,
}

impl Fs {
    /// The value of an attribute.
    ///
    /// # Errors
    /// There is none, or the store doesn't answer.
    pub async fn getxattr(&self, ino: Ino, name: &OsStr) -> Result<Vec<u8>, FsError> {
        let name = user_name(name)?;
        let entry = self.look_if_rich(ino).await?;
        let value = attributes(&entry).and_then(|xattrs| xattrs.get(name));
        value.cloned().ok_or(FsError::NoAttribute)
    }

    /// The names of all attributes, each with a NUL behind it.
    ///
    /// # Errors
    /// The store doesn't answer.
    pub async fn listxattr(&self, ino: Ino) -> Result<Vec<u8>, FsError> {
        let entry = self.look_if_rich(ino).await?;
        let mut names = Vec::new();
        for name in attributes(&entry)
            .into_iter()
            .flat_map(|xattrs| xattrs.keys())
            .filter(|name| name.starts_with(USER))
        {
            names.extend_from_slice(name.as_bytes());
            names.push(0);
        }
        Ok(names)
    }

    /// Sets an attribute.
    ///
    /// # Errors
    /// The object would have more kept with it than S3 takes, or the mount doesn't allow it.
    pub async fn setxattr(
        &self,
        ino: Ino,
        name: &OsStr,
        value: &[u8],
        how: SetXattr,
    ) -> Result<(), FsError> {
        self.check_writable()?;
        let name = user_name(name)?;
        self.change_kept(ino, |kept, _| {
            match (how, kept.xattrs.contains_key(name)) {
                (SetXattr::Create, true) => return Err(FsError::Exists),
                (SetXattr::Replace, false) => return Err(FsError::NoAttribute),
                _ => {}
            }
            let mut changed = kept.clone();
            changed.xattrs.insert(name.to_owned(), value.to_vec());
            if metadata_size(&changed.to_metadata()) > MAX_METADATA - RESERVED {
                return Err(FsError::NoRoom);
            }
            *kept = changed;
            Ok(())
        })
        .await?;
        self.keep_changed(ino).await
    }

    /// Removes an attribute.
    ///
    /// # Errors
    /// There is none, or the mount doesn't allow it.
    pub async fn removexattr(&self, ino: Ino, name: &OsStr) -> Result<(), FsError> {
        self.check_writable()?;
        let name = user_name(name)?;
        self.change_kept(ino, |kept, _| {
            let removed = kept.xattrs.remove(name);
            removed.map(drop).ok_or(FsError::NoAttribute)
        })
        .await?;
        self.keep_changed(ino).await
    }
}

fn user_name(name: &OsStr) -> Result<&str, FsError> {
    let name = name.to_str().filter(|name| name.starts_with(USER));
    name.ok_or(FsError::NotSupported("only user.* attributes are kept"))
}

fn attributes(entry: &Entry) -> Option<&std::collections::BTreeMap<String, Vec<u8>>> {
    Some(&entry.looks.attributes()?.xattrs)
}
