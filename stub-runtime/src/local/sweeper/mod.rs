//! Sweeper: the process that cleans up after a killed supervisor. It aborts the multipart uploads
//! that the supervisor had reported to the caller, and reports those that it could not abort.
//!
//! The caller doesn't do this itself: it is the user's program, in which we start no threads and
//! open no connections. It may also die meanwhile.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, join_all, select};
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
    let failures = abort_until(async { tokio::time::sleep(LIMIT).await }, volumes);
    caller.send(&Swept { failures }, &[])
}

/// Aborts uploads until `limit` ends, and returns the failures.
fn abort_until(limit: impl Future<Output = ()>, volumes: Vec<SweptVolume>) -> Vec<String> {
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return vec![error.to_string()],
    };
    let limited = async {
        match select(pin!(abort(volumes)), pin!(limit)).await {
            Either::Left((failures, _)) => failures,
            Either::Right(_) => vec![format!("no answer within {LIMIT:?}")],
        }
    };
    let failures = runtime.block_on(limited);
    // A drop would wait for a function of the caller that gives no keys.
    runtime.shutdown_background();
    failures
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc::{Receiver, channel};
    use std::sync::{Arc, Mutex};
    use std::time::SystemTime;

    use s3fs_core::{BucketName, Credentials, KeySource, MountConfig, ReadKeySource, ReadKeys};

    use super::*;

    /// Place that gives no keys while a test runs.
    #[derive(Debug)]
    struct Hangs {
        has_begun: AtomicBool,
        has_ended: AtomicBool,
        allowed: Mutex<Receiver<()>>,
    }

    impl ReadKeySource for Hangs {
        fn read(&self, _: &KeySource) -> Result<ReadKeys, String> {
            self.has_begun.store(true, Ordering::Release);
            let allowed = self.allowed.lock().unwrap();
            // An error: nobody allows it.
            let _ = allowed.recv_timeout(Duration::from_secs(20));
            self.has_ended.store(true, Ordering::Release);
            Err("no keys".to_owned())
        }
    }

    #[test]
    fn the_limit_holds_while_keys_are_read() {
        let (_allow, allowed) = channel();
        let place = Arc::new(Hangs {
            has_begun: AtomicBool::new(false),
            has_ended: AtomicBool::new(false),
            allowed: Mutex::new(allowed),
        });
        let mount = MountConfig {
            endpoint_url: Some("http://127.0.0.1:1".to_owned()),
            region: Some("us-east-1".to_owned()),
            credentials: Credentials::Static {
                access_key_id: "id".to_owned(),
                secret_access_key: "hidden".to_owned(),
                session_token: None,
            },
            key_source: Some(KeySource::Function {
                place: "main.rs".to_owned(),
            }),
            key_reader: Some(place.clone()),
            keys_expire: Some(SystemTime::UNIX_EPOCH),
            ..MountConfig::new(BucketName::new("data").unwrap())
        };
        let uploads = Vec::new();
        let begun = async {
            while !place.has_begun.load(Ordering::Acquire) {
                tokio::task::yield_now().await;
            }
        };
        let failures = abort_until(begun, vec![SweptVolume { mount, uploads }]);
        assert_eq!(failures, ["no answer within 20s"]);
        assert!(!place.has_ended.load(Ordering::Acquire));
    }
}
