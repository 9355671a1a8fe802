use stub::CloudBucketMount;

#[stub::function(volumes = <"data" => CloudBucketMount::new("my-bucket")>)]
fn f() {}

fn main() {
    f().unwrap();
}
