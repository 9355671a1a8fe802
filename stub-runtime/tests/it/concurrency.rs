//! Threads, nested calls, and async.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use stub_runtime::__private::Payload;
use stub_test_support::eventually;

use crate::harness::{call, ours, register, with_text};

register!(SQUARE, |(n,): (u64,)| Ok(n * n));
register!(OUTER, |(n,): (u64,)| {
    let inner: u64 = call(&INNER, (n,)).unwrap();
    Ok(inner + 1)
});
register!(INNER, |(n,): (u64,)| Ok(n * 10));
register!(TWICE, |(n,): (u64,)| Ok(n * 2));
register!(DROPPED, |(): ()| {
    std::process::Command::new("sleep")
        .arg("86401.5")
        .status()
        .unwrap();
    Ok(())
});

#[test]
fn many_threads_call_at_once() {
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16_u64)
            .map(|n| scope.spawn(move || (n, square(n))))
            .collect();
        for thread in threads {
            let (n, squared) = thread.join().unwrap();
            assert_eq!(squared, n * n);
        }
    });
    eventually("no process is left", || {
        ours("SQUARE").is_empty().then_some(())
    });
}

fn square(n: u64) -> u64 {
    // Not `call`: the other threads' processes are alive.
    let output = stub_runtime::engines::run(&SQUARE, &Payload::encode(&(n,)).unwrap());
    output.unwrap().decode().unwrap()
}

#[test]
fn a_function_calls_another() {
    assert_eq!(call::<u64>(&OUTER, (4,)).unwrap(), 41);
}

#[test]
fn an_async_call_needs_no_particular_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let double = |n: u64| stub_runtime::engines::run_async(&TWICE, Payload::encode(&(n,)).unwrap());
    let (one, two) = runtime.block_on(async {
        let one = tokio::spawn(double(1));
        (one.await.unwrap().unwrap(), double(2).await.unwrap())
    });
    assert_eq!(
        (one.decode::<u64>().unwrap(), two.decode::<u64>().unwrap()),
        (2, 4)
    );
    let future = double(3);
    let payload = futures_util::future::FutureExt::map(future, Result::unwrap);
    let value = std::thread::spawn(move || block_on(payload))
        .join()
        .unwrap();
    assert_eq!(value.decode::<u64>().unwrap(), 6);
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        std::thread::yield_now();
    }
}

#[test]
fn a_dropped_future_takes_its_call_with_it() {
    let mut future = Box::pin(stub_runtime::engines::run_async(
        &DROPPED,
        Payload::encode(&()).unwrap(),
    ));
    let mut context = Context::from_waker(Waker::noop());
    assert!(future.as_mut().poll(&mut context).is_pending());
    eventually("the body runs", || {
        (with_text("86401.5").len() == 1).then_some(())
    });
    drop(future);
    eventually("all is gone", || {
        with_text("86401.5").is_empty().then_some(())
    });
    eventually("all is gone", || ours("DROPPED").is_empty().then_some(()));
}
