//! Defaults of the tasks of any cluster.

use std::time::Duration;

/// Default target run time of a task.
pub(super) const TASK_TIME: Duration = Duration::from_secs(30);
