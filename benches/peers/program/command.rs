//! Command lines to mount the bucket in the foreground, with each program's own defaults.

use std::path::Path;
use std::process::Command;

use super::Program;
use crate::bucket::{self, Bucket};
use crate::kind::Kind;

impl Program {
    /// Returns the command that mounts the bucket on the folder and serves until it is unmounted.
    /// Credentials and the certificate to trust are in the environment, under the names that each program knows.
    pub fn command(&self, bucket: &Bucket, certificate: Option<&Path>, folder: &Path) -> Command {
        let url = &bucket.endpoint_url;
        let mut command = Command::new(&self.file);
        match self.kind {
            Kind::Stub => command
                .args(["mount", bucket::NAME])
                .arg(folder)
                .args(SERVICE)
                .arg(url),
            Kind::Mountpoint => command
                .arg(bucket::NAME)
                .arg(folder)
                .args(["--foreground", "--allow-delete", "--allow-overwrite"])
                .args(SERVICE)
                .arg(url),
            Kind::S3fs => command
                .arg(bucket::NAME)
                .arg(folder)
                .args(["-f", "-o", "use_path_request_style,endpoint=us-east-1"])
                .args(["-o", &format!("url={url}")]),
            Kind::Rclone => command
                .arg("mount")
                .arg(rclone_remote(url))
                .arg(folder)
                .args(["--config", "/dev/null"]),
            Kind::Geesefs | Kind::Goofys => command
                .args(["-f", "--endpoint", url, bucket::NAME])
                .arg(folder),
            Kind::Juicefs => {
                if let Some(volume) = &self.volume {
                    volume.mount(&mut command, folder);
                }
                &mut command
            }
        };
        set_environment(&mut command, bucket, certificate);
        command
    }

    /// Enables the cache on disk in this folder, if the program has one. The mount is read-only, as for
    /// a folder of data that one job after another reads. `stub` then lets the kernel read the cache by
    /// itself.
    pub fn set_cache(&self, command: &mut Command, cache: &Path) -> bool {
        match self.kind {
            Kind::Stub | Kind::Mountpoint => {
                command.arg("--read-only").arg("--cache").arg(cache);
            }
            Kind::S3fs => {
                command.args(["-o", &format!("ro,use_cache={}", cache.display())]);
            }
            Kind::Rclone => {
                let arguments = ["--read-only", "--vfs-cache-mode", "full", "--cache-dir"];
                command.args(arguments).arg(cache);
            }
            Kind::Juicefs => {
                command.args(["--read-only", "--cache-dir"]).arg(cache);
            }
            Kind::Geesefs | Kind::Goofys => return false,
        }
        true
    }
}

/// Options that `stub` and Mountpoint have in common; the URL follows.
const SERVICE: [&str; 4] = [
    "--region",
    "us-east-1",
    "--force-path-style",
    "--endpoint-url",
];

/// Returns an rclone remote that needs no configuration file.
fn rclone_remote(url: &str) -> String {
    let name = bucket::NAME;
    format!(":s3,provider=Other,env_auth=true,region=us-east-1,endpoint=\"{url}\":{name}")
}

/// Sets the credentials, and the certificate to trust, under the names that each program knows.
pub(super) fn set_environment(command: &mut Command, bucket: &Bucket, certificate: Option<&Path>) {
    for id in ["AWS_ACCESS_KEY_ID", "AWSACCESSKEYID"] {
        command.env(id, &bucket.access_key_id);
    }
    for secret in ["AWS_SECRET_ACCESS_KEY", "AWSSECRETACCESSKEY"] {
        command.env(secret, &bucket.secret_access_key);
    }
    // Nobody shall look for the machine's own account.
    command
        .env_remove("AWS_SESSION_TOKEN")
        .env_remove("AWS_PROFILE")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    if let Some(file) = certificate {
        command
            .env("AWS_CA_BUNDLE", file)
            .env("SSL_CERT_FILE", file);
    }
}
