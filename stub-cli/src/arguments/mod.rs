//! Command line of `stub`.

mod jobs;
mod mode;
mod variable;
mod volume;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{PathBuf, absolute};
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use stub_runtime::declare::{Size, Time};
use stub_runtime::observe::Seeing;
use stub_runtime::{CloudBucketMount, EngineName};
use stub_runtime::{engines, observe};

pub(crate) use jobs::{JobArguments, JobsCommand, ReportArguments};
pub(crate) use variable::Variable;
pub(crate) use volume::VolumeArgument;

/// S3 buckets as folders.
#[derive(Debug, Parser)]
#[command(name = "stub", version, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs a program in a sandbox in which buckets are folders.
    ///
    /// The folders exist for the program, and what it starts, alone, and only while it runs. It
    /// sees no bucket credentials: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and
    /// `AWS_SESSION_TOKEN` are taken out of its environment unless --secret hands them over.
    ///
    /// Exit status: the program's; 128 + N if signal N ended it; 124 if it ran longer than
    /// --timeout; 125 if stub itself failed, or something that was written could not be stored;
    /// 126 if the program can't be executed; 127 if there is none of that name; 130 if stub was interrupted.
    ///
    /// SIGTERM, SIGHUP and their like, and SIGINT where standard input is no terminal, end the program politely: it
    /// gets the signal (SIGTERM for SIGINT) and five seconds, and what it has written is stored. The second one ends
    /// everything at once, and names what is not stored.
    Run(RunArguments),
    /// Mounts a bucket on a folder until it is unmounted, or a signal such as SIGINT or SIGTERM arrives.
    ///
    /// Then what was written is stored, and the exit status is 0, or 1 if something could not be.
    /// A second signal ends it at once, and names what is not stored.
    Mount(MountArguments),
    /// Lists the jobs of `stub.toml`, runs them, and reports on what they did.
    ///
    /// The nearest `stub.toml` of the current folder or above it counts, and the user's own, in ~/.config/stub.
    #[command(subcommand)]
    Jobs(JobsCommand),
    /// Writes down what Kubernetes is to run, for those who apply manifests themselves.
    #[command(subcommand)]
    K8s(K8sCommand),
    /// Prints the least IAM policy for volumes, as JSON.
    Policy(VolumesArguments),
    /// Says whether this machine, and buckets, have what is needed, and what helps where it is missing.
    ///
    /// Of each bucket, it is tried on a key that no object has whether listing, reading, writing and deleting is
    /// allowed. Nothing is left in it, but for a delete marker of that key where versions are kept. Exit status: 0, or 1 if something is missing.
    Doctor(DoctorArguments),
    /// Prints what a shell needs to complete our command lines.
    ///
    /// For bash: `stub completions bash > ~/.local/share/bash-completion/completions/stub`.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Writes our manual pages to a folder.
    Man {
        /// The folder, which is made if it is missing.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// Serves an S3 bucket out of a folder or the memory of this machine, for tests.
    ///
    /// It prints what a client needs, and serves until SIGINT or SIGTERM. Whoever may connect to 127.0.0.1 and
    /// knows the keys may do everything.
    Serve(ServeArguments),
}

/// Volumes, and options of their S3 service.
#[derive(Debug, Args)]
pub(crate) struct VolumesArguments {
    /// A bucket, or a prefix of one, and the folder it is: /my-mount=s3://bucket/prefix[:ro]
    #[arg(
        long = "volume",
        short = 'v',
        value_name = "PATH=S3_URL[:ro]",
        required = true
    )]
    pub(crate) volumes: Vec<VolumeArgument>,
    #[command(flatten)]
    pub(crate) service: ServiceArguments,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArguments {
    /// A bucket, or a prefix of one, and the folder it is: /my-mount=s3://bucket/prefix[:ro]
    #[arg(long = "volume", short = 'v', value_name = "PATH=S3_URL[:ro]")]
    pub(crate) volumes: Vec<VolumeArgument>,
    #[command(flatten)]
    pub(crate) service: ServiceArguments,
    /// As JSON, for programs.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    /// Where the objects are; in memory, and gone in the end, if absent.
    #[arg(value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
    /// The port of 127.0.0.1; any free one if absent.
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,
    /// A bucket to make if it is missing.
    #[arg(long = "bucket", value_name = "NAME")]
    pub(crate) buckets: Vec<String>,
    /// The access key's id; with a secret of their own, made for this run, if absent.
    #[arg(long, requires = "secret_access_key", value_name = "ID")]
    pub(crate) access_key_id: Option<String>,
    /// The access key's secret, better given in the variable, which others can't see.
    #[arg(
        long,
        env = "STUB_SERVE_SECRET",
        hide_env_values = true,
        value_name = "SECRET"
    )]
    pub(crate) secret_access_key: Option<String>,
}

