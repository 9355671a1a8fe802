//! Output of a job, where the caller passes it on instead of the job itself.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use crate::observe::output::{OutputStream, Sink};
use crate::sys::{self, SysError};

/// Maximum number of bytes read at once.
const CHUNK: usize = 64 << 10;

/// Maximum size, in bytes, of a piece of a line; longer lines are passed on in pieces.
const LONGEST_LINE: usize = 1 << 20;

/// The pipes of a job's two streams.
#[derive(Debug)]
pub(super) struct Output {
    pipes: Vec<Pipe>,
    sink: Arc<dyn Sink>,
    /// Index of the input that is being run.
    pub(super) of: Option<u64>,
    buffer: Box<[u8]>,
}

#[derive(Debug)]
struct Pipe {
    stream: OutputStream,
    reading: OwnedFd,
    /// Incomplete line.
    begun: Vec<u8>,
}

/// The job's ends: standard output and standard error.
pub(super) type JobsEnds = [OwnedFd; 2];

impl Output {
    pub(super) fn new(sink: Arc<dyn Sink>) -> Result<(Self, JobsEnds), SysError> {
        let (out, jobs_out) = sys::pipe()?;
        let (err, jobs_err) = sys::pipe()?;
        let pipe = |(stream, reading)| Pipe {
            stream,
            reading,
            begun: Vec::new(),
        };
        let pipes = [(OutputStream::Out, out), (OutputStream::Err, err)];
        let output = Self {
            pipes: pipes.map(pipe).into(),
            sink,
            of: None,
            buffer: vec![0; CHUNK].into(),
        };
        Ok((output, [jobs_out, jobs_err]))
    }

    /// Returns the descriptors to wait for.
    pub(super) fn pipes(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.pipes.iter().map(|pipe| pipe.reading.as_fd())
    }

    /// Passes on all output that is there, without waiting.
    pub(super) fn drain(&mut self) {
        while self.read_some() {}
    }

    /// Passes on one piece of output, without waiting. Returns whether there was any.
    pub(super) fn read_some(&mut self) -> bool {
        let Self {
            pipes,
            sink,
            of,
            buffer,
        } = self;
        let mut was_any = false;
        pipes.retain_mut(|pipe| match sys::read_now(&pipe.reading, buffer) {
            Ok(None) => true,
            // A pipe that can't be read will not get better.
            Ok(Some(0)) | Err(_) => {
                pipe.end_line(&**sink, *of);
                false
            }
            Ok(Some(count)) => {
                was_any = true;
                pipe.take(&buffer[..count], &**sink, *of);
                true
            }
        });
        was_any
    }

    /// Passes on incomplete lines, as nothing more will come.
    pub(super) fn end_lines(&mut self) {
        for pipe in &mut self.pipes {
            pipe.end_line(&*self.sink, self.of);
        }
    }
}

impl Pipe {
    fn take(&mut self, bytes: &[u8], sink: &dyn Sink, of: Option<u64>) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.begun.extend_from_slice(piece);
            if piece.ends_with(b"\n") || self.begun.len() > LONGEST_LINE {
                sink.line(self.stream, of, &self.begun);
                self.begun.clear();
            }
        }
    }

    fn end_line(&mut self, sink: &dyn Sink, of: Option<u64>) {
        if !self.begun.is_empty() {
            self.begun.push(b'\n');
            sink.line(self.stream, of, &self.begun);
            self.begun.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::fs::File;
    use std::io::Write;
    use std::sync::Mutex;

    use super::*;

    #[derive(Debug, Default)]
    struct Lines(Mutex<Vec<(OutputStream, Option<u64>, String)>>);

    impl Sink for Lines {
        fn line(&self, stream: OutputStream, of: Option<u64>, line: &[u8]) {
            let line = String::from_utf8(line.to_vec()).unwrap();
            self.0.lock().unwrap().push((stream, of, line));
        }
    }

    #[test]
    fn lines_are_passed_on_whole() {
        let lines = Arc::new(Lines::default());
        let sink: Arc<dyn Sink> = Arc::clone(&lines) as _;
        let (mut output, ends) = Output::new(sink).unwrap();
        let [mut out, mut err] = ends.map(File::from);
        output.of = Some(1);
        out.write_all(b"one\ntw").unwrap();
        output.drain();
        err.write_all(b"other\n").unwrap();
        out.write_all(b"o\nthree").unwrap();
        output.drain();
        output.end_lines();
        output.of = Some(2);
        out.write_all(b"four").unwrap();
        drop((out, err));
        output.drain();
        assert_eq!(output.pipes().count(), 0);
        let line = |stream, of, text: &str| (stream, Some(of), format!("{text}\n"));
        let expected = [
            line(OutputStream::Out, 1, "one"),
            line(OutputStream::Out, 1, "two"),
            line(OutputStream::Err, 1, "other"),
            line(OutputStream::Out, 1, "three"),
            line(OutputStream::Out, 2, "four"),
        ];
        assert_eq!(*lines.0.lock().unwrap(), expected);
    }
}
