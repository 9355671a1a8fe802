//! `stub mount`: mounts a bucket on a folder of this machine, in the foreground.

mod attach;
mod guardian;
mod point;
mod signals;

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::pin::pin;
use std::process::ExitCode;

use anyhow::{Context, bail};
use stub_runtime::declare::Settings;
use stub_runtime::observe::LogLines;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::arguments::MountArguments;
use crate::exit;
use attach::Attached;
pub(crate) use guardian::{guard, is_guardian};
use signals::Signals;

/// Mounts the bucket, serves it until it is unmounted or a signal arrives, and stores unstored data.
pub(crate) fn mount(arguments: &MountArguments) -> anyhow::Result<ExitCode> {
    log();
    let volume = Settings::load()?.apply(arguments.volume());
    let bucket = volume.bucket().to_owned();
    let config = volume
        .into_config()
        .with_context(|| format!("failed to mount bucket `{bucket}`"))?;
    let folder = point::resolve(&arguments.folder)?;
    let runtime = tokio::runtime::Runtime::new().context("failed to start the async runtime")?;
    let ended = runtime.block_on(async {
        // Before anything is mounted: a signal in between must not leave a mount behind.
        let mut signals = Signals::new()?;
        let attaching = Attached::new(config, &folder, arguments.allow_other);
        let attached = tokio::select! {
            attached = attaching => attached?,
            _ = signals.next() => bail!("ended by a signal before s3://{bucket} was mounted"),
        };
        announce(&bucket, &folder);
        serve(attached, signals).await
    });
    // What is still running is a request nobody waits for.
    runtime.shutdown_background();
    ended
}

/// Logs only errors and warnings that concern users. fuser also warns of requests that file systems need
/// not answer, and of replies to programs that have gone.
fn log() {
    let filter = Targets::new()
        .with_default(LevelFilter::ERROR)
        .with_target("s3fs_core", LevelFilter::WARN)
        .with_target("fuser::reply", LevelFilter::OFF);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(|| LogLines)
        .with_ansi(io::stderr().is_terminal());
    tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .init();
}

fn announce(bucket: &str, folder: &Path) {
    // A closed standard output is no error: nobody reads the message.
    let _ = writeln!(
        io::stdout().lock(),
        "s3://{bucket} is mounted at {}",
        folder.display()
    );
}

async fn serve(mut attached: Attached, mut signals: Signals) -> anyhow::Result<ExitCode> {
    let served = tokio::select! {
        _ = signals.next() => Ok(()),
        ended = attached.unmounted() => ended,
    };
    let finisher = attached.finisher();
    let mut ending = pin!(end(&mut attached));
    let ended = loop {
        tokio::select! {
            biased;
            ended = &mut ending => break ended,
            number = signals.next() => match number {
                // Unmounted from outside before: it ends already.
                1 => {}
                2 => {
                    exit::say("ending at once: what is not stored yet is named");
                    finisher.end_requests();
                }
                _ => bail!("failed to store all files: a third signal ended the mount"),
            }
        }
    };
    served.and(ended)
}

/// Stores everything and unmounts; prints the objects that could not be stored.
async fn end(attached: &mut Attached) -> anyhow::Result<ExitCode> {
    let finisher = attached.finisher();
    finisher.finish().await;
    // Reported after the account: what was stored or lost does not depend on it.
    let unmounted = attached.unmount().await;
    // Again, for what was written in between; the account is of the whole mount.
    let lost = finisher.finish().await;
    for one in &lost {
        exit::say(&format!("not stored: {one}"));
    }
    unmounted?;
    Ok(if lost.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(exit::FAILED)
    })
}
