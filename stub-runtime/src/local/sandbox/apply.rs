//! Carries out a plan. Runs in the job's first process, which has one thread.

use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use crate::protocol::{Hide, InnerFolder, MountPoint, StartFailure};
use crate::sys::{self, MountFlags};

use super::diagnosis::explain;
use super::plan::{PlanError, PlanStep, plan};
use super::{hide, mirror, site};
use crate::call::SandboxStep;

/// A volume that can be mounted now.
#[derive(Debug)]
pub(crate) struct Mounted {
    /// Its index among the volumes.
    pub(crate) volume: usize,
    at: PathBuf,
    inside: Option<usize>,
}

/// Returns the folders that volumes must show because others are mounted there. A name that isn't
/// UTF-8 can't be one of a bucket's.
pub(crate) fn inner_folders(mounts: &[Mounted]) -> Vec<InnerFolder> {
    let inner = mounts.iter().filter_map(|mount| {
        let outer = mount.inside?;
        let around = mounts.iter().find(|other| other.volume == outer)?;
        let folder = mount.at.strip_prefix(&around.at).ok()?.to_str()?.to_owned();
        Some(InnerFolder { outer, folder })
    });
    inner.collect()
}

/// Separates this mount namespace from the host's and makes all mount points. Returns the mounts, in order.
pub(crate) fn prepare(
    points: &[MountPoint],
    hide: Option<&Hide>,
) -> Result<Vec<Mounted>, StartFailure> {
    let root = Path::new("/");
    // Slave, not private: what the host unmounts during a call goes away here too, instead of
    // being kept busy by us. Nothing travels the other way.
    sys::make_slave(root).map_err(|error| explain(&SandboxStep::Isolate, &error))?;
    mount_proc();
    if let Some(wanted) = hide {
        hide::hide(wanted).map_err(|error| explain(&SandboxStep::Hide, &error))?;
    }
    let sites: Vec<_> = points.iter().map(|point| site::look(&point.path)).collect();
    let steps =
        plan(&sites).map_err(|PlanError { volume, reason }| refuse(&points[volume], reason))?;
    let mut mounts = Vec::new();
    for step in steps {
        match step {
            PlanStep::NewRoot { create } => mirror::new_root(&create)
                .map_err(|error| explain(&SandboxStep::Mirror("/".into()), &error))?,
            PlanStep::Mirror { folder, create } => mirror::mirror(&folder, &create)
                .map_err(|error| explain(&SandboxStep::Mirror(folder.clone()), &error))?,
            PlanStep::Mount { volume, at, inside } => mounts.push(Mounted { volume, at, inside }),
        }
    }
    Ok(mounts)
}

/// Gives the job a `/proc` of its own processes. A kernel refuses this to a user namespace in a
/// container that hides parts of `/proc`; the job then sees the old one, with all it hides.
fn mount_proc() {
    let flags = MountFlags::MS_NOSUID | MountFlags::MS_NODEV | MountFlags::MS_NOEXEC;
    if let Err(error) = sys::mount("proc", Path::new("/proc"), "proc", flags, "") {
        tracing::debug!(%error, "failed to mount /proc: the job keeps the old one");
    }
}

/// Mounts one volume. Returns the descriptor that is to be served.
pub(crate) fn mount_bucket(
    points: &[MountPoint],
    mount: &Mounted,
) -> Result<OwnedFd, StartFailure> {
    let point = &points[mount.volume];
    if let Some(outer) = mount.inside {
        check_inner_folder(point, &mount.at, &points[outer])?;
    }
    // Opened here, inside the user namespace that mounts it: the kernel insists.
    let fuse = sys::open_fuse().map_err(|error| explain(&SandboxStep::OpenFuse, &error))?;
    let ids = sys::effective_ids();
    let data = format!(
        "fd={},rootmode=40000,user_id={},group_id={},default_permissions,allow_other",
        fuse.as_raw_fd(),
        ids.user,
        ids.group
    );
    let mut flags = MountFlags::MS_NOSUID | MountFlags::MS_NODEV;
    flags.set(MountFlags::MS_RDONLY, point.read_only);
    sys::mount(&point.source, &mount.at, "fuse.stub", flags, &data)
        .map_err(|error| explain(&SandboxStep::MountBucket(point.path.clone()), &error))?;
    Ok(fuse)
}

/// Checks that a volume has the folder of a volume in it; the outer one is being served by now.
fn check_inner_folder(
    point: &MountPoint,
    at: &Path,
    outer: &MountPoint,
) -> Result<(), StartFailure> {
    let what = match std::fs::metadata(at) {
        Ok(metadata) if metadata.is_dir() => return Ok(()),
        Ok(_) => "a file".to_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => "no folder".to_owned(),
        Err(error) => format!("something unreadable ({error})"),
    };
    Err(refuse(
        point,
        format!(
            "it lies in the volume `{}`, and the bucket `{}` has {what} there; create the folder in \
             the bucket or mount elsewhere",
            outer.path.display(),
            outer.bucket
        ),
    ))
}

fn refuse(point: &MountPoint, reason: String) -> StartFailure {
    StartFailure::Volume {
        path: point.path.clone(),
        bucket: point.bucket.clone(),
        reason,
    }
}

/// Undoes the mounts, inner ones first.
pub(crate) fn unmount(mounts: &[Mounted]) {
    for mount in mounts.iter().rev() {
        let result = sys::unmount(&mount.at).or_else(|_| sys::unmount_detached(&mount.at));
        if let Err(error) = result {
            tracing::warn!(%error, "failed to unmount a volume: it stays mounted until its sandbox ends");
        }
    }
}
