//! Enforcement of a job's limits, before the job begins.

use crate::call::{Limits, OwnLimits, SandboxStep};
use crate::local::limits::{Cgroup, Facts, Plan, plan};
use crate::protocol::StartFailure;
use crate::sys;

/// Limits in force. The control group is removed with this value, when the job's processes are gone.
#[derive(Debug, Default)]
pub(super) struct Enforced {
    pub(super) own: OwnLimits,
    pub(super) group: Option<Cgroup>,
}

/// Enforces limits on all that a process starts from now on.
///
/// Fails with the limits that can't be enforced, unless the limits are lenient.
pub(super) fn enforce(limits: &Limits, process: i32) -> Result<Enforced, StartFailure> {
    if limits.cpu.is_none() && limits.memory.is_none() {
        return Ok(Enforced::default());
    }
    let processors = sys::processors().unwrap_or(1);
    let processors = u32::try_from(processors).unwrap_or(u32::MAX);
    let without = Facts {
        processors,
        ..Facts::default()
    };
    let parent = Cgroup::parent();
    let facts = parent.as_ref().map_or(without, |(_, controllers)| {
        let has = |name: &str| controllers.iter().any(|one| one == name);
        Facts {
            group_memory: has("memory"),
            group_cpu: has("cpu"),
            processors,
        }
    });
    let wanted = plan(limits, facts);
    if let (Some((parent, _)), false) = (parent, wanted.group.is_empty()) {
        match Cgroup::make(&parent, &wanted.group, process) {
            Ok(group) => {
                tracing::info!(limits = ?wanted.group, "limits enforced by a control group");
                return checked(limits, &wanted, Some(group));
            }
            Err(error) => tracing::debug!(%error, "control group not available"),
        }
    }
    let own = plan(limits, without);
    tracing::info!(limits = ?own.own, "limits enforced by resource limits and CPU affinity");
    checked(limits, &own, None)
}

fn checked(limits: &Limits, plan: &Plan, group: Option<Cgroup>) -> Result<Enforced, StartFailure> {
    let unenforced = plan.unenforced.join("; ");
    if !unenforced.is_empty() {
        if !limits.lenient {
            return Err(StartFailure::Sandbox {
                step: SandboxStep::Limits,
                reason: unenforced,
                remedy: Some("ask for whole processors, or set `lenient_limits`".to_owned()),
            });
        }
        tracing::warn!("{unenforced}");
    }
    Ok(Enforced {
        own: plan.own,
        group,
    })
}
