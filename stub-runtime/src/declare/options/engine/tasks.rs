//! Options of every cluster.

use std::time::Duration;

/// Default target run time of a task.
pub(super) const TASK_TIME: Duration = Duration::from_secs(30);

/// Defines the methods that set an option that is a text, and those of all clusters.
macro_rules! cluster_options {
    ($settings:ident: $($(#[doc = $doc:literal])+ $option:ident($value:ident),)+) => {
        impl $settings {
            $(
                $(#[doc = $doc])+
                pub fn $option(mut self, $value: impl Into<String>) -> Self {
                    self.$option = Some($value.into());
                    self
                }
            )+

            /// Sets the maximum number of tasks of a call that run at once; defaults to what the function's
            /// `max_containers`, or the cluster, allow.
            pub fn max_tasks(mut self, most: usize) -> Self {
                self.max_tasks = Some(most);
                self
            }

            /// Sets the target run time of a task, by which its number of inputs is chosen; defaults to 30 seconds.
            pub fn task_time(mut self, time: Duration) -> Self {
                self.task_time = time;
                self
            }
        }
    };
}

pub(super) use cluster_options;