/// Options for observing a run.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Seeing what happens")]
pub(crate) struct SeeingArguments {
    /// Say at the end how long it took, and what was asked of the buckets: requests, bytes and their list price.
    #[arg(long)]
    summary: bool,
    /// Write a page to this file: attempts, throughput and requests over time.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Serve metrics for Prometheus at this address meanwhile, such as 127.0.0.1:9091.
    #[arg(long, value_name = "ADDRESS", value_parser = observe::address)]
    metrics: Option<SocketAddr>,
}

/// Option that selects the engine of a run.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct EngineArguments {
    /// Run it there: `local`, or a cluster of `[engine]` in stub.toml, such as `slurm`.
    #[arg(long, value_name = "NAME", value_parser = EngineName::from_str)]
    engine: Option<EngineName>,
}

impl EngineArguments {
    /// Sets the engine for all commands of this process.
    pub(crate) fn choose(self) {
        if let Some(name) = self.engine {
            engines::choose(name);
        }
    }
}

impl SeeingArguments {
    /// Starts the requested observation.
    pub(crate) fn begin(&self) -> anyhow::Result<()> {
        let seeing = Seeing {
            summary: self.summary,
            report: self.report.clone(),
            metrics: self.metrics,
        };
        seeing.begin().map_err(anyhow::Error::msg)
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum K8sCommand {
    /// Prints a Secret and a Job that run a program as `stub run` does, as JSON for `kubectl apply -f -`.
    ///
    /// What the program needs is put into the spool that `[engine.kubernetes]` of stub.toml names; the cluster is
    /// not asked for anything. The Secret holds the key to that. When the Job is applied, `stub jobs attach` of the
    /// id that is said on standard error waits for its end, and removes all that is left of it.
    Manifest(RunArguments),
}

/// Options of the S3 service and its credentials, which default to the standard AWS chain.
#[derive(Clone, Debug, Args)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is an option of its own"
)]
pub(crate) struct ServiceArguments {
    /// The http(s) URL of an S3-compatible service.
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,
    /// Address the bucket as endpoint/bucket instead of bucket.endpoint.
    #[arg(long)]
    force_path_style: bool,
    /// The bucket's region; found by asking the bucket if absent.
    #[arg(long)]
    region: Option<String>,
    /// The profile of the AWS configuration files to take credentials from.
    #[arg(long, conflicts_with = "no_sign_request")]
    profile: Option<String>,
    /// Send unsigned requests, for public buckets.
    #[arg(long)]
    no_sign_request: bool,
    /// Accept the charges of a requester-pays bucket.
    #[arg(long, conflicts_with = "no_sign_request")]
    requester_pays: bool,
    /// Keep what was read in this folder, for the next time and for other processes of yours.
    ///
    /// It is made if it is missing; else it must be yours, with mode 700.
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// How much of the disk the cache may take, such as 500MiB or 10GiB.
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "10GiB")]
    cache_size: u64,
    /// Repeat failing requests for this long, such as 90s or 15m, before a program gets an error.
    ///
    /// 5m unless stub.toml says otherwise.
    #[arg(long, value_name = "TIME", value_parser = time)]
    retry_timeout: Option<Duration>,
    /// Let `close` wait until a file is in the bucket, and fail if it can't be stored.
    ///
    /// Otherwise `fsync` and the end wait.
    #[arg(long)]
    wait_on_close: bool,
    /// Where files are that are being changed in their middle and don't fit into memory; the temporary
    /// folder if absent.
    #[arg(long, value_name = "DIR")]
    stage: Option<PathBuf>,
    /// How much of the disk they may take together; a write beyond it fails.
    #[arg(long, value_name = "SIZE", value_parser = size, requires = "stage")]
    stage_size: Option<u64>,
}

