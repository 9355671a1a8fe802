struct Plain;

#[stub::function]
fn f(a: u8, b: Plain) -> u8 {
    a
}

#[stub::function]
fn g(file: std::fs::File) {}

fn main() {
    f(1, Plain).unwrap();
}
