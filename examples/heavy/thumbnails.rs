//! A function over many files: `cargo run --release -p stub-examples --example thumbnails`.
//!
//! The function creates a small copy of each picture in the bucket's folder `images`, in the folder
//! `thumbnails`, several at once. If there are no pictures, the program draws some first.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

#[path = "../bucket/mod.rs"]
mod bucket;

use std::{fs, io};

use image::{ImageError, ImageReader, Rgb, RgbImage};

/// Maximum side of a thumbnail, in pixels.
const SIDE: u32 = 96;

/// Returns the names of the pictures.
#[stub::function(volumes = <"/my-mount" => bucket::mount().read_only(true)>)]
fn pictures() -> io::Result<Vec<String>> {
    let entries = match fs::read_dir("/my-mount/images") {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// Draws a different picture for each number.
#[stub::function(volumes = <"/my-mount" => bucket::mount()>)]
fn draw(number: u32) -> Result<String, ImageError> {
    let name = format!("{number:02}.png");
    let (width, height) = (320 + 16 * number, 240);
    let picture = RgbImage::from_fn(width, height, |x, y| {
        let shade = |value: u32, of: u32| u8::try_from(255 * value / of).unwrap_or(255);
        Rgb([shade(x, width), shade(y, height), shade(number, 24)])
    });
    fs::create_dir_all("/my-mount/images")?;
    picture.save(format!("/my-mount/images/{name}"))?;
    Ok(name)
}

/// Makes the thumbnail of a picture; returns its size.
#[stub::function(volumes = <"/my-mount" => bucket::mount()>, retries = 2)]
fn thumbnail(name: String) -> Result<(u32, u32), ImageError> {
    let picture = ImageReader::open(format!("/my-mount/images/{name}"))?.decode()?;
    let small = picture.thumbnail(SIDE, SIDE);
    fs::create_dir_all("/my-mount/thumbnails")?;
    small.save(format!("/my-mount/thumbnails/{name}"))?;
    Ok((small.width(), small.height()))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bucket = bucket::choose();
    let mut names = pictures()?;
    if names.is_empty() {
        names = draw::map(0..24).collect::<stub::Result<_>>()?;
    }
    let mut made = 0;
    for (name, size) in names.iter().zip(thumbnail::map(names.iter().cloned())) {
        match size {
            Ok((width, height)) => {
                made += 1;
                println!("{name}: {width} x {height}");
            }
            // One picture that is none doesn't keep the others from theirs.
            Err(error) => println!("{name}: {error}"),
        }
    }
    println!("{made} thumbnails are in the bucket `{bucket}`");
    Ok(())
}
