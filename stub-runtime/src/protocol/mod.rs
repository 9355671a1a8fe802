//! Protocol between the processes of a call: closed sets of messages in length-prefixed frames,
//! with descriptors beside them.

mod channel;
mod inbox;
mod keys;
mod message;

pub(crate) use channel::{Channel, ChannelError};
pub(crate) use inbox::Inbox;
pub(crate) use keys::{AskKeys, FoundKeys};
pub(crate) use message::{
    FromInit, FromSupervisor, FromWorker, Hello, Hide, InnerFolder, Input, Job, MountPoint,
    Program, Progress, Reply, Report, StartFailure, Stop, StoreAnswer, Sweep, Swept, SweptVolume,
    ToInit, ToSupervisor, ToWorker, Trace, UploadNote,
};
