//! What our processes say to each other: closed sets of messages in length-prefixed frames, with
//! descriptors beside them.

mod channel;
mod message;

pub(crate) use channel::{Channel, ChannelError};
pub(crate) use message::{
    Failure, FromInit, FromSupervisor, FromWorker, Hello, InnerFolder, Job, MountPoint, Program,
    Reply, Sweep, Swept, SweptVolume, ToInit, ToWorker, UploadNote,
};
