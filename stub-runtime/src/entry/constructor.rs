//! The hook that the C library calls before `main`.
#![allow(
    unsafe_code,
    reason = "placing a function pointer in a section is unsafe"
)]

extern "C" fn constructor() {
    super::before_main();
}

// SAFETY: the section holds pointers to C functions, which the C library calls once, in a process
// with one thread, after the environment and the standard library's arguments are set up.
#[used]
#[unsafe(link_section = ".init_array")]
static CONSTRUCTOR: extern "C" fn() = constructor;
