//! Values that come one by one, for async callers.

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread;

use tokio::sync::{mpsc, oneshot};

use super::payloads::Payloads;
use crate::call::{Attempt, Error, ErrorKind, GRACE, Result};
use crate::codec::{Codec, Payload};
use crate::declare::Function;
use crate::engines::{Emitted, Mapped};

/// Maximum number of values taken before they are asked for.
const HELD: usize = 16;

/// Values that come one by one, without blocking a thread of an async runtime. Implements the
/// `Stream` of the crate `futures`.
///
/// - `f::map` and `f::starmap` of an `async fn` return the values of all inputs, in their order: a
///   [`Map`](crate::Map). Dropping it kills what is being run.
/// - Calling a function that returns `impl Stream`, or an `async fn` that returns `impl Iterator`,
///   returns the values as they come: [`Values`](crate::Values). An error is the last item.
///   Dropping it ends the body. Files that the body had written are then stored in the background,
///   as long as the program runs: [`close`](Stream::close) waits for that.
#[must_use = "its errors are told with its values"]
pub struct Stream<V> {
    values: mpsc::Receiver<Item>,
    value: Codec<V>,
    attempt: Attempt,
    end: Option<EndSender>,
    /// Result of the thread that sends the values; its sender is dropped with the thread.
    ended: oneshot::Receiver<Result<()>>,
}

/// Value, with the index of its input, if there are several.
type Item = (Option<u64>, Result<Payload>);

/// Function that ends the sender of the values, from another thread.
type EndSender = Box<dyn Fn() + Send + Sync>;

impl<V: 'static> Stream<V> {
    /// Creates the stream of a function that is mapped over inputs.
    pub(crate) fn mapped(
        function: &'static Function,
        inputs: impl Iterator<Item = io::Result<Payload>> + Send + 'static,
        value: Codec<V>,
    ) -> Self {
        let mapped = Mapped::new(function);
        let ender = mapped.as_ref().ok().map(Mapped::ender);
        let end = ender.map(|ender| Box::new(move || ender.abandon()) as EndSender);
        Self::new(function, value, end, |give| {
            let mut payloads = Payloads::beside(mapped, inputs, true);
            while let Some((index, payload)) = payloads.next() {
                if !give((Some(index), payload)) {
                    break;
                }
            }
            Ok(())
        })
    }

    /// Creates the stream of one call.
    pub(crate) fn emitted(
        function: &'static Function,
        emitted: Result<Emitted>,
        value: Codec<V>,
    ) -> Self {
        let canceller = emitted.as_ref().ok().map(Emitted::canceller);
        let end = canceller.map(|canceller| Box::new(move || canceller.cancel(GRACE)) as EndSender);
        Self::new(function, value, end, |give| {
            let mut emitted = match emitted {
                Ok(emitted) => emitted,
                Err(error) => {
                    give((None, Err(error)));
                    return Ok(());
                }
            };
            while let Some(next) = emitted.next() {
                let error = next.as_ref().err().cloned();
                if !give((None, next)) {
                    return match error {
                        None
                        | Some(Error {
                            kind: ErrorKind::Cancelled,
                            ..
                        }) => emitted.close(),
                        // Nobody else will hear of it.
                        Some(error) => Err(error),
                    };
                }
            }
            Ok(())
        })
    }

    /// Creates a stream. `feed` sends items, on a thread of its own, until one is not wanted.
    fn new(
        function: &'static Function,
        value: Codec<V>,
        end: Option<EndSender>,
        feed: impl FnOnce(&mut dyn FnMut(Item) -> bool) -> Result<()> + Send + 'static,
    ) -> Self {
        let attempt = Attempt::first(function.path());
        let (sender, values) = mpsc::channel(HELD);
        let (at_end, ended) = oneshot::channel();
        let refused = sender.clone();
        let of = attempt.clone();
        let thread = thread::Builder::new().name("stub-stream".to_owned());
        let started = thread.spawn(move || {
            let mut give = |item| sender.blocking_send(item).is_ok();
            let result = catch_unwind(AssertUnwindSafe(|| feed(&mut give)));
            let result = result.unwrap_or_else(|_| {
                let error = Error::unwatched(of, "the thread that waited for it");
                // Nobody listens to a stream that was dropped.
                give((None, Err(error.clone())));
                Err(error)
            });
            // As a rule, nobody waits.
            let _ = at_end.send(result);
        });
        if let Err(source) = started {
            let error = Error::start(attempt.clone(), "start a thread", source);
            // The channel is empty.
            let _ = refused.try_send((None, Err(error)));
        }
        Self {
            values,
            value,
            attempt,
            end,
            ended,
        }
    }
}

impl<V> Stream<V> {
    /// Ends the work, as dropping the stream does, and waits until its sandboxes have ended and its
    /// files are stored. For a mapped function, it also waits for an input, if the iterator has
    /// begun to take one.
    ///
    /// # Errors
    /// The error that occurred after the last value taken, such as [`ErrorKind::NotStored`].
    pub async fn close(mut self) -> Result<()> {
        self.end();
        // A thread that was never started has told why with the values.
        (&mut self.ended).await.unwrap_or(Ok(()))
    }

    fn end(&mut self) {
        self.values.close();
        if let Some(end) = &self.end {
            end();
        }
    }

    /// Returns the next value; `None` after the last.
    pub async fn next(&mut self) -> Option<Result<V>> {
        std::future::poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<V>>> {
        let next = self.values.poll_recv(context);
        next.map(|next| next.map(|(input, payload)| self.decode(input, payload?)))
    }

    fn decode(&self, input: Option<u64>, payload: Payload) -> Result<V> {
        self.value.decode_one(payload).map_err(|error| {
            let mut attempt = self.attempt.clone();
            attempt.input = input;
            Error::value(attempt, &error)
        })
    }
}

impl<V> futures_util::Stream for Stream<V> {
    type Item = Result<V>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll(context)
    }
}

impl<V> Drop for Stream<V> {
    fn drop(&mut self) {
        self.end();
    }
}

impl<V> fmt::Debug for Stream<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("function", &self.attempt.function)
            .finish_non_exhaustive()
    }
}
