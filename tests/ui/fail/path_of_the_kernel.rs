use stub::CloudBucketMount;

#[stub::function(volumes = <"/proc/data" => CloudBucketMount::new("my-bucket")>)]
fn f() {}

fn main() {
    f().unwrap();
}
