//! The programs that are compared, and how each one is told to mount the bucket in the foreground.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use crate::arguments::Arguments;
use crate::bucket::{self, Bucket};

/// A program that mounts a bucket.
pub struct Program {
    kind: Kind,
    file: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Stub,
    Mountpoint,
    S3fs,
}

impl Program {
    /// What it is called in the report.
    pub fn name(&self) -> &'static str {
        match self.kind {
            Kind::Stub => "stub mount",
            Kind::Mountpoint => "mount-s3",
            Kind::S3fs => "s3fs",
        }
    }

    /// The command that mounts the bucket on the folder, with the program's own defaults, and serves
    /// until it is unmounted. Credentials are in the environment, in the names each one knows.
    pub fn command(&self, bucket: &Bucket, folder: &Path) -> Command {
        let url = &bucket.endpoint_url;
        let mut command = Command::new(&self.file);
        match self.kind {
            Kind::Stub => command.args(["mount", bucket::NAME]).arg(folder).args([
                "--region",
                "us-east-1",
                "--force-path-style",
                "--endpoint-url",
                url,
            ]),
            Kind::Mountpoint => command
                .arg(bucket::NAME)
                .arg(folder)
                .args(["--foreground", "--allow-delete", "--allow-overwrite"])
                .args([
                    "--region",
                    "us-east-1",
                    "--force-path-style",
                    "--endpoint-url",
                    url,
                ]),
            Kind::S3fs => command
                .arg(bucket::NAME)
                .arg(folder)
                .args(["-f", "-o", "use_path_request_style,endpoint=us-east-1"])
                .args(["-o", &format!("url={url}")]),
        };
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
        command
    }
}

/// Ours, first, and the others that this machine has. Says which ones it has not.
pub fn find(arguments: &Arguments) -> anyhow::Result<Vec<Program>> {
    let ours = match &arguments.stub {
        Some(file) => file.clone(),
        None => build()?,
    };
    let candidates = [
        (Kind::Stub, &ours),
        (Kind::Mountpoint, &arguments.mount_s3),
        (Kind::S3fs, &arguments.s3fs),
    ];
    let mut programs = Vec::new();
    for (kind, file) in candidates {
        match version(file) {
            Ok(version) => {
                println!("{version}");
                let file = file.clone();
                programs.push(Program { kind, file });
            }
            Err(error) if kind == Kind::Stub => {
                return Err(error).with_context(|| format!("`{}`", file.display()));
            }
            Err(_) => println!("skipped: there is no `{}`", file.display()),
        }
    }
    Ok(programs)
}

fn version(file: &Path) -> io::Result<String> {
    let output = Command::new(file).arg("--version").output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// Builds `stub` in the release profile; cargo puts it one folder above the benchmarks.
fn build() -> anyhow::Result<PathBuf> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([
        "build",
        "--release",
        "--package",
        "stub-cli",
        "--bin",
        "stub",
    ]);
    // What cargo told this benchmark about its package would make build scripts run again.
    for (name, _) in std::env::vars_os() {
        let told = name.to_string_lossy().starts_with("CARGO_");
        if told && name != "CARGO_HOME" && name != "CARGO_TARGET_DIR" {
            cargo.env_remove(name);
        }
    }
    let status = cargo
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdout(Stdio::null())
        .status()?;
    let own = std::env::current_exe()?;
    match own.parent().and_then(Path::parent) {
        Some(folder) if status.success() => Ok(folder.join("stub")),
        _ => bail!("`stub` could not be built"),
    }
}
