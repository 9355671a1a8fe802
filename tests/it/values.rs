//! Arguments and values of calls.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;
use std::{fs, io};

use serde::{Deserialize, Serialize};
use stub_test_support::Clean;

use crate::bucket::{self, BUCKET, volume};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Empty,
    Named { path: PathBuf, size: Option<u64> },
}

#[stub::function]
fn everything(
    shapes: Vec<Shape>,
    (a, b): (u8, String),
    limit: Duration,
) -> BTreeMap<String, Vec<Shape>> {
    BTreeMap::from([(format!("{a} {b} {limit:?}"), shapes)])
}

#[stub::function]
fn continued(mut text: String) -> String {
    text.push_str(" and on");
    text
}

#[stub::function(volumes = <"/stub-it/data" => volume()>)]
async fn read_asynchronously(name: String) -> io::Result<String> {
    std::future::ready(()).await;
    fs::read_to_string(format!("/stub-it/data/{name}"))
}

#[stub::function(volumes = <"/stub-it/data" => volume()>)]
fn sees_the_volume() -> bool {
    fs::exists("/stub-it/data").unwrap()
}

fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}

#[test]
fn any_types_of_serde_cross() {
    let _clean = Clean::start();
    let shapes = vec![
        Shape::Empty,
        Shape::Named {
            path: "/a b/ü".into(),
            size: Some(u64::MAX),
        },
    ];
    let found = everything(
        shapes.clone(),
        (7, "x".to_owned()),
        Duration::from_millis(1500),
    );
    assert_eq!(
        found.unwrap(),
        BTreeMap::from([("7 x 1.5s".to_owned(), shapes)])
    );
}

#[test]
fn a_quarter_of_a_gigabyte_crosses_both_ways() {
    let _clean = Clean::start();
    let text = "0123456789abcdef".repeat(16 << 20);
    let back = continued(text.clone()).unwrap();
    assert!(back.strip_prefix(&text) == Some(" and on"), "other bytes");
}

#[test]
fn an_async_function_is_awaited_and_has_its_volume() {
    let _clean = Clean::start();
    let server = bucket::server();
    bucket::choose(bucket::of(&server, BUCKET));
    let (one, two) = block_on(async {
        let one = read_asynchronously("hello.txt".to_owned());
        let two = read_asynchronously::remote("in/deep.txt".to_owned());
        (one.await, two.await)
    });
    assert_eq!(
        (one.unwrap(), two.unwrap()),
        ("hello\n".to_owned(), "deep\n".to_owned())
    );
    let error = block_on(read_asynchronously("absent".to_owned())).unwrap_err();
    assert_eq!(error.to_string(), "No such file or directory (os error 2)");
}

#[test]
fn the_body_runs_here_without_its_volume_only_when_asked_to() {
    let _clean = Clean::start();
    let server = bucket::server();
    bucket::choose(bucket::of(&server, BUCKET));
    assert!(sees_the_volume().unwrap());
    assert!(sees_the_volume::remote().unwrap());
    assert!(!sees_the_volume::local());
}
