//! Process without free descriptors.

use std::fs::{self, File};
use std::process::Command;

use nix::sys::resource::{Resource, setrlimit};

use crate::config::MountConfig;
use crate::fs::tests::{bucket, mount_configured};
use crate::object::BucketName;
use crate::store::disturbed::Operation;
use crate::store::faulty::{Fault, Faults};

#[test]
fn what_can_not_be_stored_is_kept_though_no_descriptor_is_left() {
    let name = "fs::tests::descriptors::without_a_descriptor";
    let apart = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--ignored", "--nocapture"])
        .output()
        .unwrap();
    assert!(apart.status.success(), "{apart:?}");
    let said = String::from_utf8_lossy(&apart.stdout);
    assert!(said.contains("1 passed"), "{said}");
}

#[tokio::test]
#[ignore = "uses up the descriptors of its process"]
async fn without_a_descriptor() {
    let unsaved = tempfile::tempdir().unwrap();
    let (store, faults) = Faults::over(bucket());
    let config = MountConfig {
        rescue: Some(unsaved.path().to_owned()),
        ..MountConfig::new(BucketName::new("memory").unwrap())
    };
    let kernel = mount_configured(store, &config, 64 << 20).await;
    kernel.save("first", b"x").await.unwrap();
    assert_eq!(kernel.fs.finish().await, []);
    setrlimit(Resource::RLIMIT_NOFILE, 64, 64).unwrap();
    let mut all = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        all.push(file);
    }
    for _ in 0..20 {
        faults.next(Operation::Put, Fault::Refused);
    }
    kernel.save("i", b"precious").await.unwrap();
    kernel.save("j", b"too").await.unwrap();
    let lost = kernel.fs.finish().await;
    drop(all);
    let kept = lost
        .iter()
        .map(|lost| fs::read(lost.kept_in.as_ref().unwrap()));
    let kept: Vec<_> = kept.map(Result::unwrap).collect();
    assert_eq!(kept, [&b"precious"[..], b"too"]);
}
