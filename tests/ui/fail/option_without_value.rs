#[stub::function(timeout)]
fn no_equals_sign() {}

#[stub::function(timeout = )]
fn no_value() {}

#[stub::function(secrets = stub::Secret::from_dict([("A", "1")]))]
fn not_a_list() {}

#[stub::function(30)]
fn no_name() {}

fn main() {
    no_equals_sign().unwrap();
    no_value().unwrap();
    not_a_list().unwrap();
    no_name().unwrap();
}
