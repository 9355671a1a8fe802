//! Store with delayed responses, so that operations overlap.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use tokio::sync::Semaphore;

use crate::store::disturbed::{Disturbance, Disturbed, Operation};
use crate::store::{Store, StoreErrorKind};

/// Store with [`Delays`].
pub(crate) type Slow<S> = Disturbed<S, Delays>;

/// Delays that let other tasks run before and after each request. The number of turns is drawn from
/// a seed: on a single-threaded runtime, a seed determines the interleaving. One operation can be
/// held altogether.
#[derive(Debug)]
pub(crate) struct Delays {
    random: AtomicU64,
    gates: std::sync::Mutex<Vec<(Operation, Point, Arc<Semaphore>)>>,
}

/// Point at which a request is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Point {
    /// Before the store receives the request.
    Before,
    /// After the store has carried it out, before the response.
    After,
}

/// Gate that requests wait at until it is opened.
#[derive(Debug)]
pub(crate) struct Gate(Arc<Semaphore>);

impl Gate {
    /// Lets all requests pass, now and later.
    pub(crate) fn open(&self) {
        self.0.add_permits(1 << 20);
    }
}

impl Delays {
    /// Wraps a store with delays drawn from a seed; 0 means no delays.
    pub(crate) fn over<S: Store>(store: S, seed: u64) -> (Arc<Slow<S>>, Arc<Self>) {
        let disturbance = Arc::new(Self {
            random: AtomicU64::new(seed),
            gates: std::sync::Mutex::default(),
        });
        let delays = Arc::clone(&disturbance);
        (Arc::new(Disturbed { store, disturbance }), delays)
    }

    /// Holds all requests of an operation until the gate is opened.
    pub(crate) fn hold(&self, operation: Operation, point: Point) -> Gate {
        let gate = Arc::new(Semaphore::new(0));
        let mut gates = self.gates.lock().unwrap();
        gates.retain(|(o, p, _)| (*o, *p) != (operation, point));
        gates.push((operation, point, Arc::clone(&gate)));
        Gate(gate)
    }

    async fn wait(&self, operation: Operation, point: Point) {
        let gate = self.gates.lock().unwrap().iter().find_map(|(o, p, gate)| {
            let is_it = (*o, *p) == (operation, point);
            is_it.then(|| Arc::clone(gate))
        });
        if let Some(gate) = gate {
            drop(gate.acquire().await);
        }
        for _ in 0..self.draw() % 8 {
            tokio::task::yield_now().await;
        }
    }

    /// Draws a number with Knuth's generator, which is good enough to interleave tasks.
    fn draw(&self) -> u64 {
        let step = |state: u64| {
            (state != 0).then(|| {
                state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407)
            })
        };
        let last = self
            .random
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, step);
        last.map_or(0, |state| state >> 33)
    }
}

#[async_trait]
impl Disturbance for Delays {
    async fn before(&self, operation: Operation) -> Result<(), StoreErrorKind> {
        self.wait(operation, Point::Before).await;
        Ok(())
    }

    async fn after(&self, operation: Operation) -> Result<(), StoreErrorKind> {
        self.wait(operation, Point::After).await;
        Ok(())
    }
}
