use stub::CloudBucketMount;

#[stub::function(volumes = <"/" => CloudBucketMount::new("my-bucket")>)]
fn f() {}

fn main() {
    f().unwrap();
}
