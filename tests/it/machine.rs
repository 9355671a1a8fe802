//! Machines that forbid a sandbox: the error names the cause and the remedy. Each is made in its own
//! mount namespace, which needs root.

use std::fs;
use std::io;

use stub::ErrorKind;
use stub_test_support::{Clean, DEVICE, USE_DEVICE, become_nobody, is_root};

use crate::act::{act_after, output, tell, told};
use crate::bucket::{self, volume};

#[stub::function(volumes = <"/stub-it/data" => volume()>)]
fn runs() -> io::Result<usize> {
    Ok(fs::read_dir("/stub-it/data")?.count())
}

/// End of the error in the output: its remedy has a line of its own.
const END: &str = "\n.\n";

/// Returns the error of the call on a machine changed by a script.
fn says(script: &str) -> String {
    let server = bucket::server();
    let (_folder, mut act) = act_after(script, "machine::says_act");
    let (good, text) = output(tell(&mut act, &server));
    assert!(good, "{text}");
    let end = text.split_once("\nsays: ");
    let said = end.and_then(|(_, end)| end.split_once(END));
    let (said, _) = said.unwrap_or_else(|| panic!("{text}"));
    format!("says: {said}")
}

#[test]
#[ignore = "run by another test"]
#[allow(clippy::print_stdout, reason = "another test reads it")]
fn says_act() {
    bucket::choose(told(true));
    match runs() {
        Ok(entries) => println!("\nsays: it works, {entries} entries{END}"),
        Err(error) => {
            assert!(matches!(error.kind, ErrorKind::Sandbox { .. }), "{error:?}");
            println!("\nsays: {error}{END}");
        }
    }
}

#[track_caller]
fn assert_says(script: &str, parts: &[&str]) {
    let text = says(script);
    for part in parts {
        assert!(text.contains(part), "no {part:?} in {text:?}");
    }
}

/// Script that hides `/dev/fuse`.
const WITHOUT_FUSE: &str = "mount -t tmpfs stub-it-devices /mnt && for name in null zero urandom; do \
    touch /mnt/$name && mount --bind /dev/$name /mnt/$name; done && mount --move /mnt /dev";

#[test]
fn a_device_that_is_missing() {
    if !is_root() {
        return;
    }
    let _clean = Clean::start();
    assert_says(
        WITHOUT_FUSE,
        &["says: `it::machine::runs` failed to open /dev/fuse: "],
    );
    let text = says(WITHOUT_FUSE);
    let (on_a_machine, in_a_container) = ("`modprobe fuse`", "`--device /dev/fuse");
    assert!(
        text.contains(on_a_machine) || text.contains(in_a_container),
        "{text}"
    );
}

#[test]
fn a_device_that_is_a_file() {
    if !is_root() {
        return;
    }
    let _clean = Clean::start();
    assert_says(
        &format!("{DEVICE} && touch /mnt/fuse && {USE_DEVICE}"),
        &[
            "open /dev/fuse: /dev/fuse is not a device",
            "mknod -m 666 /dev/fuse c 10 229",
        ],
    );
}

#[test]
fn a_device_that_is_not_permitted() {
    if !is_root() {
        return;
    }
    let _clean = Clean::start();
    let private = format!("{DEVICE} && mknod -m 600 /mnt/fuse c 10 229 && {USE_DEVICE}");
    assert_says(
        &become_nobody(&private),
        &[
            "open /dev/fuse: its mode is 0600, so this user may not open it",
            "`chmod 666 /dev/fuse` as root",
        ],
    );
    let public = format!("{DEVICE} && mknod -m 666 /mnt/fuse c 10 229 && {USE_DEVICE}");
    assert_says(&become_nobody(&public), &["says: it works, 2 entries"]);
}

#[test]
fn user_namespaces_that_are_forbidden() {
    if !is_root() {
        return;
    }
    let _clean = Clean::start();
    // The limit belongs to the user namespace in which it is written, so it takes one of our own.
    let script = format!(
        "{DEVICE} && mknod -m 666 /mnt/fuse c 10 229 && {USE_DEVICE} && \
         exec setpriv --reuid=65534 --regid=65534 --clear-groups \
         unshare --user --map-current-user --keep-caps \
         sh -ec 'echo 0 > /proc/sys/user/max_user_namespaces; \
         exec setpriv --ambient-caps=-all --inh-caps=-all --bounding-set=-all \"$@\"' sh \"$@\""
    );
    assert_says(
        &script,
        &[
            "`user.max_user_namespaces` is 0",
            "`sysctl -w user.max_user_namespaces=15000` as root",
        ],
    );
}
