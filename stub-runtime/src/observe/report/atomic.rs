//! Atomic writes of files: complete or not at all.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use crate::host::unfinished::create_beside;

/// Writes or replaces a file, under a temporary name first. `mode` is that of `open(2)`: the `umask` applies.
pub(crate) fn write(path: &Path, mode: u32, contents: &[u8]) -> io::Result<()> {
    let path = match fs::metadata(path) {
        // A pipe or a terminal must not be replaced by a file.
        Ok(found) if !found.is_file() => return fs::write(path, contents),
        // Nor must a link.
        Ok(_) => fs::canonicalize(path)?,
        Err(_) => path.to_owned(),
    };
    let mut file = create_beside(&path, mode)?;
    file.as_file_mut().write_all(contents)?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::fs::OpenOptions;
    use std::io::Read;
    use std::os::unix::fs::{MetadataExt, symlink};

    use nix::sys::stat::Mode;
    use nix::unistd::mkfifo;

    use super::*;

    fn names(folder: &Path) -> Vec<OsString> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_by_another_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x".repeat(255));
        write(&path, 0o600, b"longer").unwrap();
        let before = fs::File::open(&path).unwrap();
        write(&path, 0o600, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(io::read_to_string(before).unwrap(), "longer");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(names(folder.path()), ["x".repeat(255).as_str()]);
    }

    #[test]
    fn a_link_stays_and_what_is_no_file_is_written_into() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "old").unwrap();
        symlink("file", &link).unwrap();
        write(&link, 0o600, b"new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());

        let pipe = folder.path().join("pipe");
        mkfifo(&pipe, Mode::S_IRWXU).unwrap();
        // Both ends, so that nobody waits for the other one.
        let mut both = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&pipe)
            .unwrap();
        write(&pipe, 0o600, b"passed").unwrap();
        let mut passed = [0; 6];
        both.read_exact(&mut passed).unwrap();
        assert_eq!(&passed, b"passed");
        assert_eq!(names(folder.path()), ["file", "link", "pipe"]);
    }

    #[test]
    fn nothing_is_left_of_what_could_not_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x".repeat(256));
        assert!(write(&path, 0o600, b"new").is_err());
        assert!(write(folder.path(), 0o600, b"new").is_err());
        assert!(names(folder.path()).is_empty());
    }
}
