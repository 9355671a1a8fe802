//! Expressions in the attribute: any expression, closed by the right `>`. The functions are never
//! called, as the buckets don't exist. The test is that they compile, and that the paths arrive.
#![deny(warnings)]

use std::time::Duration;

use stub::{CloudBucketMount, Secret};

fn pick<T>(_: bool, _: u32) -> CloudBucketMount {
    CloudBucketMount::new(std::any::type_name::<T>())
}

trait Family {
    type Item;
}

trait Two<A> {
    type Item;
}

struct Pair<A: ?Sized>(std::marker::PhantomData<A>);

impl<A: ?Sized> Pair<A> {
    fn mount() -> CloudBucketMount {
        CloudBucketMount::new("pair")
    }
}

const A: u32 = 1;
const B: u32 = 2;

#[stub::function(volumes = <"/a" => pick::<u8>(A < B, B >> 1)>)]
fn generics_comparisons_and_shifts() {}

#[stub::function(volumes = <
    "/a" => pick::<Vec<Vec<u8>>>(A > B, 1),
    "/b" => if A < B { pick::<u8>(A >= B, 1 << 2) } else { CloudBucketMount::new("x") },
    "/c" => (|yes: bool| -> CloudBucketMount { pick::<fn() -> u8>(yes, 1) })(A <= B),
    "/d" => match A { 1 => CloudBucketMount::new("one"), _ => CloudBucketMount::new("more") },
    "/d/below" => Pair::<dyn Family<Item = Vec<u8>>>::mount(),
>, secrets = [Secret::from_dict([("A", "1")]), Secret::from_env(["PATH"]),], timeout = Duration::from_secs(1 + (2 > 1) as u64),)]
fn all_at_once() {}

#[stub::function(
    timeout = Duration::from_secs(1),
    volumes = { "/a" => CloudBucketMount::new("x").read_only(A < B), "/b" => pick::<u8>(true, 1) },
    secrets = [],
)]
fn braces() {}

#[stub::function(
    env = <"A" => "a", "B" => format!("{}", A < B)>,
    retries = if A < B { 3 } else { 0 },
    max_containers = 4,
    max_inputs = 1 << 4,
    workdir = std::env::temp_dir(),
    network = A > B,
    isolate = A < B,
)]
fn how_it_is_run() {}

#[stub::function(env = { "A" => String::new() }, retries = stub::Retries::new(2).backoff_coefficient(3.0))]
fn how_it_is_run_in_braces() {}

#[stub::function(volumes = <>)]
fn no_volumes() {}

#[stub::function(volumes = {})]
fn no_volumes_in_braces() {}

#[stub::function(volumes = <"/a" => { let x = A > B; pick::<u8>(x, 1) }>, timeout = Some(Duration::MAX))]
fn a_block() {}

#[stub::function(volumes = <"/a" => Pair::<Vec<u8>>::mount()>)]
async fn two_closing_brackets() {}

#[stub::function(volumes = <"/a" => Pair::<dyn Two<Vec<u8>, Item = u8>>::mount()>, timeout = None)]
fn what_looks_like_an_option() {}

macro_rules! mounted {
    ($name:ident, $path:literal, $mount:expr, $limit:expr, $ty:ty) => {
        #[stub::function(volumes = <$path => $mount, "/second" => $mount>, timeout = $limit)]
        fn $name(x: $ty) -> $ty {
            x
        }
    };
}

mounted!(
    from_a_macro,
    "/a",
    pick::<u8>(A > B, 1),
    Duration::from_secs(1),
    u8
);

#[test]
fn all_of_them_compile() {
    generics_comparisons_and_shifts::local();
    all_at_once::local();
    braces::local();
    no_volumes::local();
    no_volumes_in_braces::local();
    a_block::local();
    what_looks_like_an_option::local();
    drop(two_closing_brackets::local());
    assert_eq!(from_a_macro::local(1), 1);
}
