//! The `fuser::Filesystem` of a mount.

use std::ffi::OsStr;
use std::future::Future;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use fuser::{
    BsdFileFlags, CopyFileRangeFlags, FileHandle, Filesystem, FopenFlags, Generation, INodeNo,
    InitFlags, KernelConfig, LockOwner, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData,
    ReplyDirectory, ReplyDirectoryPlus, ReplyEmpty, ReplyEntry, ReplyOpen, ReplyStatfs, ReplyWrite,
    ReplyXattr, Request, TimeOrNow, WriteFlags,
};
use tokio::runtime::Handle;

use super::convert::{
    allocate, errno, file_attr, kind, maker, node_kind, open_mode, replaces, set_xattr, time,
};
use super::passthrough::Passthrough;
use crate::fs::{Attr, Fs, FsError, HandleId, OpenMode, Opened, SetAttr, TTL};
use crate::tree::Told;

/// Inode numbers are never used again, so generations are not needed.
const GENERATION: Generation = Generation(0);

/// Requests the kernel keeps in flight for readahead; above three quarters of it, it skips
/// readahead altogether.
const MAX_BACKGROUND: u16 = 64;

/// The largest read and write. The kernel cuts it to `fs.fuse.max_pages_limit`, 1 MiB by default.
const MAX_WRITE: u32 = 1 << 20;

#[derive(Debug)]
pub(super) struct Adapter {
    fs: Arc<Fs>,
    runtime: Handle,
    /// Nothing where no file may be read like that.
    passthrough: Option<Arc<Passthrough>>,
}

impl Adapter {
    pub(super) fn new(fs: Arc<Fs>, runtime: Handle) -> Self {
        let passthrough = fs.may_be_read_locally().then(Arc::default);
        Self {
            fs,
            runtime,
            passthrough,
        }
    }

    /// Opens a file that may be on the local disk.
    fn open_locally(
        &self,
        passthrough: Arc<Passthrough>,
        ino: INodeNo,
        mode: OpenMode,
        pid: u32,
        how: FopenFlags,
        reply: ReplyOpen,
    ) {
        let asking = Arc::clone(&passthrough);
        self.answer(
            move |fs| async move {
                let opened = fs.open(ino.into(), mode, pid).await?;
                let copy = if asking.wants(ino) {
                    fs.local_copy(opened.handle).await
                } else {
                    None
                };
                Ok((FileHandle(opened.handle.0), copy))
            },
            move |result| match result {
                Ok((handle, copy)) => passthrough.opened(ino, handle, copy, how, reply),
                Err(error) => reply.error(errno("open", ino.into(), &error)),
            },
        );
    }

    /// Runs an operation beside others and answers when it is done.
    fn answer<T, F, A>(&self, operation: impl FnOnce(Arc<Fs>) -> F, answer: A)
    where
        F: Future<Output = Result<T, FsError>> + Send + 'static,
        A: FnOnce(Result<T, FsError>) + Send + 'static,
        T: Send,
    {
        let running = operation(Arc::clone(&self.fs));
        self.runtime.spawn(async move { answer(running.await) });
    }
}

fn empty(
    operation: &'static str,
    ino: INodeNo,
    reply: ReplyEmpty,
) -> impl FnOnce(Result<(), FsError>) {
    move |result| match result {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(errno(operation, ino.into(), &error)),
    }
}

fn entry(
    operation: &'static str,
    parent: INodeNo,
    reply: ReplyEntry,
) -> impl FnOnce(Result<Attr, FsError>) {
    move |result| match result {
        Ok(attr) => reply.entry_with_ttls(&TTL, &attr.valid, &file_attr(&attr), GENERATION),
        Err(error) => reply.error(errno(operation, parent.into(), &error)),
    }
}

