//! The machine as this program finds it: `config` reads environment variables, `trusted` opens what
//! only this user and root can change, `unfinished` names files that are not complete yet.

pub(crate) mod config;
pub(crate) mod trusted;
pub(crate) mod unfinished;
