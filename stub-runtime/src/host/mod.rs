//! The machine as this program finds it: `config` reads environment variables, `trusted` opens what
//! only this user and root can change.

pub(crate) mod config;
pub(crate) mod trusted;
