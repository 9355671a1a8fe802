//! `stub warm`: brings a tree into the cache before a program reads it.

use std::io::{self, Write};
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use s3fs_core::{Amount, MountConfig, Resources, WarmProgress, WarmReport, Warming};
use stub_runtime::declare::Settings;
use stub_runtime::local;
use stub_runtime::observe::WarmingBar;
use tokio::signal::unix::{SignalKind, signal};

use crate::arguments::WarmArguments;
use crate::exit;

/// Interval at which the bar is redrawn.
const GLANCE: Duration = Duration::from_millis(250);

/// Fills the cache, and prints what it did. A signal ends it; what is in the cache by then stays.
pub(crate) fn warm(arguments: &WarmArguments) -> anyhow::Result<ExitCode> {
    let volume = Settings::load()?.apply(arguments.volume()?);
    let bucket = volume.bucket().to_owned();
    let words = || format!("failed to warm s3://{bucket}");
    let config = volume.into_config().with_context(words)?;
    let runtime = tokio::runtime::Runtime::new().context("failed to start the async runtime")?;
    let ended = runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let progress: Arc<WarmProgress> = Arc::default();
        let ended = tokio::select! {
            _ = interrupt.recv() => None,
            _ = terminate.recv() => None,
            ended = fill(&config, &progress) => Some(ended),
        };
        let report = progress.now();
        say(&report);
        match ended {
            None => {
                exit::say("ended by a signal: the rest is not in the cache");
                Ok(ExitCode::from(local::INTERRUPTED))
            }
            Some(ended) => {
                ended.with_context(words)?;
                if report.listed.objects == 0 {
                    let MountConfig { bucket, prefix, .. } = &config;
                    bail!("s3://{bucket}/{prefix} has no objects\ngive the prefix of a folder of objects");
                }
                explain(&report, &config);
                let is_complete = report.is_complete();
                Ok(ExitCode::from(if is_complete { 0 } else { exit::FAILED }))
            }
        }
    });
    // What is still running is a request nobody waits for.
    runtime.shutdown_background();
    ended
}

async fn fill(config: &MountConfig, progress: &Arc<WarmProgress>) -> anyhow::Result<()> {
    let warming = Warming::connect(config, &Resources::for_mounts([config])).await?;
    let warming = warming.reporting_to(Arc::clone(progress));
    let mut running = pin!(warming.run());
    let bar = WarmingBar::new();
    let mut glances = tokio::time::interval(GLANCE);
    loop {
        tokio::select! {
            biased;
            ended = &mut running => return Ok(ended?),
            _ = glances.tick() => {
                if let Some(bar) = &bar {
                    bar.set(&progress.now());
                }
            }
        }
    }
}

/// Prints the sums.
fn say(report: &WarmReport) {
    // A closed standard output is no error: nobody reads the message.
    let _ = writeln!(io::stdout().lock(), "{report}");
}

/// Names what is not in the cache, and why.
fn explain(report: &WarmReport, config: &MountConfig) {
    if report.left_out.objects > 0 {
        let size = config.cache.as_ref().map_or(0, |cache| cache.size);
        exit::say(&format!(
            "cache of {} has no room for {}\nmake it larger with --cache-size",
            Amount::shown(size),
            report.left_out
        ));
    }
    if report.skipped.objects > 0 {
        let skipped = report.skipped;
        exit::say(&format!(
            "{skipped} not in the cache: replaced or deleted meanwhile, or archived\nrun it again for new versions"
        ));
    }
    if report.weak.objects > 0 {
        let weak = report.weak;
        exit::say(&format!(
            "{weak} not in the cache: their ETags are weak (`W/`) and do not identify their bytes"
        ));
    }
    for failure in &report.failures {
        exit::say(failure);
    }
    if report.failed > report.failures.len() as u64 {
        exit::say(&format!("{} files failed in all", report.failed));
    }
}
