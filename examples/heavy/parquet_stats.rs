//! A function over Parquet files of any size: `cargo run --release -p stub-examples --example parquet_stats`.
//!
//! The program prints the footer of each file: rows, row groups, and for each column the minimum, the
//! maximum and the number of nulls. A footer is the last few KiB of a file, however large the file is.
//! The `parquet` crate seeks there, as on a disk. A mount fetches ranges, not files: the ranges read,
//! and half a MiB when a file is opened. So a thousand files of a gigabyte cost half a gigabyte of
//! transfer, not a terabyte. `STUB_SUMMARY=1` shows it: compare the bytes that `stats` read with the
//! sizes of the files.
//!
//! With `--bucket NAME` the files are in your bucket; without it, the example writes a few first.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

#[path = "../bucket/mod.rs"]
mod bucket;
mod weather;

use std::cmp::Ordering;
use std::fs::{self, File};
use std::path::Path;
use std::{fmt, io};

use parquet::basic::{ConvertedType, SortOrder, Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaDataReader};
use parquet::schema::types::ColumnDescriptor;
use serde::{Deserialize, Serialize};

/// Footer of a file.
#[derive(Serialize, Deserialize)]
struct Stats {
    rows: i64,
    row_groups: usize,
    bytes: u64,
    columns: Vec<Column>,
}

/// Column of a file. A field is `None` unless all of its row groups have the value.
#[derive(Serialize, Deserialize)]
struct Column {
    name: String,
    kind: String,
    min: Option<Value>,
    max: Option<Value>,
    nulls: Option<u64>,
}

/// Value as stored: times and decimals are integers.
#[derive(Clone, PartialEq, PartialOrd, Serialize, Deserialize)]
enum Value {
    Flag(bool),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    Text(String),
}

