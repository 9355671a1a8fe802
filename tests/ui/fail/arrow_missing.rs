use stub::CloudBucketMount;

#[stub::function(volumes = <"/a" CloudBucketMount::new("my-bucket")>)]
fn first() {}

#[stub::function(volumes = <"/a" => CloudBucketMount::new("x"), "/b": CloudBucketMount::new("y")>)]
fn second() {}

#[stub::function(volumes = <"/a" =>>)]
fn no_volume() {}

fn main() {
    first().unwrap();
    second().unwrap();
    no_volume().unwrap();
}
