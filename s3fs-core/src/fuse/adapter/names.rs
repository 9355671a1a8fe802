//! Requests that look up, create, remove and rename names.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use fuser::{RenameFlags, ReplyData, ReplyEmpty, ReplyEntry};

use super::Adapter;
use super::answers::{GENERATION, empty, entry};
use crate::fs::{Attr, FsError, Maker};
use crate::fuse::convert::{errno, node_kind, nothing, permissions, replaces};
use crate::tree::Ino;

pub(super) fn lookup(adapter: &Adapter, parent: Ino, name: &OsStr, reply: ReplyEntry) {
    let (fs, of) = (Arc::clone(&adapter.fs), name.to_owned());
    let answer = move |result: Result<Attr, FsError>| match result {
        Err(FsError::NotFound) if let Some(ttl) = fs.absent_for(parent, &of) => {
            reply.entry_with_ttls(&ttl, &ttl, &nothing(), GENERATION);
        }
        result => entry("lookup", parent, reply)(result),
    };
    if let Some(result) = adapter.fs.try_lookup(parent, name) {
        return answer(result);
    }
    let name = name.to_owned();
    adapter.answer(|fs| async move { fs.lookup(parent, &name).await }, answer);
}

pub(super) fn readlink(adapter: &Adapter, ino: Ino, reply: ReplyData) {
    adapter.answer(
        move |fs| async move { fs.readlink(ino).await },
        move |result| match result {
            Ok(target) => reply.data(&target),
            Err(error) => reply.error(errno("readlink", ino, &error)),
        },
    );
}

pub(super) fn mknod(
    adapter: &Adapter,
    maker: Maker,
    parent: Ino,
    name: &OsStr,
    mode: u32,
    reply: ReplyEntry,
) {
    let name = name.to_owned();
    adapter.answer(
        move |fs| async move {
            let kind = node_kind(mode)?;
            let mode = permissions(mode);
            fs.mknod(parent, &name, kind, mode, maker).await
        },
        entry("mknod", parent, reply),
    );
}

pub(super) fn symlink(
    adapter: &Adapter,
    maker: Maker,
    parent: Ino,
    name: &OsStr,
    target: &Path,
    reply: ReplyEntry,
) {
    let name = name.to_owned();
    let target = target.as_os_str().as_bytes().to_vec();
    adapter.answer(
        move |fs| async move { fs.symlink(parent, &name, &target, maker).await },
        entry("symlink", parent, reply),
    );
}

pub(super) fn link(ino: Ino, reply: ReplyEntry) {
    let error = FsError::NotSupported("an object has one key");
    reply.error(errno("link", ino, &error));
}

pub(super) fn mkdir(
    adapter: &Adapter,
    maker: Maker,
    parent: Ino,
    name: &OsStr,
    mode: u32,
    reply: ReplyEntry,
) {
    let (name, mode) = (name.to_owned(), permissions(mode));
    adapter.answer(
        move |fs| async move { fs.mkdir(parent, &name, mode, maker).await },
        entry("mkdir", parent, reply),
    );
}

pub(super) fn unlink(adapter: &Adapter, parent: Ino, name: &OsStr, reply: ReplyEmpty) {
    let name = name.to_owned();
    adapter.answer(
        |fs| async move { fs.unlink(parent, &name).await },
        empty("unlink", parent, reply),
    );
}

pub(super) fn rmdir(adapter: &Adapter, parent: Ino, name: &OsStr, reply: ReplyEmpty) {
    let name = name.to_owned();
    adapter.answer(
        |fs| async move { fs.rmdir(parent, &name).await },
        empty("rmdir", parent, reply),
    );
}

pub(super) fn rename(
    adapter: &Adapter,
    (parent, name): (Ino, &OsStr),
    (new_parent, new_name): (Ino, &OsStr),
    flags: RenameFlags,
    reply: ReplyEmpty,
) {
    let (name, new_name) = (name.to_owned(), new_name.to_owned());
    adapter.answer(
        move |fs| async move {
            let replace = replaces(flags)?;
            let (from, to) = (parent, new_parent);
            fs.rename(from, &name, to, &new_name, replace).await
        },
        empty("rename", parent, reply),
    );
}
