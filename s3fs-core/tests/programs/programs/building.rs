//! Compilers, and execution of their output from the mount.

use std::fs;

use crate::place::Place;
use crate::run::{finish, program, sh};

#[test]
fn a_program_is_compiled_linked_and_run() {
    let place = Place::new();
    fs::write(
        place.at("main.c"),
        "#include <stdio.h>\nint twice(int); int main(void) { printf(\"%d\\n\", twice(21)); return 0; }\n",
    )
    .unwrap();
    fs::write(place.at("twice.c"), "int twice(int n) { return 2 * n; }\n").unwrap();
    sh(
        place.path(),
        "gcc -g -c main.c twice.c; ar rcs libtwice.a twice.o; gcc -o static main.o libtwice.a
         gcc -shared -fPIC -o libtwice.so twice.c; gcc -o shared main.o -L. -ltwice -Wl,-rpath,'$ORIGIN'
         strip -o stripped static",
    );
    let run = |place: &Place| sh(place.path(), "./static; ./shared; ./stripped");
    assert_eq!(run(&place), "42\n42\n42");
    let fresh = place.check_fresh();
    assert_eq!(run(&fresh), "42\n42\n42");
}

#[test]
fn make_builds_only_what_is_old() {
    let place = Place::new();
    fs::write(
        place.at("Makefile"),
        "all: one two sum\none two:\n\tseq 100 > $@; echo $@ >> log\nsum: one two\n\tcat $^ | wc -l > $@; echo $@ >> log\n",
    )
    .unwrap();
    let make = |place: &Place| sh(place.path(), "make -s -j2; sort log | tr '\\n' ' '");
    assert_eq!(make(&place), "one sum two");
    assert_eq!(make(&place), "one sum two");
    let place = place.check_fresh();
    assert_eq!(
        make(&place),
        "one sum two",
        "nothing is old on a fresh mount"
    );
    sh(place.path(), "touch two");
    assert_eq!(make(&place), "one sum sum two");
    let fresh = place.check_fresh();
    assert_eq!(make(&fresh), "one sum sum two");
    assert_eq!(sh(fresh.path(), "cat sum"), "200");
}

#[test]
fn a_crate_is_built_tested_and_run() {
    let place = Place::new();
    let Some(cargo) = std::env::var_os("CARGO") else {
        return; // Not run by cargo.
    };
    let cargo = |place: &Place, arguments: &[&str]| {
        let mut command = program(&cargo, place.path());
        command.args(arguments).env_remove("CARGO_TARGET_DIR");
        command.args(["--offline", "--quiet", "--manifest-path", "tiny/Cargo.toml"]);
        match std::env::var_os("HOME") {
            Some(home) => finish(command.env("HOME", home)),
            None => finish(command.env_remove("HOME")),
        }
    };
    fs::create_dir_all(place.at("tiny/src")).unwrap();
    let manifest =
        "[package]\nname = \"tiny\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[workspace]\n";
    fs::write(place.at("tiny/Cargo.toml"), manifest).unwrap();
    let source = "fn main() { println!(\"{}\", tiny::twice(21)); }\n";
    fs::write(place.at("tiny/src/main.rs"), source).unwrap();
    let library =
        "pub fn twice(n: i32) -> i32 { 2 * n }\n#[test] fn two() { assert_eq!(twice(1), 2); }\n";
    fs::write(place.at("tiny/src/lib.rs"), library).unwrap();
    assert_eq!(cargo(&place, &["run"]), "42");
    cargo(&place, &["test"]);
    fs::write(
        place.at("tiny/src/lib.rs"),
        library.replace("2 * n", "n + n"),
    )
    .unwrap();
    assert_eq!(cargo(&place, &["run"]), "42");
    let fresh = place.check_fresh();
    assert_eq!(sh(fresh.path(), "tiny/target/debug/tiny"), "42");
    assert_eq!(cargo(&fresh, &["run"]), "42");
}
