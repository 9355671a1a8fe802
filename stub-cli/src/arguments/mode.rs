//! Permission bits, in octal as `chmod` takes them.

use stub_runtime::declare::Mode;

/// Parses `644`, `0644` or `0o644`.
pub(super) fn parse(text: &str) -> Result<u32, String> {
    text.parse().map(|Mode(bits)| bits)
}
