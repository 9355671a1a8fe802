use stub::CloudBucketMount;

#[stub::function(volume = <"/data" => CloudBucketMount::new("my-bucket")>)]
fn near() {}

#[stub::function(gpu = "any")]
fn far() {}

fn main() {
    near().unwrap();
    far().unwrap();
}
