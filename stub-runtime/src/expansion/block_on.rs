//! Async bodies.

use tokio::runtime::{Builder, Runtime};

/// Runs an async body to its end, on a runtime of its own; tasks it leaves behind are dropped.
///
/// # Panics
/// The runtime can't be made, as the machine is out of threads or descriptors. In a worker, as
/// every panic, that is the call's error.
pub fn block_on<F: Future>(body: F) -> F::Output {
    block_on_then(body, |output| output)
}

/// The same; what the body leaves behind goes on until `then` is done with what it returned.
///
/// # Panics
/// As [`block_on`].
pub fn block_on_then<F: Future, R>(body: F, then: impl FnOnce(F::Output) -> R) -> R {
    let runtime = runtime();
    let output = runtime.block_on(body);
    let result = {
        // Not in `block_on`, where nothing may block.
        let _entered = runtime.enter();
        then(output)
    };
    runtime.shutdown_background();
    result
}

fn runtime() -> Runtime {
    match Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => panic!("can't start the async runtime of the function: {error}"),
    }
}
