use stub::CloudBucketMount;

#[stub::function(volumes = <"/a" => CloudBucketMount::new("my-bucket") . >, timeout = 1 +)]
fn f() {}

fn main() {
    let _ = CloudBucketMount::new("my-bucket");
    f().unwrap();
}
