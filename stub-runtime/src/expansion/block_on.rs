//! Async bodies.

/// Runs an async body to its end, on a runtime of its own; tasks it leaves behind are dropped.
///
/// # Panics
/// The runtime can't be made, as the machine is out of threads or descriptors. In a worker, as
/// every panic, that is the call's error.
pub fn block_on<F: Future>(body: F) -> F::Output {
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => panic!("can't start the async runtime of the function: {error}"),
    };
    let output = runtime.block_on(body);
    runtime.shutdown_background();
    output
}
