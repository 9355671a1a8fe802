struct Plain;

#[stub::function]
fn f() -> Plain {
    Plain
}

#[stub::function]
fn g() -> std::io::Result<Plain> {
    Ok(Plain)
}

fn main() {
    f().unwrap();
    g().unwrap();
}
