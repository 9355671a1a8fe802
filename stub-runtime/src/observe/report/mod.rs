//! Records of calls over time: made in bounded memory, stored in a folder, shown on a page.

mod atomic;
mod attempts;
mod bins;
#[cfg(test)]
mod browser_tests;
mod cut;
mod history;
mod page;
mod record;
mod samples;
mod sandboxes;
mod tally;

pub(crate) use atomic::write as write_whole;
pub(crate) use history::{load, save};
pub(crate) use page::write_page;
pub(crate) use record::{Record, Tried};
pub(crate) use sandboxes::SandboxId;
