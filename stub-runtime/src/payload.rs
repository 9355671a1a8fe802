//! Arguments and results on their way between processes.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Seek, Write};
use std::os::fd::OwnedFd;

use nix::sys::memfd::{MFdFlags, memfd_create};
use rmp_serde::config::{DefaultConfig, StructMapConfig};
use rmp_serde::decode::ReadReader;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Serialised values in anonymous memory. What crosses between processes is the descriptor, so a
/// gigabyte costs one encoding and no pipe.
///
/// The encoding is `MessagePack` with named fields, one value after the other: self-describing, so
/// that untagged enums and `serde_json::Value` survive.
#[derive(Debug)]
pub struct Payload(File);

const BUFFER: usize = 1 << 20;

impl Payload {
    /// Encodes a value.
    ///
    /// # Errors
    /// The value refuses to be serialised, or memory is exhausted.
    pub fn encode<T: Serialize + ?Sized>(value: &T) -> io::Result<Self> {
        let mut encoder = Encoder::new()?;
        encoder.add(value)?;
        encoder.finish()
    }

    /// Decodes the first value.
    ///
    /// # Errors
    /// The bytes are not a value of that type.
    pub fn decode<T: DeserializeOwned>(self) -> io::Result<T> {
        self.decoder()?.next()
    }

    /// Decodes the values one by one.
    ///
    /// # Errors
    /// The descriptor, which came from another process, is not that of a file.
    pub fn decoder(mut self) -> io::Result<Decoder> {
        self.0.rewind()?;
        let reader = BufReader::with_capacity(BUFFER, self.0);
        Ok(Decoder(rmp_serde::Deserializer::new(reader)))
    }
}

/// Takes values one by one.
#[derive(Debug)]
pub struct Encoder(rmp_serde::Serializer<BufWriter<File>, StructMapConfig<DefaultConfig>>);

impl Encoder {
    /// An empty payload.
    ///
    /// # Errors
    /// The process has no descriptor left.
    pub fn new() -> io::Result<Self> {
        let descriptor = memfd_create(c"stub-payload", MFdFlags::MFD_CLOEXEC)?;
        let writer = BufWriter::with_capacity(BUFFER, File::from(descriptor));
        Ok(Self(rmp_serde::Serializer::new(writer).with_struct_map()))
    }

    /// Encodes a value.
    ///
    /// # Errors
    /// The value refuses to be serialised, or memory is exhausted.
    pub fn add<T: Serialize + ?Sized>(&mut self, value: &T) -> io::Result<()> {
        value.serialize(&mut self.0).map_err(io::Error::other)
    }

    /// The payload of all values.
    ///
    /// # Errors
    /// Memory is exhausted.
    pub fn finish(self) -> io::Result<Payload> {
        let mut writer = self.0.into_inner();
        writer.flush()?;
        Ok(Payload(
            writer
                .into_inner()
                .map_err(io::IntoInnerError::into_error)?,
        ))
    }
}

/// Gives values one by one.
#[derive(Debug)]
pub struct Decoder(rmp_serde::Deserializer<ReadReader<BufReader<File>>, DefaultConfig>);

impl Decoder {
    /// Decodes the next value.
    ///
    /// # Errors
    /// The bytes are not a value of that type, or there is none left.
    pub fn next<T: DeserializeOwned>(&mut self) -> io::Result<T> {
        T::deserialize(&mut self.0).map_err(io::Error::other)
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::os::fd::OwnedFd;

    use serde::{Deserialize, Serialize};

    use super::{Encoder, Payload};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        Number(u64),
        Named { bytes: Vec<u8> },
    }

    #[test]
    fn values_survive_their_way_through_a_descriptor() {
        let value = vec![
            Untagged::Number(1 << 40),
            Untagged::Named {
                bytes: vec![0, 128, 255],
            },
        ];
        let descriptor = OwnedFd::from(Payload::encode(&value).unwrap());
        assert_eq!(
            Payload::from(descriptor).decode::<Vec<Untagged>>().unwrap(),
            value
        );
    }

    #[test]
    fn several_values_come_back_in_order() {
        let mut encoder = Encoder::new().unwrap();
        encoder.add("a").unwrap();
        encoder.add(&2_u8).unwrap();
        let mut decoder = encoder.finish().unwrap().decoder().unwrap();
        assert_eq!(decoder.next::<String>().unwrap(), "a");
        assert_eq!(decoder.next::<u8>().unwrap(), 2);
        assert!(decoder.next::<u8>().is_err());
    }

    #[test]
    fn another_type_is_an_error_that_says_so() {
        let error = Payload::encode(&7_u8)
            .unwrap()
            .decode::<String>()
            .unwrap_err();
        assert!(error.to_string().contains("expected a string"), "{error}");
    }
}
