//! Options of a function, except its volumes and secrets.

mod engine;
mod retries;

use std::path::PathBuf;
use std::time::Duration;

pub use engine::{Engine, EngineName, Kubernetes, Slurm};
pub use retries::Retries;

use crate::call::Limits;
use crate::declare::schedule::{Schedule, ScheduleError};

/// Options of a function. Made by the expansion of the attribute.
#[derive(Clone, Debug)]
#[must_use]
pub struct Options {
    pub(crate) timeout: Option<Duration>,
    pub(crate) retries: Retries,
    /// Variables that are no secrets.
    pub(crate) env: Vec<(String, String)>,
    pub(crate) max_containers: Option<usize>,
    pub(crate) max_inputs: Option<u64>,
    pub(crate) workdir: Option<PathBuf>,
    pub(crate) network: bool,
    pub(crate) isolate: bool,
    pub(crate) limits: Limits,
    pub(crate) schedule: Option<Result<Schedule, ScheduleError>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            timeout: None,
            retries: Retries::default(),
            env: Vec::new(),
            max_containers: None,
            max_inputs: None,
            workdir: None,
            network: true,
            isolate: false,
            limits: Limits::default(),
            schedule: None,
        }
    }
}

impl Options {
    /// Checks the options. The error is a sentence fragment with a remedy.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.retries.check()?;
        let at_least_one = |option, value| match value {
            Some(0) => Err(format!("`{option}` is 0; it must be 1 or more")),
            _ => Ok(()),
        };
        at_least_one(
            "max_containers",
            self.max_containers.map(|most| most as u64),
        )?;
        at_least_one("max_inputs", self.max_inputs)?;
        self.limits.check()?;
        if let Some(Err(error)) = &self.schedule {
            return Err(error.to_string());
        }
        for (name, value) in &self.env {
            if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
                return Err(format!(
                    "`{name}` in its `env` can't be a variable: neither may hold a NUL character, nor \
                     the name a `=`"
                ));
            }
        }
        match &self.workdir {
            Some(folder) if !folder.is_absolute() => Err(format!(
                "its `workdir` `{}` is relative; write an absolute path",
                folder.display()
            )),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_told_by_name() {
        let wrong = [
            (
                Options {
                    max_containers: Some(0),
                    ..Options::default()
                },
                "`max_containers` is 0",
            ),
            (
                Options {
                    max_inputs: Some(0),
                    ..Options::default()
                },
                "`max_inputs` is 0",
            ),
            (
                Options {
                    env: vec![("A=B".into(), "c".into())],
                    ..Options::default()
                },
                "`A=B`",
            ),
            (
                Options {
                    workdir: Some("data".into()),
                    ..Options::default()
                },
                "`data` is relative",
            ),
        ];
        for (options, part) in wrong {
            let reason = options.check().err().unwrap_or_default();
            assert!(reason.contains(part), "{reason}");
        }
        assert_eq!(Options::default().check(), Ok(()));
    }
}
