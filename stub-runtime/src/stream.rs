//! The values of an async function that is mapped over inputs.

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread;

use tokio::sync::mpsc;

use crate::attempt::Attempt;
use crate::caller::{Ender, Mapped};
use crate::error::{Error, Result};
use crate::expansion::Codec;
use crate::function::Function;
use crate::map::Payloads;
use crate::payload::Payload;

/// So many values may have been taken from the map before they are asked for.
const HELD: usize = 16;

/// The values of an async function that is being mapped over inputs, in the order of the inputs: a
/// [`Map`](crate::Map) that blocks no thread of an async runtime.
///
/// Made by `f::map` and `f::starmap` of an `async fn`. It implements the `Stream` of the crate `futures`.
/// Dropping it kills what is being run.
#[must_use = "its errors are told with its values"]
pub struct Stream<V> {
    values: mpsc::Receiver<(u64, Result<Payload>)>,
    value: Codec<V>,
    attempt: Attempt,
    ender: Option<Ender>,
}

impl<V: 'static> Stream<V> {
    pub(crate) fn new(
        function: &'static Function,
        inputs: impl Iterator<Item = io::Result<Payload>> + Send + 'static,
        value: Codec<V>,
    ) -> Self {
        let attempt = Attempt::first(function.path());
        let (sender, values) = mpsc::channel(HELD);
        let mapped = Mapped::new(function);
        let ender = mapped.as_ref().ok().map(Mapped::ender);
        let refused = sender.clone();
        let thread = thread::Builder::new().name("stub-map".to_owned());
        let of = attempt.clone();
        let started = thread.spawn(move || {
            let fed = catch_unwind(AssertUnwindSafe(|| {
                let mut payloads = Payloads::new(mapped, inputs, true);
                while let Some(next) = payloads.next() {
                    if sender.blocking_send(next).is_err() {
                        return;
                    }
                }
            }));
            if fed.is_err() {
                let reason = "is no longer watched: its inputs panicked".to_owned();
                let error = Error::Lost {
                    attempt: of,
                    reason,
                };
                // Nobody listens to a stream that was dropped.
                let _ = sender.blocking_send((0, Err(error)));
            }
        });
        if let Err(source) = started {
            let error = Error::Start {
                attempt: attempt.clone(),
                step: "start a thread",
                source: std::sync::Arc::new(source),
            };
            // The channel is empty.
            let _ = refused.try_send((0, Err(error)));
        }
        Self {
            values,
            value,
            attempt,
            ender,
        }
    }
}

impl<V> Stream<V> {
    /// The next value; `None` after the last.
    pub async fn next(&mut self) -> Option<Result<V>> {
        std::future::poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<V>>> {
        self.values.poll_recv(context).map(|next| {
            next.map(|(index, payload)| {
                let decoded = |payload| self.value.decode_one(payload);
                payload.and_then(|payload| {
                    decoded(payload).map_err(|error| {
                        let mut attempt = self.attempt.clone();
                        attempt.input = Some(index);
                        let reason = format!("value: {error}");
                        Error::Codec { attempt, reason }
                    })
                })
            })
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
        self.values.close();
        if let Some(ender) = &self.ender {
            ender.abandon();
        }
    }
}

impl<V> fmt::Debug for Stream<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("function", &self.attempt.function)
            .finish_non_exhaustive()
    }
}
