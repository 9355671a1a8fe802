//! Arguments of `sbatch`.

use std::time::Duration;

use crate::cluster::scheduler::{Needs, Submission};
use crate::declare::Slurm as Settings;

/// Unit in which Slurm counts memory, in bytes.
const MEBIBYTE: u64 = 1 << 20;

/// Time before its limit at which a task is asked to end, to store what it has written.
const WARNING: Duration = Duration::from_mins(1);

/// Returns all arguments. The flags of the settings come last, so that they take precedence.
pub(super) fn sbatch(settings: &Settings, log: &str, submission: &Submission<'_>) -> Vec<String> {
    let Submission {
        name,
        label,
        tasks,
        needs,
        ..
    } = submission;
    let mut arguments = vec![
        "--parsable".to_owned(),
        format!("--job-name={name}"),
        format!("--comment=stub: {label}"),
        // Its inputs are run again by us, who know which of them have ended.
        "--no-requeue".to_owned(),
        "--nodes=1".to_owned(),
        "--ntasks=1".to_owned(),
        "--chdir=/".to_owned(),
        format!("--output={log}"),
        // To the task alone, not to what it has started.
        format!("--signal=B:TERM@{}", WARNING.as_secs()),
    ];
    if *tasks > 1 {
        arguments.push(array(*tasks, needs));
    }
    let named = [
        ("partition", &settings.partition),
        ("account", &settings.account),
        ("qos", &settings.qos),
    ];
    for (option, value) in named {
        arguments.extend(value.iter().map(|value| format!("--{option}={value}")));
    }
    arguments.extend(needed(settings, needs));
    arguments.extend(settings.flags.iter().cloned());
    arguments
}

fn array(tasks: u32, needs: &Needs) -> String {
    let at_once = needs.at_once.map(|most| format!("%{most}"));
    format!("--array=0-{}{}", tasks - 1, at_once.unwrap_or_default())
}

fn needed(settings: &Settings, needs: &Needs) -> impl Iterator<Item = String> {
    let processors = processors(needs.cpu);
    let cpu = needs.cpu.map(|_| format!("--cpus-per-task={processors}"));
    let memory = needs
        .memory
        .map(|bytes| format!("--mem={}M", bytes.div_ceil(MEBIBYTE)));
    let time = needs.time.or(settings.time);
    let time = time.map(|time| format!("--time={}", minutes(time)));
    [cpu, memory, time].into_iter().flatten()
}

/// Rounds to whole processors, as Slurm allocates no others.
pub(in crate::cluster) fn processors(cpu: Option<f64>) -> usize {
    // What is not positive was refused before.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is positive, and what is too large saturates"
    )]
    cpu.map_or(1, |cpu| cpu.ceil() as usize).max(1)
}

/// Returns the limit for a run time, including [`WARNING`], in minutes: Slurm's unit, and about the
/// interval of its checks.
fn minutes(time: Duration) -> u64 {
    (time + WARNING).as_secs().div_ceil(60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(settings: &Settings, tasks: u32, needs: &Needs) -> Vec<String> {
        let submission = Submission {
            name: "n",
            label: "demo::f",
            tasks,
            script: "",
            needs,
        };
        sbatch(settings, "/log", &submission)
    }

    #[test]
    fn what_a_function_needs_is_asked_for() {
        let needs = Needs {
            cpu: Some(1.5),
            memory: Some((512 << 20) + 1),
            time: Some(Duration::from_secs(90)),
            at_once: Some(4),
        };
        let settings = Settings::new().partition("main").flags(["--exclusive"]);
        let arguments = arguments(&settings, 10, &needs);
        for expected in [
            "--cpus-per-task=2",
            "--mem=513M",
            "--time=3",
            "--array=0-9%4",
            "--partition=main",
        ] {
            assert!(
                arguments.iter().any(|one| one == expected),
                "{expected}: {arguments:?}"
            );
        }
        assert_eq!(arguments.last().map(String::as_str), Some("--exclusive"));
    }

    #[test]
    fn one_task_is_no_array_and_nothing_is_asked_for_that_was_not_said() {
        let arguments = arguments(&Settings::new(), 1, &Needs::default());
        for option in [
            "--array",
            "--mem",
            "--cpus",
            "--time",
            "--partition",
            "--account",
            "--qos",
        ] {
            assert!(
                !arguments.iter().any(|one| one.starts_with(option)),
                "{option}"
            );
        }
    }
}
