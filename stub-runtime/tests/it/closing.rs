//! Detection of the last `close` of a file in a sandbox, if `close` waits for the bucket.

use std::fs::File;
use std::os::fd::IntoRawFd;
use std::path::Path;

use s3_local::{Operation, Policy, S3Local, Server};
use s3fs_core::Credentials;
use stub_runtime::call::{Ended, Volume};

use crate::harness::folder;
use crate::volumes::{printed, server, shell, volume};

/// Returns a volume in which every `close` waits.
fn waiting(server: &Server, path: &Path) -> Volume {
    let mut volume = volume(server, "data", path);
    volume.mount.waits_on_close = true;
    volume
}

/// Number of objects that were stored under a key, one after the other.
fn times_stored(server: &Server, key: &str) -> usize {
    let requests = server.log().requests();
    let stored = requests.iter().filter(|request| {
        let stores = [Operation::PutObject, Operation::CompleteMultipartUpload];
        stores.contains(&request.operation) && request.key.as_deref() == Some(key)
    });
    stored.count()
}

#[test]
fn a_file_is_stored_as_a_whole_where_its_descriptor_is_handed_on() {
    for script in [
        "(echo who; echo le) > old",
        "sh -c 'echo who; echo le' > old",
        "echo who | (cat; echo le) > old",
        "(echo who | cat; sh -c 'echo le' | cat) > old",
        "exec 3> old; echo who >&3; (echo le >&3) & exec 3>&-; wait",
        "exec 3> old; sh -c 'echo who; (echo le) & wait' >&3",
        "{ { echo who; echo le; } > old & } ; wait",
    ] {
        let (server, (_guard, path)) = (server(), folder());
        server.put("data", "old", "the old one");
        let script = format!("cd {}; {script}", path.display());
        printed(vec![waiting(&server, &path)], &script);
        assert_eq!(server.get("data", "old").unwrap(), "who\nle\n", "{script}");
        assert_eq!(times_stored(&server, "old"), 1, "{script}");
    }
}

/// Returns a server, and a volume whose key only allows reads.
fn readers_volume(path: &Path) -> (Server, Volume) {
    let server = S3Local::builder()
        .access_key("reader", "reads", Policy::read_only("data"))
        .start();
    server.create_bucket("data");
    let mut volume = waiting(&server, path);
    volume.mount.credentials = Credentials::Static {
        access_key_id: "reader".to_owned(),
        secret_access_key: "reads".to_owned(),
        session_token: None,
    };
    (server, volume)
}

#[test]
fn the_last_close_of_a_process_waits_whichever_thread_it_comes_from() {
    let (_guard, path) = folder();
    let (_server, volume) = readers_volume(&path);
    let script = format!(
        "ACT_FILE={}/f exec {} --ignored --exact closing::closing_act",
        path.display(),
        std::env::current_exe().unwrap().display()
    );
    let (outcome, text) = shell(vec![volume], &script).unwrap();
    assert_eq!(outcome.ended, Ended::Exited { code: 0 }, "{text}");
    assert!(text.contains("1 passed"), "{text}");
}

#[test]
#[ignore = "run by another test"]
fn closing_act() {
    let path = std::env::var("ACT_FILE").unwrap();
    for closes_elsewhere in [false, true] {
        // Opened by this thread, which stays.
        let descriptor = File::create(&path).unwrap().into_raw_fd();
        let close = move || nix::unistd::close(descriptor);
        let closed = if closes_elsewhere {
            std::thread::spawn(close).join().unwrap()
        } else {
            close()
        };
        assert_eq!(closed, Err(nix::Error::EACCES), "{closes_elsewhere}");
    }
}
