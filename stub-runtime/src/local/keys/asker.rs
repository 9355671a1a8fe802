//! Side of the process that serves volumes: asks for keys, and waits for them.

use std::collections::BTreeMap;
use std::io;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use s3fs_core::{KeySource, ReadKeySource, ReadKeys};

use crate::declare::SecretError;
use crate::protocol::{AskKeys, Channel, FoundKeys};

/// Maximum duration of an answer: less than the 20 s of a request to the bucket, of its load of keys
/// and of a sweep, whose errors would not name the function.
const LIMIT: Duration = Duration::from_secs(15);

/// Stack of the thread that receives answers, in bytes.
const STACK: usize = 128 << 10;

/// Connection to the functions of the caller. Cheap to clone.
#[derive(Clone, Debug)]
pub(in crate::local) struct Asker(Arc<AskerState>);

#[derive(Debug)]
struct AskerState {
    caller: Mutex<Channel>,
    waiting: Mutex<Waiting>,
    limit: Duration,
}

/// Volumes whose keys were asked for.
#[derive(Debug)]
enum Waiting {
    For(BTreeMap<usize, SyncSender<Result<ReadKeys, String>>>),
    /// The caller has ended: there will be no answers.
    InVain,
}

impl Asker {
    /// Starts the thread that receives answers.
    pub(in crate::local) fn start(caller: Channel) -> io::Result<Self> {
        Self::limited(caller, LIMIT)
    }

    pub(super) fn limited(caller: Channel, limit: Duration) -> io::Result<Self> {
        let answers = caller.duplicate()?;
        let shared = Arc::new(AskerState {
            caller: Mutex::new(caller),
            waiting: Mutex::new(Waiting::For(BTreeMap::new())),
            limit,
        });
        let receiver = Arc::clone(&shared);
        let builder = thread::Builder::new().name("keys".to_owned());
        builder
            .stack_size(STACK)
            .spawn(move || receiver.receive(&answers))?;
        Ok(Self(shared))
    }

    /// Returns the reader of the keys of one volume.
    pub(super) fn of(&self, volume: usize) -> CallersKeys {
        CallersKeys {
            asker: self.clone(),
            volume,
        }
    }
}

impl AskerState {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn receive(&self, answers: &Channel) {
        while let Ok((FoundKeys { volume, keys }, _)) = answers.receive() {
            // An answer that comes too late may be old when somebody asks again.
            if let Waiting::For(volumes) = &mut *self.waiting()
                && let Some(waiter) = volumes.remove(&volume)
            {
                let _ = waiter.try_send(keys);
            }
        }
        *self.waiting() = Waiting::InVain;
    }

    fn ask(&self, volume: usize) -> Result<ReadKeys, NoKeys> {
        let (sender, answer) = sync_channel(1);
        match &mut *self.waiting() {
            Waiting::For(volumes) => drop(volumes.insert(volume, sender)),
            Waiting::InVain => return Err(NoKeys::Gone),
        }
        let caller = self.caller.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = caller.send(&AskKeys { volume }, &[]);
        drop(caller);
        sent.map_err(|_| NoKeys::Gone)?;
        match answer.recv_timeout(self.limit) {
            Ok(keys) => keys.map_err(NoKeys::Failed),
            Err(RecvTimeoutError::Timeout) => Err(NoKeys::TimedOut(self.limit)),
            Err(RecvTimeoutError::Disconnected) => Err(NoKeys::Gone),
        }
    }
}

/// Reason for which there are no keys.
#[derive(Debug, thiserror::Error)]
enum NoKeys {
    #[error("{0}")]
    Failed(String),
    #[error("it has not returned within {0:?}")]
    TimedOut(Duration),
    #[error("its process has ended")]
    Gone,
}

/// Keys of a volume, which the caller finds.
#[derive(Debug)]
pub(super) struct CallersKeys {
    asker: Asker,
    volume: usize,
}

impl ReadKeySource for CallersKeys {
    fn read(&self, source: &KeySource) -> Result<ReadKeys, String> {
        let answer = self.asker.0.ask(self.volume);
        answer.map_err(|reason| match (reason, source) {
            (NoKeys::Failed(text), _) => text,
            (reason, KeySource::Function { place }) => SecretError::Function {
                place: place.clone(),
                reason: reason.to_string(),
            }
            .to_string(),
            (reason, _) => reason.to_string(),
        })
    }
}
