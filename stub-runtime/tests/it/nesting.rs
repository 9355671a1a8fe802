//! Volumes inside other volumes.

use std::fs;

use s3_local::Server;
use s3fs_core::Access;
use stub_test_support::eventually;

use crate::harness::folder;
use crate::volumes::{printed, server, volume};

/// Returns the bucket `more` at a folder below the bucket `data`, the inner one declared first.
fn nested(server: &Server, path: &std::path::Path, inner: &str) -> Vec<stub_runtime::call::Volume> {
    vec![
        volume(server, "more", path.join(inner)),
        volume(server, "data", path),
    ]
}

#[test]
fn a_volume_covers_a_folder_of_the_bucket_around_it() {
    let (server, (_guard, path)) = (server(), folder());
    let script = format!(
        "cat {0}/hello {0}/sub/other; echo x > {0}/sub/y",
        path.display()
    );
    assert_eq!(
        printed(nested(&server, &path, "sub"), &script),
        "from the bucketof more"
    );
    assert_eq!(server.get("more", "y").unwrap(), "x\n");
    assert!(server.get("data", "sub/y").is_none());
}

#[test]
fn a_folder_that_the_outer_bucket_lacks_is_there_and_nothing_is_written_for_it() {
    for inner in ["absent", "absent/deeper", "sub/absent"] {
        for access in [Access::default(), Access::ReadOnly] {
            let (server, (_guard, path)) = (server(), folder());
            let mut volumes = nested(&server, &path, inner);
            volumes[1].mount.access = access;
            // Longer than the outer volume believes what its bucket said.
            let script = format!(
                "cd {}; cat {inner}/other; sleep 1.5; ls; cat hello {inner}/other; test ! -e nothing",
                path.display()
            );
            let text = printed(volumes, &script);
            let first = inner.split('/').next().unwrap();
            let shown = match first {
                "sub" => "hello\nsub".to_owned(),
                absent => format!("{absent}\nhello\nsub"),
            };
            assert_eq!(text, format!("of more{shown}\nfrom the bucketof more"));
            assert_eq!(server.log().writes(), 0, "{inner}");
            assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
        }
    }
}

#[test]
fn a_mount_point_outlives_its_folder_in_the_bucket() {
    let (server, (_guard, path)) = (server(), folder());
    let volumes = nested(&server, &path, "sub");
    let script = format!(
        "cd {0}; cat sub/other; touch {1}; while test -e {1}; do sleep 0.05; done; sleep 1.5; \
         ls; cat sub/other; rmdir sub 2>&1 | grep -c busy",
        path.display(),
        path.with_extension("mark").display(),
    );
    let text = std::thread::scope(|scope| {
        let call = scope.spawn(|| printed(volumes, &script));
        let mark = path.with_extension("mark");
        eventually("the script waits", || mark.exists().then_some(()));
        assert!(server.delete("data", "sub/deep"));
        fs::remove_file(mark).unwrap();
        call.join().unwrap()
    });
    assert_eq!(text, "of morehello\nsub\nof more1\n");
}

#[test]
fn volumes_lie_in_each_other_to_any_depth() {
    let (server, (_guard, path)) = (server(), folder());
    let volumes = vec![
        volume(&server, "data", path.join("a/b/c")),
        volume(&server, "data", &path),
        volume(&server, "more", path.join("a/b")),
    ];
    let script = format!(
        "cd {}; cat a/b/c/hello a/b/other hello; ls a a/b",
        path.display()
    );
    assert_eq!(
        printed(volumes, &script),
        "from the bucketof morefrom the bucketa:\nb\n\na/b:\nc\nother\n"
    );
    assert_eq!(server.log().writes(), 0);
}
