//! Requests for attributes: those of `stat`, extended attributes, and those of the file system.

use std::ffi::OsStr;

use fuser::{ReplyAttr, ReplyEmpty, ReplyStatfs, ReplyXattr};

use super::Adapter;
use super::answers::{attr, bytes_or_size, empty};
use crate::fs::SetAttr;
use crate::fuse::convert::set_xattr;
use crate::tree::Ino;

pub(super) fn get(adapter: &Adapter, ino: Ino, reply: ReplyAttr) {
    let answer = attr("getattr", ino, reply);
    answer(adapter.fs.getattr(ino));
}

pub(super) fn set(adapter: &Adapter, ino: Ino, set: SetAttr, reply: ReplyAttr) {
    adapter.answer(
        |fs| async move { fs.setattr(ino, set).await },
        attr("setattr", ino, reply),
    );
}

pub(super) fn set_extended(
    adapter: &Adapter,
    ino: Ino,
    name: &OsStr,
    value: &[u8],
    flags: i32,
    reply: ReplyEmpty,
) {
    let (name, value) = (name.to_owned(), value.to_vec());
    adapter.answer(
        move |fs| async move { fs.setxattr(ino, &name, &value, set_xattr(flags)).await },
        empty("setxattr", ino, reply),
    );
}

pub(super) fn get_extended(
    adapter: &Adapter,
    ino: Ino,
    name: &OsStr,
    size: u32,
    reply: ReplyXattr,
) {
    let name = name.to_owned();
    adapter.answer(
        move |fs| async move { fs.getxattr(ino, &name).await },
        bytes_or_size("getxattr", ino, size, reply),
    );
}

pub(super) fn list_extended(adapter: &Adapter, ino: Ino, size: u32, reply: ReplyXattr) {
    adapter.answer(
        move |fs| async move { fs.listxattr(ino).await },
        bytes_or_size("listxattr", ino, size, reply),
    );
}

pub(super) fn remove_extended(adapter: &Adapter, ino: Ino, name: &OsStr, reply: ReplyEmpty) {
    let name = name.to_owned();
    adapter.answer(
        move |fs| async move { fs.removexattr(ino, &name).await },
        empty("removexattr", ino, reply),
    );
}

/// Reports 1 PiB in blocks of 1 MiB. S3 has no limits. Scripts that count in bytes or KiB, in 64
/// bits or in doubles, can compute with these numbers without an overflow.
pub(super) fn of_file_system(reply: ReplyStatfs) {
    const BLOCKS: u64 = 1 << 30;
    const FILES: u64 = 1 << 40;
    const BLOCK: u32 = 1 << 20;
    reply.statfs(BLOCKS, BLOCKS, BLOCKS, FILES, FILES, BLOCK, 255, BLOCK);
}
