struct Plain;

#[stub::function]
fn f() -> Result<u8, Plain> {
    Err(Plain)
}

fn main() {
    f().unwrap();
}
