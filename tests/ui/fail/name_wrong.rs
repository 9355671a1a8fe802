const NAME: &str = "resize";

#[stub::function(name = NAME)]
fn not_a_literal() {}

#[stub::function(name = "resize image")]
fn not_a_name() {}

#[stub::function(name = "")]
fn empty() {}

#[stub::function(name = "-x")]
fn an_option() {}

#[stub::function(name)]
fn without() {}

fn main() {}
