//! Entries of a home that programs outside of a sandbox trust, beside those that begin with a dot.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use super::hidden::entries_of_homes;

/// Maximum number of links that a path may lead over, as for the kernel.
const MOST_LINKS: usize = 40;

/// Folder of a home that many shells look for programs in, whether or not this one does.
const PROGRAMS: &str = "bin";

/// Returns the entries of homes, links excepted, that links of dot-files and the search path of
/// programs lead over. By renaming one of them, a job would replace a trusted file.
pub(super) fn entries(homes: &[PathBuf], programs: &[PathBuf]) -> Vec<PathBuf> {
    let mut believed: Vec<PathBuf> = programs.to_vec();
    for home in homes {
        believed.push(home.join(PROGRAMS));
        let entries = fs::read_dir(home).into_iter().flatten().flatten();
        let is_dotted = |path: &PathBuf| {
            path.file_name()
                .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
        };
        believed.extend(entries.map(|entry| entry.path()).filter(is_dotted));
    }
    let passed = believed.iter().flat_map(|path| passed(path));
    let entries: BTreeSet<PathBuf> = passed
        .flat_map(|path| entries_of_homes(&path, homes).collect::<Vec<_>>())
        .collect();
    let is_own = |path: &PathBuf| fs::symlink_metadata(path).is_ok_and(|found| !found.is_symlink());
    entries.into_iter().filter(is_own).collect()
}

/// Returns each file, folder and link that is passed on the way to an absolute path, with no links
/// before its name.
fn passed(path: &Path) -> Vec<PathBuf> {
    let mut passed = Vec::new();
    let mut links = 0;
    let mut at = PathBuf::new();
    let mut rest = backwards(path);
    while let Some(name) = rest.pop() {
        if name == OsStr::new("..") {
            at.pop();
            continue;
        }
        let next = at.join(name);
        passed.push(next.clone());
        match fs::read_link(&next) {
            Ok(target) if links < MOST_LINKS => {
                links += 1;
                rest.extend(backwards(&target));
            }
            Ok(_) => break,
            // `/` too, which replaces what is before it.
            Err(_) => at = next,
        }
    }
    passed
}

fn backwards(path: &Path) -> Vec<OsString> {
    let names = path.components().map(|part| part.as_os_str().to_owned());
    names.rev().collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn each_folder_on_the_way_over_links_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().canonicalize().unwrap();
        for name in [
            "a/b",
            "via",
            "deep/x",
            "bin",
            "tools/bin",
            "work",
            ".config",
        ] {
            fs::create_dir_all(home.join(name)).unwrap();
        }
        fs::write(home.join("a/b/bashrc"), "").unwrap();
        symlink("a/b/bashrc", home.join(".bashrc")).unwrap();
        symlink(home.join("via/link"), home.join(".profile")).unwrap();
        symlink("../deep/x/../x/nothing", home.join("via/link")).unwrap();
        symlink(".circle", home.join(".circle")).unwrap();
        let found = entries(
            std::slice::from_ref(&home),
            &[home.join("tools/bin"), "/usr/bin".into()],
        );
        let expected = [".config", "a", "bin", "deep", "tools", "via"];
        assert_eq!(found, expected.map(|name| home.join(name)));
    }
}
