//! What our processes say to each other: closed sets of messages in length-prefixed frames, with
//! descriptors beside them.

mod channel;
mod message;

pub(crate) use channel::{Channel, ChannelError};
pub(crate) use message::{
    Failure, FromInit, FromWorker, Hello, Job, MountPoint, Program, Reply, ToInit, ToWorker,
};
