#[stub::function]
async fn later() -> impl Iterator<Item = u64> {
    0..3
}

#[stub::function]
fn borrowed() -> impl Iterator<Item = &'static str> {
    ["a"].into_iter()
}

#[stub::function]
fn threads() -> impl Iterator<Item = std::thread::Thread> {
    std::iter::empty()
}

fn main() {}
