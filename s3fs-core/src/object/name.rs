//! Names of entries: the part of a key between two slashes that can be a file name.

use std::borrow::Borrow;
use std::ffi::OsStr;
use std::fmt;
use std::sync::Arc;

/// The longest file name Linux takes, in bytes (`NAME_MAX`).
const NAME_MAX: usize = 255;

/// A key's component that is a file name: UTF-8, 1 to 255 bytes, neither `.` nor `..`, no NUL.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryName(Arc<str>);

impl EntryName {
    /// The name, if this component of a key can be one. Keys with a component that can't are not
    /// visible in a mount; see `docs/semantics.md`.
    pub fn from_component(component: &str) -> Option<Self> {
        let is_name = !component.is_empty()
            && component.len() <= NAME_MAX
            && component != "."
            && component != ".."
            && !component.contains(['/', '\0']);
        is_name.then(|| Self(component.into()))
    }

    /// Whether Linux takes so long a name.
    pub fn fits(name: &OsStr) -> bool {
        name.len() <= NAME_MAX
    }

    /// The name a program gave, if it can be part of a key: keys are UTF-8, file names are bytes.
    pub fn from_os(name: &OsStr) -> Option<Self> {
        Self::from_component(name.to_str()?)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for EntryName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<OsStr> for EntryName {
    fn as_ref(&self) -> &OsStr {
        OsStr::new(&*self.0)
    }
}

impl fmt::Display for EntryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn components_that_linux_cannot_name_are_not_names() {
        for good in ["a", "a b", "ü", "...", "\u{1}", &"x".repeat(255)] {
            assert!(EntryName::from_component(good).is_some(), "{good:?}");
        }
        for bad in [
            "",
            ".",
            "..",
            "a/b",
            "a\0b",
            &"x".repeat(256),
            &"ü".repeat(128),
        ] {
            assert!(EntryName::from_component(bad).is_none(), "{bad:?}");
        }
        assert!(EntryName::from_os(OsStr::from_bytes(b"\xff")).is_none());
    }
}
