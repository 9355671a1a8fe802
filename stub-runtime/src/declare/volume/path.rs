//! Paths at which a volume may be mounted.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Deserializer, de};

/// Path of a volume: absolute, normalised, and not one that a Linux program needs.
///
/// `#[stub::function]` checks its literals by the same rules when it is compiled.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct VolumePath(String);

/// Reason for which nothing can be mounted at a path; the text has the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// The path doesn't begin with `/`.
    #[error("mount path `{0}` is relative\nwrite an absolute one such as `/{hint}`", hint = .0.trim_start_matches("./"))]
    Relative(String),
    /// The path is `/`.
    #[error("mount path is `/`\nwrite a folder such as `/data`")]
    Root,
    /// The path has a `..`.
    #[error("mount path `{0}` has a `..`\nwrite the path that is meant")]
    Parent(String),
    /// The path has a `.`, a `//` or a `/` at its end.
    #[error("mount path `{given}` is not normalised\nwrite `{meant}`")]
    NotNormalised {
        /// Given path.
        given: String,
        /// Same path, normalised.
        meant: String,
    },
    /// The path holds a NUL, or is longer than the kernel allows.
    #[error("mount path has a NUL character or more than 4095 bytes\nwrite a shorter, plain path")]
    NotAPath,
    /// The path is `/dev`, `/proc` or `/sys`, or in the latter two.
    #[error("mount path `{0}` belongs to the kernel\nmount at another path, such as `/data`")]
    Reserved(String),
}

impl VolumePath {
    /// Checks a path.
    ///
    /// # Errors
    /// The error has the remedy.
    ///
    /// ```
    /// # use stub_runtime::VolumePath;
    /// assert!(VolumePath::new("/my-mount").is_ok());
    /// let error = VolumePath::new("/my-mount/").unwrap_err();
    /// assert!(error.to_string().ends_with("write `/my-mount`"));
    /// ```
    pub fn new(given: impl Into<String>) -> Result<Self, PathError> {
        let given = given.into();
        if given.contains('\0') || given.len() > 4095 {
            return Err(PathError::NotAPath);
        }
        if !given.starts_with('/') {
            return Err(PathError::Relative(given));
        }
        let parts: Vec<&str> = given
            .split('/')
            .filter(|p| !matches!(*p, "" | "."))
            .collect();
        if parts.contains(&"..") {
            return Err(PathError::Parent(given));
        }
        let meant = format!("/{}", parts.join("/"));
        if parts.is_empty() {
            return Err(PathError::Root);
        }
        if meant != given {
            return Err(PathError::NotNormalised { given, meant });
        }
        if matches!(parts.as_slice(), ["proc" | "sys", ..] | ["dev"]) {
            return Err(PathError::Reserved(given));
        }
        Ok(Self(given))
    }
}

impl AsRef<Path> for VolumePath {
    fn as_ref(&self) -> &Path {
        Path::new(&self.0)
    }
}

impl fmt::Display for VolumePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for VolumePath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let path = String::deserialize(deserializer)?;
        Self::new(path).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::{PathError, VolumePath};

    #[test]
    fn a_path_is_absolute_normalised_and_not_the_kernels() {
        let says = |given: &str| VolumePath::new(given).unwrap_err().to_string();
        assert!(says("data").contains("write an absolute one such as `/data`"));
        assert!(says("./data").contains("`/data`"));
        assert!(says("").contains("relative"));
        for root in ["/", "//", "/."] {
            assert_eq!(VolumePath::new(root), Err(PathError::Root), "{root}");
        }
        assert!(says("/a/../b").contains("`..`"));
        for (given, meant) in [("/a/", "/a"), ("//a", "/a"), ("/a/./b", "/a/b")] {
            assert!(
                says(given).ends_with(&format!("write `{meant}`")),
                "{given}"
            );
        }
        for kernel in ["/proc", "/proc/1", "/sys", "/sys/fs", "/dev"] {
            assert!(says(kernel).contains("kernel"), "{kernel}");
        }
        assert_eq!(VolumePath::new("/a\0"), Err(PathError::NotAPath));
        for good in ["/a", "/dev/x", "/a b", "/...", "/proc2", "/ü/x.y"] {
            assert_eq!(VolumePath::new(good).unwrap().to_string(), good);
        }
    }
}
