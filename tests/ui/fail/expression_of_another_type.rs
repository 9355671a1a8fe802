#[stub::function(volumes = <"/a" => "my-bucket">)]
fn volume() {}

#[stub::function(secrets = ["TOKEN"])]
fn secret() {}

#[stub::function(timeout = 30)]
fn timeout() {}

fn main() {
    volume().unwrap();
    secret().unwrap();
    timeout().unwrap();
}
