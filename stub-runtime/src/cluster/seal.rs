//! Encryption of the objects in a spool. Readers of the spool learn only the sizes of objects;
//! writers can't make a call accept forged ones.
//!
//! The cipher is `XChaCha20-Poly1305` with a random nonce; each object's name is authenticated with
//! it, so that none can take the place of another.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};

/// Size of a nonce in bytes; an encrypted object begins with it.
const NONCE: usize = 24;

/// Key of one call.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SealKey([u8; 32]);

impl SealKey {
    /// Generates a new key.
    ///
    /// # Errors
    /// The kernel returns no random bytes.
    pub(crate) fn generate() -> Result<Self, String> {
        let mut key = [0; 32];
        random(&mut key)?;
        Ok(Self(key))
    }

    /// Returns the key as text.
    pub(crate) fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Parses a key from its text.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.trim()).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// Encrypts the object of this name.
    ///
    /// # Errors
    /// The kernel returns no random bytes.
    pub(crate) fn seal(&self, name: &str, plain: &[u8]) -> Result<Vec<u8>, String> {
        let mut nonce = [0; NONCE];
        random(&mut nonce)?;
        let payload = Payload {
            msg: plain,
            aad: name.as_bytes(),
        };
        let sealed = self.cipher().encrypt(&XNonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| "it is too long to be encrypted".to_owned())?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// Decrypts an object; returns nothing if it was not encrypted under this name with this key.
    pub(crate) fn open(&self, name: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>()?;
        let payload = Payload {
            msg: sealed,
            aad: name.as_bytes(),
        };
        self.cipher().decrypt(&XNonce::from(*nonce), payload).ok()
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.0.into())
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey")
    }
}

/// Returns a name that no other call has: random, in lower-case letters and digits.
///
/// # Errors
/// The kernel returns no random bytes.
pub(crate) fn random_name() -> Result<String, String> {
    let mut bytes = [0; 8];
    random(&mut bytes)?;
    Ok(format!("{:016x}", u64::from_be_bytes(bytes)))
}

/// Returns a random number, to tell one run of a task from another.
///
/// # Errors
/// The kernel returns no random bytes.
pub(crate) fn random_number() -> Result<u32, String> {
    let mut bytes = [0; 4];
    random(&mut bytes)?;
    Ok(u32::from_be_bytes(bytes))
}

fn random(bytes: &mut [u8]) -> Result<(), String> {
    getrandom::fill(bytes).map_err(|error| format!("there are no random bytes: {error}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn only_the_right_key_opens_only_what_has_that_name() {
        let key = SealKey::generate().unwrap();
        let sealed = key.seal("in/0/1", b"secret").unwrap();
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        assert_eq!(key.open("in/0/1", &sealed).unwrap(), b"secret");
        assert_eq!(key.open("in/0/2", &sealed), None);
        assert_eq!(SealKey::generate().unwrap().open("in/0/1", &sealed), None);
        let mut changed = sealed.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert_eq!(key.open("in/0/1", &changed), None);
        assert_eq!(key.open("in/0/1", b"short"), None);
    }

    #[test]
    fn a_key_survives_as_text_and_is_not_shown() {
        let key = SealKey::generate().unwrap();
        assert!(SealKey::from_text(&format!("{}\n", key.to_text())).unwrap() == key);
        assert_eq!(SealKey::from_text("short"), None);
        assert_eq!(format!("{key:?}"), "SealKey");
    }
}
