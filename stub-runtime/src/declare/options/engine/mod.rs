//! Engines that run calls.

mod kubernetes;
mod slurm;
mod tasks;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use kubernetes::Kubernetes;
pub use slurm::Slurm;

/// Engine that runs calls: those by `f(…)`, `f::map`, `f::spawn` and `stub run`.
///
/// The program chooses it ([`select`](Self::select)); else `--engine`, else the variable `STUB_ENGINE`, else
/// `[engine]` of `stub.toml`. Without a choice, calls run on this machine.
///
/// ```no_run
/// # use stub_runtime::{Engine, Slurm};
/// Engine::from(Slurm::new().partition("main").max_tasks(200)).select();
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Engine {
    /// This machine.
    #[default]
    Local,
    /// Cluster with Slurm, whose commands are on this machine. Its calls need the feature `cluster`.
    Slurm(Slurm),
    /// Cluster with Kubernetes. Its calls need the feature `kubernetes`.
    Kubernetes(Kubernetes),
}

/// Name of an engine, on command lines and in settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineName {
    /// This machine.
    Local,
    /// Slurm.
    Slurm,
    /// Kubernetes.
    Kubernetes,
}

impl EngineName {
    /// All names.
    pub const ALL: [Self; 3] = [Self::Local, Self::Slurm, Self::Kubernetes];

    /// Returns the text of the name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Slurm => "slurm",
            Self::Kubernetes => "kubernetes",
        }
    }
}

impl FromStr for EngineName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|name| name.as_str() == text);
        found.ok_or_else(|| {
            let all: Vec<_> = Self::ALL.iter().map(|name| name.as_str()).collect();
            format!("there is no engine `{text}`; there are: {}", all.join(", "))
        })
    }
}

impl fmt::Display for EngineName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Engine {
    /// Returns the name of the engine.
    pub fn name(&self) -> EngineName {
        match self {
            Self::Local => EngineName::Local,
            Self::Slurm(_) => EngineName::Slurm,
            Self::Kubernetes(_) => EngineName::Kubernetes,
        }
    }
}

impl From<Slurm> for Engine {
    fn from(slurm: Slurm) -> Self {
        Self::Slurm(slurm)
    }
}

impl From<Kubernetes> for Engine {
    fn from(kubernetes: Kubernetes) -> Self {
        Self::Kubernetes(kubernetes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_are_known_by_their_names() {
        for name in EngineName::ALL {
            assert_eq!(name.to_string().parse(), Ok(name));
        }
        let error = "slum".parse::<EngineName>();
        assert!(error.is_err_and(|words| words.contains("local, slurm, kubernetes")));
    }
}