/// Answers with bytes where the program may first ask how many there are.
fn bytes_or_size(
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

fn handle_id(handle: FileHandle) -> HandleId {
    HandleId(handle.0)
}

impl Filesystem for Adapter {
    fn init(&mut self, _request: &Request, config: &mut KernelConfig) -> io::Result<()> {
        // One by one: a single flag that the kernel doesn't know would refuse them all.
        for flag in [
            InitFlags::FUSE_DO_READDIRPLUS,
            InitFlags::FUSE_PARALLEL_DIROPS,
            InitFlags::FUSE_ATOMIC_O_TRUNC,
            InitFlags::FUSE_ASYNC_DIO,
            InitFlags::FUSE_CACHE_SYMLINKS,
            // Else the kernel asks for an attribute before each write.
            InitFlags::FUSE_HANDLE_KILLPRIV_V2,
        ] {
            if config.add_capabilities(flag).is_err() {
                tracing::debug!(?flag, "the kernel does not know this");
            }
        }
        let _ = config.set_max_background(MAX_BACKGROUND);
        let _ = config.set_max_write(MAX_WRITE);
        if let Some(passthrough) = &self.passthrough {
            passthrough.negotiate(config);
        }
        Ok(())
    }

    fn lookup(&self, _request: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let answer = entry("lookup", parent, reply);
        if let Some(result) = self.fs.try_lookup(parent.into(), name) {
            return answer(result);
        }
        let name = name.to_owned();
        self.answer(
            |fs| async move { fs.lookup(parent.into(), &name).await },
            answer,
        );
    }

    fn forget(&self, _request: &Request, ino: INodeNo, count: u64) {
        self.fs.forget(ino.into(), count);
    }

    fn getattr(
        &self,
        _request: &Request,
        ino: INodeNo,
        _handle: Option<FileHandle>,
        reply: ReplyAttr,
    ) {
        match self.fs.getattr(ino.into()) {
            Ok(attr) => reply.attr(&TTL, &file_attr(&attr)),
            Err(error) => reply.error(errno("getattr", ino.into(), &error)),
        }
    }

    fn setattr(
        &self,
        _request: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        size: Option<u64>,
        atime: Option<TimeOrNow>,
        mtime: Option<TimeOrNow>,
        _ctime: Option<SystemTime>,
        _handle: Option<FileHandle>,
        _crtime: Option<SystemTime>,
        _chgtime: Option<SystemTime>,
        _bkuptime: Option<SystemTime>,
        _flags: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let mode = mode.map(|mode| (mode & 0o7777) as u16);
        let set = SetAttr {
            size,
            accessed: atime.map(time),
            modified: mtime.map(time),
            mode,
            uid,
            gid,
        };
        self.answer(
            |fs| async move { fs.setattr(ino.into(), set).await },
            move |result| match result {
                Ok(attr) => reply.attr(&TTL, &file_attr(&attr)),
                Err(error) => reply.error(errno("setattr", ino.into(), &error)),
            },
        );
    }

    fn readlink(&self, _request: &Request, ino: INodeNo, reply: ReplyData) {
        self.answer(
            move |fs| async move { fs.readlink(ino.into()).await },
            move |result| match result {
                Ok(target) => reply.data(&target),
                Err(error) => reply.error(errno("readlink", ino.into(), &error)),
            },
        );
    }

    fn mknod(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _umask: u32,
        _rdev: u32,
        reply: ReplyEntry,
    ) {
        let (name, maker) = (name.to_owned(), maker(request));
        self.answer(
            move |fs| async move {
                let kind = node_kind(mode)?;
                let mode = (mode & 0o7777) as u16;
                fs.mknod(parent.into(), &name, kind, mode, maker).await
            },
            entry("mknod", parent, reply),
        );
    }

    fn symlink(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        target: &Path,
        reply: ReplyEntry,
    ) {
        let (name, maker) = (name.to_owned(), maker(request));
        let target = target.as_os_str().as_bytes().to_vec();
        self.answer(
            move |fs| async move { fs.symlink(parent.into(), &name, &target, maker).await },
            entry("symlink", parent, reply),
        );
    }

    fn link(
        &self,
        _request: &Request,
        ino: INodeNo,
        _new_parent: INodeNo,
        _new_name: &OsStr,
        reply: ReplyEntry,
    ) {
        let error = FsError::NotSupported("an object has one key");
        reply.error(errno("link", ino.into(), &error));
    }

    fn mkdir(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _umask: u32,
        reply: ReplyEntry,
    ) {
        let (name, maker) = (name.to_owned(), maker(request));
        let mode = (mode & 0o7777) as u16;
        self.answer(
            move |fs| async move { fs.mkdir(parent.into(), &name, mode, maker).await },
            entry("mkdir", parent, reply),
        );
    }

    fn unlink(&self, _request: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let name = name.to_owned();
        self.answer(
            |fs| async move { fs.unlink(parent.into(), &name).await },
            empty("unlink", parent, reply),
        );
    }

    fn rmdir(&self, _request: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let name = name.to_owned();
        self.answer(
            |fs| async move { fs.rmdir(parent.into(), &name).await },
            empty("rmdir", parent, reply),
        );
    }

    fn rename(
        &self,
        _request: &Request,
        parent: INodeNo,
        name: &OsStr,
        new_parent: INodeNo,
        new_name: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let (name, new_name) = (name.to_owned(), new_name.to_owned());
        self.answer(
            move |fs| async move {
                let replace = replaces(flags)?;
                let (from, to) = (parent.into(), new_parent.into());
                fs.rename(from, &name, to, &new_name, replace).await
            },
            empty("rename", parent, reply),
        );
    }

    fn open(&self, request: &Request, ino: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        let (pid, mode) = (request.pid(), open_mode(flags));
        // An inode is one version, so its pages are good for as long as it lives.
        let mut how = FopenFlags::FOPEN_KEEP_CACHE;
        if mode == OpenMode::Read {
            how |= FopenFlags::FOPEN_NOFLUSH;
        }
        if let Some(passthrough) = &self.passthrough {
            return self.open_locally(Arc::clone(passthrough), ino, mode, pid, how, reply);
        }
        let answer = move |result: Result<Opened, FsError>| match result {
            Ok(opened) => reply.opened(FileHandle(opened.handle.0), how),
            Err(error) => reply.error(errno("open", ino.into(), &error)),
        };
        match self.fs.try_open(ino.into(), mode, pid) {
            Some(opened) => answer(Ok(opened)),
            None => self.answer(
                move |fs| async move { fs.open(ino.into(), mode, pid).await },
                answer,
            ),
        }
    }

    fn create(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _umask: u32,
        flags: i32,
        reply: ReplyCreate,
    ) {
        let (name, maker) = (name.to_owned(), maker(request));
        let mode = (mode & 0o7777) as u16;
        let exclusive = flags & libc::O_EXCL != 0;
        self.answer(
            move |fs| async move {
                fs.create(parent.into(), &name, exclusive, mode, maker)
                    .await
            },
            move |result| match result {
                Ok((attr, opened)) => reply.created(
                    &TTL,
                    &file_attr(&attr),
                    GENERATION,
                    FileHandle(opened.handle.0),
                    FopenFlags::FOPEN_KEEP_CACHE,
                ),
                Err(error) => reply.error(errno("create", parent.into(), &error)),
            },
        );
    }

    fn read(
        &self,
        _request: &Request,
        ino: INodeNo,
        handle: FileHandle,
        offset: u64,
        size: u32,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let (handle, size) = (handle_id(handle), u64::from(size));
        let answer = move |result: Result<bytes::Bytes, FsError>| match result {
            Ok(bytes) => reply.data(&bytes),
            Err(error) => reply.error(errno("read", ino.into(), &error)),
        };
        match self.fs.try_read(handle, offset, size) {
            Some(result) => answer(result),
            None => self.answer(
                |fs| async move { fs.read(handle, offset, size).await },
                answer,
            ),
        }
    }

    fn write(
        &self,
        _request: &Request,
        ino: INodeNo,
        handle: FileHandle,
        offset: u64,
        data: &[u8],
        write_flags: WriteFlags,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let handle = handle_id(handle);
        let written = data.len() as u32;
        let answer = move |result: Result<(), FsError>| match result {
            Ok(()) => reply.written(written),
            Err(error) => reply.error(errno("write", ino.into(), &error)),
        };
        if write_flags.contains(WriteFlags::FUSE_WRITE_KILL_SUIDGID)
            && let Err(error) = self.fs.written_by_other(handle)
        {
            return answer(Err(error));
        }
        match self.fs.try_write(handle, offset, data) {
            Ok(true) => answer(Ok(())),
            Err(error) => answer(Err(error)),
            Ok(false) => {
                let data = data.to_vec();
                self.answer(
                    |fs| async move { fs.write(handle, offset, &data).await },
                    answer,
                );
            }
        }
    }

    fn flush(
        &self,
        request: &Request,
        ino: INodeNo,
        handle: FileHandle,
        _lock_owner: LockOwner,
        reply: ReplyEmpty,
    ) {
        let (handle, pid) = (handle_id(handle), request.pid());
        self.answer(
            |fs| async move { fs.flush(handle, pid).await },
            empty("flush", ino, reply),
        );
    }

    fn release(
        &self,
        _request: &Request,
        ino: INodeNo,
        handle: FileHandle,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        _flush: bool,
        reply: ReplyEmpty,
    ) {
        if let Some(passthrough) = &self.passthrough {
            passthrough.released(ino);
        }
        let handle = handle_id(handle);
        self.answer(
            |fs| async move {
                fs.release(handle);
                Ok(())
            },
            move |_: Result<(), FsError>| reply.ok(),
        );
    }

    fn fsync(
        &self,
        _request: &Request,
        ino: INodeNo,
        handle: FileHandle,
        _data_only: bool,
        reply: ReplyEmpty,
    ) {
        let handle = handle_id(handle);
        self.answer(
            |fs| async move { fs.fsync(handle).await },
            empty("fsync", ino, reply),
        );
    }

    fn opendir(&self, _request: &Request, ino: INodeNo, _flags: OpenFlags, reply: ReplyOpen) {
        match self.fs.opendir(ino.into()) {
            Ok(handle) => reply.opened(FileHandle(handle.0), FopenFlags::empty()),
            Err(error) => reply.error(errno("opendir", ino.into(), &error)),
        }
    }

    fn readdir(
        &self,
        _request: &Request,
        ino: INodeNo,
        handle: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        let fs = Arc::clone(&self.fs);
        self.runtime.spawn(async move {
            let offered = fs.readdir(handle_id(handle), offset, |entry| {
                let ino = entry.attr.ino.into();
                let full = reply.add(ino, entry.next_offset, kind(&entry.attr), entry.name);
                if full { Told::Full } else { Told::No }
            });
            match offered.await {
                Ok(()) => reply.ok(),
                Err(error) => reply.error(errno("readdir", ino.into(), &error)),
            }
        });
    }

    fn readdirplus(
        &self,
        _request: &Request,
        ino: INodeNo,
        handle: FileHandle,
        offset: u64,
        mut reply: ReplyDirectoryPlus,
    ) {
        let fs = Arc::clone(&self.fs);
        self.runtime.spawn(async move {
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
            match offered.await {
                Ok(()) => reply.ok(),
                Err(error) => reply.error(errno("readdirplus", ino.into(), &error)),
            }
        });
    }

    fn releasedir(
        &self,
        _request: &Request,
        _ino: INodeNo,
        handle: FileHandle,
        _flags: OpenFlags,
        reply: ReplyEmpty,
    ) {
        let handle = handle_id(handle);
        self.answer(
            |fs| async move {
                fs.release(handle);
                Ok(())
            },
            move |_: Result<(), FsError>| reply.ok(),
        );
    }

    fn fsyncdir(
        &self,
        _request: &Request,
        ino: INodeNo,
        _handle: FileHandle,
        _data_only: bool,
        reply: ReplyEmpty,
    ) {
        self.answer(
            move |fs| async move { fs.fsync_dir(ino.into()).await },
            empty("fsyncdir", ino, reply),
        );
    }

    fn setxattr(
        &self,
        _request: &Request,
        ino: INodeNo,
        name: &OsStr,
        value: &[u8],
        flags: i32,
        _position: u32,
        reply: ReplyEmpty,
    ) {
        let (name, value) = (name.to_owned(), value.to_vec());
        self.answer(
            move |fs| async move {
                fs.setxattr(ino.into(), &name, &value, set_xattr(flags))
                    .await
            },
            empty("setxattr", ino, reply),
        );
    }

    fn getxattr(
        &self,
        _request: &Request,
        ino: INodeNo,
        name: &OsStr,
        size: u32,
        reply: ReplyXattr,
    ) {
        let name = name.to_owned();
        self.answer(
            move |fs| async move { fs.getxattr(ino.into(), &name).await },
            bytes_or_size("getxattr", ino, size, reply),
        );
    }

    fn listxattr(&self, _request: &Request, ino: INodeNo, size: u32, reply: ReplyXattr) {
        self.answer(
            move |fs| async move { fs.listxattr(ino.into()).await },
            bytes_or_size("listxattr", ino, size, reply),
        );
    }

    fn removexattr(&self, _request: &Request, ino: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let name = name.to_owned();
        self.answer(
            move |fs| async move { fs.removexattr(ino.into(), &name).await },
            empty("removexattr", ino, reply),
        );
    }

    fn fallocate(
        &self,
        _request: &Request,
        ino: INodeNo,
        handle: FileHandle,
        offset: u64,
        length: u64,
        mode: i32,
        reply: ReplyEmpty,
    ) {
        let handle = handle_id(handle);
        self.answer(
            move |fs| async move { fs.allocate(handle, offset, length, allocate(mode)?).await },
            empty("fallocate", ino, reply),
        );
    }

    fn copy_file_range(
        &self,
        _request: &Request,
        _ino_in: INodeNo,
        handle_in: FileHandle,
        offset_in: u64,
        ino_out: INodeNo,
        handle_out: FileHandle,
        offset_out: u64,
        length: u64,
        _flags: CopyFileRangeFlags,
        reply: ReplyWrite,
    ) {
        let (from, to) = (handle_id(handle_in), handle_id(handle_out));
        self.answer(
            move |fs| async move { fs.copy_range(from, offset_in, to, offset_out, length).await },
            move |result| match result {
                // It copies no more than fits.
                Ok(copied) => reply.written(copied as u32),
                Err(error) => reply.error(errno("copy_file_range", ino_out.into(), &error)),
            },
        );
    }

    /// S3 has no limits that would fit here, so they are large ones: 4 EiB in blocks of 1 MiB.
    fn statfs(&self, _request: &Request, _ino: INodeNo, reply: ReplyStatfs) {
        const BLOCKS: u64 = 1 << 42;
        const FILES: u64 = 1 << 62;
        const BLOCK: u32 = 1 << 20;
        reply.statfs(BLOCKS, BLOCKS, BLOCKS, FILES, FILES, BLOCK, 255, BLOCK);
    }
}
