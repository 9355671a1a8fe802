#[stub::function]
fn square(n: u64) -> u64 {
    n * n
}

#[stub::function]
async fn later(n: u64) -> u64 {
    n
}

fn main() {
    let _ = square::map(["a", "b"]);
    let _ = square::spawn("a");
    let borrowed = vec![1, 2];
    let _ = later::map(borrowed.iter().copied());
}
