//! Serialisation of an argument, or of the value, between processes.

use std::any::{Any, TypeId};
use std::fmt;

use serde::de::{self, DeserializeOwned, Visitor};
use serde::ser::{self, Serialize};
use serde::{Deserialize, Deserializer, Serializer};

/// Serialises a value as its type says, except a `Vec<u8>`: serde would take it for a list of
/// numbers, and here it is written as bytes. A gigabyte then takes one copy instead of a billion
/// steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wire<T>(pub(super) T);

/// Maximum length of bytes: the encoding counts them in 32 bits, and would silently cut longer ones.
const LONGEST: usize = u32::MAX as usize;

impl<T: Serialize + 'static> Serialize for Wire<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value: &dyn Any = &self.0;
        if let Some(bytes) = value.downcast_ref::<Vec<u8>>() {
            fits(bytes.len())?;
            return serializer.serialize_bytes(bytes);
        }
        if let Some(text) = value.downcast_ref::<String>() {
            fits(text.len())?;
        }
        self.0.serialize(serializer)
    }
}

fn fits<E: ser::Error>(length: usize) -> Result<(), E> {
    if length <= LONGEST {
        return Ok(());
    }
    Err(E::custom(format_args!(
        "{length} bytes are more than the 4 GiB that cross in one piece"
    )))
}

impl<'de, T: DeserializeOwned + 'static> Deserialize<'de> for Wire<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if TypeId::of::<T>() != TypeId::of::<Vec<u8>>() {
            return T::deserialize(deserializer).map(Self);
        }
        let mut bytes = Some(deserializer.deserialize_byte_buf(BytesVisitor)?);
        let slot: &mut dyn Any = &mut bytes;
        let value = slot.downcast_mut::<Option<T>>().and_then(Option::take);
        value
            .map(Self)
            .ok_or_else(|| de::Error::custom("the type is not what it was"))
    }
}

struct BytesVisitor;

impl Visitor<'_> for BytesVisitor {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }

    fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::Wire;
    use crate::codec::payload::Payload;

    fn there_and_back<A, B>(value: A) -> B
    where
        Wire<A>: serde::Serialize,
        Wire<B>: serde::de::DeserializeOwned,
    {
        Payload::encode(&Wire(value))
            .unwrap()
            .decode::<Wire<B>>()
            .unwrap()
            .0
    }

    #[test]
    fn bytes_go_as_bytes_and_come_back() {
        let bytes: Vec<u8> = (0..=255).cycle().take(1 << 20).collect();
        let payload = Payload::encode(&Wire(bytes.clone())).unwrap();
        let (_, Some(descriptor)) = payload.pack() else {
            panic!("so much travels beside the message");
        };
        let file = std::fs::File::from(descriptor.try_clone_to_owned().unwrap());
        assert_eq!(file.metadata().unwrap().len(), (1 << 20) + 5);
        assert_eq!(there_and_back::<_, Vec<u8>>(bytes.clone()), bytes);
        assert_eq!(
            there_and_back::<_, Vec<u8>>(Vec::<u8>::new()),
            Vec::<u8>::new()
        );
    }

    #[test]
    fn everything_else_goes_as_its_type_says() {
        assert_eq!(
            there_and_back::<_, String>("é".repeat(1 << 20)),
            "é".repeat(1 << 20)
        );
        assert_eq!(
            there_and_back::<_, Vec<u16>>(vec![1_u16, 65535]),
            [1, 65535]
        );
        assert_eq!(there_and_back::<_, Option<u8>>(Some(1_u8)), Some(1));
        assert_eq!(there_and_back::<_, u128>(u128::MAX), u128::MAX);
        there_and_back::<_, ()>(());
        let json = serde_json::json!({"a": [1, null, "x"], "b": {"c": 1.5}});
        assert_eq!(there_and_back::<_, serde_json::Value>(json.clone()), json);
    }
}
