//! Arguments of `stub warm`.

use std::path::Path;

use anyhow::{Context, anyhow, bail};
use clap::Args;
use s3fs_core::MountedFolder;
use stub_runtime::CloudBucketMount;
use stub_runtime::declare::VolumeUrl;

use super::{ServiceArguments, size};

#[derive(Debug, Args)]
pub(crate) struct WarmArguments {
    /// Tree to bring into the cache: `s3://bucket/prefix[:OPTIONS]`, or a folder in a mount
    #[arg(value_name = "S3_URL|DIR")]
    source: String,
    #[command(flatten)]
    service: ServiceArguments,
    /// Maximum memory for the contents of files, such as 1GiB [default: 1/32 of the machine's,
    /// 128MiB to 512MiB]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    memory: Option<u64>,
}

impl WarmArguments {
    /// Returns the volume of the tree.
    pub(crate) fn volume(&self) -> anyhow::Result<CloudBucketMount> {
        let volume = if self.source.starts_with("s3://") {
            let url: VolumeUrl = self.source.parse().map_err(anyhow::Error::msg)?;
            // Where there is no current folder, a path stays relative and is refused.
            url.volume(&std::env::current_dir().unwrap_or_default())
        } else {
            volume_of(Path::new(&self.source))?
        };
        Ok(volume.with_defaults(self.service.options_with(self.memory)))
    }
}

/// Returns the volume of a folder in a mounted bucket. Not by way of a URL: names of folders may look
/// like its options.
fn volume_of(folder: &Path) -> anyhow::Result<CloudBucketMount> {
    let shown = folder.display();
    let whole = folder
        .canonicalize()
        .with_context(|| format!("failed to open folder `{shown}`"))?;
    if !whole.is_dir() {
        bail!("`{shown}` is not a folder\ngive the folder that it is in");
    }
    let found = MountedFolder::of(&whole).map_err(|error| anyhow!("`{shown}` {error}"))?;
    Ok(CloudBucketMount::new(found.bucket).key_prefix(found.prefix))
}
