//! `SQLite`, with each kind of journal.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use crate::place::Place;
use crate::run::{finish, program};

fn command(place: &Place, statements: &str) -> Command {
    let mut command = program("sqlite3", place.path());
    command.args([
        "-batch",
        "-bail",
        "-cmd",
        ".timeout 100000",
        "db",
        statements,
    ]);
    command
}

/// Runs statements in a separate process, and returns the output.
#[track_caller]
pub(crate) fn sql(place: &Place, statements: &str) -> String {
    finish(&mut command(place, statements))
}

/// Fills a database in many transactions, with this kind of journal.
pub(crate) fn fill(place: &Place, journal: &str) {
    sql(
        place,
        &format!(
            "PRAGMA journal_mode={journal};
             CREATE TABLE t(id INTEGER PRIMARY KEY, text TEXT, bytes BLOB);
             CREATE INDEX by_text ON t(text);"
        ),
    );
    for round in 0..10 {
        sql(
            place,
            &format!(
                "BEGIN;
                 WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
                 INSERT INTO t(text, bytes) SELECT 'row ' || (i * 31 % 200), randomblob(3000) FROM n;
                 COMMIT;
                 UPDATE t SET text = 'changed {round}' WHERE id % 10 = {round};
                 BEGIN; DELETE FROM t; ROLLBACK;"
            ),
        );
    }
}

/// Checks that database.
#[track_caller]
pub(crate) fn check(place: &Place) {
    let statements = "PRAGMA integrity_check; SELECT count(*), sum(length(bytes)) FROM t;";
    assert_eq!(sql(place, statements), "ok\n2000|6000000");
}

/// Returns all rows as one text, to compare them between places.
fn rows(place: &Place) -> String {
    sql(
        place,
        "SELECT group_concat(id || text || hex(substr(bytes, 1, 8))) FROM t;",
    )
}

fn journals_in_turn(kinds: &[&str]) {
    for journal in kinds {
        let place = Place::new();
        fill(&place, journal);
        check(&place);
        let before = rows(&place);
        let place = place.check_fresh();
        check(&place);
        assert!(rows(&place) == before, "{journal}");
        sql(
            &place,
            "DELETE FROM t WHERE id % 2; VACUUM; INSERT INTO t(bytes) VALUES (randomblob(9000000));",
        );
        let said = "PRAGMA integrity_check; SELECT count(*), sum(length(bytes)) FROM t;";
        let fresh = place.check_fresh();
        assert_eq!(sql(&fresh, said), "ok\n1001|12000000", "{journal}");
        // Any other program reads the object.
        let local = tempfile::tempdir().unwrap();
        std::fs::write(local.path().join("db"), fresh.object("db").unwrap()).unwrap();
        let mut elsewhere = program("sqlite3", local.path());
        assert_eq!(finish(elsewhere.args(["db", said])), "ok\n1001|12000000");
    }
}

#[test]
fn a_database_with_a_rollback_journal() {
    journals_in_turn(&["DELETE", "TRUNCATE", "PERSIST"]);
}

#[test]
fn a_database_with_a_write_ahead_log() {
    journals_in_turn(&["WAL"]);
}

/// Runs two processes that each increment a counter; no increment may be lost.
fn count_together(journal: &str) {
    let place = Place::new();
    sql(
        &place,
        &format!(
            "PRAGMA journal_mode={journal}; CREATE TABLE c(n); INSERT INTO c VALUES (0); CREATE TABLE log(who, n);"
        ),
    );
    let start = |who: &str| -> Child {
        let add = format!(
            "BEGIN IMMEDIATE; UPDATE c SET n = n + 1; INSERT INTO log SELECT '{who}', n FROM c; COMMIT;"
        );
        let mut command = command(&place, &add.repeat(60));
        command.stdout(Stdio::null()).spawn().unwrap()
    };
    for mut child in [start("one"), start("two")] {
        assert!(child.wait().unwrap().success());
    }
    let said = "SELECT n FROM c; SELECT count(*), count(DISTINCT n), max(n) FROM log; PRAGMA integrity_check;";
    assert_eq!(sql(&place, said), "120\n120|120|120\nok");
    let fresh = place.check_fresh();
    assert_eq!(sql(&fresh, said), "120\n120|120|120\nok");
}

#[test]
fn two_processes_with_a_rollback_journal() {
    count_together("DELETE");
}

#[test]
fn two_processes_with_a_write_ahead_log() {
    count_together("WAL");
}

#[test]
fn a_transaction_that_was_broken_off_is_rolled_back() {
    for journal in ["DELETE", "WAL"] {
        let place = Place::new();
        fill(&place, journal);
        let before = rows(&place);
        // It is killed in the middle of a transaction of which much has been written.
        let mut child = program("sqlite3", place.path())
            .args(["-batch", "db"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let statements = "PRAGMA cache_size=10; BEGIN;
             UPDATE t SET bytes = randomblob(3000), text = 'lost';\n.shell echo now\n";
        let mut input = child.stdin.take().unwrap();
        input.write_all(statements.as_bytes()).unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(said.any(|line| line.unwrap() == "now"), "it has ended");
        child.kill().unwrap();
        child.wait().unwrap();
        let place = place.fresh();
        check(&place);
        assert!(rows(&place) == before, "{journal}");
    }
}
