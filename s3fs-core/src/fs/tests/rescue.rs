//! Local copies of what could not be stored.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigSet, Signal};

use crate::config::MountConfig;
use crate::fs::FsError;
use crate::fs::tests::kernel::{Kernel, WRITE};
use crate::fs::tests::{bucket, mount_configured};
use crate::object::BucketName;
use crate::store::disturbed::Operation;
use crate::store::faulty::{Fault, Faults};
use crate::store::memory::MemoryStore;
use crate::write::WriteError;

/// Mounts a bucket that is known to take files, with a folder for local copies.
async fn mounted(store: MemoryStore, unsaved: &Path) -> (Kernel, Arc<Faults>) {
    let (store, faults) = Faults::over(store);
    let config = MountConfig {
        waits_on_close: false,
        rescue: Some(unsaved.to_owned()),
        ..MountConfig::new(BucketName::new("memory").unwrap())
    };
    let kernel = mount_configured(store, &config, 64 << 20).await;
    kernel.save("first", b"is stored").await.unwrap();
    kernel.settle().await.unwrap();
    (kernel, faults)
}

/// Refuses the next attempts to store a file.
fn refuse(faults: &Faults) {
    for _ in 0..4 {
        faults.next(Operation::Put, Fault::Refused);
    }
}

#[test]
fn a_copy_that_fails_leaves_the_one_before() {
    let name = "fs::tests::rescue::on_a_full_disk";
    let apart = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--ignored", "--nocapture"])
        .output()
        .unwrap();
    assert!(apart.status.success(), "{apart:?}");
    let said = String::from_utf8_lossy(&apart.stdout);
    assert!(said.contains("1 passed"), "{said}");
}

#[tokio::test]
#[ignore = "limits the size of files of its process"]
async fn on_a_full_disk() {
    // Else the process is killed where a file would be too large.
    SigSet::from(Signal::SIGXFSZ).thread_block().unwrap();
    let (_, most) = getrlimit(Resource::RLIMIT_FSIZE).unwrap();
    let unsaved = tempfile::tempdir().unwrap();
    let (kernel, faults) = mounted(bucket(), unsaved.path()).await;
    refuse(&faults);
    let writer = kernel.create("f", false).await.unwrap();
    kernel.write(writer, 0, b"one").await.unwrap();
    let first = kernel.fs.finish().await.remove(0);
    let copy = first.kept_in.clone().unwrap();
    kernel.write(writer, 3, b" two").await.unwrap();
    setrlimit(Resource::RLIMIT_FSIZE, 5, most).unwrap();
    let second = kernel.fs.finish().await.remove(0);
    assert_eq!(second.kept_in.as_ref(), Some(&copy));
    let said = second.to_string();
    assert!(said.contains("changes after the copy"), "{said}");
    assert_eq!(fs::read(&copy).unwrap(), b"one");
    let folders = || fs::read_dir(unsaved.path()).unwrap().count();
    assert_eq!(folders(), 1, "no copy that lacks bytes");
    setrlimit(Resource::RLIMIT_FSIZE, most, most).unwrap();
    kernel.fs.close().await;
    let third = kernel.fs.finish().await.remove(0);
    assert_eq!(fs::read(third.kept_in.unwrap()).unwrap(), b"one two");
    assert_eq!((copy.exists(), folders()), (false, 1));
}

#[tokio::test]
async fn a_copy_without_mapped_pages_leaves_the_whole_one_before() {
    let unsaved = tempfile::tempdir().unwrap();
    let (kernel, faults) = mounted(bucket(), unsaved.path()).await;
    refuse(&faults);
    let writer = kernel.create("f", false).await.unwrap();
    kernel.write(writer, 0, b"one two").await.unwrap();
    let first = kernel.fs.finish().await.remove(0);
    let whole = first.kept_in.unwrap();
    let ino = kernel.walk("f").await.unwrap().ino;
    let no_space = FsError::Write(WriteError::NoSpace);
    kernel.fs.missed(ino, 4..7, &no_space).await;
    let second = kernel.fs.finish().await.remove(0);
    let latest = second.kept_in.clone().unwrap();
    assert_ne!(latest, whole);
    assert!(latest.exists());
    assert_eq!(fs::read(&whole).unwrap(), b"one two");
    let said = second.to_string();
    assert!(said.contains(whole.to_str().unwrap()), "{said}");
    kernel.write(writer, 4, b"six").await.unwrap();
    let third = kernel.fs.finish().await.remove(0);
    assert_eq!(fs::read(third.kept_in.unwrap()).unwrap(), b"one six");
    assert_eq!((whole.exists(), latest.exists()), (false, false));
}

#[tokio::test]
async fn two_files_of_one_key_are_both_kept() {
    let (unsaved, memory) = (tempfile::tempdir().unwrap(), bucket());
    let (kernel, faults) = mounted(memory.clone(), unsaved.path()).await;
    let writer = kernel.create("f", false).await.unwrap();
    kernel.write(writer, 0, b"ours").await.unwrap();
    kernel.fs.fsync(writer).await.unwrap();
    kernel.flush(writer).await.unwrap();
    memory.insert("f", "of others");
    kernel.expire();
    // The first open finds that there is another version.
    let _ = kernel.load("f").await;
    kernel.expire();
    assert_eq!(kernel.load("f").await.unwrap(), "of others");
    kernel.write(writer, 0, b"mine").await.unwrap();
    let other = kernel.open("f", WRITE).await.unwrap();
    kernel.write(other, 0, b"ON").await.unwrap();
    refuse(&faults);
    kernel.fs.close().await;
    let lost = kernel.fs.finish().await;
    let kept = lost.iter().map(|lost| lost.kept_in.as_ref().unwrap());
    let mut kept: Vec<_> = kept.map(|path| fs::read(path).unwrap()).collect();
    kept.sort();
    assert_eq!(kept, [&b"ON others"[..], b"mine"], "{lost:?}");
}

#[tokio::test]
async fn a_name_that_no_local_disk_can_have_is_kept_under_another() {
    let (unsaved, memory) = (tempfile::tempdir().unwrap(), bucket());
    let keys = ["1", "2"].map(|end| format!("{}/{}{end}", "d".repeat(300), "ä".repeat(150)));
    for key in &keys {
        memory.insert(key, "old");
    }
    let (kernel, faults) = mounted(memory, unsaved.path()).await;
    refuse(&faults);
    for key in &keys {
        let writer = kernel.open(key, WRITE).await.unwrap();
        kernel.write(writer, 0, key.as_bytes()).await.unwrap();
    }
    kernel.fs.close().await;
    let lost = kernel.fs.finish().await;
    assert_eq!(lost.len(), 2, "{lost:?}");
    for (lost, key) in lost.iter().zip(&keys) {
        let (path, said) = (lost.kept_in.as_ref().unwrap(), lost.to_string());
        assert_eq!(fs::read(path).unwrap(), key.as_bytes());
        assert!(
            said.contains(key) && said.contains(path.to_str().unwrap()),
            "{said}"
        );
    }
}
