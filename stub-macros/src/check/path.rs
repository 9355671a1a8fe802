//! Mount paths. The rules are the same as of `VolumePath`, which checks the paths of command lines.

/// Error in a path, with a suggested correction.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) message: String,
    pub(super) help: String,
}

pub(super) fn check(given: &str) -> Result<(), Problem> {
    let wrong = |message: String, help: String| Err(Problem { message, help });
    let parts: Vec<&str> = given
        .split('/')
        .filter(|p| !matches!(*p, "" | "."))
        .collect();
    let meant = format!("/{}", parts.join("/"));
    if given.contains('\0') || given.len() > 4095 {
        let message = "the mount path has a NUL character or more than 4095 bytes";
        return wrong(message.to_owned(), "write a shorter, plain path".to_owned());
    }
    if !given.starts_with('/') {
        let help = if parts.is_empty() { "/data" } else { &meant };
        let message = format!("the mount path `{given}` is relative");
        return wrong(message, format!("write an absolute path such as `{help}`"));
    }
    if parts.contains(&"..") {
        let message = format!("the mount path `{given}` has a `..`");
        return wrong(message, "write the path that is meant".to_owned());
    }
    if parts.is_empty() {
        let message = "a bucket can't be mounted at `/`".to_owned();
        return wrong(message, "write a folder such as `/data`".to_owned());
    }
    if meant != given {
        let message = format!("the mount path `{given}` is not normalised");
        return wrong(message, format!("write `{meant}`"));
    }
    if matches!(parts.as_slice(), ["proc" | "sys", ..] | ["dev"]) {
        let message = format!("`{given}` belongs to the kernel");
        return wrong(message, "mount at another path, such as `/data`".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn a_path_is_absolute_normalised_and_not_the_kernels() {
        for good in ["/a", "/a/b", "/dev/x", "/a b", "/...", "/proc2"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for (bad, help) in [
            ("", "`/data`"),
            ("data", "`/data`"),
            ("./a/b", "`/a/b`"),
            ("/", "`/data`"),
            ("//", "`/data`"),
            ("/a/", "`/a`"),
            ("/a//b", "`/a/b`"),
            ("/a/./b", "`/a/b`"),
            ("/a/../b", "the path that is meant"),
            ("/proc", "another path"),
            ("/sys/fs", "another path"),
            ("/dev", "another path"),
            ("/a\0", "plain path"),
        ] {
            let problem = check(bad).expect_err(bad);
            assert!(problem.help.contains(help), "{bad}: {problem:?}");
        }
    }
}
