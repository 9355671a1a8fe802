//! Diagnosis of a machine that refuses a sandbox, with a remedy; made from facts, without I/O.

use crate::protocol::StartFailure;
use crate::sys::{Errno, SysError};

use super::host::{FuseDevice, Host};
use crate::call::SandboxStep;

const DOCKER: &str = "start the container with `--device /dev/fuse --cap-add SYS_ADMIN \
     --security-opt seccomp=unconfined --security-opt apparmor=unconfined`";

/// Returns the failure of a step, explained by the settings of this machine.
pub(crate) fn explain(step: &SandboxStep, error: &SysError) -> StartFailure {
    let (reason, remedy) = diagnose(step, error.errno, &Host::look());
    let reason = reason.unwrap_or_else(|| error.to_string());
    StartFailure::Sandbox {
        step: step.clone(),
        reason,
        remedy,
    }
}

/// Returns the reason, where more is known than the error's own text, and the remedy.
fn diagnose(step: &SandboxStep, errno: Errno, host: &Host) -> (Option<String>, Option<String>) {
    let found = match step {
        SandboxStep::OpenFuse => fuse_device(errno, host),
        SandboxStep::Namespaces { .. } | SandboxStep::Identity => namespaces(step, errno, host),
        SandboxStep::MountBucket(_) => mounting(errno, host),
        SandboxStep::AbstractSockets => found(
            "the kernel can't do that for a job that has the machine's network; Linux 6.12 with Landlock can",
            "take the network away as well, with `network = false` or `--no-network`",
        ),
        SandboxStep::Hide if errno == Errno::ENOSYS => found(
            "the kernel can't make a folder read-only with all below it; Linux 5.12 can",
            "use a newer kernel",
        ),
        SandboxStep::Isolate | SandboxStep::Mirror(_) if refused(errno) => {
            apparmor(host).or_else(|| docker(host))
        }
        SandboxStep::Mirror(_) if errno == Errno::ENOSPC => Some((
            "the folder has more entries than `fs.mount-max` allows mounts".to_owned(),
            "create the mount point before the call".to_owned(),
        )),
        SandboxStep::Isolate
        | SandboxStep::Hide
        | SandboxStep::Mirror(_)
        | SandboxStep::Network
        | SandboxStep::Limits
        | SandboxStep::Process
        | SandboxStep::WorkingFolder(_) => None,
    };
    found.map_or((None, None), |(reason, remedy)| {
        (Some(reason), Some(remedy))
    })
}

type Diagnosis = Option<(String, String)>;

#[expect(
    clippy::unnecessary_wraps,
    reason = "an answer beside `None`, in one word"
)]
fn found(reason: impl Into<String>, remedy: impl Into<String>) -> Diagnosis {
    Some((reason.into(), remedy.into()))
}

fn refused(errno: Errno) -> bool {
    matches!(errno, Errno::EPERM | Errno::EACCES)
}

fn fuse_device(errno: Errno, host: &Host) -> Diagnosis {
    match (host.fuse, errno) {
        (FuseDevice::Missing, _) if host.container => {
            found("the container has no /dev/fuse", DOCKER)
        }
        (FuseDevice::Missing, _) | (_, Errno::ENODEV | Errno::ENXIO) => found(
            "the kernel's FUSE driver is not loaded",
            "run `modprobe fuse` as root",
        ),
        (FuseDevice::NotADevice, _) => found(
            "/dev/fuse is not a device",
            "run `rm /dev/fuse && mknod -m 666 /dev/fuse c 10 229` as root",
        ),
        (FuseDevice::Device { .. }, Errno::EPERM) if host.container => {
            found("the container's device rules forbid /dev/fuse", DOCKER)
        }
        (FuseDevice::Device { mode }, Errno::EACCES) => found(
            format!("its mode is {mode:04o}, so this user may not open it"),
            "run `chmod 666 /dev/fuse` as root, as most distributions do",
        ),
        _ => None,
    }
}

fn namespaces(step: &SandboxStep, errno: Errno, host: &Host) -> Diagnosis {
    let user = !matches!(step, SandboxStep::Namespaces { user: false });
    match errno {
        Errno::ENOSPC if user && host.max_user_namespaces == Some(0) => found(
            "`user.max_user_namespaces` is 0",
            "run `sysctl -w user.max_user_namespaces=15000` as root",
        ),
        Errno::ENOSPC if host.max_mount_namespaces == Some(0) => found(
            "`user.max_mnt_namespaces` is 0",
            "run `sysctl -w user.max_mnt_namespaces=15000` as root",
        ),
        Errno::ENOSPC => found(
            "a limit on namespaces is reached",
            "raise `user.max_user_namespaces`, `user.max_mnt_namespaces` and \
             `user.max_pid_namespaces` with `sysctl -w` as root",
        ),
        Errno::EUSERS => found(
            "namespaces are nested too deeply (the kernel allows 32)",
            "call the function from fewer nested functions or containers",
        ),
        Errno::EINVAL => found(
            "the kernel is built without one of the namespaces",
            "use a kernel with CONFIG_USER_NS, CONFIG_PID_NS and CONFIG_NAMESPACES",
        ),
        _ if refused(errno) => userns_clone(host)
            .or_else(|| apparmor(host))
            .or_else(|| docker(host))
            .or_else(|| seccomp(host)),
        _ => None,
    }
}

