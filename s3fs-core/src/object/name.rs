//! Names of entries: the part of a key between two slashes that can be a file name.

use std::borrow::Borrow;
use std::ffi::OsStr;
use std::fmt;
use std::sync::Arc;

/// Maximum length, in bytes, of a name that a program may create (`NAME_MAX`). Every file system
/// accepts it.
const NAME_MAX: usize = 255;

/// Maximum length in bytes of a name that Linux lets a FUSE file system show; no key is longer.
const SHOWN_MAX: usize = 1024;

/// Component of a key that is a file name: UTF-8, 1 to 1024 bytes, neither `.` nor `..`, no NUL.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryName(Arc<str>);

impl EntryName {
    /// Returns the name, if this component of a key is one. Keys with another component are not
    /// visible in a mount; see `docs/semantics.md`.
    pub fn from_component(component: &str) -> Option<Self> {
        let is_name = !component.is_empty()
            && component.len() <= SHOWN_MAX
            && component != "."
            && component != ".."
            && !component.contains(['/', '\0']);
        is_name.then(|| Self(component.into()))
    }

    /// Returns whether Linux accepts a name of this length.
    pub fn fits(name: &OsStr) -> bool {
        name.len() <= SHOWN_MAX
    }

    /// Returns whether a program may create a file of that name.
    pub fn may_be_made(&self) -> bool {
        self.0.len() <= NAME_MAX
    }

    /// Returns whether all components of a key are names: only then it is shown. `key` is the part
    /// below the mount's prefix; a marker ends in `/`.
    pub fn are_all(key: &str) -> bool {
        let mut components = key.strip_suffix('/').unwrap_or(key).split('/');
        key.is_empty() || components.all(|component| Self::from_component(component).is_some())
    }

    /// Returns the name that a program gave, if it can be part of a key: keys are UTF-8, names are
    /// bytes.
    pub fn from_os(name: &OsStr) -> Option<Self> {
        Self::from_component(name.to_str()?)
    }

    /// Returns the name as text.
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
        for good in ["a", "a b", "ü", "...", "\u{1}", &"x".repeat(1024)] {
            assert!(EntryName::from_component(good).is_some(), "{good:?}");
        }
        for bad in [
            "",
            ".",
            "..",
            "a/b",
            "a\0b",
            &"x".repeat(1025),
            &"ü".repeat(513),
        ] {
            assert!(EntryName::from_component(bad).is_none(), "{bad:?}");
        }
        assert!(EntryName::from_os(OsStr::from_bytes(b"\xff")).is_none());
    }

    #[test]
    fn long_names_are_shown_and_not_made() {
        for (length, may_be_made) in [(255, true), (256, false)] {
            let name = EntryName::from_component(&"x".repeat(length)).unwrap();
            assert_eq!(name.may_be_made(), may_be_made);
        }
    }

    #[test]
    fn a_key_is_shown_if_all_its_components_are_names() {
        for shown in ["", "a", "a/", "a/b/c", "...", "a/b/"] {
            assert!(EntryName::are_all(shown), "{shown:?}");
        }
        for hidden in ["/", "//", "a//", "a//b", "/a", "./a", "a/..", "a/./", "a\0"] {
            assert!(!EntryName::are_all(hidden), "{hidden:?}");
        }
    }
}
