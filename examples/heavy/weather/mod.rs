//! Sample Parquet files: reports of weather stations, one a minute.

use std::fs::{self, File};
use std::sync::Arc;

use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use crate::bucket;

const SCHEMA: &str = "
message weather {
    REQUIRED INT64 time (TIMESTAMP_MILLIS);
    REQUIRED BYTE_ARRAY station (UTF8);
    OPTIONAL DOUBLE temperature;
    REQUIRED BYTE_ARRAY report (UTF8);
}";

const STATIONS: [&str; 4] = ["Bergen", "Oslo", "Tromsø", "Vardø"];

/// Row groups of a file, and rows of each.
const GROUPS: u32 = 4;
const ROWS: u32 = 10_000;

/// 2024-01-01, in milliseconds.
const BEGIN: i64 = 1_704_067_200_000;

/// Report of a station for one minute.
struct Report {
    time: i64,
    station: &'static str,
    /// Temperature; thermometers fail now and then.
    temperature: Option<f64>,
    text: String,
}

/// Writes one of the files, which are numbered from zero.
#[stub::function(volumes = <"/my-mount" => bucket::mount()>)]
pub fn write(number: u32) -> Result<String, ParquetError> {
    let name = format!("weather/{number:02}.parquet");
    fs::create_dir_all("/my-mount/weather")?;
    let file = File::create(format!("/my-mount/{name}"))?;
    // No two texts are the same: a dictionary of them would be begun in vain.
    let properties = WriterProperties::builder().set_dictionary_enabled(false);
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties.build()))?;
    for group in number * GROUPS..(number + 1) * GROUPS {
        let rows: Vec<_> = (group * ROWS..(group + 1) * ROWS).map(report).collect();
        let mut writer = writer.next_row_group()?;
        write_columns(&rows, &mut writer)?;
        writer.close()?;
    }
    writer.close()?;
    Ok(name)
}

fn report(minute: u32) -> Report {
    let station = STATIONS[minute as usize % STATIONS.len()];
    let tenths = 137 * minute % 500;
    Report {
        time: BEGIN + 60_000 * i64::from(minute),
        station,
        temperature: (minute % 100 != 99).then(|| f64::from(tenths) / 10.0 - 20.0),
        text: format!(
            "{station}, minute {minute}: clear sky, calm wind, nothing to be seen of rain, snow, hail or fog"
        ),
    }
}

/// Writes the columns of a row group, in the schema's order.
fn write_columns(
    rows: &[Report],
    group: &mut SerializedRowGroupWriter<'_, File>,
) -> Result<(), ParquetError> {
    let text = |text: &str| ByteArray::from(text);
    let times: Vec<_> = rows.iter().map(|row| row.time).collect();
    write_column::<Int64Type>(group, &times, None)?;
    let stations: Vec<_> = rows.iter().map(|row| text(row.station)).collect();
    write_column::<ByteArrayType>(group, &stations, None)?;
    let temperatures: Vec<_> = rows.iter().filter_map(|row| row.temperature).collect();
    let there: Vec<_> = rows
        .iter()
        .map(|row| row.temperature.is_some().into())
        .collect();
    write_column::<DoubleType>(group, &temperatures, Some(&there))?;
    let texts: Vec<_> = rows.iter().map(|row| text(&row.text)).collect();
    write_column::<ByteArrayType>(group, &texts, None)
}

/// Writes the next column: its values, and the definition levels if some rows have none.
fn write_column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, File>,
    values: &[T::T],
    there: Option<&[i16]>,
) -> Result<(), ParquetError> {
    let Some(mut column) = group.next_column()? else {
        return Err(ParquetError::General("the schema has fewer columns".into()));
    };
    column.typed::<T>().write_batch(values, there, None)?;
    column.close()
}
