//! Properties of objects that no program sees, on a server of another project: each operation of a file
//! system keeps each of them, of small and large objects.
//!
//! The server is moto from `PyPI`. With `STUB_PROPERTIES_SERVER=NAME` it is the one of the AWS variables of
//! the environment, and `NAME` says what it lacks (`vendor.rs`): `scripts/test-servers.sh` does so.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test that cannot be set up fails"
)]

mod client;
#[allow(dead_code, reason = "the target `kernel` uses all of it")]
#[path = "../kernel/mount.rs"]
mod mount;
mod operations;
mod property;
mod scene;
#[path = "../kernel/serve.rs"]
mod serve;
mod server;
mod vendor;

/// Defines a test for each operation, size and property.
macro_rules! cells {
    (@size $name:ident $size:ident $operation:ident) => {
        mod $name {
            use std::sync::OnceLock;

            use crate::operations::$operation as operation;
            use crate::property::Property;
            use crate::scene::{Cell, Outcome, Size};

            /// Cell of the table, but for the property. Each operation is done once for all of them.
            fn cell() -> Cell {
                static OUTCOME: OnceLock<Outcome> = OnceLock::new();
                let name = stringify!($operation);
                Cell { name, operation, size: Size::$size, outcome: &OUTCOME }
            }

            cells!(@property storage_class StorageClass);
            cells!(@property encryption Encryption);
            cells!(@property tags Tags);
            cells!(@property headers Headers);
            cells!(@property redirect Redirect);
            cells!(@property metadata Metadata);
        }
    };
    (@property $name:ident $property:ident) => {
        #[test]
        fn $name() {
            cell().check(Property::$property);
        }
    };
    ($($operation:ident)*) => { $(
        mod $operation {
            cells!(@size small Small $operation);
            cells!(@size large Large $operation);
        }
    )* };
}

cells! {
    rename
    rename_folder
    change_mode
    change_times
    set_attribute
    append
    change_in_the_middle
    truncate
    rewrite
    copy_range_onto
    copy_range_into
}
