use stub::CloudBucketMount;

#[stub::function(
    volumes = <"a" => CloudBucketMount::new("x"), "/b/" => CloudBucketMount::new("y")>,
    timout = 1,
    secrets = 2,
)]
unsafe fn f(text: &str, list: &[u8]) {}

fn main() {}
