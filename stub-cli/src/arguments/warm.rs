//! Arguments of `stub warm`.

use std::path::Path;

use anyhow::{Context, bail};
use clap::Args;
use s3fs_core::MountEntry;
use stub_runtime::CloudBucketMount;
use stub_runtime::declare::VolumeUrl;

use super::ServiceArguments;

#[derive(Debug, Args)]
pub(crate) struct WarmArguments {
    /// Tree to bring into the cache: `s3://bucket/prefix[:OPTIONS]`, or a folder in a mount
    #[arg(value_name = "S3_URL|DIR")]
    source: String,
    #[command(flatten)]
    service: ServiceArguments,
}

impl WarmArguments {
    /// Returns the volume of the tree.
    pub(crate) fn volume(&self) -> anyhow::Result<CloudBucketMount> {
        let url = if self.source.starts_with("s3://") {
            self.source.clone()
        } else {
            url_of(Path::new(&self.source))?
        };
        let url: VolumeUrl = url.parse().map_err(anyhow::Error::msg)?;
        // Where there is no current folder, a path stays relative and is refused.
        let here = std::env::current_dir().unwrap_or_default();
        let volume = url.volume(&here);
        Ok(volume.with_defaults(self.service.options()))
    }
}

/// Returns the URL of a folder in a mounted bucket.
fn url_of(folder: &Path) -> anyhow::Result<String> {
    let shown = folder.display();
    let whole = folder
        .canonicalize()
        .with_context(|| format!("failed to open folder `{shown}`"))?;
    if !whole.is_dir() {
        bail!("`{shown}` is not a folder\ngive the folder that it is in");
    }
    let Some((source, below)) = MountEntry::source_of(&whole) else {
        bail!("`{shown}` is in no mounted bucket\ngive a folder in one, or s3://bucket/prefix");
    };
    let below = below
        .to_str()
        .with_context(|| format!("`{shown}` is not UTF-8"))?;
    let url = format!("{}/{below}", source.trim_end_matches('/'));
    Ok(url.trim_end_matches('/').to_owned())
}
