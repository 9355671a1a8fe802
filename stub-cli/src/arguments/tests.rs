#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use clap::{CommandFactory, Parser};
use s3fs_core::{Access, Credentials};

use super::{Cli, Command, VolumeArgument, mode, size, time};

fn run(arguments: &[&str]) -> super::RunArguments {
    match Cli::try_parse_from([&["stub", "run"], arguments].concat())
        .unwrap()
        .command
    {
        Command::Run(arguments) => arguments,
        other => unreachable!("{other:?}"),
    }
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn a_volume_is_a_path_and_an_s3_url() {
    let config = |text: &str| {
        text.parse::<VolumeArgument>()
            .unwrap()
            .volume()
            .into_config()
    };
    let whole = config("/m=s3://my-bucket").unwrap();
    assert!(whole.prefix.is_root());
    assert_eq!(whole.access, Access::default());
    for text in ["/m=s3://my-bucket/a/b:ro", "/m=s3://my-bucket/a/b/:ro"] {
        let part = config(text).unwrap();
        assert_eq!(
            (part.bucket.as_str(), part.prefix.as_str()),
            ("my-bucket", "a/b/")
        );
        assert_eq!(part.access, Access::ReadOnly);
    }
    let odd = config("/m=s3://my-bucket/a:ro:rw").unwrap();
    assert_eq!(
        (odd.prefix.as_str(), odd.access),
        ("a:ro/", Access::default())
    );
}

#[test]
fn a_path_and_a_prefix_may_hold_an_equals_sign() {
    let volume: VolumeArgument = "/data/day=1=s3://my-bucket/x=s3:".parse().unwrap();
    assert_eq!(volume.path.as_ref(), std::path::Path::new("/data/day=1"));
    let config = volume.volume().into_config().unwrap();
    assert_eq!(config.prefix.as_str(), "x=s3:/");
}

#[test]
fn a_wrong_volume_says_what_to_write() {
    let says = |text: &str| text.parse::<VolumeArgument>().unwrap_err();
    assert!(says("/m").contains("/path=s3://bucket/prefix"));
    assert!(says("/m=my-bucket").contains("s3://"));
    assert!(says("m=s3://my-bucket").contains("`/m`"));
    assert!(says("/=s3://my-bucket").contains("`/data`"));
    assert!(says("/m=s3://x").contains("too short"));
    assert!(says("/m=s3://").contains("empty"));
}

#[test]
fn a_program_keeps_its_own_options() {
    let arguments = run(&[
        "-v",
        "/m=s3://my-bucket",
        "--timeout",
        "2m",
        "--",
        "ls",
        "-v",
        "--help",
    ]);
    assert_eq!(arguments.command, ["ls", "-v", "--help"]);
    assert_eq!(arguments.timeout, Some(Duration::from_mins(2)));
    let arguments = run(&["ls", "-l"]);
    assert_eq!(arguments.command, ["ls", "-l"]);
    assert!(Cli::try_parse_from(["stub", "run"]).is_err());
}

#[test]
fn a_variables_value_is_not_shown() {
    let arguments = run(&["--env", "A=hunter2=x", "true"]);
    assert_eq!(arguments.variables[0].value, "hunter2=x");
    assert!(!format!("{arguments:?}").contains("hunter2"));
}

#[test]
fn every_option_of_mount_arrives() {
    let line = "stub mount my-bucket /mnt --prefix a/ --read-only --endpoint-url http://h:1 \
                --force-path-style --region r --allow-other --uid 1 --gid 2 --file-mode 0640 \
                --dir-mode 750 --no-sign-request";
    let cli = Cli::try_parse_from(line.split_whitespace()).unwrap();
    let Command::Mount(arguments) = cli.command else {
        unreachable!()
    };
    assert!(arguments.allow_other);
    let config = arguments.volume().into_config().unwrap();
    assert_eq!(config.prefix.as_str(), "a/");
    assert_eq!(config.access, Access::ReadOnly);
    assert_eq!(config.endpoint_url.as_deref(), Some("http://h:1"));
    assert!(config.force_path_style);
    assert_eq!(config.region.as_deref(), Some("r"));
    assert!(matches!(config.credentials, Credentials::Anonymous));
    let shown = config.ownership;
    assert_eq!((shown.uid, shown.gid), (Some(1), Some(2)));
    assert_eq!((shown.file_mode, shown.dir_mode), (0o640, 0o750));
}

#[test]
fn a_cache_is_a_folder_and_a_size() {
    let of = |volume: &str, options: &str| {
        let arguments = run(&[options.split_whitespace().collect(), vec!["true"]].concat());
        let volume: VolumeArgument = volume.parse().unwrap();
        let config = volume
            .volume()
            .with_defaults(arguments.service.options())
            .into_config();
        config.unwrap().cache
    };
    let own = of("/m=s3://my-bucket:cache=/own", "--cache-size 500MiB").unwrap();
    assert_eq!((own.dir.to_str(), own.size), (Some("/own"), 500 << 20));
    let config = |options| of("/m=s3://my-bucket", options);
    assert_eq!(config(""), None);
    let cache = config("--cache /var/cache/b").unwrap();
    assert_eq!(
        (cache.dir.to_str(), cache.size),
        (Some("/var/cache/b"), 10 << 30)
    );
    let cache = config("--cache here --cache-size 500MiB").unwrap();
    assert!(cache.dir.is_absolute() && cache.dir.ends_with("here"));
    assert_eq!(cache.size, 500 << 20);
}

#[test]
fn failing_requests_are_repeated_for_the_time_that_is_asked_for() {
    let timeout = |options: &str| {
        let arguments = run(&[options.split_whitespace().collect(), vec!["true"]].concat());
        let volume: VolumeArgument = "/m=s3://my-bucket".parse().unwrap();
        let config = volume
            .volume()
            .with_defaults(arguments.service.options())
            .into_config();
        config.unwrap().retry_timeout
    };
    assert_eq!(timeout(""), Duration::from_mins(5));
    assert_eq!(timeout("--retry-timeout 90s"), Duration::from_secs(90));
}

#[test]
fn sizes_are_read_as_people_write_them() {
    assert_eq!(size("4096"), Ok(4096));
    assert_eq!(size("2MB"), Ok(2_000_000));
    assert_eq!(size("1TiB"), Ok(1 << 40));
    for bad in ["", "GiB", "1.5GiB", "10G", "-1MiB", "0", "99999999TiB"] {
        assert!(size(bad).is_err(), "{bad}");
    }
}

#[test]
fn numbers_are_read_as_people_write_them() {
    assert_eq!(mode::parse("0644"), Ok(0o644));
    assert_eq!(mode::parse("0o755"), Ok(0o755));
    assert!(mode::parse("888").is_err() && mode::parse("4755").is_err());
    assert_eq!(time("90"), Ok(Duration::from_secs(90)));
    assert_eq!(time("2h"), Ok(Duration::from_hours(2)));
    for bad in [
        "",
        "s",
        "1d",
        "-1",
        "0",
        "99999999999999999999",
        "9999999999999999999h",
    ] {
        assert!(time(bad).is_err(), "{bad}");
    }
}
