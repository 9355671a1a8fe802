use stub::CloudBucketMount;

#[stub::function(volumes = <
    "/a/" => CloudBucketMount::new("my-bucket"),
    "/a//b" => CloudBucketMount::new("my-bucket"),
    "/a/./b" => CloudBucketMount::new("my-bucket"),
>)]
fn f() {}

fn main() {
    f().unwrap();
}
