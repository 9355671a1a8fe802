//! Command line of `stub`.

mod jobs;
mod mode;
mod service;
mod variable;
mod volume;
mod warm;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use stub_runtime::CloudBucketMount;
use stub_runtime::cli::{EngineArguments, FormArguments, SeeingArguments};
use stub_runtime::declare::{Size, Time, VolumeOptions};

pub(crate) use jobs::{JobArguments, JobsCommand, ReportArguments};
pub(crate) use service::ServiceArguments;
pub(crate) use variable::Variable;
use volume::{VOLUME, VOLUME_FORM, VOLUME_LONG};

pub(crate) use volume::VolumeArgument;
pub(crate) use warm::WarmArguments;

/// S3 buckets as folders
#[derive(Debug, Parser)]
#[command(name = "stub", version, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a program in a sandbox in which buckets are folders
    ///
    /// Only the program and its children see the folders, while the program runs. The program sees no
    /// credentials of the buckets: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN` are
    /// removed from its environment unless --secret passes them.
    ///
    /// Exit status: the program's; 128 + N if signal N ended it; 124 if it exceeded --timeout; 125 if stub
    /// itself failed, or a written file could not be stored; 126 if the program can't be executed; 127 if the
    /// program is not found; 130 if stub was interrupted.
    ///
    /// SIGTERM, SIGHUP and similar signals, and SIGINT without a terminal on standard input, end the program
    /// politely: it gets the signal (SIGTERM for SIGINT) and five seconds, and its files are stored. A second
    /// signal ends everything at once and names the files that are not stored.
    Run(RunArguments),
    /// Mount a bucket on a folder until it is unmounted or a signal such as SIGTERM arrives
    ///
    /// Written files are stored before the end. Exit status: 0, or 1 if a file could not be stored. A second
    /// signal ends the mount at once and names the files that are not stored.
    Mount(MountArguments),
    /// Bring a tree of a bucket into the cache, before programs read it
    ///
    /// Fetches what the cache of `--cache` lacks, with as many requests at once as the link takes. What the
    /// cache has in its present version is skipped. What does not fit beside the rest is left out and named.
    /// Of a folder in a mount of this user, the bucket and prefix are used. Give the cache and the options of
    /// the mount again, above all `--endpoint-url`: without it, the bucket of that name on AWS is read.
    ///
    /// Exit status: 0, or 1 if the tree has no objects or is not in the cache as a whole; 130 if a signal
    /// ended it. What is in the cache by then stays.
    Warm(WarmArguments),
    /// List, run and report on the jobs of `stub.toml`
    ///
    /// Jobs are read from the nearest `stub.toml` in or above the current folder, and from the user's own in
    /// ~/.config/stub.
    #[command(subcommand)]
    Jobs(JobsCommand),
    /// Print manifests for Kubernetes
    #[command(subcommand)]
    K8s(K8sCommand),
    /// Print the least IAM policy for volumes, as JSON
    Policy(VolumesArguments),
    /// Check that this machine and the buckets have what stub needs, and print remedies
    ///
    /// Checks list, read, write and delete permission on each bucket by probing a key that does not exist.
    /// Leaves nothing behind but a delete marker of that key, in a bucket with versions. Exit status: 0, or 1
    /// if a check failed.
    Doctor(DoctorArguments),
    /// Print shell completions
    ///
    /// For bash: `stub completions bash > ~/.local/share/bash-completion/completions/stub`.
    Completions {
        /// Shell
        shell: Shell,
    },
    /// Write manual pages to a folder
    Man {
        /// Folder, created if missing
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// Serve an S3 bucket from a folder or from memory, for tests
    ///
    /// Prints the variables that a client needs, and serves until SIGINT or SIGTERM. Any process that can
    /// connect to 127.0.0.1 and knows the keys has full access.
    Serve(ServeArguments),
}

/// Volumes, and options of their S3 service.
#[derive(Debug, Args)]
pub(crate) struct VolumesArguments {
    #[arg(long = "volume", short = 'v', value_name = VOLUME_FORM, help = VOLUME, long_help = VOLUME_LONG, required = true)]
    pub(crate) volumes: Vec<VolumeArgument>,
    #[command(flatten)]
    pub(crate) service: ServiceArguments,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArguments {
    #[arg(long = "volume", short = 'v', value_name = VOLUME_FORM, help = VOLUME, long_help = VOLUME_LONG)]
    pub(crate) volumes: Vec<VolumeArgument>,
    #[command(flatten)]
    pub(crate) service: ServiceArguments,
    #[command(flatten)]
    pub(crate) form: FormArguments,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    /// Folder for the objects [default: memory]
    #[arg(value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
    /// Port on 127.0.0.1 [default: any free port]
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,
    /// Serve HTTPS, with a certificate that is made now and written to FILE, for `AWS_CA_BUNDLE`
    #[arg(long, value_name = "FILE")]
    pub(crate) https: Option<PathBuf>,
    /// Bucket to create if missing
    #[arg(long = "bucket", value_name = "NAME")]
    pub(crate) buckets: Vec<String>,
    /// Access key ID. If omitted, a key pair is generated for this run
    #[arg(long, requires = "secret_access_key", value_name = "ID")]
    pub(crate) access_key_id: Option<String>,
    /// Secret access key; prefer the variable, which other users cannot see
    #[arg(
        long,
        env = "STUB_SERVE_SECRET",
        hide_env_values = true,
        value_name = "SECRET"
    )]
    pub(crate) secret_access_key: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum K8sCommand {
    /// Print a Secret and a Job that run a program as `stub run` does, as JSON for `kubectl apply -f -`
    ///
    /// The program's input goes, encrypted, to the spool that `[engine.kubernetes]` of stub.toml names; the
    /// Secret holds the key. No request is sent to the cluster. After the Job is applied, `stub jobs attach`
    /// with the call ID printed on standard error waits for its end and removes its remaining data.
    Manifest(RunArguments),
}

