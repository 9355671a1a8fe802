use stub::CloudBucketMount;

#[stub::function(volumes = <"/a" => CloudBucketMount::new("my-bucket"))]
fn not_closed() {}

#[stub::function(volumes = ["/a" => CloudBucketMount::new("my-bucket")])]
fn square() {}

fn main() {
    not_closed().unwrap();
    square().unwrap();
}
