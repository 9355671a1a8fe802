use std::fmt::Display;

#[stub::function]
fn types<T: Display>(x: T) -> String {
    x.to_string()
}

#[stub::function]
fn lifetimes<'a>(x: std::borrow::Cow<'a, str>) {}

#[stub::function]
fn argument_of_any_type(x: impl Display) -> String {
    x.to_string()
}

#[stub::function]
fn value_of_any_type() -> impl Display {
    1
}

#[stub::function]
fn clause()
where
    u8: Copy,
{
}

fn main() {}
