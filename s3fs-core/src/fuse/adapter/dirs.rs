//! Requests that read folders.

use std::future::Future;
use std::sync::Arc;

use fuser::{
    FileHandle, FopenFlags, INodeNo, ReplyDirectory, ReplyDirectoryPlus, ReplyEmpty, ReplyOpen,
};

use super::Adapter;
use super::answers::{GENERATION, empty, handle_id};
use crate::fs::{Fs, FsError};
use crate::fuse::convert::{errno, file_attr, is_plain, kind, name_only};
use crate::tree::{Ino, ListingCache, Reported};

pub(super) fn open(adapter: &Adapter, ino: Ino, reply: ReplyOpen) {
    match adapter.fs.opendir(ino) {
        Ok(handle) => {
            let cache = adapter.fs.listing_cache(ino, handle);
            reply.opened(FileHandle(handle.0), flags(cache));
        }
        Err(error) => reply.error(errno("opendir", ino, &error)),
    }
}

/// Returns the flags for a use of the kernel's copy of a listing. Without `FOPEN_KEEP_CACHE`, the
/// kernel drops the copy.
fn flags(cache: Option<ListingCache>) -> FopenFlags {
    match cache {
        None => FopenFlags::empty(),
        Some(ListingCache::Aside) => FopenFlags::FOPEN_KEEP_CACHE,
        Some(ListingCache::Fill) => FopenFlags::FOPEN_CACHE_DIR,
        Some(ListingCache::Keep) => FopenFlags::FOPEN_CACHE_DIR | FopenFlags::FOPEN_KEEP_CACHE,
    }
}

/// Reads the names only.
pub(super) fn read(
    adapter: &Adapter,
    ino: Ino,
    handle: FileHandle,
    offset: u64,
    mut reply: ReplyDirectory,
) {
    let fs = Arc::clone(&adapter.fs);
    adapter.runtime.spawn(async move {
        let offered = fs.readdir(handle_id(handle), offset, |entry| {
            let ino = INodeNo(entry.attr.number.0);
            let full = reply.add(ino, entry.next_offset, kind(&entry.attr), entry.name);
            if full { Reported::Full } else { Reported::No }
        });
        match unless_ended(&fs, offered).await {
            Ok(()) => reply.ok(),
            Err(error) => reply.error(errno("readdir", ino, &error)),
        }
    });
}

/// Reads the names with their attributes, as if each had been looked up.
pub(super) fn read_plus(
    adapter: &Adapter,
    ino: Ino,
    handle: FileHandle,
    offset: u64,
    mut reply: ReplyDirectoryPlus,
) {
    let fs = Arc::clone(&adapter.fs);
    adapter.runtime.spawn(async move {
        let offered = fs.readdir(handle_id(handle), offset, |entry| {
            // One time for both, the name and its attributes.
            let valid = entry.attr.valid.min(entry.attr.attributes_valid);
            let name = entry.name;
            let (attr, told) = if is_plain(&entry.attr) {
                (file_attr(&entry.attr), Reported::Yes)
            } else {
                (name_only(&entry.attr), Reported::Owed)
            };
            let next = entry.next_offset;
            if reply.add(attr.ino, next, name, &valid, &attr, GENERATION) {
                Reported::Full
            } else {
                told
            }
        });
        match unless_ended(&fs, offered).await {
            Ok(()) => reply.ok(),
            Err(error) => reply.error(errno("readdirplus", ino, &error)),
        }
    });
}

/// Reads entries, until waits have ended for all operations.
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

pub(super) fn fsync(adapter: &Adapter, ino: Ino, reply: ReplyEmpty) {
    adapter.answer(
        move |fs| async move { fs.fsync_dir(ino).await },
        empty("fsyncdir", ino, reply),
    );
}
