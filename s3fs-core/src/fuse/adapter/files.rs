//! Requests for open files: from opening to release.

use std::ffi::OsStr;
use std::sync::Arc;

use bytes::Bytes;
use fuser::{
    FileHandle, FopenFlags, INodeNo, OpenFlags, ReplyCreate, ReplyData, ReplyEmpty, ReplyOpen,
    ReplyWrite, WriteFlags,
};

use super::Adapter;
use super::answers::{GENERATION, empty, handle_id};
use crate::fs::{Fs, FsError, HandleId, Maker, OpenMode, Opened, Privilege};
use crate::fuse::convert::{allocate, entry_attr, errno, existing, open_mode, permissions};
use crate::fuse::passthrough::Passthrough;
use crate::object::ByteRange;
use crate::tree::Ino;

pub(super) fn open(
    adapter: &Adapter,
    program: Maker,
    node: INodeNo,
    flags: OpenFlags,
    reply: ReplyOpen,
) {
    let thread = program.thread;
    let mode = open_mode(flags);
    // An inode is one version, so its pages are good for as long as it lives.
    let mut how = FopenFlags::FOPEN_KEEP_CACHE;
    if mode == OpenMode::Read {
        how |= FopenFlags::FOPEN_NOFLUSH;
    }
    if let Some(passthrough) = &adapter.passthrough {
        return open_locally(adapter, passthrough, (node, mode, thread), how, reply);
    }
    let answer = move |result: Result<Opened, FsError>| match result {
        Ok(opened) => reply.opened(FileHandle(opened.handle.0), how),
        Err(error) => reply.error(errno("open", node, &error)),
    };
    let ino = adapter.ino(node);
    match adapter.fs.try_open(ino, mode, thread) {
        Some(opened) => answer(Ok(opened)),
        None => adapter.answer(
            move |fs| async move {
                let opened = fs.open(ino, mode, thread).await?;
                if mode == (OpenMode::Write { truncate: true }) {
                    changed(&fs, opened.handle, Privilege::of(program.uid))?;
                }
                Ok(opened)
            },
            answer,
        ),
    }
}

/// Records that a process of that privilege changed bytes of a file through a handle.
fn changed(fs: &Fs, handle: HandleId, privilege: Privilege) -> Result<(), FsError> {
    match privilege {
        Privilege::Keeps => Ok(()),
        Privilege::Drops => fs.written_by_other(handle),
    }
}

/// Opens a file that may be on the local disk.
fn open_locally(
    adapter: &Adapter,
    passthrough: &Arc<Passthrough>,
    (node, mode, thread): (INodeNo, OpenMode, u32),
    how: FopenFlags,
    reply: ReplyOpen,
) {
    let ino = adapter.ino(node);
    let (passthrough, asking) = (Arc::clone(passthrough), Arc::clone(passthrough));
    adapter.answer(
        move |fs| async move {
            let opened = fs.open(ino, mode, thread).await?;
            let copy = if asking.wants(node) {
                fs.local_copy(opened.handle).await
            } else {
                None
            };
            Ok((FileHandle(opened.handle.0), copy))
        },
        move |result| match result {
            Ok((handle, copy)) => passthrough.opened(node, handle, copy, how, reply),
            Err(error) => reply.error(errno("open", node, &error)),
        },
    );
}

pub(super) fn create(
    adapter: &Adapter,
    maker: Maker,
    parent: Ino,
    name: &OsStr,
    mode: u32,
    flags: i32,
    reply: ReplyCreate,
) {
    let (name, mode) = (name.to_owned(), permissions(mode));
    let existing = existing(flags);
    adapter.answer(
        move |fs| async move { fs.create(parent, &name, existing, mode, maker).await },
        move |result| match result {
            Ok((attr, opened)) => {
                let (as_entry, ttl) = entry_attr(&attr);
                reply.created(
                    &ttl,
                    &as_entry,
                    GENERATION,
                    FileHandle(opened.handle.0),
                    FopenFlags::FOPEN_KEEP_CACHE,
                );
            }
            Err(error) => reply.error(errno("create", parent, &error)),
        },
    );
}

