//! `stub mount`: a bucket on a folder of this machine, in the foreground.

mod attach;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use stub_runtime::engine::Settings;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::arguments::MountArguments;
use crate::exit;
use attach::Attached;

/// Mounts, serves until told to end, stores what is left.
pub(crate) fn mount(arguments: &MountArguments) -> anyhow::Result<ExitCode> {
    log();
    let config = Settings::load()?.apply(arguments.volume()).into_config()?;
    let folder = arguments
        .folder
        .canonicalize()
        .with_context(|| format!("can't mount at `{}`", arguments.folder.display()))?;
    let runtime = tokio::runtime::Runtime::new().context("can't start the async runtime")?;
    let ended = runtime.block_on(async {
        // Before anything is mounted: a signal in between must not leave a mount behind.
        let signals = (
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        );
        let bucket = config.bucket.to_string();
        let attached = Attached::new(config, &folder, arguments.allow_other).await?;
        announce(&bucket, &folder);
        serve(attached, signals).await
    });
    // What is still running is a request nobody waits for.
    runtime.shutdown_background();
    ended
}

/// What a user has to know: fuser warns of requests that file systems don't have to answer.
fn log() {
    let filter = tracing_subscriber::EnvFilter::new("error,s3fs_core=warn");
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_env_filter(filter)
        .init();
}

fn announce(bucket: &str, folder: &Path) {
    // Whoever closed our standard output doesn't want to know.
    let _ = writeln!(
        io::stdout().lock(),
        "s3://{bucket} is mounted at {}",
        folder.display()
    );
}

async fn serve(mut attached: Attached, mut signals: (Signal, Signal)) -> anyhow::Result<ExitCode> {
    let served = tokio::select! {
        _ = signals.0.recv() => Ok(()),
        _ = signals.1.recv() => Ok(()),
        ended = attached.unmounted() => ended,
    };
    let ended = tokio::select! {
        biased;
        ended = finish(&mut attached) => Some(ended),
        _ = signals.0.recv() => None,
        _ = signals.1.recv() => None,
    };
    match ended {
        Some(ended) => served.and(ended),
        None => abandon(&mut attached).await,
    }
}

async fn finish(attached: &mut Attached) -> anyhow::Result<ExitCode> {
    attached.finish().await;
    attached.unmount()?;
    // Again, for what was written in between; the account is of the whole mount.
    let lost = attached.finish().await;
    for one in &lost {
        exit::say(&format!("not stored: {one}"));
    }
    Ok(if lost.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(exit::FAILED)
    })
}

async fn abandon(attached: &mut Attached) -> anyhow::Result<ExitCode> {
    attached.abandon().await;
    attached.unmount()?;
    anyhow::bail!("ended by a second signal: what was not yet stored is lost")
}
