//! Times of the start, readiness and end of sandboxes.

use serde::{Deserialize, Serialize};

/// Maximum number of sandboxes recorded one by one: a page draws a lane for each.
const MOST: usize = 2000;

/// Index of a sandbox in its call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct SandboxId(u64);

/// First sandboxes of a call; others are only counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sandboxes {
    total: u64,
    kept: Vec<Life>,
}

/// Times of a sandbox's start, readiness and end, in seconds since the beginning of the call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Life {
    began: f64,
    ready: Option<f64>,
    ended: Option<f64>,
}

impl Sandboxes {
    /// Adds a sandbox that starts.
    pub(crate) fn began(&mut self, at: f64) -> SandboxId {
        let id = SandboxId(self.total);
        self.total += 1;
        if self.kept.len() < MOST {
            self.kept.push(Life {
                began: at,
                ready: None,
                ended: None,
            });
        }
        id
    }

    /// Records that a sandbox is ready for work.
    pub(crate) fn ready(&mut self, id: SandboxId, at: f64) {
        if let Some(life) = self.life(id) {
            life.ready = Some(at);
        }
    }

    /// Records the end of a sandbox.
    pub(crate) fn ended(&mut self, id: SandboxId, at: f64) {
        if let Some(life) = self.life(id) {
            life.ended = Some(at);
        }
    }

    fn life(&mut self, id: SandboxId) -> Option<&mut Life> {
        self.kept.get_mut(usize::try_from(id.0).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_times() {
        let mut sandboxes = Sandboxes::default();
        let first = sandboxes.began(0.5);
        let second = sandboxes.began(1.0);
        sandboxes.ready(second, 2.0);
        sandboxes.ended(first, 3.0);
        let expected = [
            Life {
                began: 0.5,
                ready: None,
                ended: Some(3.0),
            },
            Life {
                began: 1.0,
                ready: Some(2.0),
                ended: None,
            },
        ];
        assert_eq!(sandboxes.kept, expected);
    }

    #[test]
    fn more_than_a_page_can_draw_are_counted() {
        let mut sandboxes = Sandboxes::default();
        let ids: Vec<_> = (0..2001).map(|_| sandboxes.began(0.0)).collect();
        for id in ids {
            sandboxes.ended(id, 1.0);
        }
        assert_eq!((sandboxes.total, sandboxes.kept.len()), (2001, MOST));
        assert!(sandboxes.kept.iter().all(|life| life.ended.is_some()));
    }
}
