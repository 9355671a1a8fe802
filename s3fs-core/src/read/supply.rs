//! Memory for the files of a mount that are open for reading, and the limits of their read-ahead.

use std::sync::Arc;

use crate::budget::Budget;
use crate::read::block::BlockPool;
use crate::read::demand::StreamCounter;
use crate::read::limits::Room;
use crate::read::pacing::Pacing;

/// Memory that the mounts of a process share for reading. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ReadMemory {
    budget: Budget,
    blocks: BlockPool,
    streams: StreamCounter,
    room: Room,
}

/// Memory and read-ahead limits of a mount. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Supply {
    /// Budget that bounds the memory.
    pub budget: Budget,
    /// Pool of buffers.
    pub blocks: BlockPool,
    /// Limits of read-ahead.
    pub pacing: Arc<Pacing>,
}

impl ReadMemory {
    /// Creates the memory of a process that receives at most `bodies` bodies at once.
    pub fn new(budget: Budget, bodies: usize) -> Self {
        let room = Room {
            memory: budget.total(),
            bodies: bodies as u64,
        };
        Self {
            blocks: BlockPool::default(),
            streams: StreamCounter::default(),
            budget,
            room,
        }
    }

    /// Returns the supply of a mount, whose link is measured on its own.
    pub fn supply(&self) -> Supply {
        Supply {
            budget: self.budget.clone(),
            blocks: self.blocks.clone(),
            pacing: Arc::new(Pacing::new(self.room, self.streams.clone())),
        }
    }
}
