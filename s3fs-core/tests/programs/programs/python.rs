//! Python: its environments, and file operations of its library.

use crate::place::Place;
use crate::run::{python, sh};

#[test]
fn a_package_is_installed_into_an_environment() {
    let place = Place::new();
    // A wheel is an archive with a list of what is in it.
    python(
        place.path(),
        "
import zipfile
with zipfile.ZipFile('tiny-1.0-py3-none-any.whl', 'w') as wheel:
    wheel.writestr('tiny/__init__.py', 'def main(): print(\"tiny works\")\\n')
    about = 'tiny-1.0.dist-info/'
    wheel.writestr(about + 'METADATA', 'Metadata-Version: 2.1\\nName: tiny\\nVersion: 1.0\\n')
    wheel.writestr(about + 'WHEEL', 'Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    wheel.writestr(about + 'entry_points.txt', '[console_scripts]\\ntiny = tiny:main\\n')
    wheel.writestr(about + 'RECORD', '')
",
    );
    let said = sh(
        place.path(),
        "python3 -m venv env
         env/bin/pip install --quiet --no-index --disable-pip-version-check --no-cache-dir tiny-1.0-py3-none-any.whl
         env/bin/tiny",
    );
    assert_eq!(said, "tiny works");
    let fresh = place.check_fresh();
    let said = sh(
        fresh.path(),
        "env/bin/python -c 'import tiny; tiny.main()'
         env/bin/python -m pip --disable-pip-version-check uninstall -qy tiny
         env/bin/python -c 'import tiny' 2>/dev/null || echo gone",
    );
    assert_eq!(said, "tiny works\ngone");
    fresh.check_objects();
}

/// Program that writes by most modules of the library that write files.
const WRITES_IN_MANY_WAYS: &str = r"
import csv, dbm.dumb, gzip, json, mmap, os, pathlib, pickle, shelve, shutil, sqlite3, tempfile, zipfile

with zipfile.ZipFile('a.zip', 'w', zipfile.ZIP_DEFLATED) as archive:
    for number in range(50):
        archive.writestr(f'd/{number}', str(number) * 1000)
with zipfile.ZipFile('a.zip', 'a') as archive:
    archive.writestr('later', b'later')
    assert archive.testzip() is None
zipfile.ZipFile('a.zip').extractall('out')
shutil.copytree('out', 'copy', symlinks=True)
shutil.move('copy/d', 'moved')
shutil.make_archive('packed', 'gztar', 'out')

with open('mapped', 'w+b') as file:
    file.truncate(3_000_000)
    with mmap.mmap(file.fileno(), 0) as view:
        view[1_000_000:1_000_005] = b'hello'
        view.flush()
        view.resize(4_000_000)
        view[-4:] = b'last'
    file.seek(1_000_000)
    assert file.read(5) == b'hello'

with tempfile.TemporaryDirectory(dir='.') as folder:
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        file.write(b'x' * 100_000)
        file.flush()
        assert os.path.getsize(file.name) == 100_000
    with tempfile.SpooledTemporaryFile(max_size=10, dir=folder) as file:
        file.write(b'spooled over')
        file.seek(0)
        assert file.read() == b'spooled over'
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b'nameless')
        file.seek(0)
        assert file.read() == b'nameless'

base = sqlite3.connect('db')
with base:
    base.execute('create table t(n)')
    base.executemany('insert into t values (?)', ((n,) for n in range(1000)))
base.close()

for round in range(3):
    with open('state.tmp', 'w') as file:
        json.dump({'round': round}, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace('state.tmp', 'state.json')

with shelve.Shelf(dbm.dumb.open('shelf')) as shelf:
    for number in range(100):
        shelf[str(number)] = list(range(number))
with gzip.open('text.gz', 'at') as file:
    file.write('one\n')
with gzip.open('text.gz', 'at') as file:
    file.write('two\n')
with open('table.csv', 'w', newline='') as file:
    csv.writer(file).writerows([n, n * n] for n in range(1000))
with open('update', 'w+b') as file:
    pickle.dump(list(range(10000)), file)
    file.seek(0)
    assert pickle.load(file)[-1] == 9999
    file.seek(10)
    file.truncate()
pathlib.Path('touched').touch(mode=0o600)
pathlib.Path('touched').rename('renamed')
os.makedirs('deep/er/est', exist_ok=True)
os.removedirs('deep/er/est')
";

/// Program that prints what it reads of that.
const READS_IN_MANY_WAYS: &str = r"
import dbm.dumb, filecmp, gzip, json, shelve, sqlite3, tarfile, zipfile
print(zipfile.ZipFile('a.zip').testzip(), len(tarfile.open('packed.tar.gz').getnames()) > 50)
print(filecmp.dircmp('out/d', 'moved').diff_files, json.load(open('state.json')))
view = open('mapped', 'rb').read()
print(view[1_000_000:1_000_005], view[-4:], len(view), view.count(0))
print(sqlite3.connect('db').execute('select sum(n) from t').fetchone())
print(len(shelve.Shelf(dbm.dumb.open('shelf'))['99']), gzip.open('text.gz', 'rt').read().split())
";

#[test]
fn the_library_reads_and_writes_in_many_ways() {
    let place = Place::new();
    python(place.path(), WRITES_IN_MANY_WAYS);
    let fresh = place.check_fresh();
    let said = python(fresh.path(), READS_IN_MANY_WAYS);
    let wanted = "None True\n[] {'round': 2}\nb'hello' b'last' 4000000 3999991\n(499500,)\n99 ['one', 'two']";
    assert_eq!(said, wanted);
}

#[test]
fn logs_rotate_while_several_write() {
    let place = Place::new();
    let said = python(
        place.path(),
        r"
import glob, logging, logging.handlers, threading
handler = logging.handlers.RotatingFileHandler('log', maxBytes=20_000, backupCount=100)
log = logging.getLogger()
log.addHandler(handler)
def write(who):
    for number in range(500):
        log.warning('%s %d %s', who, number, 'x' * 50)
threads = [threading.Thread(target=write, args=(who,)) for who in 'abc']
[thread.start() for thread in threads]
[thread.join() for thread in threads]
logging.shutdown()
lines = [line.split()[:2] for name in glob.glob('log*') for line in open(name)]
print(len(lines), len({tuple(line) for line in lines}), len(glob.glob('log*')) > 3)
",
    );
    assert_eq!(said, "1500 1500 True");
    place.check_fresh();
}
