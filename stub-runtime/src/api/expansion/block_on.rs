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

/// Runs a future like [`block_on`]. Tasks that the body leaves behind run until `then` is done with
/// its result.
///
/// # Panics
/// Panics like [`block_on`].
pub fn block_on_then<F: Future, R>(body: F, then: impl FnOnce(F::Output) -> R) -> R {
    let runtime = Left(Some(runtime()));
    let Left(Some(running)) = &runtime else {
        unreachable!("it is taken when it is dropped")
    };
    let output = running.block_on(body);
    // Not in `block_on`, where nothing may block.
    let _entered = running.enter();
    then(output)
}

/// Runtime whose tasks are not waited for at its end, also after a panic.
struct Left(Option<Runtime>);

impl Drop for Left {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

fn runtime() -> Runtime {
    match Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => panic!("can't start the async runtime of the function: {error}"),
    }
}
