//! How results become replies.

use fuser::{FileHandle, Generation, INodeNo, ReplyAttr, ReplyEmpty, ReplyEntry, ReplyXattr};

use crate::fs::{Attr, FsError, HandleId, TTL};
use crate::fuse::convert::{errno, file_attr};

/// Inode numbers are never used again, so generations are not needed.
pub(super) const GENERATION: Generation = Generation(0);

pub(super) fn empty(
    operation: &'static str,
    ino: INodeNo,
    reply: ReplyEmpty,
) -> impl FnOnce(Result<(), FsError>) {
    move |result| match result {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(errno(operation, ino.into(), &error)),
    }
}

pub(super) fn entry(
    operation: &'static str,
    parent: INodeNo,
    reply: ReplyEntry,
) -> impl FnOnce(Result<Attr, FsError>) {
    move |result| match result {
        Ok(attr) => reply.entry_with_ttls(&TTL, &attr.valid, &file_attr(&attr), GENERATION),
        Err(error) => reply.error(errno(operation, parent.into(), &error)),
    }
}

pub(super) fn attr(
    operation: &'static str,
    ino: INodeNo,
    reply: ReplyAttr,
) -> impl FnOnce(Result<Attr, FsError>) {
    move |result| match result {
        Ok(attr) => reply.attr(&TTL, &file_attr(&attr)),
        Err(error) => reply.error(errno(operation, ino.into(), &error)),
    }
}

/// Answers with bytes where the program may first ask how many there are.
pub(super) fn bytes_or_size(
    operation: &'static str,
    ino: INodeNo,
    size: u32,
    reply: ReplyXattr,
) -> impl FnOnce(Result<Vec<u8>, FsError>) {
    move |result| match result {
        Ok(bytes) if size == 0 => reply.size(bytes.len() as u32),
        Ok(bytes) if bytes.len() > size as usize => reply.error(fuser::Errno::ERANGE),
        Ok(bytes) => reply.data(&bytes),
        Err(error) => reply.error(errno(operation, ino.into(), &error)),
    }
}

pub(super) fn handle_id(handle: FileHandle) -> HandleId {
    HandleId(handle.0)
}
