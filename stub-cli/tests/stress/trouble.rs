//! Server that fails in phases.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use s3_local::{Chance, Server};

use crate::plan::Plan;

/// Thread that controls the server's knobs; dropping this ends all failures.
#[derive(Debug)]
pub(crate) struct Trouble {
    over: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Trouble {
    /// Starts with the first phase.
    pub(crate) fn start(server: &Arc<Server>, plan: &Plan) -> Self {
        let (over, is_over) = mpsc::channel::<()>();
        let (server, seed, phases) = (Arc::clone(server), plan.seed, plan.phases.clone());
        let thread = thread::spawn(move || {
            let pause = |time: Duration| {
                matches!(is_over.recv_timeout(time), Err(RecvTimeoutError::Timeout))
            };
            for phase in phases {
                if !pause(phase.quiet) {
                    break;
                }
                let chance = Chance::new(phase.one_in, seed, phase.faults);
                server.knobs().set_chance(Some(chance));
                let goes_on = pause(phase.trouble);
                server.knobs().set_chance(None);
                if !goes_on {
                    break;
                }
            }
        });
        Self {
            over: Some(over),
            thread: Some(thread),
        }
    }
}

impl Drop for Trouble {
    fn drop(&mut self) {
        self.over.take();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}
