//! Side of the caller: calls the functions of volumes' secrets.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use s3fs_core::{KeySource, MountConfig, ReadKeySource};

use crate::protocol::{AskKeys, Channel, ChannelError, FoundKeys};

/// Stack of the thread that receives questions, in bytes. Functions have threads of usual size.
const STACK: usize = 128 << 10;

/// Functions of the volumes of one sandbox.
#[derive(Debug)]
pub(in crate::local) struct Answers(Vec<Option<Arc<OneVolume>>>);

/// Function of one volume.
#[derive(Debug)]
struct OneVolume {
    source: KeySource,
    reader: Arc<dyn ReadKeySource>,
    /// True while it is being called. Nothing can stop it, so another call must not begin beside it.
    is_called: AtomicBool,
}

impl OneVolume {
    fn new(mount: &MountConfig) -> Option<Arc<Self>> {
        let source = mount.key_source.clone();
        Some(Arc::new(Self {
            source: source.filter(|source| matches!(source, KeySource::Function { .. }))?,
            reader: mount.key_reader.clone()?,
            is_called: AtomicBool::new(false),
        }))
    }
}

impl Answers {
    /// Takes the functions of the volumes; returns nothing if no volume has one.
    pub(in crate::local) fn of<'a>(volumes: impl Iterator<Item = &'a MountConfig>) -> Option<Self> {
        let functions: Vec<_> = volumes.map(OneVolume::new).collect();
        functions
            .iter()
            .any(Option::is_some)
            .then_some(Self(functions))
    }

    /// Starts the thread that answers another process until that ends. Returns the end of the
    /// connection for that process.
    pub(in crate::local) fn start(self) -> io::Result<Channel> {
        let (ours, theirs) = Channel::pair()?;
        let builder = thread::Builder::new().name("stub-keys".to_owned());
        builder.stack_size(STACK).spawn(move || self.serve(&ours))?;
        Ok(theirs)
    }

    fn serve(self, asked: &Channel) {
        let Ok(answering) = asked.duplicate() else {
            return;
        };
        let answering = Arc::new(Mutex::new(answering));
        while let Ok((AskKeys { volume }, _)) = asked.receive() {
            let function = self.0.get(volume).and_then(Option::clone);
            let Some(function) = function else {
                continue;
            };
            // The call that goes on answers this question, too.
            if function.is_called.swap(true, Ordering::AcqRel) {
                continue;
            }
            tracing::debug!(volume, "calling the function of a secret");
            let (called, answer) = (Arc::clone(&function), Arc::clone(&answering));
            let builder = thread::Builder::new().name("stub-secret".to_owned());
            let started = builder.spawn(move || {
                let keys = called.reader.read(&called.source);
                called.is_called.store(false, Ordering::Release);
                tell(&answer, &FoundKeys { volume, keys });
            });
            if let Err(error) = started {
                function.is_called.store(false, Ordering::Release);
                let keys = Err(format!("failed to start a thread: {error}"));
                tell(&answering, &FoundKeys { volume, keys });
            }
        }
    }
}

fn tell(asker: &Mutex<Channel>, answer: &FoundKeys) {
    let asker = asker.lock().unwrap_or_else(PoisonError::into_inner);
    let sent = asker.send(answer, &[]);
    // Nothing of it has left, and without an answer the asker would wait. One that is gone needs none.
    if let Err(ChannelError::Malformed(reason)) = sent {
        let keys = Err(format!("failed to send keys: {reason}"));
        let volume = answer.volume;
        let _ = asker.send(&FoundKeys { volume, keys }, &[]);
    }
}
