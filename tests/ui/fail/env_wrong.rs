#[stub::function(env = <"A=B" => "c", "D" => "e", "D" => "f">)]
fn odd_names() {}

#[stub::function(env = <"A" = "b">)]
fn no_arrow() {}

#[stub::function(env = <"A" => 7>)]
fn not_a_text() {}

fn main() {}
