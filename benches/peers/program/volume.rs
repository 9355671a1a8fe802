//! Volume of `JuiceFS`. Its files are not the objects of a bucket: pieces of them are, and a database has
//! their names.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use tempfile::TempDir;

use super::command::set_environment;
use crate::arguments::Arguments;
use crate::bucket::{self, Bucket};

/// Name of the volume: a folder of the bucket of volumes.
const NAME: &str = "volume";

/// Database and cache of a volume.
pub struct Volume(TempDir);

impl Volume {
    /// Creates the folder of a volume that has no database yet.
    pub fn new() -> io::Result<Self> {
        TempDir::with_prefix("bench-volume-").map(Self)
    }

    /// Adds the arguments of a mount whose cache is empty.
    pub fn mount(&self, command: &mut Command, folder: &Path) {
        command.args([
            "--quiet",
            "mount",
            "--no-syslog",
            "--hide-internal",
            "--cache-dir",
        ]);
        let cache = self.0.path().join("cache");
        command.arg(cache.join(folder.file_name().unwrap_or_default()));
        command.arg(self.database()).arg(folder);
    }

    /// Creates the volume anew, with the objects of the bucket as its files, at full speed.
    pub fn copy_objects(
        &self,
        program: &Path,
        bucket: &mut Bucket,
        arguments: &Arguments,
    ) -> anyhow::Result<()> {
        for entry in fs::read_dir(self.0.path())? {
            let path = entry?.path();
            if path.is_dir() {
                fs::remove_dir_all(path)?;
            } else {
                fs::remove_file(path)?;
            }
        }
        bucket.set_pace(Duration::ZERO, None)?;
        let command = || {
            let mut command = Command::new(program);
            set_environment(&mut command, bucket, arguments.https.as_deref());
            command
        };
        run(self.format(command(), bucket))?;
        run(self.sync(command(), bucket))?;
        bucket.set_pace(arguments.latency, arguments.bandwidth)?;
        Ok(())
    }

    fn format(&self, mut command: Command, bucket: &Bucket) -> Command {
        let url = format!("{}/{}", bucket.endpoint_url, bucket::VOLUMES);
        command
            .args(["format", "--storage", "s3", "--trash-days", "0"])
            .args(["--bucket", &url])
            .arg(self.database())
            .arg(NAME)
            .env("ACCESS_KEY", &bucket.access_key_id)
            .env("SECRET_KEY", &bucket.secret_access_key);
        command
    }

    fn sync(&self, mut command: Command, bucket: &Bucket) -> Command {
        let (id, secret) = (&bucket.access_key_id, &bucket.secret_access_key);
        let (scheme, host) = bucket.endpoint_url.split_once("://").unwrap_or_default();
        command.arg("sync");
        if scheme == "http" {
            command.arg("--no-https");
        }
        command
            .arg(format!("minio://{id}:{secret}@{host}/{}/", bucket::NAME))
            .arg(format!("jfs://{NAME}/"))
            .env(NAME, self.database());
        command
    }

    fn database(&self) -> String {
        format!("sqlite3://{}", self.0.path().join("names.db").display())
    }
}

fn run(mut command: Command) -> anyhow::Result<()> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("run {}", command.get_program().display()))?;
    let text = String::from_utf8_lossy(&output.stderr);
    let last = text.lines().last().unwrap_or_default();
    ensure!(output.status.success(), "its volume can't be made: {last}");
    Ok(())
}
