//! Parsing of the output of Slurm's commands.

use crate::cluster::scheduler::{EndKind, Fate, JobId, Seen};

/// Parses the number of a job, from `sbatch --parsable` (`123` or `123;cluster`) or from a first
/// line of `squeue`.
pub(super) fn job_id(said: &str) -> Option<JobId> {
    let first = said.lines().next()?.trim();
    let id = first.split(';').next()?;
    let is_number = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| id.to_owned())
}

/// Returns the arguments of `sacct` for the jobs that `of` selects.
pub(super) fn accounting(of: &[String]) -> Vec<String> {
    let fixed = [
        "--noheader",
        "--parsable2",
        "--allocations",
        "--array",
        "--starttime=now-7days",
        "--format=JobID,State,ExitCode",
    ];
    fixed
        .iter()
        .map(ToString::to_string)
        .chain(of.iter().cloned())
        .collect()
}

/// Parses the number of the job in a line of `sacct`.
pub(super) fn array_of(line: &str) -> Option<JobId> {
    let id = line.split('|').next()?;
    job_id(id.split('_').next()?)
}

/// Parses a line of `squeue`: name, task and state.
pub(super) fn queued(line: &str) -> Option<(&str, u32, &str)> {
    let mut fields = line.split('|');
    let (name, task, state) = (fields.next()?, fields.next()?, fields.next()?);
    Some((name.trim(), task_number(task.trim())?, state.trim()))
}

/// Reasons for which a job waits until somebody changes the job or the cluster ([reasons]).
///
/// [reasons]: https://slurm.schedmd.com/job_reason_codes.html
const HOPELESS: [&str; 4] = [
    "PartitionTimeLimit",
    "PartitionNodeLimit",
    "InvalidAccount",
    "InvalidQOS",
];

/// Parses a line of `squeue` about a job that will never begin: returns the reason, and the job's name.
pub(super) fn hopeless(line: &str) -> Option<(&str, &str)> {
    let mut fields = line.split('|');
    let (name, _, state) = (fields.next()?, fields.next()?, fields.next()?);
    let reason = fields.next()?.trim();
    (state.trim() == "PENDING" && HOPELESS.contains(&reason)).then_some((reason, name))
}

/// Parses the number of a task; a job that is no array has one task.
fn task_number(text: &str) -> Option<u32> {
    match text {
        "N/A" | "" => Some(0),
        number => number.parse().ok(),
    }
}

/// Classifies a [state]; returns nothing if only the accounting can tell.
///
/// [state]: https://slurm.schedmd.com/job_state_codes.html
pub(super) fn seen(state: &str) -> Option<Seen> {
    let ended = |how| Some(Seen::Ended(Fate::new(how, state)));
    match state {
        "PENDING" | "CONFIGURING" | "REQUEUED" | "REQUEUE_FED" | "REQUEUE_HOLD"
        | "RESV_DEL_HOLD" | "SPECIAL_EXIT" => Some(Seen::Waiting),
        "COMPLETED" => ended(EndKind::Completed),
        "NODE_FAIL" | "PREEMPTED" | "BOOT_FAIL" | "LAUNCH_FAILED" | "RECONFIG_FAIL" => {
            ended(EndKind::Lost)
        }
        "TIMEOUT" | "DEADLINE" => ended(EndKind::TimedOut),
        "OUT_OF_MEMORY" => ended(EndKind::Died),
        state if state.starts_with("CANCELLED") || state == "REVOKED" => ended(EndKind::Cancelled),
        // Its exit status tells what it died of.
        "FAILED" => None,
        // RUNNING, COMPLETING, SUSPENDED, STOPPED, SIGNALING, STAGE_OUT, RESIZING, and what is new.
        _ => Some(Seen::Running),
    }
}

/// Parses a line of `sacct`: the task, and its exit reason.
pub(super) fn accounted(line: &str) -> Option<(u32, Fate)> {
    let mut fields = line.split('|');
    let (id, state, status) = (fields.next()?, fields.next()?, fields.next()?);
    let task = id
        .split_once('_')
        .map_or(Some(0), |(_, task)| task.parse().ok())?;
    Some((task, fate(state, status)?))
}

/// Parses a line of `scontrol --oneliner show job`.
pub(super) fn shown(line: &str) -> Option<(u32, Fate)> {
    let field = |name: &str| {
        let mut fields = line
            .split_whitespace()
            .filter_map(|field| field.split_once('='));
        fields.find_map(|(key, value)| (key == name).then_some(value))
    };
    let task = field("ArrayTaskId").map_or(Some(0), |task| task.parse().ok())?;
    Some((task, fate(field("JobState")?, field("ExitCode")?)?))
}