/// Returns the names of the Parquet files of the bucket, in all folders.
#[stub::function(volumes = <"/my-mount" => bucket::mount().read_only(true)>)]
fn files() -> io::Result<Vec<String>> {
    let root = Path::new("/my-mount");
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "parquet") {
                let name = path.strip_prefix(root).unwrap_or(&path);
                found.push(name.to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Reads the footer of a file.
#[stub::function(volumes = <"/my-mount" => bucket::mount().read_only(true)>, retries = 2)]
fn stats(file: String) -> Result<Stats, ParquetError> {
    let file = File::open(Path::new("/my-mount").join(file))?;
    let bytes = file.metadata()?.len();
    let footer = ParquetMetaDataReader::new().parse_and_finish(&file)?;
    let groups = footer.row_groups();
    let columns = footer.file_metadata().schema_descr().columns().iter();
    let columns = columns.enumerate().map(|(index, column)| {
        let chunks: Vec<_> = groups.iter().map(|group| group.column(index)).collect();
        summarise(column, &chunks)
    });
    Ok(Stats {
        rows: footer.file_metadata().num_rows(),
        row_groups: groups.len(),
        bytes,
        columns: columns.collect(),
    })
}

/// Combines the statistics of a column over all row groups.
fn summarise(column: &ColumnDescriptor, chunks: &[&ColumnChunkMetaData]) -> Column {
    let ends: Option<Vec<_>> = chunks.iter().map(|chunk| ends(chunk)).collect();
    let ends = ends.unwrap_or_default().concat();
    let extreme = |wanted| {
        let better = |one: &Value, other: &Value| one.partial_cmp(other) == Some(wanted);
        let best = |one, other| if better(&other, &one) { other } else { one };
        ends.iter().cloned().reduce(best)
    };
    let nulls = |chunk: &&ColumnChunkMetaData| chunk.statistics()?.null_count_opt();
    Column {
        name: column.path().string(),
        kind: match column.converted_type() {
            ConvertedType::NONE => column.physical_type().to_string(),
            meaning => format!("{} {meaning}", column.physical_type()),
        },
        min: extreme(Ordering::Less),
        max: extreme(Ordering::Greater),
        nulls: chunks.iter().map(nulls).sum(),
    }
}

/// Returns the minimum and the maximum of a column in a row group; an empty list if all values are null.
fn ends(chunk: &ColumnChunkMetaData) -> Option<Vec<Value>> {
    let statistics = chunk.statistics()?;
    let column = chunk.column_descr();
    if statistics.null_count_opt() == chunk.num_values().try_into().ok() {
        return Some(Vec::new());
    }
    // Writers of old compared everything as signed.
    if statistics.is_min_max_deprecated() && !column.sort_order().is_signed() {
        return None;
    }
    let ends = [statistics.min_bytes_opt()?, statistics.max_bytes_opt()?];
    ends.into_iter().map(|end| value(column, end)).collect()
}

/// Decodes a value of a footer; returns `None` for types that this example doesn't compare.
fn value(column: &ColumnDescriptor, bytes: &[u8]) -> Option<Value> {
    let unsigned = column.sort_order() == SortOrder::UNSIGNED;
    let text = column.converted_type() == ConvertedType::UTF8;
    let four = bytes.try_into();
    let eight = bytes.try_into();
    Some(match column.physical_type() {
        Type::BOOLEAN => Value::Flag(bytes != [0]),
        Type::INT32 if unsigned => Value::Unsigned(u32::from_le_bytes(four.ok()?).into()),
        Type::INT32 => Value::Signed(i32::from_le_bytes(four.ok()?).into()),
        Type::INT64 if unsigned => Value::Unsigned(u64::from_le_bytes(eight.ok()?)),
        Type::INT64 => Value::Signed(i64::from_le_bytes(eight.ok()?)),
        Type::FLOAT => Value::Float(f32::from_le_bytes(four.ok()?).into()),
        Type::DOUBLE => Value::Float(f64::from_le_bytes(eight.ok()?)),
        Type::BYTE_ARRAY if text => Value::Text(String::from_utf8_lossy(bytes).into_owned()),
        _ => return None,
    })
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rows, row_groups, size) = (self.rows, self.row_groups, kib(self.bytes));
        writeln!(f, "{rows} rows in {row_groups} row groups, {size}")?;
        line(f, ["column", "type", "min", "max", "nulls"])?;
        for column in &self.columns {
            let [min, max] = [&column.min, &column.max].map(|value| shown(value.as_ref()));
            let nulls = shown(column.nulls.as_ref());
            line(f, [&column.name, &column.kind, &min, &max, &nulls])?;
        }
        Ok(())
    }
}

fn line(f: &mut fmt::Formatter<'_>, cells: [&str; 5]) -> fmt::Result {
    let [name, kind, min, max, nulls] = cells;
    writeln!(
        f,
        "  {name:16} {kind:24} {min:>20.20} {max:>20.20} {nulls:>8}"
    )
}

fn kib(bytes: u64) -> String {
    format!("{} KiB", bytes.div_ceil(1024))
}

fn shown<T: fmt::Display>(value: Option<&T>) -> String {
    value.map_or("-".to_owned(), T::to_string)
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(value) => write!(f, "{value}"),
            Self::Signed(value) => write!(f, "{value}"),
            Self::Unsigned(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value}"),
            Self::Text(value) => write!(f, "{value}"),
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bucket = bucket::choose();
    if bucket::is_local() {
        weather::write::for_each(0..6)?;
    }
    let names = files()?;
    let mut read = 0;
    let (mut rows, mut row_groups, mut bytes, mut nulls) = (0, 0, 0, 0);
    for (name, stats) in names.iter().zip(stats::map(names.iter().cloned())) {
        match stats {
            Ok(stats) => {
                println!("{name}: {stats}");
                read += 1;
                rows += stats.rows;
                row_groups += stats.row_groups;
                bytes += stats.bytes;
                nulls += stats
                    .columns
                    .iter()
                    .filter_map(|column| column.nulls)
                    .sum::<u64>();
            }
            // One file that is no Parquet doesn't keep the others from being read.
            Err(error) => println!("{name}: {error}\n"),
        }
    }
    println!(
        "{read} files in the bucket `{bucket}`: {rows} rows in {row_groups} row groups, {}, {nulls} nulls",
        kib(bytes)
    );
    Ok(())
}
