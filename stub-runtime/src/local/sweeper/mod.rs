//! Sweeper: the process that cleans up after a killed supervisor. It aborts the multipart uploads
//! that the supervisor had reported to the caller, and reports those that it could not abort.
//!
//! The caller doesn't do this itself: it is the user's program, in which we start no threads and
//! open no connections. It may also die meanwhile.

use std::time::Duration;

use futures_util::future::join_all;
use s3fs_core::{Resources, abort_uploads};
use tokio::runtime::Builder;

use crate::host::config;
use crate::local::keys::{Asker, reader};
use crate::observe::log;
use crate::protocol::{Channel, ChannelError, Sweep, Swept, SweptVolume};
use crate::sys;
use crate::sys::SysError;

/// The caller waits for this long at most.
const LIMIT: Duration = Duration::from_secs(20);

/// Aborts uploads and ends the process.
pub(crate) fn main(caller: &Channel) -> ! {
    if become_private().is_ok() {
        // A caller that is gone misses nothing; one that hears nothing says so.
        let _ = run(caller);
    }
    sys::exit_now(0)
}

fn become_private() -> Result<(), SysError> {
    sys::replace_stdin()?;
    drop(sys::inherited());
    sys::set_undumpable()?;
    sys::unblock_all()?;
    sys::ignore_broken_pipes()?;
    sys::outlive_ending_signals()?;
    sys::set_name("stub-sweeper")
}

fn run(caller: &Channel) -> Result<(), ChannelError> {
    let (sweep, descriptors) = caller.receive::<Sweep>()?;
    let keys = descriptors.into_iter().next().map(Channel::from);
    config::adopt(&sweep.credentials);
    log::start();
    // Without the thread, the keys that are known may do.
    let asker = keys.and_then(|keys| Asker::start(keys).ok());
    let mut volumes = sweep.volumes;
    for (index, SweptVolume { mount, .. }) in volumes.iter_mut().enumerate() {
        mount.key_reader = Some(reader(mount, index, asker.as_ref()));
    }
    let failures = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(limited(volumes)),
        Err(error) => vec![error.to_string()],
    };
    caller.send(&Swept { failures }, &[])
}

async fn limited(volumes: Vec<SweptVolume>) -> Vec<String> {
    match tokio::time::timeout(LIMIT, abort(volumes)).await {
        Ok(failures) => failures,
        Err(_) => vec![format!("no answer within {LIMIT:?}")],
    }
}

async fn abort(volumes: Vec<SweptVolume>) -> Vec<String> {
    let resources = Resources::default();
    let each = volumes.into_iter().map(async |volume: SweptVolume| {
        match abort_uploads(&volume.mount, &resources, volume.uploads).await {
            Ok(failures) => failures.iter().map(ToString::to_string).collect(),
            Err(error) => vec![error.to_string()],
        }
    });
    join_all(each).await.into_iter().flatten().collect()
}
