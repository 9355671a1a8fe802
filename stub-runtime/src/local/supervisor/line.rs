//! Connection to the caller. The driver sends its last message over it; before that, the uploading
//! threads send the uploads that they begin and end.

use std::sync::{Arc, Mutex, PoisonError};

use s3fs_core::{UnfinishedUpload, UploadObserver};

use crate::protocol::{Channel, FromSupervisor, UploadNote};

/// Connection, shared by threads.
#[derive(Clone, Debug)]
pub(super) struct Line(Arc<Mutex<Channel>>);

impl Line {
    pub(super) fn new(caller: Channel) -> Self {
        Self(Arc::new(Mutex::new(caller)))
    }

    /// Sends a message.
    pub(super) fn say(&self, message: &FromSupervisor) {
        let caller = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A caller that is gone doesn't miss it.
        let _ = caller.send(message, &[]);
    }

    /// Returns whether the caller reads its messages: the unread ones don't fill the socket.
    pub(super) fn is_listening(&self) -> bool {
        const MUCH: usize = 32 << 10;
        // Who holds it may wait for the caller to read.
        self.0.try_lock().is_ok_and(|caller| caller.unread() < MUCH)
    }

    /// Returns an observer that reports the uploads of a volume to the caller.
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
    /// Writes a note to the socket before anything else happens: it can be read there even after
    /// this process has died.
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
