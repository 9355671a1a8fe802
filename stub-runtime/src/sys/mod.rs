//! System calls: one function each, with an error that names the call and its arguments.
//!
//! Nothing here decides anything. `libc`, `nix` and `unsafe` of the runtime live in this module.
#![allow(unsafe_code, reason = "this is the module that talks to the kernel")]

mod apart;
mod error;
mod fd;
mod file;
mod filter;
mod limits;
mod mount;
mod network;
mod pipe;
mod process;
mod signal;
mod socket;

pub(crate) use apart::{Scope, leave_processes, leave_session, withhold_capabilities};
pub(crate) use error::{Errno, SysError};
pub(crate) use fd::{
    above_standard_streams, has_stdin, inheritable, inherited, inode, is_pipe_or_file, open_fuse,
    replace_stdin, take_descriptor,
};
pub(crate) use file::{
    FileKind, FileStatus, NO_FOLLOW, home_of, is_private_group, link_in, open_folder, open_in,
    status, status_in,
};
pub(crate) use filter::refuse_simulated_input;
pub(crate) use limits::{limit_memory, limit_processors, processors};
pub(crate) use mount::{
    MountFlags, bind, make_read_only, make_slave, mount, pivot_root, set_read_only, unmount,
    unmount_detached,
};
pub(crate) use network::leave_network;
pub(crate) use pipe::{pipe, read_now, unread, unsent};
pub(crate) use process::{
    Clone, Ids, WorkerEnd, ask_everyone, ask_other_groups, clone_into_namespaces, effective_ids,
    exit_now, is_alone, kernel_release, kill, kill_everyone, reap, remove_variable,
    secure_execution, set_death_signal, set_name, set_no_new_privileges, set_undumpable,
    set_variable, wait_for_end, wait_for_until,
};
pub(crate) use signal::{
    ChildSignals, Disposition, SIGTERM, Woken, default_child_signal, end_by, ending_signals,
    hold_ending_signals, ignore_broken_pipes, outlive_ending_signals, outlive_interrupts,
    take_from_outside, unblock_all,
};
pub(crate) use socket::{pair, receive, send, shut_down, shut_down_writing, wait_for_one};
