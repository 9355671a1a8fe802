//! Calls as users of the macro see them, and the expansion of the macro, around engines that know
//! only payloads.

mod call;
pub(crate) mod expansion;
mod found;
mod map;
mod payloads;
mod stream;
mod values;

pub use call::Call;
pub use map::Map;
pub(crate) use payloads::Payloads;
pub use stream::Stream;
pub use values::Values;
