//! Random operations on a file.

use proptest::prelude::*;

use super::FIRST_PART;
use crate::store::disturbed::Operation;
use crate::store::faulty::Fault;

/// Objects whose ranges are copied, with their sizes: less than a part, more than one, and more
/// than one copy.
pub(super) const SOURCES: [(&str, usize); 3] =
    [("s/small", 30), ("s/middle", 150), ("s/large", 5000)];

/// Operation on a file.
#[derive(Clone, Debug)]
pub(super) enum Op {
    Write(u64, usize),
    Append(usize),
    Resize(u64),
    Punch(u64, u64),
    CopyRange(u64, usize, u64, u64),
    CopyAll(usize),
    Read(u64, u64),
    Store,
    Touch,
    Rename(usize),
    Reopen,
    Orphan,
    Fault(Operation, Fault),
}

/// Returns a strategy for any operation.
pub(super) fn op() -> impl Strategy<Value = Op> {
    let offset = prop_oneof![0..FIRST_PART, 0..8 * FIRST_PART];
    let length = prop_oneof![1..20usize, 1..3 * FIRST_PART as usize];
    let long = 1..4 * FIRST_PART;
    prop_oneof![
        8 => (offset.clone(), length.clone()).prop_map(|(at, n)| Op::Write(at, n)),
        8 => length.prop_map(Op::Append),
        3 => offset.clone().prop_map(Op::Resize),
        3 => (offset.clone(), long.clone()).prop_map(|(at, n)| Op::Punch(at, n)),
        3 => (offset.clone(), 0..SOURCES.len(), offset.clone(), long.clone())
            .prop_map(|(at, of, from, n)| Op::CopyRange(at, of, from, n)),
        1 => (0..SOURCES.len()).prop_map(Op::CopyAll),
        8 => (offset, long).prop_map(|(at, n)| Op::Read(at, n)),
        5 => Just(Op::Store),
        1 => Just(Op::Touch),
        1 => (0..3usize).prop_map(Op::Rename),
        1 => Just(Op::Reopen),
        1 => Just(Op::Orphan),
        3 => fault(),
    ]
}

fn fault() -> impl Strategy<Value = Op> {
    use Operation::{Complete, Copy, CopyPart, CreateUpload, Get, Put, UploadPart};
    let refused = prop_oneof![
        Just(Complete),
        Just(Copy),
        Just(CopyPart),
        Just(CreateUpload),
        Just(Get),
        Just(Put),
        Just(UploadPart),
    ];
    let unanswered = prop_oneof![Just(Complete), Just(CopyPart), Just(UploadPart)];
    prop_oneof![
        3 => refused.prop_map(|operation| Op::Fault(operation, Fault::Refused)),
        2 => unanswered.prop_map(|operation| Op::Fault(operation, Fault::AnswerLost)),
        1 => (0..40usize).prop_map(|after| Op::Fault(Get, Fault::Broken(after))),
    ]
}

/// Returns bytes that tell their origin and are never zero.
pub(super) fn pattern(seed: usize, length: usize) -> Vec<u8> {
    (0..length).map(|i| (seed * 37 + i * 7) as u8 | 1).collect()
}
