//! Help and error texts of the program, word for word. `UPDATE_EXPECT=1` updates the expected files.

use expect_test::expect_file;

use crate::program;

/// Returns both streams and the exit status of each command line.
fn said(lines: &[&str]) -> String {
    let mut text = String::new();
    for line in lines {
        let mut command = program();
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("STUB_")) {
            command.env_remove(name);
        }
        let output = command
            .args(line.split_whitespace())
            .env("XDG_CONFIG_HOME", "/no/settings")
            .env("XDG_STATE_HOME", "/no/state")
            .current_dir("/")
            .output()
            .unwrap();
        let streams = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        let status = output.status.code().unwrap();
        text.extend(["$ stub ", line, "\n"]);
        text += &streams.concat();
        text.extend([&status.to_string(), "\n\n"]);
    }
    text
}

#[test]
fn each_command_helps() {
    let lines = [
        "--help",
        "run --help",
        "mount --help",
        "warm --help",
        "jobs --help",
        "jobs list --help",
        "jobs run --help",
        "jobs serve --help",
        "jobs report --help",
        "k8s --help",
        "k8s manifest --help",
        "policy --help",
        "doctor --help",
        "completions --help",
        "man --help",
        "serve --help",
    ];
    expect_file!["./help.txt"].assert_eq(&said(&lines));
}

#[test]
fn a_wrong_command_line_is_told() {
    let lines = [
        "",
        "rum",
        "run",
        "run --volume data=s3://bucket -- true",
        "run --volume /data=bucket -- true",
        "run --volume /data=s3://bucket:regoin=x -- true",
        "run --volume /data=s3://bucket:ro,tags=a:b -- true",
        "run --volume /data=s3://bucket/date:day=1/ -- true",
        "run --volume /data=s3://bucket:cache-size=1GiB -- true",
        "run --volume /data=s3://bucket --acl public-raed -- true",
        "run --volume /data=s3://bucket --sse-kms-key-id k -- true",
        "run --volume /data=s3://bucket --tag project -- true",
        "run --volume /data=s3://bucket --allow-delete=maybe -- true",
        "run --volume /data=s3://bucket --volume /data=s3://other -- true",
        "run --timeout soon -- true",
        "run --memory much -- true",
        "run --memory 1MiB -- true",
        "run --cpu -1 -- true",
        "run --report /no/such/folder/page.html -- true",
        "run --metrics here -- true",
        "run --secret NO_SUCH_VARIABLE -- true",
        "run -- /no/such/program",
        "mount bucket",
        "mount bucket /no/such/folder",
        "mount s3://bucket /tmp",
        "mount bucket /tmp --prefix in",
        "jobs run nightly",
        "jobs serve",
        "jobs report",
        "policy",
        "policy -v /data=s3://b",
        "completions tcsh",
        "serve --access-key-id ID",
    ];
    expect_file!["./wrong.txt"].assert_eq(&said(&lines));
}
