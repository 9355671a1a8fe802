//! A filter of system calls: no program puts words into a terminal as if its user had typed them.

use super::error::{Errno, Result, SysError};

/// `ioctl` by architecture (as the kernel names it to filters) and number: for this architecture,
/// and for those whose programs the same kernel runs.
#[cfg(target_arch = "x86_64")]
const IOCTLS: &[(u32, u32)] = &[
    (X86_64, 16),
    // The same of x32, by its own number and by the common one.
    (X86_64, 0x4000_0202),
    (X86_64, 0x4000_0010),
    (0x4000_0003, 54),
];
#[cfg(target_arch = "x86_64")]
const X86_64: u32 = 0xC000_003E;
#[cfg(target_arch = "aarch64")]
const IOCTLS: &[(u32, u32)] = &[(0xC000_00B7, 29), (0x4000_0028, 54)];
#[cfg(target_arch = "riscv64")]
const IOCTLS: &[(u32, u32)] = &[(0xC000_00F3, 29)];
/// Unknown architecture: nothing is filtered.
#[cfg(not(any(
    target_arch = "x86_64",
    target_arch = "aarch64",
    target_arch = "riscv64"
)))]
const IOCTLS: &[(u32, u32)] = &[];

/// Requests that simulate input: of any terminal, and of the selection of a console.
const REFUSED: [u32; 2] = [0x5412, 0x541C];

/// Offsets in `struct seccomp_data`. The kernel looks at the low half of an `ioctl`'s request only.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const REQUEST: u32 = 24;

/// Refuses, from here on and in all that this process starts, requests that simulate input of a
/// terminal: EPERM. Takes `no_new_privs`, or `CAP_SYS_ADMIN`.
pub(crate) fn refuse_simulated_input() -> Result<()> {
    let mut program = program();
    let filter = libc::sock_fprog {
        len: u16::try_from(program.len()).unwrap_or(0),
        filter: program.as_mut_ptr(),
    };
    // SAFETY: the kernel copies the program, which lives through the call and has as many
    // instructions as it says.
    let result = unsafe {
        libc::prctl(
            libc::PR_SET_SECCOMP,
            libc::SECCOMP_MODE_FILTER,
            &raw const filter,
        )
    };
    Errno::result(result)
        .map(drop)
        .map_err(SysError::new("prctl(PR_SET_SECCOMP)"))
}

fn program() -> Vec<libc::sock_filter> {
    let mut program = Vec::new();
    for (index, (architecture, number)) in IOCTLS.iter().enumerate() {
        // Four instructions for each pair that follows, and the return, stand before the check.
        let to_check = 4 * (IOCTLS.len() - index - 1) + 1;
        program.push(load(ARCHITECTURE));
        program.push(if_equal(*architecture, 0, 2));
        program.push(load(NUMBER));
        program.push(if_equal(*number, to_check, 0));
    }
    program.push(give(libc::SECCOMP_RET_ALLOW));
    program.push(load(REQUEST));
    program.push(if_equal(REFUSED[0], 2, 0));
    program.push(if_equal(REFUSED[1], 1, 0));
    program.push(give(libc::SECCOMP_RET_ALLOW));
    program.push(give(libc::SECCOMP_RET_ERRNO | libc::EPERM.cast_unsigned()));
    program
}

fn load(offset: u32) -> libc::sock_filter {
    instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, offset, 0, 0)
}

fn give(action: u32) -> libc::sock_filter {
    instruction(libc::BPF_RET | libc::BPF_K, action, 0, 0)
}

fn if_equal(value: u32, skip_then: usize, skip_else: usize) -> libc::sock_filter {
    let code = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    instruction(code, value, skip_then, skip_else)
}

fn instruction(code: u32, k: u32, jt: usize, jf: usize) -> libc::sock_filter {
    let short = |skip| u8::try_from(skip).unwrap_or(0);
    libc::sock_filter {
        code: u16::try_from(code).unwrap_or(0),
        jt: short(jt),
        jf: short(jf),
        k,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the program as the kernel does.
    fn decide(architecture: u32, number: u32, request: u64) -> u32 {
        let (program, mut at, mut value) = (program(), 0, 0);
        loop {
            let step = program[at];
            at += 1;
            match u32::from(step.code) & 7 {
                libc::BPF_LD => {
                    value = match step.k {
                        NUMBER => number,
                        ARCHITECTURE => architecture,
                        #[allow(clippy::cast_possible_truncation, reason = "the low half")]
                        REQUEST => request as u32,
                        other => panic!("offset {other}"),
                    }
                }
                libc::BPF_JMP if value == step.k => at += usize::from(step.jt),
                libc::BPF_JMP => at += usize::from(step.jf),
                libc::BPF_RET => return step.k,
                other => panic!("code {other}"),
            }
        }
    }

    #[test]
    fn only_simulated_input_is_refused_whatever_the_high_half_says() {
        for &(architecture, number) in IOCTLS {
            for request in [0x5412, 0x541C, 0xFFFF_FFFF_0000_5412] {
                let decided = decide(architecture, number, request);
                assert_eq!(
                    decided,
                    libc::SECCOMP_RET_ERRNO | 1,
                    "{architecture:x} {number}"
                );
            }
            // TCGETS, TIOCGWINSZ, TIOCSPGRP.
            for request in [0x5401, 0x5413, 0x5410] {
                let decided = decide(architecture, number, request);
                assert_eq!(decided, libc::SECCOMP_RET_ALLOW);
            }
            assert_eq!(decide(architecture, 9999, 0x5412), libc::SECCOMP_RET_ALLOW);
        }
        assert_eq!(decide(1, 16, 0x5412), libc::SECCOMP_RET_ALLOW);
    }
}
