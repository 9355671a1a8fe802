//! Parquet and HDF5, with the common libraries.

use std::path::Path;

use crate::place::Place;
use crate::run::{finish, program};
use crate::tools::tool;

/// Runs a program with a Python that has these libraries; returns `None` if it can't be installed.
fn run(folder: &Path, source: &str) -> Option<String> {
    let python = tool("python/bin/python")?;
    Some(finish(program(python, folder).args(["-c", source])))
}

/// Runs a writer, then a reader, which must print the same on the mount, on a fresh mount and on the
/// objects.
fn write_and_read(writer: &str, reader: &str, keys: &[&str]) {
    let place = Place::new();
    if run(place.path(), writer).is_none() {
        return;
    }
    let wanted = run(place.path(), reader).unwrap();
    assert!(!wanted.is_empty());
    let fresh = place.check_fresh();
    assert_eq!(run(fresh.path(), reader).unwrap(), wanted);
    let local = tempfile::tempdir().unwrap();
    for key in keys {
        let path = local.path().join(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, fresh.object(key).unwrap()).unwrap();
    }
    assert_eq!(run(local.path(), reader).unwrap(), wanted);
}

#[test]
fn parquet_is_written_in_groups_and_read_by_columns() {
    write_and_read(
        "
import pyarrow as pa, pyarrow.parquet as pq
def table(group):
    numbers = range(group * 100_000, (group + 1) * 100_000)
    return pa.table({'n': numbers, 'text': [f'row {n * 7919 % 1000003}' for n in numbers]})
with pq.ParquetWriter('many.parquet', table(0).schema, compression='none') as writer:
    for group in range(6):
        writer.write_table(table(group))
pq.write_table(table(9), 'one.parquet')
",
        "
import pyarrow.compute as pc, pyarrow.parquet as pq
file = pq.ParquetFile('many.parquet')
print(file.num_row_groups, pc.sum(file.read(['n'])['n']), file.read_row_group(3)['text'][5])
print(pq.read_table('one.parquet', memory_map=True).num_rows, pq.read_metadata('one.parquet').num_rows)
",
        &["many.parquet", "one.parquet"],
    );
}

#[test]
fn a_dataset_of_parquet_is_partitioned() {
    let place = Place::new();
    let writer = "
import pyarrow as pa, pyarrow.dataset as ds
table = pa.table({'n': range(50_000), 'part': [n % 20 for n in range(50_000)]})
for round in range(2):
    ds.write_dataset(table, 'data', format='parquet', partitioning=['part'],
                     existing_data_behavior='delete_matching')
";
    let reader = "
import pyarrow.dataset as ds
data = ds.dataset('data', partitioning=['part'])
print(len(data.files), data.count_rows(), data.to_table(filter=ds.field('part') == 7)['n'][3])
";
    if run(place.path(), writer).is_none() {
        return;
    }
    let wanted = "20 50000 67";
    assert_eq!(run(place.path(), reader).unwrap(), wanted);
    let fresh = place.check_fresh();
    assert_eq!(run(fresh.path(), reader).unwrap(), wanted);
}

#[test]
fn hdf5_is_written_changed_and_grown_in_place() {
    write_and_read(
        "
import h5py, numpy as np
with h5py.File('data.h5', 'w') as file:
    file.create_dataset('plain', data=np.arange(1_000_000, dtype='f8'))
    file.create_dataset('packed', data=np.arange(500_000), chunks=(10_000,), compression='gzip')
    file.create_dataset('grows', shape=(0,), maxshape=(None,), chunks=(4096,), dtype='i4')
    file.attrs['title'] = 'first'
for round in range(5):
    with h5py.File('data.h5', 'r+') as file:
        file['plain'][round * 1000:round * 1000 + 500] = -1
        file['packed'][::1000] = round
        grows = file['grows']
        grows.resize(grows.shape[0] + 20_000, axis=0)
        grows[-20_000:] = round
        file.attrs['title'] = f'round {round}'
        group = file.create_group(f'group {round}')
        group['text'] = 'text ' * 1000
        file.flush()
        if round:
            del file[f'group {round - 1}']
",
        "
import h5py
with h5py.File('data.h5', 'r') as file:
    print(file['plain'][:].sum(), file['packed'][:].sum(), file['grows'][:].sum(), file['grows'].shape)
    print(file.attrs['title'], sorted(file))
",
        &["data.h5"],
    );
}

#[test]
fn arrays_of_numbers_are_mapped() {
    write_and_read(
        "
import numpy as np
np.save('saved.npy', np.arange(2_000_000))
mapped = np.load('saved.npy', mmap_mode='r+')
mapped[::1000] = 0
mapped.flush()
fresh = np.lib.format.open_memmap('new.npy', mode='w+', dtype='i8', shape=(1500, 1000))
fresh[:] = np.arange(1_500_000).reshape(1500, 1000)
fresh[700] = 7
fresh.flush()
np.savez_compressed('several.npz', a=mapped, b=fresh)
",
        "
import numpy as np
print(np.load('saved.npy').sum(), np.load('new.npy', mmap_mode='r')[700].sum(), np.load('new.npy').sum())
print({name: int(array.sum()) for name, array in np.load('several.npz').items()})
",
        &["saved.npy", "new.npy", "several.npz"],
    );
}
