//! A call that goes on a cluster, found again by its id.

use std::sync::Arc;

use super::{call::Call, payloads::Payloads};
use crate::call::Result;
use crate::cluster::{Attached, attach};
use crate::codec::{Payload, Value, value};
use crate::engines::Mapped;
use crate::observe::logs::OutputLog;
use crate::observe::output::Sink;

impl<V: Value> Call<V> {
    /// Reattaches by [id](Self::id) to a call of `f::spawn` that this or an earlier program of the
    /// user has started on a cluster, even if the call has ended. Once its value has been taken, the
    /// call no longer exists.
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
    /// Fails if there is no call of that id, another process attends to it, or its cluster or spool
    /// can't be reached ([`ErrorKind::Engine`](crate::ErrorKind::Engine)).
    pub fn from_id(id: &str) -> Result<Self> {
        take_up(id, |mut payloads| {
            let one = payloads.pop();
            let one = one.ok_or_else(|| std::io::Error::other("it is missing"))?;
            value::<V>().decode_one(one)
        })
    }
}

impl<V: Value> Call<Vec<V>> {
    /// Reattaches to a call of `f::spawn_map`, with the values of all inputs in their order.
    ///
    /// # Errors
    /// Fails like [`from_id`](Call::from_id). If its program ended before it had given all inputs,
    /// that is an error of the call.
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
    let logs = Arc::new(OutputLog::default());
    let Attached { remote, is_map, .. } = attach(id, Some(Arc::clone(&logs) as Arc<dyn Sink>))?;
    let (attempt, controls) = (remote.first_attempt(), remote.controls());
    Call::spawn(
        attempt,
        id,
        logs,
        move || {
            if is_map {
                all(Mapped::Remote(Box::new(remote)))
            } else {
                remote.into_value().map(|value| vec![value])
            }
        },
        move |grace| controls.cancel(grace),
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
