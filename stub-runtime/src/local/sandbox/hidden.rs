//! Selection of the host's folders that an isolated job doesn't see: decided here, without I/O.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Folders of sockets and of temporary files, where they exist: an isolated job has empty ones of its own.
pub(super) const SHARED: [&str; 6] = [
    "/run",
    "/var/run",
    "/tmp",
    "/var/tmp",
    "/dev/shm",
    "/dev/mqueue",
];

/// Entries of `/run` that an isolated job keeps: programs and drivers of distributions that have them there.
pub(super) const KEPT_OF_RUN: [&str; 5] = [
    "current-system",
    "booted-system",
    "wrappers",
    "opengl-driver",
    "opengl-driver-32",
];

/// Files and folders of a home with credentials, or with sockets of programs that have them.
pub(super) const CREDENTIALS: &[&str] = &[
    ".aws",
    ".azure",
    ".boto",
    ".cargo/credentials",
    ".cargo/credentials.toml",
    ".composer/auth.json",
    ".config/BraveSoftware",
    ".config/Code",
    ".config/chromium",
    ".config/containers",
    ".config/doctl",
    ".config/fly",
    ".config/gcloud",
    ".config/gh",
    ".config/git/credentials",
    ".config/glab-cli",
    ".config/google-chrome",
    ".config/hub",
    ".config/microsoft-edge",
    ".config/op",
    ".config/rclone",
    ".config/sops",
    ".config/stub",
    ".docker",
    ".emacs.d/server",
    ".fly",
    ".gem/credentials",
    ".git-credentials",
    ".gnupg",
    ".huggingface/token",
    ".cache/huggingface/token",
    ".kaggle",
    ".kube",
    ".local/share/gnupg",
    ".local/share/keyrings",
    ".local/share/kwalletd",
    ".local/share/password-store",
    ".local/state/stub",
    ".m2/settings.xml",
    ".mc",
    ".minikube",
    ".mozilla",
    ".my.cnf",
    ".netrc",
    ".npmrc",
    ".oci",
    ".password-store",
    ".pgpass",
    ".pki",
    ".pypirc",
    ".s3cfg",
    ".ssh",
    ".stub",
    ".terraform.d",
    ".thunderbird",
    ".vault-token",
    ".yarnrc.yml",
];

/// Selects the folders to replace by empty ones: each once, none inside another, and none that
/// contains a home. No path may contain links.
pub(super) fn replaced(folders: Vec<PathBuf>, homes: &[PathBuf]) -> Vec<PathBuf> {
    let mut folders = folders;
    folders.sort();
    let mut chosen: Vec<PathBuf> = Vec::new();
    for folder in folders {
        let is_in_another = chosen.iter().any(|other| folder.starts_with(other));
        let is_standard = SHARED.iter().any(|one| folder == Path::new(one));
        let has_home = homes.iter().any(|home| home.starts_with(&folder));
        if folder.parent().is_some() && !is_in_another && (is_standard || !has_home) {
            chosen.push(folder);
        }
    }
    chosen
}

/// Returns whether the working folder must be shown again: it is in a replaced folder, or in a
/// hidden or protected entry of a home.
pub(super) fn shows_again(
    folder: &Path,
    replaced: &[PathBuf],
    homes: &[PathBuf],
    protected: &[PathBuf],
) -> bool {
    let is_in_replaced = replaced
        .iter()
        .any(|other| folder != other && folder.starts_with(other));
    let is_protected = |entry: PathBuf| {
        let name = entry.file_name().unwrap_or_default();
        name.as_encoded_bytes().starts_with(b".") || protected.contains(&entry)
    };
    is_in_replaced || entries_of_homes(folder, homes).any(is_protected)
}

/// Returns the entries of homes that a path without links leads over, at most one of each home.
pub(super) fn entries_of_homes(path: &Path, homes: &[PathBuf]) -> impl Iterator<Item = PathBuf> {
    homes.iter().filter_map(move |home| {
        let rest = path.strip_prefix(home).ok()?;
        Some(home.join(rest.components().next()?))
    })
}

/// Parses the paths of sockets in the kernel's list, which has one a line. Names of any bytes may
/// be among them.
pub(super) fn sockets(list: &[u8]) -> Vec<PathBuf> {
    let path = |line: &[u8]| {
        let start = line.windows(2).position(|pair| pair == b" /")?;
        Some(PathBuf::from(OsStr::from_bytes(&line[start + 1..])))
    };
    list.split(|byte| *byte == b'\n').filter_map(path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(names: &[&str]) -> Vec<PathBuf> {
        names.iter().map(PathBuf::from).collect()
    }

    #[test]
    fn folders_are_replaced_once_and_homes_are_not() {
        let folders = paths(&[
            "/tmp",
            "/run",
            "/run",
            "/run/user/7",
            "/scratch/t",
            "/",
            "/home",
        ]);
        let homes = paths(&["/home/ada", "/tmp/home"]);
        assert_eq!(
            replaced(folders, &homes),
            paths(&["/run", "/scratch/t", "/tmp"])
        );
    }

    #[test]
    fn the_working_folder_is_shown_again_where_it_was_hidden() {
        let (folders, homes) = (paths(&["/tmp"]), paths(&["/home/ada"]));
        let protected = paths(&["/home/ada/go"]);
        let shows = |path: &str| shows_again(Path::new(path), &folders, &homes, &protected);
        assert!(shows("/tmp/work") && shows("/home/ada/.cache/work"));
        assert!(shows("/home/ada/go") && shows("/home/ada/go/src"));
        for path in ["/tmp", "/home/ada", "/home/ada/work", "/srv", "/", "/home"] {
            assert!(!shows(path), "{path}");
        }
    }

    #[test]
    fn sockets_with_paths_are_found_and_abstract_ones_are_not() {
        let list = b"Num       RefCount Protocol Flags    Type St Inode Path\n\
            0000000043: 00000003 00000000 00000000 0001 03 142094\n\
            0000000043: 00000002 00000000 00010000 0001 01 142094 /srv/a b/s\n\
            0000000043: 00000002 00000000 00010000 0001 01 142094 @/tmp/.X11-unix/X0\n\
            0000000043: 00000002 00000000 00010000 0001 01 142094 relative/s\n\
            0000000043: 00000002 00000000 00010000 0001 01 142094 @\xff\n\
            0000000043: 00000002 00000000 00010000 0001 01 142094 /srv/\xff\n";
        let other = PathBuf::from(OsStr::from_bytes(b"/srv/\xff"));
        assert_eq!(sockets(list), [PathBuf::from("/srv/a b/s"), other]);
    }
}
