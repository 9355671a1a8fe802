use stub::CloudBucketMount;

const PATH: &str = "/data";

#[stub::function(volumes = <PATH => CloudBucketMount::new("my-bucket")>)]
fn f() {}

fn main() {
    let _ = PATH;
    f().unwrap();
}
