use stub::CloudBucketMount;

#[stub::function(volumes = <
    "/data" => CloudBucketMount::new("my-bucket"),
    "/data" => CloudBucketMount::new("another-bucket"),
>)]
fn f() {}

fn main() {
    f().unwrap();
}
