//! Implementation of `fuser::Filesystem` for a mount: `protocol` takes the requests, which `names`,
//! `files`, `dirs` and `attributes` decode and answer.

mod answers;
mod attributes;
mod dirs;
mod files;
mod names;
mod protocol;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use fuser::INodeNo;
use tokio::runtime::Handle;

use super::passthrough::Passthrough;
use crate::fs::{Fs, FsError};
use crate::tree::Ino;

#[derive(Debug)]
pub(super) struct Adapter {
    fs: Arc<Fs>,
    runtime: Handle,
    /// Passthrough of files to the local disk; `None` if no file may be read like that.
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

    /// Returns the inode that the kernel means by a number.
    fn ino(&self, node: INodeNo) -> Ino {
        self.fs.ino(node.into())
    }

    /// Spawns an operation and answers when it is done, or when waits have ended. The operation
    /// then goes on without its program: an operation that has started must not be left half-done.
    fn answer<T, F, A>(&self, operation: impl FnOnce(Arc<Fs>) -> F, answer: A)
    where
        F: Future<Output = Result<T, FsError>> + Send + 'static,
        A: FnOnce(Result<T, FsError>) + Send + 'static,
        T: Send,
    {
        let running = operation(Arc::clone(&self.fs));
        let end = self.fs.end().clone();
        self.runtime.spawn(async move {
            let mut running = pin!(running);
            tokio::select! {
                biased;
                result = &mut running => answer(result),
                () = end.no_more_waits() => {
                    answer(Err(FsError::Interrupted));
                    let _ = running.await;
                }
            }
        });
    }
}
