//! Other small databases in files.

use crate::place::Place;
use crate::run::{python, sh};

#[test]
fn a_table_of_awk_is_sorted_onto_itself() {
    let place = Place::new();
    sh(
        place.path(),
        "seq 200000 | awk '{print ($1 * 7919) % 200003, $1}' > table
         sort -n -o table table; sort -c -n table; sort -m -n -o table table table
         test \"$(wc -l < table)\" = 400000; uniq table > once; test \"$(wc -l < once)\" = 200000
         TMPDIR=. sort -S 1M --parallel=2 -rn -o table table; sort -c -rn table",
    );
    let fresh = place.check_fresh();
    assert_eq!(
        sh(fresh.path(), "head -n 1 table | cut -d' ' -f1; ls"),
        "200002\nonce\ntable"
    );
}

#[test]
fn keys_and_values_are_kept_by_dbm() {
    let place = Place::new();
    let said = python(
        place.path(),
        "
import dbm
with dbm.open('store', 'c') as store:
    for number in range(3000):
        store[str(number)] = str(number) * 20
with dbm.open('store', 'w') as store:
    for number in range(0, 3000, 3):
        del store[str(number)]
    for number in range(1, 3000, 3):
        store[str(number)] = 'changed'
with dbm.open('store', 'r') as store:
    print(len(store.keys()), store['1'].decode(), store['5'].decode())
",
    );
    assert_eq!(said, format!("2000 changed {}", "5".repeat(20)));
    let fresh = place.check_fresh();
    let said = python(
        fresh.path(),
        "import dbm; print(len(dbm.open('store', 'r').keys()))",
    );
    assert_eq!(said, "2000");
}
