//! Serialised arguments and results, sent between processes.

use std::borrow::Borrow;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Cursor, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;

use bytes::Bytes;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use rmp_serde::config::{DefaultConfig, StructMapConfig};
use rmp_serde::decode::ReadReader;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Serialised values. A few bytes travel in the message itself. Larger ones are in anonymous
/// memory, of which only the descriptor is sent, so that a gigabyte costs one encoding and no pipe.
///
/// The encoding is `MessagePack` with named fields, one value after the other. It is
/// self-describing, so that untagged enums and `serde_json::Value` survive.
#[derive(Debug)]
pub struct Payload(Content);

#[derive(Debug)]
enum Content {
    Inline(Bytes),
    /// Anonymous memory that is never written again.
    File(File),
}

/// Part of a payload that travels in a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Packed {
    /// Bytes of the payload.
    Inline(Bytes),
    /// Nothing: a descriptor travels beside the message.
    Beside,
}

/// Maximum size, in bytes, of a payload in a message. A larger one has a descriptor of its own:
/// making that costs as much as copying this number of bytes.
const MOST_INLINE: usize = 32 << 10;

const BUFFER: usize = 1 << 20;

impl Payload {
    /// Encodes a value.
    ///
    /// # Errors
    /// The value can't be serialised, or memory is exhausted.
    pub fn encode<T: Serialize + ?Sized>(value: &T) -> io::Result<Self> {
        let mut encoder = Encoder::new();
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

    /// Returns a decoder of the values, one by one.
    ///
    /// # Errors
    /// None now; a payload that must be fetched first may have one.
    pub fn decoder(self) -> io::Result<Decoder> {
        let source = match self.0 {
            Content::Inline(bytes) => Source::Inline(Cursor::new(bytes)),
            Content::File(file) => {
                let at = At { file, offset: 0 };
                Source::File(BufReader::with_capacity(BUFFER, at))
            }
        };
        Ok(Decoder(rmp_serde::Deserializer::new(source)))
    }

    /// Duplicates the payload, with the same bytes.
    ///
    /// # Errors
    /// The process has no descriptor left.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self(match &self.0 {
            Content::Inline(bytes) => Content::Inline(bytes.clone()),
            Content::File(file) => Content::File(file.try_clone()?),
        }))
    }

    /// Moves the bytes into this process, which can have many more of them than descriptors. Leaves
    /// the payload unchanged if it can't be read.
    pub(crate) fn without_descriptor(self) -> Self {
        let Content::File(file) = &self.0 else {
            return self;
        };
        let mut bytes = Vec::new();
        match (At { file, offset: 0 }).read_to_end(&mut bytes) {
            Ok(_) => Self(Content::Inline(bytes.into())),
            Err(_) => self,
        }
    }

    /// Returns all bytes.
    ///
    /// # Errors
    /// The bytes can't be read.
    pub(crate) fn into_bytes(self) -> io::Result<Bytes> {
        match self.0 {
            Content::Inline(bytes) => Ok(bytes),
            Content::File(file) => {
                let mut bytes = Vec::new();
                (At { file, offset: 0 }).read_to_end(&mut bytes)?;
                Ok(bytes.into())
            }
        }
    }

    /// Creates a payload of these bytes, to be sent to a process.
    ///
    /// # Errors
    /// Memory, or descriptors, are exhausted.
    pub(crate) fn from_bytes(bytes: Bytes) -> io::Result<Self> {
        if bytes.len() <= MOST_INLINE {
            return Ok(Self::from_held(bytes));
        }
        let mut spool = Spool::Inline(Vec::new());
        spool.write_all(&bytes)?;
        spool.finish()
    }

    /// Creates a payload of these bytes, which stay in this process.
    pub(crate) fn from_held(bytes: Bytes) -> Self {
        Self(Content::Inline(bytes))
    }

    /// Returns whether the payload takes a descriptor.
    pub(crate) fn has_descriptor(&self) -> bool {
        matches!(self.0, Content::File(_))
    }

    /// Returns the size of the payload in bytes.
    pub fn length(&self) -> u64 {
        match &self.0 {
            Content::Inline(bytes) => bytes.len() as u64,
            // Of anonymous memory the size is always known.
            Content::File(file) => file.metadata().map_or(0, |metadata| metadata.len()),
        }
    }

    /// Splits the payload into the part for a message, and the descriptor beside it.
    pub(crate) fn pack(&self) -> (Packed, Option<BorrowedFd<'_>>) {
        match &self.0 {
            Content::Inline(bytes) => (Packed::Inline(bytes.clone()), None),
            Content::File(file) => (Packed::Beside, Some(file.as_fd())),
        }
    }

    /// Joins the part from a message and the descriptor beside it. Returns nothing if the
    /// descriptor is missing.
    pub(crate) fn unpack(packed: Packed, beside: Vec<OwnedFd>) -> Option<Self> {
        let content = match packed {
            Packed::Inline(bytes) => Content::Inline(bytes),
            Packed::Beside => Content::File(beside.into_iter().next()?.into()),
        };
        Some(Self(content))
    }
}

