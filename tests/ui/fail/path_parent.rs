use stub::CloudBucketMount;

#[stub::function(volumes = <"/data/../etc" => CloudBucketMount::new("my-bucket")>)]
fn f() {}

fn main() {
    f().unwrap();
}