fn mounting(errno: Errno, host: &Host) -> Diagnosis {
    match errno {
        Errno::ENODEV => found(
            "the kernel's FUSE driver is not loaded",
            "run `modprobe fuse` as root",
        ),
        Errno::EINVAL if !host.root => found(
            "the kernel refuses FUSE in a user namespace; it does so before version 4.18",
            "use a newer kernel, or run as root",
        ),
        _ if refused(errno) => apparmor(host).or_else(|| docker(host)),
        _ => None,
    }
}

fn userns_clone(host: &Host) -> Diagnosis {
    if host.userns_clone != Some(false) || host.root {
        return None;
    }
    found(
        "`kernel.unprivileged_userns_clone` is 0",
        "run `sysctl -w kernel.unprivileged_userns_clone=1` as root",
    )
}

fn apparmor(host: &Host) -> Diagnosis {
    if !host.apparmor_restricts || host.root {
        return None;
    }
    found(
        "`kernel.apparmor_restrict_unprivileged_userns` is 1",
        "run `sysctl -w kernel.apparmor_restrict_unprivileged_userns=0` as root, or give the \
         program an AppArmor profile with `userns,`",
    )
}

fn docker(host: &Host) -> Diagnosis {
    if host.container {
        found("the container forbids it", DOCKER)
    } else {
        None
    }
}

fn seccomp(host: &Host) -> Diagnosis {
    if !host.seccomp {
        return None;
    }
    found(
        "a seccomp filter forbids it",
        "allow `clone`, `mount`, `umount2` and `pivot_root` in the service's filter \
         (systemd: `RestrictNamespaces=no` and no `SystemCallFilter=~@mount`)",
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    const USER: SandboxStep = SandboxStep::Namespaces { user: true };

    fn says(step: &SandboxStep, errno: Errno, host: &Host) -> String {
        let (reason, remedy) = diagnose(step, errno, host);
        format!(
            "{} => {}",
            reason.unwrap_or_default(),
            remedy.unwrap_or_default()
        )
    }

    fn plain() -> Host {
        Host {
            max_user_namespaces: Some(1000),
            fuse: FuseDevice::Device { mode: 0o666 },
            fuse_loaded: true,
            ..Host::default()
        }
    }

    #[test]
    fn namespace_refusals_name_the_setting() {
        let none = Host {
            max_user_namespaces: Some(0),
            ..plain()
        };
        assert!(says(&USER, Errno::ENOSPC, &none).contains("sysctl -w user.max_user_namespaces"));
        let debian = Host {
            userns_clone: Some(false),
            ..plain()
        };
        assert!(says(&USER, Errno::EPERM, &debian).contains("unprivileged_userns_clone=1"));
        let ubuntu = Host {
            apparmor_restricts: true,
            ..plain()
        };
        for (step, errno) in [
            (USER, Errno::EPERM),
            (SandboxStep::Identity, Errno::EACCES),
            (SandboxStep::Identity, Errno::EPERM),
            (SandboxStep::Isolate, Errno::EACCES),
            (SandboxStep::MountBucket("/m".into()), Errno::EPERM),
        ] {
            assert!(
                says(&step, errno, &ubuntu).contains("apparmor_restrict"),
                "{step}"
            );
        }
        let docker = Host {
            container: true,
            ..plain()
        };
        assert!(says(&USER, Errno::EPERM, &docker).contains("--cap-add SYS_ADMIN"));
        let service = Host {
            seccomp: true,
            ..plain()
        };
        assert!(says(&USER, Errno::EPERM, &service).contains("RestrictNamespaces"));
        assert!(says(&USER, Errno::EUSERS, &plain()).contains("32"));
    }

    #[test]
    fn fuse_refusals_tell_missing_from_forbidden() {
        let missing = Host {
            fuse: FuseDevice::Missing,
            ..plain()
        };
        assert!(says(&SandboxStep::OpenFuse, Errno::ENOENT, &missing).contains("modprobe fuse"));
        let docker = Host {
            container: true,
            ..missing
        };
        assert!(
            says(&SandboxStep::OpenFuse, Errno::ENOENT, &docker).contains("--device /dev/fuse")
        );
        let strict = Host {
            fuse: FuseDevice::Device { mode: 0o600 },
            ..plain()
        };
        let text = says(&SandboxStep::OpenFuse, Errno::EACCES, &strict);
        assert!(
            text.contains("0600") && text.contains("chmod 666 /dev/fuse"),
            "{text}"
        );
        let cgroup = Host {
            container: true,
            ..plain()
        };
        assert!(says(&SandboxStep::OpenFuse, Errno::EPERM, &cgroup).contains("device rules"));
    }

    #[test]
    fn what_is_not_known_is_not_guessed() {
        assert_eq!(diagnose(&USER, Errno::EIO, &plain()), (None, None));
        assert_eq!(diagnose(&USER, Errno::EPERM, &plain()), (None, None));
        let error = SysError {
            call: "mount(x)".into(),
            errno: Errno::EIO,
        };
        let StartFailure::Sandbox { reason, remedy, .. } = explain(&SandboxStep::Isolate, &error)
        else {
            panic!("a sandbox failure")
        };
        assert_eq!((reason.as_str(), remedy), ("mount(x): I/O error", None));
    }
}