fn fate(state: &str, status: &str) -> Option<Fate> {
    match seen(state) {
        Some(Seen::Ended(fate)) => Some(fate),
        Some(_) => None,
        None => {
            let code = status.split(':').next().and_then(|code| code.parse().ok());
            let how = code.map_or(EndKind::Died, EndKind::of_status);
            if how == EndKind::TimedOut {
                let words = "it was told to end, as its time was over";
                return Some(Fate::new(how, words));
            }
            Some(Fate::new(how, format!("{state}, exit status {status}")))
        }
    }
}

/// Parses `MaxArraySize` of `scontrol show config`.
pub(super) fn array_size(config: &str) -> Option<usize> {
    let lines = config.lines().filter_map(|line| line.split_once('='));
    let mut sizes = lines.filter(|(name, _)| name.trim() == "MaxArraySize");
    let size: usize = sizes.next()?.1.trim().parse().ok()?;
    // Without arrays, each task is a job.
    Some(size.max(1))
}

/// Sums the allocated and idle processors in lines of `sinfo` with `allocated/idle/other/total`.
pub(super) fn processors(said: &str) -> Option<usize> {
    let numbers = |line: &str| {
        let mut numbers = line.trim().split('/').map(str::parse::<usize>);
        let (allocated, idle) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
        Some(allocated + idle)
    };
    let all: usize = said.lines().filter_map(numbers).sum();
    (all > 0).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_jobs_are_found() {
        assert_eq!(job_id("123\n").as_deref(), Some("123"));
        assert_eq!(job_id("123;cluster\n").as_deref(), Some("123"));
        assert_eq!(job_id("sbatch: error"), None);
        assert_eq!(job_id(""), None);
        assert_eq!(array_of("123_4|COMPLETED|0:0").as_deref(), Some("123"));
    }

    #[test]
    fn lines_of_the_queue_are_understood() {
        assert_eq!(queued("f.0|17|RUNNING"), Some(("f.0", 17, "RUNNING")));
        assert_eq!(
            queued("f.0|N/A|PENDING|Priority"),
            Some(("f.0", 0, "PENDING"))
        );
        assert_eq!(hopeless("f.0|N/A|PENDING|Priority"), None);
        let line = "f.0|N/A|PENDING|PartitionTimeLimit";
        assert_eq!(hopeless(line), Some(("PartitionTimeLimit", "f.0")));
        assert_eq!(seen("PENDING"), Some(Seen::Waiting));
        assert_eq!(seen("COMPLETING"), Some(Seen::Running));
        assert_eq!(
            seen("NODE_FAIL"),
            Some(Seen::Ended(Fate::new(EndKind::Lost, "NODE_FAIL")))
        );
        assert_eq!(seen("FAILED"), None);
    }

    #[test]
    fn what_became_of_a_task_is_told_by_its_state_and_status() {
        let how = |line| accounted(line).map(|(task, fate)| (task, fate.how));
        assert_eq!(how("1_4|NODE_FAIL|0:0"), Some((4, EndKind::Lost)));
        assert_eq!(
            how("1|CANCELLED by 1000|0:15"),
            Some((0, EndKind::Cancelled))
        );
        assert_eq!(how("1_4|FAILED|78:0"), Some((4, EndKind::Unfit)));
        assert_eq!(how("1_4|FAILED|75:0"), Some((4, EndKind::Lost)));
        assert_eq!(how("1_4|FAILED|143:0"), Some((4, EndKind::TimedOut)));
        assert_eq!(how("1_4|FAILED|0:9"), Some((4, EndKind::Died)));
        assert_eq!(how("1_4|RUNNING|0:0"), None);
        assert_eq!(how("1_[5-9]|PENDING|0:0"), None);
        let line = "JobId=9 ArrayJobId=8 ArrayTaskId=3 JobName=f JobState=OUT_OF_MEMORY Reason=None ExitCode=0:125";
        assert_eq!(
            shown(line).map(|(task, fate)| (task, fate.how)),
            Some((3, EndKind::Died))
        );
    }

    #[test]
    fn the_size_of_the_cluster_is_read() {
        assert_eq!(
            array_size("Max             = 1\nMaxArraySize            = 1001\n"),
            Some(1001)
        );
        assert_eq!(processors("8/8/4/20\n0/4/0/4\n"), Some(20));
        assert_eq!(processors(""), None);
    }
}
