#[stub::function]
const fn constant() {}

#[stub::function]
unsafe fn not_safe() {}

#[stub::function]
extern "C" fn foreign() {}

fn main() {}
