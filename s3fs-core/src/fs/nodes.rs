//! Symlinks, FIFOs and sockets.

use std::ffi::OsStr;

use bytes::Bytes;

use crate::fs::lookup::{check_length, possible};
use crate::fs::open_files::Version;
use crate::fs::owner::Maker;
use crate::fs::prepare::{NewEntry, Prepared};
use crate::fs::{Attr, Fs, FsError};
use crate::object::{ByteRange, FileKind};
use crate::store::Precondition;
use crate::tree::{EntryAttrs, FileState, Ino, Kind};
use crate::write::Writer;

/// Maximum length of a symlink's target in Linux, in bytes.
const MAX_TARGET: u64 = 4095;

impl Fs {
    /// Makes a symlink: an object that holds the target.
    ///
    /// # Errors
    /// The name exists or can't be a key, or the mount doesn't allow it.
    pub async fn symlink(
        &self,
        dir: Ino,
        name: &OsStr,
        target: &[u8],
        maker: Maker,
    ) -> Result<Attr, FsError> {
        self.make_node(dir, name, FileKind::Symlink, 0o777, target, maker)
            .await
    }

    /// Makes an empty file, a FIFO or a socket.
    ///
    /// # Errors
    /// Same errors as [`symlink`](Self::symlink).
    pub async fn mknod(
        &self,
        dir: Ino,
        name: &OsStr,
        kind: FileKind,
        mode: u16,
        maker: Maker,
    ) -> Result<Attr, FsError> {
        self.make_node(dir, name, kind, mode, &[], maker).await
    }

    async fn make_node(
        &self,
        dir: Ino,
        name: &OsStr,
        kind: FileKind,
        mode: u16,
        content: &[u8],
        maker: Maker,
    ) -> Result<Attr, FsError> {
        self.core.check_writable()?;
        let _change = self.core.begin_change()?;
        self.core.check_dir(dir)?;
        let name = possible(name)?;
        let key = self.core.key_in(dir, &name)?;
        let new = NewEntry { kind, mode, maker };
        let Prepared::Free(attributes) = self.find_or_prepare(dir, &name, new).await? else {
            return Err(FsError::Exists);
        };
        check_length(&name)?;
        let file = FileState {
            size: content.len() as u64,
            ..FileState::new()
        };
        let entry =
            self.core
                .tree
                .create_with(dir, &name, Kind::File(file), EntryAttrs::of(attributes));
        self.prefetch.made(dir);
        self.core.tree.reference(entry.ino);
        let precondition = if self.core.may_overwrite() {
            Precondition::None
        } else {
            Precondition::Absent
        };
        let place = self.core.place(entry.ino, precondition);
        let writer = Writer::create(self.core.target(), place.clone());
        writer.write(0, content).await?;
        let file = self.core.share(entry.ino, writer, place)?;
        self.writeback.queue.room().await;
        if let Err(error) = self.writeback.left(&file, &key).await {
            self.writeback.take_back(dir, &name, &key);
            self.set_adrift(entry.ino).await;
            self.core.tree.forget(entry.ino, 1);
            return Err(error);
        }
        self.getattr(entry.ino)
    }

    /// Returns the target of a symlink.
    ///
    /// # Errors
    /// The inode is not a symlink, or the store doesn't answer.
    pub async fn readlink(&self, ino: Ino) -> Result<Bytes, FsError> {
        let attr = self.getattr(ino)?;
        if attr.kind != FileKind::Symlink {
            return Err(FsError::Invalid("not a symlink"));
        }
        let range = ByteRange::at(0, MAX_TARGET).ok_or(FsError::Stale)?;
        let version = Version::new(None);
        if let Some(file) = self.core.open_files.get(ino) {
            return self.read_back(&file, &version, range).await;
        }
        let file = self.core.file(ino).ok_or(FsError::Stale)?;
        let etag = file.etag.ok_or(FsError::Stale)?;
        let key = self.core.key_of(ino)?;
        let reader = self.reader_of(&version, &key, etag, file.size).await?;
        Ok(reader.read(range).await?)
    }
}
