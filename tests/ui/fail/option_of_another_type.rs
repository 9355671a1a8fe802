#[stub::function(retries = "three")]
fn retries() {}

#[stub::function(timeout = 60)]
fn timeout() {}

#[stub::function(max_containers = "four")]
fn max_containers() {}

#[stub::function(network = 0)]
fn network() {}

#[stub::function(max_inputs =)]
fn max_inputs() {}

fn main() {}
