//! Container of a task: its command, permissions and volumes.

use std::collections::BTreeMap;
use std::path::Path;

use k8s_openapi::api::core::v1::{
    AppArmorProfile, Capabilities, Container, HostPathVolumeSource,
    PersistentVolumeClaimVolumeSource, ResourceRequirements, SeccompProfile, SecurityContext,
    Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::frame::{Frame, KEY_FOLDER, KEY_VOLUME, SPOOL_VOLUME};
use crate::cluster::scheduler::{Needs, Submission};
use crate::declare::Kubernetes as Settings;

/// The container's name.
const NAME: &str = "task";

/// Returns the container of each task of a submission.
pub(super) fn container(frame: &Frame, submission: &Submission<'_>) -> Container {
    let settings = &frame.settings;
    Container {
        name: NAME.to_owned(),
        image: Some(settings.image.clone()),
        command: Some(vec![
            "sh".to_owned(),
            "-c".to_owned(),
            literal(submission.script),
        ]),
        resources: resources(settings, submission.needs),
        security_context: Some(security(settings, frame.user)),
        volume_mounts: Some(mounts(frame)),
        // Puts the output of a task that fails to start into the pod's status, which everybody with
        // access to pods can read.
        termination_message_policy: Some("FallbackToLogsOnError".to_owned()),
        ..Container::default()
    }
}

/// Kubernetes takes `$(NAME)` for a variable, and `$$` for a `$`.
fn literal(script: &str) -> String {
    script.replace('$', "$$")
}

fn resources(settings: &Settings, needs: &Needs) -> Option<ResourceRequirements> {
    let cpu = needs.cpu.map(|cpu| ("cpu", millicores(cpu)));
    let memory = needs.memory.map(|bytes| ("memory", bytes.to_string()));
    let amount = |(name, amount): (&str, String)| (name.to_owned(), Quantity(amount));
    let requests: BTreeMap<_, _> = cpu.into_iter().chain(memory).map(amount).collect();
    let mut limits = requests.clone();
    // Of a device, the request is what the limit is.
    let device = settings.fuse.clone();
    limits.extend(device.map(|name| (name, Quantity("1".to_owned()))));
    (!limits.is_empty()).then(|| ResourceRequirements {
        requests: (!requests.is_empty()).then_some(requests),
        limits: Some(limits),
        ..ResourceRequirements::default()
    })
}

fn millicores(cpu: f64) -> String {
    format!("{:.0}m", (cpu * 1000.0).ceil().max(1.0))
}

/// Returns the security context of a container. A sandbox mounts file systems of its own, which
/// requires `/dev/fuse` and the right to mount.
fn security(settings: &Settings, (user, group): (u32, u32)) -> SecurityContext {
    let who = SecurityContext {
        run_as_user: Some(i64::from(user)),
        run_as_group: Some(i64::from(group)),
        ..SecurityContext::default()
    };
    if settings.fuse.is_none() {
        return SecurityContext {
            privileged: Some(true),
            ..who
        };
    }
    SecurityContext {
        capabilities: Some(Capabilities {
            add: Some(vec!["SYS_ADMIN".to_owned()]),
            ..Capabilities::default()
        }),
        // The profiles that runtimes have refuse to mount.
        app_armor_profile: Some(AppArmorProfile {
            type_: "Unconfined".to_owned(),
            ..AppArmorProfile::default()
        }),
        seccomp_profile: Some(SeccompProfile {
            type_: "Unconfined".to_owned(),
            ..SeccompProfile::default()
        }),
        ..who
    }
}

fn mounts(frame: &Frame) -> Vec<VolumeMount> {
    let key = VolumeMount {
        name: KEY_VOLUME.to_owned(),
        mount_path: KEY_FOLDER.to_owned(),
        read_only: Some(true),
        ..VolumeMount::default()
    };
    let spool = frame.folder.as_ref().map(|folder| VolumeMount {
        name: SPOOL_VOLUME.to_owned(),
        mount_path: folder.display().to_string(),
        ..VolumeMount::default()
    });
    [key].into_iter().chain(spool).collect()
}

/// Returns the volume with the folder of the spool: that of a claim, or the nodes' folder under this path.
pub(super) fn spool(folder: &Path, settings: &Settings) -> Volume {
    let claim = settings.volume_claim.clone();
    let host_path = claim.is_none().then(|| HostPathVolumeSource {
        path: folder.display().to_string(),
        type_: Some("Directory".to_owned()),
    });
    Volume {
        name: SPOOL_VOLUME.to_owned(),
        persistent_volume_claim: claim.map(|claim_name| PersistentVolumeClaimVolumeSource {
            claim_name,
            ..PersistentVolumeClaimVolumeSource::default()
        }),
        host_path,
        ..Volume::default()
    }
}
