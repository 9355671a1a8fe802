//! Files written with direct I/O, and read through the page cache.
#![allow(unsafe_code, reason = "there is no safe way to write asynchronously")]

use std::fs::{self, File, OpenOptions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;

use crate::place::Place;

const PAGE: usize = 4096;
const PAGES: usize = 16;

/// Mode of writing a page.
#[derive(Clone, Copy, Debug)]
enum How {
    Waiting,
    Asynchronously,
}

/// Kernel context of asynchronous writes.
struct Queue(libc::c_ulong);

impl Queue {
    fn new() -> Self {
        let mut id: libc::c_ulong = 0;
        // SAFETY: the pointer is to a number that lives through the call.
        let made = unsafe { libc::syscall(libc::SYS_io_setup, 1, &raw mut id) };
        assert_eq!(made, 0, "{}", std::io::Error::last_os_error());
        Self(id)
    }

    /// Writes and waits until the kernel reports completion.
    fn write(&self, file: &File, bytes: &[u8], at: usize) {
        const PWRITE: u16 = 1;
        // SAFETY: numbers alone, for all of which zero is a value.
        let mut request: libc::iocb = unsafe { std::mem::zeroed() };
        request.aio_lio_opcode = PWRITE;
        request.aio_fildes = file.as_raw_fd().cast_unsigned();
        request.aio_buf = bytes.as_ptr() as u64;
        request.aio_nbytes = bytes.len() as u64;
        request.aio_offset = i64::try_from(at).unwrap();
        let mut requests = [&raw mut request];
        // SAFETY: the request and its bytes live until it is done, below.
        let sent = unsafe { libc::syscall(libc::SYS_io_submit, self.0, 1, requests.as_mut_ptr()) };
        assert_eq!(sent, 1, "{}", std::io::Error::last_os_error());
        let mut event = [0u64; 4];
        let (least, most, none) = (1, 1, std::ptr::null::<libc::timespec>());
        // SAFETY: the pointer is to room for one event of four numbers.
        let done = unsafe {
            let event = event.as_mut_ptr();
            libc::syscall(libc::SYS_io_getevents, self.0, least, most, event, none)
        };
        assert_eq!((done, event[2]), (1, bytes.len() as u64));
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: nothing is under way.
        unsafe { libc::syscall(libc::SYS_io_destroy, self.0) };
    }
}

#[test]
fn readers_see_what_was_written_around_the_page_cache() {
    for how in [How::Waiting, How::Asynchronously] {
        let place = Place::new();
        fs::write(place.at("file"), vec![0; PAGES * PAGE]).unwrap();
        let direct = OpenOptions::new()
            .write(true)
            .custom_flags(libc::O_DIRECT)
            .open(place.at("file"))
            .unwrap();
        let written = AtomicU8::new(0);
        thread::scope(|scope| {
            for _ in 0..3 {
                let (written, buffered) = (&written, File::open(place.at("file")).unwrap());
                scope.spawn(move || {
                    let mut page = vec![0; PAGE];
                    for read in 0.. {
                        let least = written.load(Ordering::Acquire);
                        let at = (read * 7 % PAGES * PAGE) as u64;
                        buffered.read_exact_at(&mut page, at).unwrap();
                        assert!(page[0] >= least, "{} after {least}, {how:?}", page[0]);
                        if least == u8::MAX {
                            return;
                        }
                    }
                });
            }
            // Memory that begins with a page, as devices want it.
            let memory = vec![0; 2 * PAGE];
            let skip = memory.as_ptr().align_offset(PAGE);
            let mut memory = memory;
            let queue = Queue::new();
            for round in 1..=u8::MAX {
                let page = &mut memory[skip..skip + PAGE];
                page.fill(round);
                for at in (0..PAGES).map(|n| n * PAGE) {
                    match how {
                        How::Waiting => direct.write_all_at(page, at as u64).unwrap(),
                        How::Asynchronously => queue.write(&direct, page, at),
                    }
                }
                written.store(round, Ordering::Release);
            }
        });
        drop(direct);
        let object = place.object("file").unwrap();
        assert!(object == vec![u8::MAX; PAGES * PAGE], "{how:?}");
    }
}
