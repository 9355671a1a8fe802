//! Arguments and results on their way between processes.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Seek, Write};
use std::os::fd::OwnedFd;

use nix::sys::memfd::{MFdFlags, memfd_create};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A serialised value in anonymous memory. What crosses between processes is the descriptor, so a
/// gigabyte costs one encoding and no pipe.
///
/// The encoding is MessagePack with named fields: self-describing, so that untagged enums and
/// `serde_json::Value` survive.
#[derive(Debug)]
pub struct Payload(File);

const BUFFER: usize = 1 << 20;

impl Payload {
    /// Encodes a value.
    ///
    /// # Errors
    /// The value refuses to be serialised, or memory is exhausted.
    pub fn encode<T: Serialize + ?Sized>(value: &T) -> io::Result<Self> {
        let descriptor = memfd_create(c"stub-payload", MFdFlags::MFD_CLOEXEC)?;
        let mut writer = BufWriter::with_capacity(BUFFER, File::from(descriptor));
        rmp_serde::encode::write_named(&mut writer, value).map_err(io::Error::other)?;
        writer.flush()?;
        Ok(Self(writer.into_inner().map_err(io::IntoInnerError::into_error)?))
    }

    /// Decodes the value.
    ///
    /// # Errors
    /// The bytes are not a value of that type.
    pub fn decode<T: DeserializeOwned>(mut self) -> io::Result<T> {
        self.0.rewind()?;
        rmp_serde::decode::from_read(BufReader::with_capacity(BUFFER, self.0)).map_err(io::Error::other)
    }
}

impl From<OwnedFd> for Payload {
    fn from(descriptor: OwnedFd) -> Self {
        Self(File::from(descriptor))
    }
}

impl From<Payload> for OwnedFd {
    fn from(payload: Payload) -> Self {
        payload.0.into()
    }
}