pub(super) fn read(
    adapter: &Adapter,
    node: INodeNo,
    handle: FileHandle,
    offset: u64,
    size: u32,
    reply: ReplyData,
) {
    let handle = handle_id(handle);
    let Some(range) = ByteRange::at(offset, u64::from(size)) else {
        return reply.data(&[]);
    };
    let answer = move |result: Result<Bytes, FsError>| match result {
        Ok(bytes) => reply.data(&bytes),
        Err(error) => reply.error(errno("read", node, &error)),
    };
    match adapter.fs.try_read(handle, range) {
        Some(result) => answer(result),
        None => adapter.answer(|fs| async move { fs.read(handle, range).await }, answer),
    }
}

pub(super) fn write(
    adapter: &Adapter,
    node: INodeNo,
    handle: FileHandle,
    offset: u64,
    data: &[u8],
    (flags, opened): (WriteFlags, OpenFlags),
    reply: ReplyWrite,
) {
    let handle = handle_id(handle);
    let written = data.len() as u32;
    // Mapped pages, which no program writes at this moment.
    let is_kernels = flags.contains(WriteFlags::FUSE_WRITE_CACHE);
    let is_direct = opened.0 & libc::O_DIRECT != 0 && !is_kernels;
    let range = offset..offset + u64::from(written);
    let answer = move |result: Result<(), FsError>| match result {
        Ok(()) => reply.written(written),
        Err(error) => reply.error(errno("write", node, &error)),
    };
    if flags.contains(WriteFlags::FUSE_WRITE_KILL_SUIDGID)
        && let Err(error) = adapter.fs.written_by_other(handle)
    {
        return answer(Err(error));
    }
    let tried = adapter.fs.try_write(handle, offset, data);
    let is_done = matches!(tried, Ok(true)) || tried.is_err() && !is_kernels;
    if is_done && !is_direct {
        return answer(tried.map(drop));
    }
    let data = if is_done { Vec::new() } else { data.to_vec() };
    adapter.answer(
        move |fs| async move {
            let written = match tried {
                Ok(false) => fs.write(handle, offset, &data).await,
                tried => tried.map(drop),
            };
            match &written {
                Err(error) if is_kernels => fs.missed(fs.ino(node.into()), range, error).await,
                _ if is_direct => fs.written_directly(node.into(), range).await,
                _ => {}
            }
            written
        },
        answer,
    );
}

pub(super) fn flush(
    adapter: &Adapter,
    thread: u32,
    node: INodeNo,
    handle: FileHandle,
    reply: ReplyEmpty,
) {
    let handle = handle_id(handle);
    adapter.answer(
        |fs| async move { fs.flush(handle, thread).await },
        empty("flush", node, reply),
    );
}

/// Releases a handle of a file or folder.
pub(super) fn release(adapter: &Adapter, handle: FileHandle, reply: ReplyEmpty) {
    let handle = handle_id(handle);
    adapter.answer(
        |fs| async move {
            fs.release(handle);
            Ok(())
        },
        move |_: Result<(), FsError>| reply.ok(),
    );
}

pub(super) fn fsync(adapter: &Adapter, node: INodeNo, handle: FileHandle, reply: ReplyEmpty) {
    let handle = handle_id(handle);
    adapter.answer(
        |fs| async move { fs.fsync(handle).await },
        empty("fsync", node, reply),
    );
}

pub(super) fn fallocate(
    adapter: &Adapter,
    node: INodeNo,
    handle: FileHandle,
    (offset, length): (u64, u64),
    mode: i32,
    privilege: Privilege,
    reply: ReplyEmpty,
) {
    let handle = handle_id(handle);
    adapter.answer(
        move |fs| async move {
            fs.allocate(handle, offset, length, allocate(mode)?).await?;
            changed(&fs, handle, privilege)
        },
        empty("fallocate", node, reply),
    );
}

pub(super) fn copy_range(
    adapter: &Adapter,
    (from, offset_from): (FileHandle, u64),
    (node, to, offset_to): (INodeNo, FileHandle, u64),
    length: u64,
    privilege: Privilege,
    reply: ReplyWrite,
) {
    let (from, to) = (handle_id(from), handle_id(to));
    adapter.answer(
        move |fs| async move {
            let copying = fs.copy_range(from, offset_from, to, offset_to, length);
            let copied = copying.await?;
            changed(&fs, to, privilege)?;
            Ok(copied)
        },
        move |result| match result {
            // The number of copied bytes fits into `u32`.
            Ok(copied) => reply.written(copied as u32),
            Err(error) => reply.error(errno("copy_file_range", node, &error)),
        },
    );
}
