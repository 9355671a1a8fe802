//! Side of the caller: calls the functions of volumes' secrets.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

use s3fs_core::{KeySource, MountConfig, ReadKeySource, ReadKeys};

use crate::protocol::{AskKeys, Channel, ChannelError, FoundKeys};

/// Stack of the thread that receives questions, in bytes. Functions have threads of usual size.
const STACK: usize = 128 << 10;

/// Functions of the volumes of a call. Clones share the calls in progress.
#[derive(Clone, Debug)]
pub(in crate::local) struct Answers(Vec<Option<Arc<OneVolume>>>);

/// Functions that all sandboxes of a call share, taken from the volumes of the first one.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedAnswers(Arc<OnceLock<Option<Answers>>>);

/// Function of one volume.
#[derive(Debug)]
struct OneVolume {
    source: KeySource,
    reader: Arc<dyn ReadKeySource>,
    /// Questions that the call in progress will answer; none if there is no call. Nothing can stop
    /// a call, so another one must not begin beside it.
    asked: Mutex<Option<Vec<Question>>>,
}

/// Question of a process about one of its volumes.
#[derive(Clone, Debug)]
struct Question {
    asker: Arc<Mutex<Channel>>,
    volume: usize,
}

impl SharedAnswers {
    /// Returns the functions of the volumes; nothing if no volume has one.
    pub(in crate::local) fn of<'a>(
        &self,
        volumes: impl Iterator<Item = &'a MountConfig>,
    ) -> Option<Answers> {
        self.0.get_or_init(|| Answers::of(volumes)).clone()
    }
}

impl OneVolume {
    fn new(mount: &MountConfig) -> Option<Arc<Self>> {
        let source = mount.key_source.clone();
        Some(Arc::new(Self {
            source: source.filter(|source| matches!(source, KeySource::Function { .. }))?,
            reader: mount.key_reader.clone()?,
            asked: Mutex::new(None),
        }))
    }

    fn asked(&self) -> MutexGuard<'_, Option<Vec<Question>>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a question by the call in progress, or else by a new one.
    fn answer(self: &Arc<Self>, question: Question) {
        match &mut *self.asked() {
            Some(questions) => {
                if !questions.iter().any(|other| other.is(&question)) {
                    questions.push(question);
                }
                return;
            }
            none => *none = Some(vec![question]),
        }
        tracing::debug!("calling the function of a secret");
        let called = Arc::clone(self);
        let builder = thread::Builder::new().name("stub-secret".to_owned());
        let started = builder.spawn(move || {
            let keys = called.reader.read(&called.source);
            called.tell_all(keys);
        });
        if let Err(error) = started {
            self.tell_all(Err(format!("failed to start a thread: {error}")));
        }
    }

    /// Ends a call: answers all who have asked meanwhile.
    fn tell_all(&self, keys: Result<ReadKeys, String>) {
        let mut found = FoundKeys { volume: 0, keys };
        let questions = self.asked().take();
        for question in questions.into_iter().flatten() {
            found.volume = question.volume;
            tell(&question.asker, &found);
        }
    }
}

impl Question {
    fn is(&self, other: &Self) -> bool {
        self.volume == other.volume && Arc::ptr_eq(&self.asker, &other.asker)
    }
}

impl Answers {
    /// Takes the functions of the volumes; returns nothing if no volume has one.
    pub(in crate::local) fn of<'a>(volumes: impl Iterator<Item = &'a MountConfig>) -> Option<Self> {
        Self::some(volumes.map(OneVolume::new).collect())
    }

    /// Returns the functions of some of the volumes, in this order; nothing if none of them has one.
    pub(in crate::local) fn only(&self, volumes: impl Iterator<Item = usize>) -> Option<Self> {
        Self::some(volumes.map(|volume| self.function(volume)).collect())
    }

    fn some(functions: Vec<Option<Arc<OneVolume>>>) -> Option<Self> {
        let has_one = functions.iter().any(Option::is_some);
        has_one.then_some(Self(functions))
    }

    fn function(&self, volume: usize) -> Option<Arc<OneVolume>> {
        self.0.get(volume).and_then(Option::clone)
    }

    /// Returns the number of questions that wait for the function of a volume.
    #[cfg(test)]
    pub(super) fn waiting(&self, volume: usize) -> usize {
        let function = self.function(volume);
        function.map_or(0, |function| function.asked().iter().flatten().count())
    }

    /// Starts the thread that answers another process until that ends. Returns the end of the
    /// connection for that process.
    pub(in crate::local) fn start(self) -> io::Result<Channel> {
        let (ours, theirs) = Channel::pair()?;
        let builder = thread::Builder::new().name("stub-keys".to_owned());
        builder.stack_size(STACK).spawn(move || self.serve(&ours))?;
        Ok(theirs)
    }

    fn serve(self, questions: &Channel) {
        let Ok(answering) = questions.duplicate() else {
            return;
        };
        let asker = Arc::new(Mutex::new(answering));
        while let Ok((AskKeys { volume }, _)) = questions.receive() {
            if let Some(function) = self.function(volume) {
                let asker = Arc::clone(&asker);
                function.answer(Question { asker, volume });
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