#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    #[arg(long = "volume", short = 'v', value_name = VOLUME_FORM, help = VOLUME, long_help = VOLUME_LONG)]
    pub(crate) volumes: Vec<VolumeArgument>,
    #[command(flatten)]
    pub(crate) service: ServiceArguments,
    /// Pass this variable of the present environment
    #[arg(long = "secret", value_name = "NAME")]
    pub(crate) secrets: Vec<String>,
    /// Set a variable
    #[arg(long = "env", value_name = "NAME=VALUE")]
    pub(crate) variables: Vec<Variable>,
    /// Kill the program after this time, such as 90, 90s, 15m or 2h
    ///
    /// Connecting to the buckets has the same limit, or 5 s if that is longer.
    #[arg(long, value_parser = time)]
    pub(crate) timeout: Option<Duration>,
    /// Number of processors, such as 2 or 0.5
    #[arg(long, value_name = "PROCESSORS", allow_negative_numbers = true)]
    pub(crate) cpu: Option<f64>,
    /// Maximum memory, such as 512MiB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) memory: Option<u64>,
    /// Maximum memory for the contents of files of all volumes, such as 1GiB, beside the program's
    /// [default: 1/32 of the machine's, 128MiB to 512MiB]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) volume_memory: Option<u64>,
    /// Warn about limits that can't be enforced, instead of refusing to run
    #[arg(long)]
    pub(crate) lenient_limits: bool,
    /// Run without a network, except localhost; volumes work without one
    #[arg(long)]
    pub(crate) no_network: bool,
    /// Hide sockets, temporary files and credentials in the home folder from the program
    ///
    /// Use with --no-network for programs that you don't trust.
    #[arg(long)]
    pub(crate) isolate: bool,
    /// Working folder of the program [default: the current folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) workdir: Option<PathBuf>,
    /// Program and its arguments
    #[arg(trailing_var_arg = true, required = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
    #[command(flatten)]
    pub(crate) engine: EngineArguments,
    #[command(flatten)]
    pub(crate) seeing: SeeingArguments,
}

#[derive(Debug, Args)]
pub(crate) struct MountArguments {
    /// Name of the bucket
    bucket: String,
    /// Folder to mount it on
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// Show only keys with this prefix, which must end in `/`
    #[arg(long, default_value = "")]
    prefix: String,
    /// Refuse every change
    #[arg(long)]
    pub(crate) read_only: bool,
    #[command(flatten)]
    service: ServiceArguments,
    /// Maximum memory for the contents of files, such as 1GiB [default: 1/32 of the machine's,
    /// 128MiB to 512MiB]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    memory: Option<u64>,
    /// Allow access by other users, subject to permission bits
    #[arg(long)]
    pub(crate) allow_other: bool,
    /// Owner of files and folders
    #[arg(long)]
    uid: Option<u32>,
    /// Group of files and folders
    #[arg(long)]
    gid: Option<u32>,
    /// Permission bits of files, in octal
    #[arg(long, value_parser = mode::parse, default_value = "644")]
    file_mode: u32,
    /// Permission bits of folders, in octal
    #[arg(long, value_parser = mode::parse, default_value = "755")]
    dir_mode: u32,
}

impl MountArguments {
    /// Returns the volume that the arguments describe.
    pub(crate) fn volume(&self) -> CloudBucketMount {
        let mut volume = CloudBucketMount::new(&self.bucket)
            .key_prefix(&self.prefix)
            .file_mode(self.file_mode)
            .dir_mode(self.dir_mode);
        if self.read_only {
            volume = volume.read_only(true);
        }
        if let Some(uid) = self.uid {
            volume = volume.uid(uid);
        }
        if let Some(gid) = self.gid {
            volume = volume.gid(gid);
        }
        volume.with_defaults(self.service.options_with(self.memory))
    }
}

impl RunArguments {
    /// Returns the options for all volumes.
    pub(crate) fn volume_options(&self) -> VolumeOptions {
        self.service.options_with(self.volume_memory)
    }
}

fn size(text: &str) -> Result<u64, String> {
    text.parse().map(|Size(bytes)| bytes)
}

fn time(text: &str) -> Result<Duration, String> {
    text.parse().map(|Time(duration)| duration)
}

#[cfg(test)]
mod tests;
