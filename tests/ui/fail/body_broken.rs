#[stub::function]
fn f(name: String) -> usize {
    let n: usize = name;
    missing(n)
}

fn main() {
    f("x".to_owned()).unwrap();
}
