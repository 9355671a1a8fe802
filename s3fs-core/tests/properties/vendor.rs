//! Servers, and the properties that each of them itself does not keep.

use crate::property::{Encryption, Property};

/// Server whose lacks are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vendor {
    Moto,
    LocalStack,
    Ceph,
    SeaweedFs,
    Swift,
}

/// Key of KMS that moto and `LocalStack` take, although there is none.
const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555";

impl Vendor {
    pub(crate) fn from_name(name: &str) -> Self {
        match name {
            "moto" => Self::Moto,
            "localstack" => Self::LocalStack,
            "ceph" => Self::Ceph,
            "seaweedfs" => Self::SeaweedFs,
            "swift" => Self::Swift,
            _ => panic!("no such server: {name}"),
        }
    }

    /// Returns the kinds of encryption to try.
    pub(crate) fn encryptions(self) -> &'static [Encryption] {
        match self {
            Self::Moto | Self::LocalStack => &[Encryption::Aes256, Encryption::Kms(KEY)],
            Self::SeaweedFs => &[Encryption::Aes256],
            Self::Ceph | Self::Swift => &[Encryption::None],
        }
    }

    /// Returns the reason why the server stores no object with a property, if it does not.
    pub(crate) fn refuses(self, property: Property) -> Option<&'static str> {
        match (self, property) {
            (Self::SeaweedFs, Property::Redirect) => Some("PUT ignores the header"),
            (Self::Ceph, Property::Encryption) => {
                Some("PUT ignores AES256, and CopyObject of KMS answers 501")
            }
            (Self::Swift, Property::StorageClass) => Some("PUT answers 400: it has STANDARD alone"),
            (Self::Swift, Property::Encryption | Property::Tags | Property::Redirect) => {
                Some("PUT answers 501")
            }
            _ => None,
        }
    }

    /// Returns the reason why the server loses a property in an operation, if it does.
    pub(crate) fn loses(self, property: Property, operation: &str) -> Option<&'static str> {
        match (self, property, operation) {
            (Self::LocalStack, Property::Headers, "rename" | "rename_folder") => {
                Some("CopyObject drops `Expires` unless it replaces all headers")
            }
            _ => None,
        }
    }
}
