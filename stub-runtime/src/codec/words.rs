//! Parsing of arguments from the words of a command line.
//!
//! The type decides the syntax: a number is a number, a text needs no quotes, and a flag has no
//! word. A compound value (structs, tuples, maps) is JSON.

use serde::de::value::{Error, SeqDeserializer};
use serde::de::{DeserializeOwned, Deserializer, Error as _, IntoDeserializer, Visitor};

use super::invoke::Given;

/// Parses an argument from the given words or JSON. The error is a sentence fragment.
pub(super) fn parse<T: DeserializeOwned>(given: Given) -> Result<T, String> {
    match given {
        Given::Json(value) => serde_json::from_value(value).map_err(|error| error.to_string()),
        Given::Words(words) => T::deserialize(Words(&words)).map_err(|error| error.to_string()),
    }
}

/// The words that were given for one argument, or for one element of a list.
#[derive(Clone, Copy, Debug)]
struct Words<'a>(&'a [String]);

impl<'a> Words<'a> {
    fn one(self) -> Result<&'a str, Error> {
        match self.0 {
            [word] => Ok(word),
            [] => Err(Error::custom("it needs a value")),
            _ => Err(Error::custom("it is given more than once")),
        }
    }

    fn number<N: std::str::FromStr>(self, kind: &str) -> Result<N, Error> {
        let word = self.one()?;
        word.parse()
            .map_err(|_| Error::custom(format_args!("`{word}` is not {kind}")))
    }
}

fn json(word: &str) -> serde_json::Deserializer<serde_json::de::StrRead<'_>> {
    serde_json::Deserializer::from_str(word)
}

/// Adds the word to an error of parsing it as JSON.
fn as_json<T>(word: &str, parsed: serde_json::Result<T>) -> Result<T, Error> {
    parsed.map_err(|error| {
        Error::custom(format_args!(
            "`{word}` is not the JSON that is needed: {error}"
        ))
    })
}

macro_rules! numbers {
    ($($method:ident $visit:ident $kind:literal;)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.$visit(self.number($kind)?)
        }
    )+};
}

macro_rules! parts {
    ($($method:ident ($($name:ident: $ty:ty),*);)+) => {$(
        fn $method<V: Visitor<'de>>(self, $($name: $ty,)* visitor: V) -> Result<V::Value, Error> {
            let word = self.one()?;
            as_json(word, json(word).$method($($name,)* visitor))
        }
    )+};
}

impl<'de> Deserializer<'de> for Words<'de> {
    type Error = Error;

    numbers! {
        deserialize_i8 visit_i8 "a whole number from -128 to 127";
        deserialize_i16 visit_i16 "a whole number that fits";
        deserialize_i32 visit_i32 "a whole number that fits";
        deserialize_i64 visit_i64 "a whole number that fits";
        deserialize_i128 visit_i128 "a whole number that fits";
        deserialize_u8 visit_u8 "a whole number from 0 to 255";
        deserialize_u16 visit_u16 "a whole number from 0 to 65535";
        deserialize_u32 visit_u32 "a whole number from 0 that fits";
        deserialize_u64 visit_u64 "a whole number from 0 that fits";
        deserialize_u128 visit_u128 "a whole number from 0 that fits";
        deserialize_f32 visit_f32 "a number";
        deserialize_f64 visit_f64 "a number";
        deserialize_char visit_char "one character";
    }

    parts! {
        deserialize_tuple(length: usize);
        deserialize_tuple_struct(name: &'static str, length: usize);
        deserialize_struct(name: &'static str, fields: &'static [&'static str]);
        deserialize_map();
    }

    /// Returns `true` for a flag without a word.
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            [] => visitor.visit_bool(true),
            _ => visitor.visit_bool(self.number("`true` or `false`")?),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_str(self.one()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_bytes(self.one()?.as_bytes())
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            [] => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    /// Takes each word as an element; a single word that is a JSON list is the list.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if let [word] = self.0
            && word.trim_start().starts_with('[')
        {
            return as_json(word, json(word).deserialize_seq(visitor));
        }
        let elements = self.0.chunks(1).map(Words);
        visitor.visit_seq(SeqDeserializer::new(elements))
    }

    /// Takes the name of a variant, or JSON for a variant with fields.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let word = self.one()?;
        if word.trim_start().starts_with('{') {
            return as_json(word, json(word).deserialize_enum(name, variants, visitor));
        }
        visitor.visit_enum(word.into_deserializer())
    }

    /// JSON, or a text that is none.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let word = self.one()?;
        match serde_json::from_str::<serde_json::Value>(word) {
            Ok(value) => as_json(word, value.deserialize_any(visitor)),
            Err(_) => visitor.visit_borrowed_str(word),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }
}

impl<'de> IntoDeserializer<'de, Error> for Words<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fmt::Debug;
    use std::path::PathBuf;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    enum Colour {
        Red,
        Mixed { red: u8, green: u8 },
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Size {
        width: u32,
        height: Option<u32>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Wrapped(u8);

    fn words<T: DeserializeOwned>(words: &[&str]) -> Result<T, String> {
        parse(Given::Words(
            words.iter().map(ToString::to_string).collect(),
        ))
    }

    fn is<T: DeserializeOwned + PartialEq + Debug>(given: &[&str], expected: T) {
        assert_eq!(words::<T>(given), Ok(expected), "{given:?}");
    }

    #[test]
    fn the_type_says_what_a_word_is() {
        is(&["7"], 7_u8);
        is(&["-7"], -7_i64);
        is(&["1.5"], 1.5_f64);
        is(&["x"], 'x');
        is(&["7"], "7".to_owned());
        is(&["a b"], PathBuf::from("a b"));
        is(&[], true);
        is(&["false"], false);
        is(&["7"], Some(7_u8));
        is::<Option<u8>>(&[], None);
        is(&["7"], Wrapped(7));
        is(&["1", "2"], vec![1_u8, 2]);
        is(&["[1, 2]"], vec![1_u8, 2]);
        is::<Vec<u8>>(&[], Vec::new());
        is(&["Red"], Colour::Red);
    }

    #[test]
    fn what_has_parts_is_json() {
        let size = Size {
            width: 3,
            height: None,
        };
        is(&[r#"{"width": 3}"#], size);
        is(
            &[r#"{"Mixed": {"red": 1, "green": 2}}"#],
            Colour::Mixed { red: 1, green: 2 },
        );
        is(&["[1, \"a\"]"], (1_u8, "a".to_owned()));
        is(&[r#"{"a": 1}"#], BTreeMap::from([("a".to_owned(), 1_u8)]));
        is(&["[1]"], serde_json::json!([1]));
        is(&["plain"], serde_json::json!("plain"));
    }

    #[test]
    fn what_does_not_fit_is_told() {
        for (given, part) in [
            (
                words::<u8>(&["300"]).err(),
                "`300` is not a whole number from 0 to 255",
            ),
            (words::<u8>(&[]).err(), "needs a value"),
            (words::<u8>(&["1", "2"]).err(), "more than once"),
            (words::<bool>(&["maybe"]).err(), "`true` or `false`"),
            (
                words::<Colour>(&["Blue"])
                    .err()
                    .map(|_| "unknown variant".into()),
                "unknown variant",
            ),
        ] {
            let given = given.unwrap_or_default();
            assert!(given.contains(part), "{given}");
        }
        assert!(words::<Size>(&["{}"]).is_err_and(|error| error.contains("missing field `width`")));
        assert!(words::<Size>(&["3"]).is_err_and(|error| error.contains("JSON")));
    }
}
