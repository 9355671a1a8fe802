//! Conversion of results into replies.

use std::fmt::Display;

use fuser::{FileHandle, Generation, ReplyAttr, ReplyEmpty, ReplyEntry, ReplyXattr};

use crate::fs::{Attr, FsError, HandleId};
use crate::fuse::convert::{entry_attr, errno, file_attr};
use crate::tree::Ino;

/// Generation of all inodes. A number is reused for the same name only, and once the kernel has
/// forgotten it, so generations are not needed.
pub(super) const GENERATION: Generation = Generation(0);

pub(super) fn empty(
    operation: &'static str,
    ino: impl Display,
    reply: ReplyEmpty,
) -> impl FnOnce(Result<(), FsError>) {
    move |result| match result {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(errno(operation, ino, &error)),
    }
}

pub(super) fn entry(
    operation: &'static str,
    parent: Ino,
    reply: ReplyEntry,
) -> impl FnOnce(Result<Attr, FsError>) {
    move |result| match result {
        Ok(attr) => {
            let (as_entry, ttl) = entry_attr(&attr);
            reply.entry_with_ttls(&ttl, &attr.valid, &as_entry, GENERATION);
        }
        Err(error) => reply.error(errno(operation, parent, &error)),
    }
}

pub(super) fn attr(
    operation: &'static str,
    ino: Ino,
    reply: ReplyAttr,
) -> impl FnOnce(Result<Attr, FsError>) {
    move |result| match result {
        Ok(attr) => reply.attr(&attr.attributes_valid, &file_attr(&attr)),
        Err(error) => reply.error(errno(operation, ino, &error)),
    }
}

/// Replies with bytes, or with their number if the program asks for that first.
pub(super) fn bytes_or_size(
    operation: &'static str,
    ino: Ino,
    size: u32,
    reply: ReplyXattr,
) -> impl FnOnce(Result<Vec<u8>, FsError>) {
    move |result| match result {
        Ok(bytes) if size == 0 => reply.size(bytes.len() as u32),
        Ok(bytes) if bytes.len() > size as usize => reply.error(fuser::Errno::ERANGE),
        Ok(bytes) => reply.data(&bytes),
        Err(error) => reply.error(errno(operation, ino, &error)),
    }
}

pub(super) fn handle_id(handle: FileHandle) -> HandleId {
    HandleId(handle.0)
}
