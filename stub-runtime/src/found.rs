//! A call that goes on a cluster, found again by its id.

use std::sync::Arc;

use crate::call::Call;
use crate::caller::{Next, Sink};
use crate::engines::{Ender, Mapped, found};
use crate::error::{Error, Result};
use crate::expansion::{Value, value};
use crate::logs::Kept;
use crate::payload::Payload;
use crate::payloads::Payloads;

impl<V: Value> Call<V> {
    /// Finds a call of `f::spawn` again that this or an earlier program of the user has begun on a cluster, by its
    /// [id](Self::id): also if it has ended meanwhile. Whoever has a value has had it: then the call is no more.
    ///
    /// ```no_run
    /// # fn id() -> String { todo!() }
    /// # fn main() -> stub_runtime::Result<()> {
    /// let call = stub_runtime::Call::<u64>::from_id(&id())?;
    /// println!("{}", call.get(None)?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// There is none of that id, another process attends to it, or its cluster or spool can't be reached
    /// ([`Error::Engine`]).
    pub fn from_id(id: &str) -> Result<Self> {
        take_up(id, |mut payloads| {
            let one = payloads.pop();
            let one = one.ok_or_else(|| std::io::Error::other("it is missing"))?;
            value::<V>().decode_one(one)
        })
    }
}

impl<V: Value> Call<Vec<V>> {
    /// The same of a call of `f::spawn_map`, with the values of all inputs in their order.
    ///
    /// # Errors
    /// As [`from_id`](Call::from_id); a program that ended before it had given all inputs is an error of the call.
    pub fn from_map_id(id: &str) -> Result<Self> {
        take_up(id, |payloads| {
            let values = payloads.into_iter().map(|one| value::<V>().decode_one(one));
            values.collect()
        })
    }
}

fn take_up<T>(
    id: &str,
    decode: impl Fn(Vec<Payload>) -> std::io::Result<T> + Send + Sync + 'static,
) -> Result<Call<T>> {
    let logs = Arc::new(Kept::default());
    let attached = found(id, Some(Arc::clone(&logs) as Arc<dyn Sink>))?;
    let mapped = Mapped::Remote(Box::new(attached.remote));
    let (attempt, ender): (_, Ender) = (mapped.first_attempt(), mapped.ender());
    let is_map = attached.is_map;
    Call::spawn(
        attempt,
        id,
        logs,
        move || if is_map { all(mapped) } else { one(mapped) },
        move |grace| ender.cancel(grace),
        decode,
    )
}

fn all(mapped: Mapped) -> Result<Vec<Payload>> {
    let mut payloads = Payloads::given(mapped);
    let mut values = Ok(Vec::new());
    while let Some((_, value)) = payloads.next() {
        values = values.and_then(|mut values: Vec<Payload>| {
            values.push(value?);
            Ok(values)
        });
    }
    values
}

fn one(mut mapped: Mapped) -> Result<Vec<Payload>> {
    let (mut values, attempt) = (Vec::new(), mapped.first_attempt());
    let mut ended = None;
    while let Some(next) = mapped.next(false) {
        match next {
            Next::Emitted(value) => values.push(value),
            Next::Done(done) => ended = Some(done.result),
            Next::Input(_) | Next::NoMore | Next::Ended => {}
        }
    }
    let late = mapped.finish();
    match (ended, late) {
        (Some(Ok(value)), None) => {
            values.push(value);
            Ok(values)
        }
        (Some(Err(error)), _) | (_, Some(error)) => Err(error),
        (None, None) => Err(Error::unwatched(attempt, "the thread that waited for it")),
    }
}
