//! Roles that mounts assume.

use std::fs;

use s3fs_core::{AssumedRole, Credentials, MountConfig};

use crate::environment::said;
use crate::mount::Mount;
use crate::mounted::{BUCKET, config};
use crate::sts::{self, ROLE, Sts};

/// Role that another account asks to assume.
const OTHER: &str = "arn:aws:iam::123456789012:role/other";

fn role(arn: &str) -> AssumedRole {
    AssumedRole {
        arn: arn.parse().unwrap(),
        session_name: Some("job-7".parse().unwrap()),
        external_id: Some("from/us".into()),
    }
}

#[test]
fn a_role_is_assumed_with_the_keys_of_the_mount_and_renewed_while_it_lives() {
    let (server, sts) = (sts::server(), Sts::start());
    server.put(BUCKET, "there", "bytes");
    let config = MountConfig {
        role: Some(role(ROLE)),
        ..config(&server)
    };
    let url = sts.url();
    let mount = Mount::start_with(config, None, &[("AWS_ENDPOINT_URL_STS", url.as_ref())]);
    let first = sts.requests().len();
    assert_eq!(fs::read(mount.at("there")).unwrap(), b"bytes");
    fs::write(mount.at("new"), "new").unwrap();
    assert!(mount.finish().is_empty());
    let requests = sts.requests();
    assert!(first > 0 && requests.len() > first, "{requests:?}");
    for request in requests {
        for (name, value) in [
            ("Action", "AssumeRole"),
            ("RoleArn", ROLE),
            ("RoleSessionName", "job-7"),
            ("ExternalId", "from/us"),
            ("Key", server.access_key_id()),
        ] {
            assert_eq!(request[name], value, "{request:?}");
        }
    }
}

#[test]
fn a_role_is_assumed_with_the_keys_of_a_profile() {
    let (server, sts) = (sts::server(), Sts::start());
    let config = MountConfig {
        credentials: Credentials::Chain {
            profile: Some("work".into()),
        },
        role: Some(role(ROLE)),
        ..config(&server)
    };
    let url = sts.url();
    let file = format!(
        "[profile work]\naws_access_key_id=of-profile\naws_secret_access_key=s\nservices=local\n\
         [services local]\nsts =\n  endpoint_url = {url}\n"
    );
    assert_eq!(said(&config, &[], &file), "connected");
    assert_eq!(sts.requests()[0]["Key"], "of-profile");
}

#[test]
fn a_role_is_assumed_with_the_identity_token_of_the_machine_or_of_modal() {
    let (server, folder) = (sts::server(), tempfile::tempdir().unwrap());
    let path = folder.path().join("token");
    fs::write(&path, "token of the machine").unwrap();
    let config = MountConfig {
        credentials: Credentials::WebIdentity {
            role_arn: ROLE.parse().unwrap(),
            session_name: None,
        },
        ..config(&server)
    };
    for (variable, value, token) in [
        (
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            path.to_str().unwrap(),
            "token of the machine",
        ),
        ("MODAL_IDENTITY_TOKEN", "token of modal", "token of modal"),
    ] {
        let sts = Sts::start();
        let url = sts.url();
        let variables = [("AWS_ENDPOINT_URL_STS", &*url), (variable, value)];
        assert_eq!(said(&config, &variables, ""), "connected");
        let request = &sts.requests()[0];
        assert_eq!(request["Action"], "AssumeRoleWithWebIdentity");
        assert_eq!(request["RoleArn"], ROLE);
        assert_eq!(request["RoleSessionName"], "stub-mount");
        assert_eq!(request["WebIdentityToken"], token);
        assert_eq!(request["Key"], "", "the request needs no key");
    }
    let text = said(&config, &[], "");
    assert!(
        text.contains("there is no identity token: set AWS_WEB_IDENTITY_TOKEN_FILE"),
        "{text}"
    );
}

#[test]
fn a_role_that_may_not_be_assumed_is_named_with_the_answer_of_sts() {
    let (server, sts) = (sts::server(), Sts::start());
    let config = MountConfig {
        role: Some(role(OTHER)),
        ..config(&server)
    };
    let text = said(&config, &[("AWS_ENDPOINT_URL", &*sts.url())], "");
    let expected = format!(
        ": failed to assume role {OTHER}: AccessDenied: User: me is not authorized to perform: \
         sts:AssumeRole; check the ARN of the role"
    );
    assert!(text.contains(&expected), "{text}");
    assert!(!text.contains(server.secret_access_key()), "{text}");
}
