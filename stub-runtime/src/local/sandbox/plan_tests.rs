#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

fn site(path: &str, anchor: &str, missing: &[&str]) -> Site {
    Site {
        path: path.into(),
        anchor: anchor.into(),
        missing: missing.iter().map(OsString::from).collect(),
        found: Anchor::Folder,
    }
}

fn there(path: &str) -> Site {
    site(path, path, &[])
}

fn golden(sites: &[Site]) -> String {
    let line = |step: &PlanStep| match step {
        PlanStep::Mirror { folder, create } => format!("mirror {} + {create:?}", folder.display()),
        PlanStep::NewRoot { create } => format!("new root + {create:?}"),
        PlanStep::Mount {
            volume,
            at,
            inside: None,
        } => format!("mount {volume} {}", at.display()),
        PlanStep::Mount {
            volume,
            at,
            inside: Some(outer),
        } => {
            format!("mount {volume} {} in {outer}", at.display())
        }
    };
    plan(sites)
        .unwrap()
        .iter()
        .map(line)
        .collect::<Vec<_>>()
        .join("\n")
}

fn refusal(sites: &[Site]) -> (usize, String) {
    let PlanError { volume, reason } = plan(sites).unwrap_err();
    (volume, reason)
}

#[test]
fn a_folder_is_mounted_over_and_a_missing_one_made_in_a_copy() {
    assert_eq!(golden(&[there("/mnt")]), "mount 0 /mnt");
    assert_eq!(
        golden(&[site("/my-mount", "/", &["my-mount"])]),
        "new root + [\"my-mount\"]\nmount 0 /my-mount"
    );
    assert_eq!(
        golden(&[site("/home/u/a/b", "/home/u", &["a", "b"])]),
        "mirror /home/u + [\"a/b\"]\nmount 0 /home/u/a/b"
    );
}

#[test]
fn volumes_share_a_copy_and_outer_copies_come_first() {
    let sites = [
        site("/home/u/x", "/home/u", &["x"]),
        site("/home/u/y", "/home/u", &["y"]),
        site("/data", "/", &["data"]),
        there("/mnt"),
    ];
    assert_eq!(
        golden(&sites),
        "new root + [\"data\"]\nmirror /home/u + [\"x\", \"y\"]\n\
         mount 2 /data\nmount 3 /mnt\nmount 0 /home/u/x\nmount 1 /home/u/y"
    );
}

#[test]
fn a_volume_in_another_is_mounted_after_it_whatever_the_host_has_there() {
    let mut inner = there("/mnt/in");
    inner.found = Anchor::NoFolder("/mnt/in".into());
    assert_eq!(
        golden(&[inner, there("/mnt")]),
        "mount 1 /mnt\nmount 0 /mnt/in in 1"
    );
    assert_eq!(
        golden(&[
            site("/a/b/c", "/", &["a", "b", "c"]),
            site("/a", "/", &["a"])
        ]),
        "new root + [\"a\"]\nmount 1 /a\nmount 0 /a/b/c in 1"
    );
}

#[test]
fn links_are_followed_and_two_names_of_one_folder_noticed() {
    assert_eq!(
        golden(&[site("/link/x", "/real", &["x"])]),
        "mirror /real + [\"x\"]\nmount 0 /real/x"
    );
    let through_link = site("/link/deep/er", "/real/deep/er", &[]);
    assert_eq!(
        golden(&[there("/real"), through_link]),
        "mount 0 /real\nmount 1 /real/deep/er in 0"
    );
    let (volume, reason) = refusal(&[there("/real"), site("/link", "/real", &[])]);
    assert_eq!(volume, 1);
    assert!(
        reason.contains("same folder as the volume `/real`"),
        "{reason}"
    );
}

#[test]
fn paths_that_cannot_be_are_refused_with_the_reason() {
    let file = Site {
        found: Anchor::NoFolder("/etc/passwd".into()),
        ..there("/etc/passwd")
    };
    assert!(
        refusal(&[there("/mnt"), file])
            .1
            .contains("`/etc/passwd` is a file")
    );
    let link = Site {
        found: Anchor::DanglingLink,
        ..there("/l")
    };
    assert!(refusal(&[link]).1.contains("leads nowhere"));
    for (path, word) in [
        ("/", "at `/`"),
        ("/proc/x", "in `/proc`"),
        ("a", "absolute"),
        ("/a/../b", "`..`"),
    ] {
        assert!(refusal(&[there(path)]).1.contains(word), "{path}");
    }
}
