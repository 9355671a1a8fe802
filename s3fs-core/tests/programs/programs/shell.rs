//! File operations built into a shell.

use crate::place::Place;
use crate::run::sh;

#[test]
fn redirections_create_append_and_keep() {
    let place = Place::new();
    sh(
        place.path(),
        "echo one > a; echo two >> a; cat < a > b; : > empty; > empty2; cat a >> a.copy
         exec 3<>a; read -r line <&3; echo \"$line\" > first; echo TWO >&3; exec 3>&-; cat a
         set -C; echo no > a 2>/dev/null && exit 1; echo yes >| a.forced; set +C
         { echo out; echo err >&2; } > both 2>&1; for i in 1 2 3; do echo $i; done | tee list | tac > reversed
         cat <<< here > string; (echo in sub; exec echo exec) > sub; echo $$ > pid; rm pid
         { echo before; cat both; } > both.new && mv both.new both; mktemp -p . kept.XXXX > name; cat name | xargs rm
         [ a -nt /etc/passwd ] && [ ! -s empty ] && [ -f a ] && [ -d . ]",
    );
    let fresh = place.check_fresh();
    let said = sh(fresh.path(), "cat a first both reversed string sub; ls");
    let names =
        "a\na.copy\na.forced\nb\nboth\nempty\nempty2\nfirst\nlist\nname\nreversed\nstring\nsub";
    assert_eq!(
        said,
        format!("one\nTWO\none\nbefore\nout\nerr\n3\n2\n1\nhere\nin sub\nexec\n{names}")
    );
}

#[test]
fn a_script_runs_while_it_lies_on_the_mount() {
    let place = Place::new();
    sh(
        place.path(),
        "printf '#!/bin/bash\\necho first\\nsource ./lib\\nhello\\n' > script; echo 'hello() { echo from lib; }' > lib
         chmod +x script; ./script > said; bash script | cmp - said
         cat > loop <<'END'\nfor i in $(seq 50); do echo $i > count; read -r n < count; test $n = $i; done\nEND
         bash -e loop; cat count",
    );
    let fresh = place.check_fresh();
    assert_eq!(
        sh(fresh.path(), "./script; cat count"),
        "first\nfrom lib\n50"
    );
}