impl ServiceArguments {
    /// Applies these options to a volume.
    pub(crate) fn apply(&self, mut volume: CloudBucketMount) -> CloudBucketMount {
        volume = volume
            .force_path_style(self.force_path_style)
            .requester_pays(self.requester_pays)
            .anonymous(self.no_sign_request)
            .wait_on_close(self.wait_on_close);
        if let Some(url) = &self.endpoint_url {
            volume = volume.bucket_endpoint_url(url);
        }
        if let Some(region) = &self.region {
            volume = volume.region(region);
        }
        if let Some(profile) = &self.profile {
            volume = volume.profile(profile);
        }
        if let Some(timeout) = self.retry_timeout {
            volume = volume.retry_timeout(timeout);
        }
        if let Some(dir) = &self.cache {
            // Where there is no current folder, the path stays relative and is refused.
            let dir = absolute(dir).unwrap_or_else(|_| dir.clone());
            volume = volume.cache(dir, self.cache_size);
        }
        if let Some(dir) = &self.stage {
            let dir = absolute(dir).unwrap_or_else(|_| dir.clone());
            volume = volume.stage(dir, self.stage_size.unwrap_or(u64::MAX));
        }
        volume
    }
}

#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    /// A bucket, or a prefix of one, and the folder it is: /my-mount=s3://bucket/prefix[:ro]
    #[arg(long = "volume", short = 'v', value_name = "PATH=S3_URL[:ro]")]
    pub(crate) volumes: Vec<VolumeArgument>,
    #[command(flatten)]
    pub(crate) service: ServiceArguments,
    /// Hand over this variable of our own environment.
    #[arg(long = "secret", value_name = "NAME")]
    pub(crate) secrets: Vec<String>,
    /// Set a variable.
    #[arg(long = "env", value_name = "NAME=VALUE")]
    pub(crate) variables: Vec<Variable>,
    /// Kill the program after this time, such as 90, 90s, 15m or 2h. The time to reach the buckets is limited by
    /// the same, or by 5 s if that is longer.
    #[arg(long, value_parser = time)]
    pub(crate) timeout: Option<Duration>,
    /// How many processors it may use, such as 2 or 0.5.
    #[arg(long, value_name = "PROCESSORS", allow_negative_numbers = true)]
    pub(crate) cpu: Option<f64>,
    /// How much memory it may use, such as 512MiB.
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) memory: Option<u64>,
    /// Warn of limits that can't be enforced here, instead of not running the program.
    #[arg(long)]
    pub(crate) lenient_limits: bool,
    /// Give the program a network of its own, with nothing but localhost. The volumes need none.
    #[arg(long)]
    pub(crate) no_network: bool,
    /// Hide the machine's sockets and temporary files, and credentials in your home, from the program.
    ///
    /// With --no-network, this is for programs that you don't trust.
    #[arg(long)]
    pub(crate) isolate: bool,
    /// The program's working folder; the current one if absent, where a relative path begins.
    #[arg(long, value_name = "DIR")]
    pub(crate) workdir: Option<PathBuf>,
    /// The program and its arguments.
    #[arg(trailing_var_arg = true, required = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
    #[command(flatten)]
    pub(crate) engine: EngineArguments,
    #[command(flatten)]
    pub(crate) seeing: SeeingArguments,
}

#[derive(Debug, Args)]
pub(crate) struct MountArguments {
    /// The bucket's name.
    bucket: String,
    /// The folder to mount it on.
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// Show only the keys that begin with this, which must end in `/`.
    #[arg(long, default_value = "")]
    prefix: String,
    /// Refuse every change.
    #[arg(long)]
    pub(crate) read_only: bool,
    #[command(flatten)]
    service: ServiceArguments,
    /// Let other users in, as far as the permission bits do.
    #[arg(long)]
    pub(crate) allow_other: bool,
    /// The owner that files and folders show.
    #[arg(long)]
    uid: Option<u32>,
    /// The group that files and folders show.
    #[arg(long)]
    gid: Option<u32>,
    /// The permission bits of files, octal.
    #[arg(long, value_parser = mode::parse, default_value = "644")]
    file_mode: u32,
    /// The permission bits of folders, octal.
    #[arg(long, value_parser = mode::parse, default_value = "755")]
    dir_mode: u32,
}

impl MountArguments {
    /// Returns the volume that the arguments describe.
    pub(crate) fn volume(&self) -> CloudBucketMount {
        let mut volume = CloudBucketMount::new(&self.bucket)
            .key_prefix(&self.prefix)
            .read_only(self.read_only)
            .file_mode(self.file_mode)
            .dir_mode(self.dir_mode);
        if let Some(uid) = self.uid {
            volume = volume.uid(uid);
        }
        if let Some(gid) = self.gid {
            volume = volume.gid(gid);
        }
        self.service.apply(volume)
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
