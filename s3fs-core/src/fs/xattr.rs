//! Extended attributes: `user.*` attributes, stored in the object's metadata.

use std::ffi::OsStr;

use crate::fs::{Fs, FsError};
use crate::object::{Attributes, MAX_METADATA, metadata_size};
use crate::tree::Ino;

/// Prefix of attributes that programs may choose freely.
const USER: &str = "user.";

/// Prefix of metadata that other tools have stored with an object: `x-amz-meta-a` is `user.s3.a`.
const FOREIGN: &str = "user.s3.";

/// Bytes of metadata reserved for attributes of every file: mode, owner, time.
const RESERVED: usize = 128;

/// Condition on the existence of an attribute to set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetXattr {
    /// The attribute may exist.
    Any,
    /// The attribute must not exist (`XATTR_CREATE`).
    Create,
    /// The attribute must exist (`XATTR_REPLACE`).
    Replace,
}

impl Fs {
    /// Returns the value of an attribute.
    ///
    /// # Errors
    /// The attribute doesn't exist, or the store doesn't answer.
    pub async fn getxattr(&self, ino: Ino, name: &OsStr) -> Result<Vec<u8>, FsError> {
        let name = user_name(name)?;
        let entry = self.prefetch.look_if_rich(ino).await?;
        let kept = entry.attrs.attributes();
        kept.and_then(|kept| value(kept, name))
            .ok_or(FsError::NoAttribute)
    }

    /// Returns the names of all attributes, each followed by a NUL.
    ///
    /// # Errors
    /// The store doesn't answer.
    pub async fn listxattr(&self, ino: Ino) -> Result<Vec<u8>, FsError> {
        let entry = self.prefetch.look_if_rich(ino).await?;
        let mut names = Vec::new();
        if let Some(kept) = entry.attrs.attributes() {
            let own = kept.xattrs.keys().filter(|name| name.starts_with(USER));
            let foreign = kept.foreign().map(|(name, _)| format!("{FOREIGN}{name}"));
            for name in own.cloned().chain(foreign) {
                names.extend_from_slice(name.as_bytes());
                names.push(0);
            }
        }
        Ok(names)
    }

    /// Sets an attribute.
    ///
    /// # Errors
    /// The object's metadata would exceed the limit of S3, or the mount doesn't allow it.
    pub async fn setxattr(
        &self,
        ino: Ino,
        name: &OsStr,
        value: &[u8],
        how: SetXattr,
    ) -> Result<(), FsError> {
        self.core.check_writable()?;
        let _change = self.core.begin_change()?;
        let name = user_name(name)?;
        self.change_kept(ino, |kept, _| {
            match (how, self::value(kept, name).is_some()) {
                (SetXattr::Create, true) => return Err(FsError::Exists),
                (SetXattr::Replace, false) => return Err(FsError::NoAttribute),
                _ => {}
            }
            let mut changed = kept.clone();
            match foreign_name(name) {
                Some(foreign) => drop(changed.others.insert(foreign, foreign_value(value)?)),
                None => drop(changed.xattrs.insert(name.to_owned(), value.to_vec())),
            }
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
    /// The attribute doesn't exist, or the mount doesn't allow it.
    pub async fn removexattr(&self, ino: Ino, name: &OsStr) -> Result<(), FsError> {
        self.core.check_writable()?;
        let _change = self.core.begin_change()?;
        let name = user_name(name)?;
        self.change_kept(ino, |kept, _| {
            value(kept, name).ok_or(FsError::NoAttribute)?;
            match foreign_name(name) {
                Some(foreign) => drop(kept.others.remove(&foreign)),
                None => drop(kept.xattrs.remove(name)),
            }
            Ok(())
        })
        .await?;
        self.keep_changed(ino).await
    }
}

fn user_name(name: &OsStr) -> Result<&str, FsError> {
    let is_taken = |name: &&str| match name.strip_prefix(FOREIGN) {
        Some(foreign) => is_metadata_name(foreign),
        None => name.starts_with(USER),
    };
    let name = name.to_str().filter(is_taken);
    name.ok_or(FsError::NotSupported("only user.* attributes are kept"))
}

/// Returns whether user metadata can have this name and keeps it unchanged.
fn is_metadata_name(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_plain = |byte: u8| is_letter(byte) || matches!(byte, b'-' | b'_' | b'.');
    !name.is_empty() && name.bytes().all(is_plain)
}

/// Returns the value of an attribute, ours or foreign.
fn value(kept: &Attributes, name: &str) -> Option<Vec<u8>> {
    match name.strip_prefix(FOREIGN) {
        Some(foreign) => {
            let mut all = kept.foreign();
            let (_, value) = all.find(|(name, _)| *name == foreign)?;
            Some(value.as_bytes().to_vec())
        }
        None => kept.xattrs.get(name).cloned(),
    }
}

/// Returns the name of foreign metadata.
fn foreign_name(name: &str) -> Option<String> {
    name.strip_prefix(FOREIGN).map(str::to_owned)
}

/// Converts a value to user metadata.
fn foreign_value(value: &[u8]) -> Result<String, FsError> {
    let is_plain = value.iter().all(|byte| matches!(byte, b' '..=b'~'));
    let text = std::str::from_utf8(value).ok().filter(|_| is_plain);
    text.map(str::to_owned)
        .ok_or(FsError::Invalid("user metadata is plain ASCII"))
}
