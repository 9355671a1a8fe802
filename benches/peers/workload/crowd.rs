//! Workloads of many threads.

use std::io;
use std::path::Path;
use std::thread;

use super::objects::{self, MANY, MANY_SIZE, READERS};
use super::sequential;

/// Number of threads that read each file of [`many`].
const THREADS_OF_FILE: u32 = 4;

/// Reads with one thread per file; together they read this many bytes.
pub fn readers(mount: &Path, size: u64) -> io::Result<()> {
    at_once(mount, READERS, 1, objects::share(size))
}

/// Reads with more threads than any cache has entries.
pub fn many(mount: &Path) -> io::Result<()> {
    at_once(mount, MANY, THREADS_OF_FILE, MANY_SIZE)
}

fn at_once(mount: &Path, files: u32, threads_of_file: u32, size: u64) -> io::Result<()> {
    let read = |n: u32| {
        let n = n % files;
        sequential::read(&objects::numbered(mount, n), n, size)
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..files * threads_of_file)
            .map(|n| scope.spawn(move || read(n)))
            .collect();
        for thread in threads {
            let read = thread.join();
            read.map_err(|_| io::Error::other("a reader panicked"))??;
        }
        Ok(())
    })
}
