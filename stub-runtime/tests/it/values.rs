//! Arguments and values of calls.

use std::collections::BTreeMap;

use crate::harness::{call, register};

register!(ADD, |(a, b): (i64, i64)| Ok(a + b));
register!(ECHO, |(value,): (BTreeMap<String, Option<Vec<u8>>>,)| Ok(
    value
));
register!(LENGTH, |(text,): (String,)| Ok(text.len() as u64));
register!(REPEAT, |(count,): (usize,)| Ok("x".repeat(count)));
register!(NOTHING, |(): ()| Ok(()));

#[test]
fn arguments_and_values_cross() {
    assert_eq!(call::<i64>(&ADD, (2, 3)).unwrap(), 5);
    call::<()>(&NOTHING, ()).unwrap();
    let map = BTreeMap::from([
        ("none".to_owned(), None),
        ("bytes".to_owned(), Some(vec![0, 255])),
    ]);
    assert_eq!(
        call::<BTreeMap<String, Option<Vec<u8>>>>(&ECHO, (&map,)).unwrap(),
        map
    );
}

#[test]
fn values_far_beyond_any_buffer_cross_both_ways() {
    const SIZE: usize = 256 << 20;
    assert_eq!(
        call::<u64>(&LENGTH, ("y".repeat(SIZE),)).unwrap(),
        SIZE as u64
    );
    assert_eq!(call::<String>(&REPEAT, (SIZE,)).unwrap().len(), SIZE);
}

#[test]
#[ignore = "takes gigabytes of memory"]
fn a_gigabyte_crosses_both_ways() {
    const SIZE: usize = 1 << 30;
    assert_eq!(
        call::<u64>(&LENGTH, ("y".repeat(SIZE),)).unwrap(),
        SIZE as u64
    );
    assert_eq!(call::<String>(&REPEAT, (SIZE,)).unwrap().len(), SIZE);
}