/// Encoder of values, one by one.
#[derive(Debug)]
pub struct Encoder(rmp_serde::Serializer<Spool, StructMapConfig<DefaultConfig>>);

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Encoder {
    /// Creates an empty payload.
    pub fn new() -> Self {
        Self(rmp_serde::Serializer::new(Spool::Inline(Vec::new())).with_struct_map())
    }

    /// Encodes a value.
    ///
    /// # Errors
    /// The value can't be serialised, or memory is exhausted.
    pub fn add<T: Serialize + ?Sized>(&mut self, value: &T) -> io::Result<()> {
        value.serialize(&mut self.0).map_err(io::Error::other)
    }

    /// Returns the payload of all values.
    ///
    /// # Errors
    /// Memory is exhausted.
    pub fn finish(self) -> io::Result<Payload> {
        self.0.into_inner().finish()
    }
}

/// Bytes that move into anonymous memory when they become many.
#[derive(Debug)]
enum Spool {
    Inline(Vec<u8>),
    File(BufWriter<File>),
}

impl Spool {
    fn finish(self) -> io::Result<Payload> {
        let content = match self {
            Self::Inline(bytes) => Content::Inline(bytes.into()),
            Self::File(writer) => {
                let file = writer
                    .into_inner()
                    .map_err(io::IntoInnerError::into_error)?;
                // A process that is given it can't change it: it may be given to another one later.
                let seals =
                    SealFlag::F_SEAL_WRITE | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SHRINK;
                fcntl(&file, FcntlArg::F_ADD_SEALS(seals))?;
                Content::File(file)
            }
        };
        Ok(Payload(content))
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Inline(held) if held.len() + bytes.len() <= MOST_INLINE => {
                held.extend_from_slice(bytes);
                Ok(bytes.len())
            }
            Self::Inline(held) => {
                let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
                let descriptor = memfd_create(c"stub-payload", flags)?;
                let mut writer = BufWriter::with_capacity(BUFFER, File::from(descriptor));
                writer.write_all(held)?;
                let written = writer.write(bytes)?;
                *self = Self::File(writer);
                Ok(written)
            }
            Self::File(writer) => writer.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Inline(_) => Ok(()),
            Self::File(writer) => writer.flush(),
        }
    }
}

/// Decoder of values, one by one.
#[derive(Debug)]
pub struct Decoder(rmp_serde::Deserializer<ReadReader<Source>, DefaultConfig>);

impl Decoder {
    /// Decodes the next value.
    ///
    /// # Errors
    /// The bytes are not a value of that type, or there is none left.
    pub fn next<T: DeserializeOwned>(&mut self) -> io::Result<T> {
        T::deserialize(&mut self.0).map_err(io::Error::other)
    }
}

#[derive(Debug)]
enum Source {
    Inline(Cursor<Bytes>),
    File(BufReader<At<File>>),
}

/// File that is read from an offset of our own: its duplicates share the file's.
#[derive(Debug)]
struct At<F> {
    file: F,
    offset: u64,
}

impl<F: Borrow<File>> Read for At<F> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.file.borrow().read_at(into, self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}

impl Read for Source {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Inline(bytes) => bytes.read(into),
            Self::File(file) => file.read(into),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use serde::{Deserialize, Serialize};

    use super::{Content, Encoder, Payload};

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
        let payload = across(&Payload::encode(&value).unwrap());
        assert_eq!(payload.decode::<Vec<Untagged>>().unwrap(), value);
    }

    /// Sends a payload through a message and the descriptor beside it.
    fn across(payload: &Payload) -> Payload {
        let (packed, beside) = payload.pack();
        let beside = beside.map(|fd| fd.try_clone_to_owned().unwrap());
        Payload::unpack(packed, beside.into_iter().collect()).unwrap()
    }

    #[test]
    fn much_lies_in_memory_of_its_own_that_nobody_can_change() {
        let text = "x".repeat(1 << 20);
        let payload = Payload::encode(&text).unwrap();
        let again = payload.try_clone().unwrap();
        let Content::File(file) = &payload.0 else {
            panic!("{payload:?}")
        };
        assert!(std::io::Write::write(&mut &*file, b"!").is_err());
        assert_eq!(across(&payload).decode::<String>().unwrap(), text);
        assert_eq!(again.decode::<String>().unwrap(), text);
    }

    #[test]
    fn several_values_come_back_in_order() {
        let mut encoder = Encoder::new();
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
