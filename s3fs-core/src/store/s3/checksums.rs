//! Checksums that the SDK computes and verifies: the word of the user goes before the vendor's.

use std::str::FromStr;

use aws_sdk_s3::config::{RequestChecksumCalculation, ResponseChecksumValidation};

use super::settings::{Setting, Settings};
use crate::config::UploadChecksum;
use crate::store::Vendor;

/// Choices of the user.
#[derive(Clone, Debug, Default)]
pub(super) struct Checksums {
    uploads: Option<UploadChecksum>,
    calculation: Option<RequestChecksumCalculation>,
    validation: Option<ResponseChecksumValidation>,
}

impl Checksums {
    /// Reads the environment and the profile.
    pub(super) fn new(settings: &Settings, uploads: Option<UploadChecksum>) -> Self {
        let calculation = settings.get(
            "AWS_REQUEST_CHECKSUM_CALCULATION",
            "request_checksum_calculation",
        );
        let validation = settings.get(
            "AWS_RESPONSE_CHECKSUM_VALIDATION",
            "response_checksum_validation",
        );
        Self {
            uploads,
            calculation: calculation.and_then(parsed),
            validation: validation.and_then(parsed),
        }
    }

    /// Returns when the SDK computes a CRC32 of uploads. By default it does on Amazon's servers: many
    /// others refuse trailers.
    pub(super) fn calculation(&self, vendor: Vendor) -> RequestChecksumCalculation {
        let of_vendor = match vendor {
            Vendor::Amazon => RequestChecksumCalculation::WhenSupported,
            Vendor::Other => RequestChecksumCalculation::WhenRequired,
        };
        match (self.uploads, self.calculation) {
            (Some(UploadChecksum::Off), _) => RequestChecksumCalculation::WhenRequired,
            (_, Some(chosen)) => chosen,
            _ => of_vendor,
        }
    }

    /// Returns when the SDK verifies checksums of responses.
    pub(super) fn validation(&self, vendor: Vendor) -> ResponseChecksumValidation {
        let of_vendor = match vendor {
            Vendor::Amazon => ResponseChecksumValidation::WhenSupported,
            Vendor::Other => ResponseChecksumValidation::WhenRequired,
        };
        self.validation.unwrap_or(of_vendor)
    }
}

/// Returns the value of a setting. A wrong one counts as absent, as in the SDK.
fn parsed<T: FromStr>(setting: Setting) -> Option<T> {
    let value = setting.value.trim().parse().ok();
    if value.is_none() {
        let Setting { value, source } = setting;
        tracing::warn!(
            "`{value}`, the value of {source}, is neither when_supported nor when_required"
        );
    }
    value
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use s3_local::Quirk;

    use super::*;
    use crate::object::{Headers, Key};
    use crate::store::served::{connected, server};
    use crate::store::{Body, Precondition, Store, StoreErrorKind};

    /// Runs the test below with a variable and an AWS configuration file.
    fn run(variable: Option<&str>, file: &str) -> bool {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config");
        std::fs::write(&config, file).unwrap();
        let name = "AWS_REQUEST_CHECKSUM_CALCULATION";
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "--ignored", "--nocapture"])
            .arg("store::s3::checksums::tests::in_an_environment")
            .env_remove("AWS_PROFILE")
            .env_remove(name)
            .env("AWS_CONFIG_FILE", config)
            .env("AWS_SHARED_CREDENTIALS_FILE", folder.path().join("none"))
            .envs(variable.map(|value| (name, value)));
        let output = command.output().unwrap();
        let printed = String::from_utf8_lossy(&output.stdout);
        let failed = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{printed}{failed}");
        printed.contains("a checksum was sent")
    }

    #[test]
    fn the_user_decides_whether_another_server_gets_checksums() {
        assert!(!run(None, ""));
        assert!(run(Some("WHEN_SUPPORTED"), ""));
        let file = "[default]\nrequest_checksum_calculation = when_supported\n";
        assert!(run(None, file));
        assert!(!run(Some("when_required"), file));
    }

    #[tokio::test]
    #[ignore = "run in a process of its own by the test above"]
    #[allow(clippy::print_stdout, reason = "it is how this process answers")]
    async fn in_an_environment() {
        let server = server();
        server.knobs().set_quirk(Quirk::NoChecksums, true);
        let store = connected(&server, |_| {}).await;
        let (key, headers) = (Key::new("k"), Headers::default());
        let body = Body::memory(vec![7; 9].into());
        let put = store.put(&key, body, &headers, &Precondition::None).await;
        match put.map_err(|error| error.kind) {
            Ok(_) => println!("no checksum was sent"),
            Err(StoreErrorKind::Unsupported(words)) if words.contains("(x-amz-checksum-crc32)") => {
                println!("a checksum was sent");
            }
            Err(kind) => panic!("{kind}"),
        }
    }

    #[test]
    fn the_settings_go_first_then_the_environment_then_the_vendor() {
        use RequestChecksumCalculation::{WhenRequired, WhenSupported};
        let of = |uploads, calculation, vendor| {
            let checksums = Checksums {
                uploads,
                calculation,
                validation: None,
            };
            checksums.calculation(vendor)
        };
        assert_eq!(of(None, None, Vendor::Amazon), WhenSupported);
        assert_eq!(of(None, None, Vendor::Other), WhenRequired);
        assert_eq!(of(None, Some(WhenSupported), Vendor::Other), WhenSupported);
        assert_eq!(of(None, Some(WhenRequired), Vendor::Amazon), WhenRequired);
        let off = Some(UploadChecksum::Off);
        assert_eq!(of(off, Some(WhenSupported), Vendor::Amazon), WhenRequired);
    }

    #[test]
    fn a_value_is_read_in_any_case() {
        let setting = |value: &str| Setting {
            value: value.into(),
            source: "AWS_RESPONSE_CHECKSUM_VALIDATION".into(),
        };
        let read = parsed(setting("WHEN_REQUIRED"));
        assert_eq!(read, Some(ResponseChecksumValidation::WhenRequired));
        assert_eq!(parsed::<ResponseChecksumValidation>(setting("yes")), None);
    }
}
