//! Random sequences of operations by this mount and by other clients, compared with a reference
//! model.

mod reference;
mod run;

use proptest::prelude::*;

use crate::config::Freshness;
use crate::fs::OpenMode;
use crate::fs::tests::FIRST_PART;
use crate::fs::tests::kernel::{TRUNCATE, WRITE};
use run::Run;

const PATHS: [&str; 10] = [
    "a", "b", "d", "e", "a/x", "d/a", "d/e", "d/e/a", "d/e/b", "e/f/g",
];

#[derive(Clone, Debug)]
enum Op {
    Lookup(usize),
    List(usize, usize),
    Create(usize, bool),
    Open(usize, OpenMode),
    Write(usize, u64, usize),
    Append(usize, usize),
    Punch(usize, u64, u64),
    Copy(usize, usize, u64, u64),
    Read(usize, u64, u64),
    Flush(usize),
    Fsync(usize),
    Release(usize),
    Truncate(usize, u64),
    Chmod(usize, u16),
    Unlink(usize),
    Mkdir(usize),
    Rmdir(usize),
    Rename(usize, usize),
    OtherPuts(usize, usize),
    OtherDeletes(usize),
    Settle,
    Expire,
    Forget,
    Remount,
}

fn op() -> impl Strategy<Value = Op> {
    let path = 0..PATHS.len();
    let handle = 0..8usize;
    let mode = prop_oneof![Just(OpenMode::Read), Just(WRITE), Just(TRUNCATE)];
    let offset = prop_oneof![0..40u64, 0..3 * FIRST_PART];
    let length = prop_oneof![1..40usize, 1..2 * FIRST_PART as usize];
    let some = prop_oneof![1..40u64, 1..2 * FIRST_PART];
    prop_oneof![
        4 => path.clone().prop_map(Op::Lookup),
        3 => (path.clone(), 1..4usize).prop_map(|(p, room)| Op::List(p, room)),
        6 => (path.clone(), any::<bool>()).prop_map(|(p, excl)| Op::Create(p, excl)),
        6 => (path.clone(), mode).prop_map(|(p, mode)| Op::Open(p, mode)),
        7 => (handle.clone(), offset.clone(), length.clone())
            .prop_map(|(h, at, n)| Op::Write(h, at, n)),
        5 => (handle.clone(), length.clone()).prop_map(|(h, n)| Op::Append(h, n)),
        2 => (handle.clone(), offset.clone(), some.clone())
            .prop_map(|(h, at, n)| Op::Punch(h, at, n)),
        2 => (handle.clone(), handle.clone(), offset.clone(), some)
            .prop_map(|(from, to, at, n)| Op::Copy(from, to, at, n)),
        6 => (handle.clone(), offset.clone(), 0..3 * FIRST_PART)
            .prop_map(|(h, at, n)| Op::Read(h, at, n)),
        2 => handle.clone().prop_map(Op::Flush),
        2 => handle.clone().prop_map(Op::Fsync),
        5 => handle.prop_map(Op::Release),
        3 => (path.clone(), offset).prop_map(|(p, size)| Op::Truncate(p, size)),
        2 => (path.clone(), 0..0o1000u16).prop_map(|(p, mode)| Op::Chmod(p, mode)),
        3 => path.clone().prop_map(Op::Unlink),
        3 => path.clone().prop_map(Op::Mkdir),
        3 => path.clone().prop_map(Op::Rmdir),
        6 => (path.clone(), path.clone()).prop_map(|(from, to)| Op::Rename(from, to)),
        2 => (path.clone(), length).prop_map(|(p, n)| Op::OtherPuts(p, n)),
        2 => path.prop_map(Op::OtherDeletes),
        2 => Just(Op::Settle),
        1 => Just(Op::Expire),
        1 => Just(Op::Forget),
        1 => Just(Op::Remount),
    ]
}

/// Returns bytes that identify their version.
fn bytes(version: usize, length: usize) -> Vec<u8> {
    (0..length).map(|i| (version * 31 + i) as u8).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_mount_behaves_like_a_simple_tree(
        ops in proptest::collection::vec(op(), 1..60),
        budget in prop_oneof![Just(64u64 << 20), Just(4 << 20), Just(0)],
        waits in any::<bool>(),
        freshness in prop_oneof![
            2 => Just(Freshness::Checked),
            1 => Just(Freshness::Indefinite),
            1 => Just(Freshness::Immutable),
        ],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut run = Run::new(budget, waits, freshness).await;
            for op in ops {
                run.step(op).await;
            }
            run.end().await;
        });
    }
}
