#[stub::function]
fn borrowed() -> impl Iterator<Item = &'static str> {
    ["a"].into_iter()
}

#[stub::function]
fn threads() -> impl Iterator<Item = std::thread::Thread> {
    std::iter::empty()
}

#[stub::function]
fn both() -> impl futures_util::Stream<Item = &'static [u8]> {
    futures_util::stream::empty()
}

fn main() {}
