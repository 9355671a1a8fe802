//! Choice of enforcement for limits: a control group where one is possible, else limits that each
//! process inherits.

use crate::call::{Limits, OwnLimits};

/// Period in which a control group counts processor time, in microseconds: the kernel's own default.
const PERIOD: u32 = 100_000;

/// Features of the machine that matter for limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// True if a control group of our own can limit memory.
    pub(crate) group_memory: bool,
    /// True if a control group of our own can limit processor time.
    pub(crate) group_cpu: bool,
    /// Number of processors that this process may use.
    pub(crate) processors: u32,
}

/// Actions that enforce the limits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Files of the control group, with their values; no group is made if there are none.
    pub(crate) group: Vec<(&'static str, String)>,
    /// Limits that the first process sets for itself.
    pub(crate) own: OwnLimits,
    /// Limits that can't be enforced as requested.
    pub(crate) unenforced: Vec<String>,
}

/// Plans the enforcement of limits.
pub(crate) fn plan(limits: &Limits, facts: Facts) -> Plan {
    let mut plan = Plan::default();
    if let Some(bytes) = limits.memory {
        if facts.group_memory {
            plan.group.push(("memory.max", bytes.to_string()));
        } else {
            plan.own.memory = Some(bytes);
        }
    }
    if let Some(cpu) = limits.cpu.filter(|cpu| *cpu < f64::from(facts.processors)) {
        if facts.group_cpu {
            let quota = (cpu * f64::from(PERIOD)).round().max(1000.0);
            plan.group.push(("cpu.max", format!("{quota} {PERIOD}")));
        } else {
            plan.own.processors = Some(whole(cpu));
            if cpu.fract() > 0.0 {
                plan.unenforced.push(format!(
                    "`cpu = {cpu}` can only be enforced as {} whole processors here: no control group \
                     (cgroup v2) with the controller `cpu` may be made",
                    whole(cpu)
                ));
            }
        }
    }
    plan
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it lies between 0 and the number of processors"
)]
fn whole(cpu: f64) -> usize {
    cpu.ceil().max(1.0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(cpu: Option<f64>, memory: Option<u64>) -> Limits {
        Limits {
            cpu,
            memory,
            lenient: false,
        }
    }

    const GROUP: Facts = Facts {
        group_memory: true,
        group_cpu: true,
        processors: 4,
    };

    const NONE: Facts = Facts {
        group_memory: false,
        group_cpu: false,
        processors: 4,
    };

    #[test]
    fn a_control_group_enforces_all() {
        let plan = plan(&limits(Some(1.5), Some(1 << 20)), GROUP);
        let expected = [
            ("memory.max", "1048576".to_owned()),
            ("cpu.max", "150000 100000".to_owned()),
        ];
        assert_eq!(plan.group, expected);
        assert_eq!(plan.own, OwnLimits::default());
        assert!(plan.unenforced.is_empty());
    }

    #[test]
    fn without_one_processes_inherit_what_can_be() {
        let whole = plan(&limits(Some(2.0), Some(1 << 20)), NONE);
        assert!(whole.group.is_empty() && whole.unenforced.is_empty());
        let expected = OwnLimits {
            memory: Some(1 << 20),
            processors: Some(2),
        };
        assert_eq!(whole.own, expected);
        let part = plan(&limits(Some(0.5), None), NONE);
        assert_eq!(part.own.processors, Some(1));
        assert_eq!(part.unenforced.len(), 1);
    }

    #[test]
    fn more_than_there_is_is_no_limit() {
        assert_eq!(plan(&limits(Some(4.0), None), NONE), Plan::default());
        assert_eq!(plan(&limits(Some(99.5), None), GROUP), Plan::default());
        assert_eq!(plan(&limits(None, None), GROUP), Plan::default());
    }
}
