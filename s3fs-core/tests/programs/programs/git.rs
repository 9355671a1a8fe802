//! git: repositories, work trees and clones.

use s3_local::Operation;

use crate::place::Place;
use crate::run::sh;

/// Prologue of each script.
const AS: &str = "
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
git() { command git -c init.defaultBranch=main -c advice.detachedHead=false -c safe.directory='*' \"$@\"; }
";

fn run(place: &Place, script: &str) -> String {
    sh(place.path(), &format!("{AS}{script}"))
}

/// Creates a repository with a history: programs, links, a large file, merged branches.
pub(crate) fn make_history(place: &Place) {
    run(
        place,
        "git init -q repo; cd repo
         mkdir -p src/deep; seq 2000 > src/numbers; echo text > src/deep/text
         printf '#!/bin/sh\\necho ran\\n' > run; chmod +x run
         ln -s src/deep link; ln -s nothing dangling
         head -c 3000000 /dev/urandom > large
         git add -A; git commit -qm first
         git checkout -qb side; echo side > side; sed -i s/^7$/seven/ src/numbers
         git commit -qam side; git add side; git commit -qm 'side, too'
         git checkout -q main; echo main > main; git add main; git commit -qm main
         git merge -q side -m merged; git tag -am tagged v1
         for i in $(seq 12); do echo $i >> log; git add log; git commit -qm \"log $i\"; done",
    );
}

/// Checks that repository, also as a copy.
pub(crate) fn check_history(place: &Place) {
    let said = run(
        place,
        "cd repo; git fsck --strict --no-progress 2>&1; git status --porcelain; git diff HEAD --stat
         git log --oneline | wc -l; ./run; cat link/text; test -L dangling; git describe
         git ls-files -s run link | cut -c1-6; grep -c . log",
    );
    assert_eq!(
        said,
        "17\nran\ntext\nv1-12-g".to_owned() + &said[19..26] + "\n120000\n100755\n12"
    );
}

#[test]
fn a_history_is_made_collected_and_checked() {
    let place = Place::new();
    make_history(&place);
    check_history(&place);
    run(
        &place,
        "cd repo; git gc -q --prune=now; git count-objects -v | grep -q 'count: 0'",
    );
    check_history(&place);
    let place = place.check_fresh();
    check_history(&place);
    run(
        &place,
        "cd repo; git checkout -q side; test ! -e main; git checkout -q main
         echo more >> log; git stash -q; git stash pop -q; git commit -qam more
         git checkout -qb topic HEAD~3; echo topic > topic; git add topic; git commit -qm topic
         git rebase -q main; git checkout -q main; git merge -q topic; git repack -qad",
    );
    let fresh = place.check_fresh();
    let said = run(
        &fresh,
        "cd repo; git status --porcelain; git fsck --no-progress 2>&1 | grep -v dangling || true",
    );
    assert_eq!(said, "");
}

#[test]
fn repositories_are_cloned_pushed_to_and_fetched_from() {
    let place = Place::new();
    make_history(&place);
    let local = tempfile::tempdir().unwrap();
    let script = |folder: &str| {
        format!(
            "git clone -q repo clone; git clone -q --bare repo bare.git
             git clone -q bare.git {folder}/there
             (cd {folder}/there; echo pushed > pushed; git add .; git commit -qm pushed; git push -q)
             cd clone; git remote add bare ../bare.git; git fetch -q bare
             git merge -q --ff-only bare/main; cat pushed; git status --porcelain
             cmp large ../repo/large; git worktree add -q ../work origin/side; cat ../work/side"
        )
    };
    let said = run(&place, &script(local.path().to_str().unwrap()));
    assert_eq!(said, "pushed\nside");
    let fresh = place.check_fresh();
    let said = run(
        &fresh,
        "cd clone; git status --porcelain; git fsck --no-progress 2>&1
         cd ../bare.git; git fsck --no-progress 2>&1; git log -1 --format=%s",
    );
    assert_eq!(said, "pushed");
}

#[test]
fn a_work_tree_of_many_files_changes_back_and_forth() {
    let place = Place::new();
    run(
        &place,
        "git init -q repo; cd repo
         for d in a b c d e; do mkdir $d; for i in $(seq 100); do echo $d $i > $d/$i; done; done
         git add .; git commit -qm one; git checkout -qb other
         git mv a z; git rm -rq b; for i in $(seq 100); do echo changed > c/$i; done
         git add -A; git commit -qm two
         for i in 1 2; do git checkout -q main; test -e b/7; git checkout -q other; test ! -e b; done
         git checkout -q main; echo x > untracked; git clean -fdq; rm -r d; git restore d",
    );
    let check = |place: &Place| {
        run(
            place,
            "cd repo; git status --porcelain; git ls-files | wc -l; cat z/1 a/1 || true",
        )
    };
    assert_eq!(check(&place), "500\na 1");
    let fresh = place.check_fresh();
    assert_eq!(check(&fresh), "500\na 1");
}

#[test]
fn a_fresh_mount_shows_git_that_nothing_has_changed() {
    let place = Place::new();
    // On any file system git reads a file again that is as new as its index, to the second.
    run(
        &place,
        "git init -q repo; cd repo; mkdir work
         for i in $(seq 100); do echo $i > work/$i; done
         until [ $(date +%s) -gt $(stat -c %Y work/100) ]; do sleep 0.05; done
         git add -A; git commit -qm all; git status --porcelain",
    );
    let place = place.fresh();
    if let Some(server) = place.server() {
        server.log().clear();
        assert_eq!(run(&place, "cd repo; git status --porcelain"), "");
        // It compares times and numbers with those in its index, and reads what differs.
        let mut read = server.log().requests();
        read.retain(|request| {
            let key = request.key.as_deref().unwrap_or_default();
            request.operation == Operation::GetObject && key.starts_with("repo/work/")
        });
        assert!(read.is_empty(), "{read:?}");
    }
}
