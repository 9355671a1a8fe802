//! The journal of a folder store: each change of the catalog as a line, with a checksum before it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read as _, Write as _};

use serde::{Deserialize, Serialize};

use crate::catalog::{Record, RecordLog};
use crate::content::{Content, Extent};

/// Extent as written to the journal.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct StoredExtent {
    pub(super) blob: String,
    pub(super) offset: u64,
    pub(super) len: u64,
}

pub(super) type StoredRecord = Record<Vec<StoredExtent>>;

/// The open journal; each append is one write, so a killed process leaves at most one torn line.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
}

impl Journal {
    pub(super) fn new(file: File) -> Journal {
        Journal { file }
    }
}

impl RecordLog for Journal {
    fn append(&mut self, record: &Record<Content>) -> io::Result<()> {
        self.file.write_all(&line(record)?)
    }
}

/// Writes a whole journal and syncs it to the disk.
pub(super) fn write(file: File, records: impl Iterator<Item = Record>) -> io::Result<()> {
    let mut writer = BufWriter::new(file);
    for record in records {
        writer.write_all(&line(&record)?)?;
    }
    writer
        .into_inner()
        .map_err(io::IntoInnerError::into_error)?
        .sync_all()
}

fn line(record: &Record<Content>) -> io::Result<Vec<u8>> {
    let stored: StoredRecord = record.clone().try_map(|content| stored(&content))?;
    let json = serde_json::to_vec(&stored)?;
    let mut line = format!("{:08x} ", checksum(&json)).into_bytes();
    line.extend(json);
    line.push(b'\n');
    Ok(line)
}

fn stored(content: &Content) -> io::Result<Vec<StoredExtent>> {
    let extents = content.extents.iter().map(|extent| match extent {
        Extent::File { blob, offset, len } => Ok(StoredExtent {
            blob: blob.id().to_owned(),
            offset: *offset,
            len: *len,
        }),
        Extent::Memory(_) => Err(io::Error::other("bytes in memory can't be journaled")),
    });
    extents.collect()
}

fn checksum(json: &[u8]) -> u64 {
    crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32IsoHdlc, json)
}

/// Reads a journal. A torn last line is skipped: no response has confirmed its change.
pub(super) fn read(file: &File) -> io::Result<Vec<StoredRecord>> {
    let mut reader = BufReader::new(file);
    let mut records = Vec::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(records);
        }
        match parse(&line) {
            Some(record) => records.push(record),
            None if reader.by_ref().bytes().next().is_none() => return Ok(records),
            None => {
                let message = format!("line {} is damaged", records.len() + 1);
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
        }
    }
}

fn parse(line: &[u8]) -> Option<StoredRecord> {
    let (sum, rest) = line.split_at_checked(9)?;
    let json = rest.strip_suffix(b"\n")?;
    let sum = u64::from_str_radix(std::str::from_utf8(sum).ok()?.strip_suffix(' ')?, 16).ok()?;
    (sum == checksum(json)).then(|| serde_json::from_slice(json).ok())?
}
