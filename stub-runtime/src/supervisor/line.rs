//! The connection to the caller: the driver's last word goes over it, and before that, from the
//! threads that upload, what they have begun and ended.

use std::sync::{Arc, Mutex, PoisonError};

use s3fs_core::{UnfinishedUpload, UploadObserver};

use crate::protocol::{Channel, FromSupervisor, UploadNote};

/// The connection, shared.
#[derive(Clone, Debug)]
pub(super) struct Line(Arc<Mutex<Channel>>);

impl Line {
    pub(super) fn new(caller: Channel) -> Self {
        Self(Arc::new(Mutex::new(caller)))
    }

    /// Says something.
    pub(super) fn say(&self, message: &FromSupervisor) {
        let caller = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A caller that is gone doesn't miss it.
        let _ = caller.send(message, &[]);
    }

    /// Whether it reads what it is told: what it has not read doesn't fill the socket.
    pub(super) fn is_listening(&self) -> bool {
        const MUCH: usize = 32 << 10;
        // Who holds it may wait for the caller to read.
        self.0.try_lock().is_ok_and(|caller| caller.unread() < MUCH)
    }

    /// Someone who tells the caller of the uploads of a volume.
    pub(super) fn observer(&self, volume: usize) -> Arc<dyn UploadObserver> {
        Arc::new(Observer {
            line: self.clone(),
            volume,
        })
    }
}

#[derive(Debug)]
struct Observer {
    line: Line,
    volume: usize,
}

impl Observer {
    /// In the socket before anything else happens: it is read there after this process's death.
    fn note(&self, upload: UnfinishedUpload, ended: bool) {
        let note = UploadNote {
            volume: self.volume,
            upload,
            ended,
        };
        self.line.say(&FromSupervisor::Upload(note));
    }
}

impl UploadObserver for Observer {
    fn begun(&self, upload: UnfinishedUpload) {
        self.note(upload, false);
    }

    fn ended(&self, upload: UnfinishedUpload) {
        self.note(upload, true);
    }
}
