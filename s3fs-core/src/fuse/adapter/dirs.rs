//! Folders that are read.

use std::future::Future;
use std::sync::Arc;

use fuser::{
    FileHandle, FopenFlags, INodeNo, ReplyDirectory, ReplyDirectoryPlus, ReplyEmpty, ReplyOpen,
};

use super::Adapter;
use super::answers::{GENERATION, empty, handle_id};
use crate::fs::{Fs, FsError};
use crate::fuse::convert::{errno, file_attr, kind};
use crate::tree::Told;

pub(super) fn open(adapter: &Adapter, ino: INodeNo, reply: ReplyOpen) {
    match adapter.fs.opendir(ino.into()) {
        Ok(handle) => reply.opened(FileHandle(handle.0), FopenFlags::empty()),
        Err(error) => reply.error(errno("opendir", ino.into(), &error)),
    }
}

/// The names alone.
pub(super) fn read(
    adapter: &Adapter,
    ino: INodeNo,
    handle: FileHandle,
    offset: u64,
    mut reply: ReplyDirectory,
) {
    let fs = Arc::clone(&adapter.fs);
    adapter.runtime.spawn(async move {
        let offered = fs.readdir(handle_id(handle), offset, |entry| {
            let ino = entry.attr.ino.into();
            let full = reply.add(ino, entry.next_offset, kind(&entry.attr), entry.name);
            if full { Told::Full } else { Told::No }
        });
        match unless_ended(&fs, offered).await {
            Ok(()) => reply.ok(),
            Err(error) => reply.error(errno("readdir", ino.into(), &error)),
        }
    });
}

/// The names with their attributes, as if each had been looked up.
pub(super) fn read_plus(
    adapter: &Adapter,
    ino: INodeNo,
    handle: FileHandle,
    offset: u64,
    mut reply: ReplyDirectoryPlus,
) {
    let fs = Arc::clone(&adapter.fs);
    adapter.runtime.spawn(async move {
        let offered = fs.readdir(handle_id(handle), offset, |entry| {
            let (valid, name) = (entry.attr.valid, entry.name);
            let attr = file_attr(&entry.attr);
            let next = entry.next_offset;
            if reply.add(attr.ino, next, name, &valid, &attr, GENERATION) {
                Told::Full
            } else {
                Told::Yes
            }
        });
        match unless_ended(&fs, offered).await {
            Ok(()) => reply.ok(),
            Err(error) => reply.error(errno("readdirplus", ino.into(), &error)),
        }
    });
}

/// Reads entries unless nobody may wait for them any more.
async fn unless_ended(
    fs: &Fs,
    reading: impl Future<Output = Result<(), FsError>>,
) -> Result<(), FsError> {
    tokio::select! {
        biased;
        result = reading => result,
        () = fs.end().no_more_waits() => Err(FsError::Interrupted),
    }
}

pub(super) fn fsync(adapter: &Adapter, ino: INodeNo, reply: ReplyEmpty) {
    adapter.answer(
        move |fs| async move { fs.fsync_dir(ino.into()).await },
        empty("fsyncdir", ino, reply),
    );
}
