//! Profiles of the AWS configuration files: keys and regions.

use std::fmt;

use aws_config::environment::{
    EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider,
};
use aws_config::meta::region::ProvideRegion;
use aws_config::profile::credentials::Builder;
use aws_config::profile::{
    ProfileFileCredentialsProvider, ProfileFileRegionProvider, load, profile_file,
};
use aws_config::provider_config::ProviderConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_s3::config::{Credentials, ProvideCredentials, SharedHttpClient};
use aws_types::os_shim_internal::{Env, Fs};

use super::connections::{Authorities, HttpClient};
use super::settings::Settings;
use crate::object::chain_in_one_line;

/// Default region, which answers for every bucket, if only with the bucket's region.
const FIRST_GUESS: &str = "us-east-1";

/// Profile used if none is named.
const DEFAULT_PROFILE: &str = "default";

/// Keys of a profile, for signing requests.
#[derive(Clone, PartialEq, Eq)]
pub struct ProfileKeys {
    /// `AWS_ACCESS_KEY_ID`.
    pub access_key_id: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: String,
    /// `AWS_SESSION_TOKEN`, if the keys are temporary.
    pub session_token: Option<String>,
    /// Region of the environment or the profile.
    pub region: Option<String>,
}

impl fmt::Debug for ProfileKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProfileKeys")
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

/// Error of loading a profile's keys, with the remedy.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", whose(.profile.as_deref()))]
pub struct ProfileError {
    /// Profile; `None` for the standard AWS chain.
    pub profile: Option<String>,
    /// Reason and remedy.
    pub reason: String,
}

fn whose(profile: Option<&str>) -> String {
    match profile {
        Some(profile) => format!("AWS profile {profile}"),
        None => "the standard AWS chain".into(),
    }
}

/// Returns the keys of a profile, from the files or through a login (SSO), a program or a role.
/// Without a profile it uses the standard AWS chain, as a mount does.
///
/// Temporary keys are not renewed.
///
/// # Errors
/// Returns an error if the profile does not exist, has no keys, or they cannot be loaded.
pub async fn profile_credentials(profile: Option<&str>) -> Result<ProfileKeys, ProfileError> {
    let authorities = Authorities::configured(&Settings::load(profile).await);
    let http = HttpClient::default().trusting(&authorities);
    let http = http.map_err(|error| ProfileError {
        profile: profile.map(str::to_owned),
        reason: error.to_string(),
    })?;
    let region = known_region(profile).await;
    let asked_in = or_guess(region.clone());
    if let Some(name) = profile {
        let named = provider(name, Builder::default(), http, &asked_in);
        return keys(profile, named, region).await;
    }
    if let Err(words) = check_profile().await {
        return Err(ProfileError {
            profile: None,
            reason: words,
        });
    }
    let chain = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .region(asked_in);
    match chain.load().await.credentials_provider() {
        Some(provider) => keys(None, provider, region).await,
        None => Err(failed(None, NOTHING)),
    }
}

async fn keys(
    profile: Option<&str>,
    provider: impl ProvideCredentials,
    region: Option<Region>,
) -> Result<ProfileKeys, ProfileError> {
    let credentials: Credentials = match provider.provide_credentials().await {
        Ok(credentials) => credentials,
        Err(error) => return Err(failed(profile, &chain_in_one_line(&error))),
    };
    Ok(ProfileKeys {
        access_key_id: credentials.access_key_id().to_owned(),
        secret_access_key: credentials.secret_access_key().to_owned(),
        session_token: credentials.session_token().map(str::to_owned),
        region: region.map(|region| region.to_string()),
    })
}

/// Returns the credential provider of a named profile. The SDK's chain would prefer the keys of the
/// environment, and use those of the machine if the profile does not exist.
pub(super) fn provider(
    profile: &str,
    files: Builder,
    http: SharedHttpClient,
    region: &Region,
) -> ProfileFileCredentialsProvider {
    // Assuming a role takes a region.
    let config = ProviderConfig::without_region()
        .with_http_client(http)
        .with_region(Some(region.clone()));
    files.configure(&config).profile_name(profile).build()
}

/// Returns the region of the environment or the profile. The SDK's own chain would also query an
/// EC2 instance's metadata service, for seconds where there is none; the bucket knows better.
pub(super) async fn known_region(profile: Option<&str>) -> Option<Region> {
    if let Some(region) = EnvironmentVariableRegionProvider::new().region().await {
        return Some(region);
    }
    let mut files = ProfileFileRegionProvider::builder();
    if let Some(profile) = profile {
        files = files.profile_name(profile);
    }
    files.build().region().await
}

/// Checks the profile that the environment names (`AWS_PROFILE`). If it does not exist, the SDK's
/// chain would use the credentials of the machine. Keys in the environment take precedence.
///
/// # Errors
/// Returns an error if the profile does not exist and the environment has no keys.
#[allow(
    deprecated,
    reason = "this crate of the SDK has no other names for them"
)]
pub(super) async fn check_profile() -> Result<(), String> {
    let (fs, env) = (Fs::real(), Env::real());
    // Errors in the files are reported when they are used.
    let files = profile_file::ProfileFiles::default();
    let Ok(profiles) = load(&fs, &env, &files, None).await else {
        return Ok(());
    };
    let name = profiles.selected_profile();
    if name == DEFAULT_PROFILE || profiles.get_profile(name).is_some() {
        return Ok(());
    }
    let keys = EnvironmentVariableCredentialsProvider::new();
    if keys.provide_credentials().await.is_ok() {
        return Ok(());
    }
    Err(format!(
        "AWS_PROFILE names the profile {name}, which does not exist: {}",
        make(name)
    ))
}

/// Returns the region, or the default for the first request.
pub(super) fn or_guess(region: Option<Region>) -> Region {
    region.unwrap_or(Region::from_static(FIRST_GUESS))
}

/// Returns an error with the SDK's text, which contains neither keys nor the output of a program.
fn failed(profile: Option<&str>, words: &str) -> ProfileError {
    let login = words.contains("SSO token")
        || words.contains("/sso/cache/")
        || words.contains("UnauthorizedException");
    let reason = match profile {
        Some(name) if words.contains(&format!("could not find source profile {name} ")) => {
            format!("there is no such profile: {}", make(name))
        }
        // The SDK gives no other reason if the files are empty or missing.
        Some(name) if words == NOTHING => {
            format!("it does not exist or has no keys: {}", make(name))
        }
        Some(name) if login => {
            format!(
                "its login has expired or there was none: run `aws sso login --profile {name}` ({words})"
            )
        }
        Some(_) => format!("its keys can't be had: check what ~/.aws/config says of it ({words})"),
        None if login => {
            format!("the login has expired or there was none: run `aws sso login` ({words})")
        }
        None => format!(
            "no keys were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile ({words})"
        ),
    };
    ProfileError {
        profile: profile.map(str::to_owned),
        reason,
    }
}

/// Text of the SDK's error for a provider that has nothing to load.
const NOTHING: &str = "the credential provider was not enabled";

fn make(profile: &str) -> String {
    format!(
        "`aws configure list-profiles` shows those there are, `aws configure --profile {profile}` makes it"
    )
}

#[cfg(test)]
mod tests {
    #![allow(
        deprecated,
        reason = "this crate of the SDK has no other names for them"
    )]

    use std::process::Command;

    use aws_config::profile::profile_file::{ProfileFileKind, ProfileFiles};

    use super::*;
    use crate::config::MountConfig;
    use crate::object::BucketName;
    use crate::store::s3::client::Access;

    async fn keys_of(profile: &str, config: &str) -> Result<ProfileKeys, ProfileError> {
        let files = ProfileFiles::builder()
            .with_contents(ProfileFileKind::Config, config)
            .build();
        let files = Builder::default().profile_files(files);
        let region = or_guess(None);
        let http = HttpClient::default()
            .trusting(&Authorities::System)
            .unwrap();
        let provider = provider(profile, files, http, &region);
        keys(Some(profile), provider, Some(region)).await
    }

    async fn reason(config: &str) -> String {
        let error = keys_of("work", config).await.unwrap_err().to_string();
        error.strip_prefix("AWS profile work: ").unwrap().to_owned()
    }

    #[tokio::test]
    async fn keys_come_from_the_profile_that_is_named_and_from_its_program() {
        let config = "[default]\naws_access_key_id=D\naws_secret_access_key=E\n\
            [profile work]\naws_access_key_id=W\naws_secret_access_key=hidden\n\
            [profile asks]\ncredential_process=echo '{\"Version\": 1, \"AccessKeyId\": \"P\", \
            \"SecretAccessKey\": \"hidden\", \"SessionToken\": \"hidden\"}'\n";
        let work = keys_of("work", config).await.unwrap();
        let (id, secret) = (&*work.access_key_id, &*work.secret_access_key);
        assert_eq!((id, secret, &work.session_token), ("W", "hidden", &None));
        let asks = keys_of("asks", config).await.unwrap();
        assert_eq!(asks.access_key_id, "P");
        assert_eq!(asks.session_token.as_deref(), Some("hidden"));
        let shown = format!("{asks:?}");
        assert!(!shown.contains("hidden"), "{shown}");
        assert!(shown.contains("us-east-1"), "{shown}");
    }

    #[test]
    fn a_profile_that_is_named_goes_before_the_environment() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config");
        let profile = "[profile work]\naws_access_key_id=W\naws_secret_access_key=w\nregion=here\n";
        std::fs::write(&config, profile).unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "--ignored",
                "store::s3::profile::tests::in_an_environment",
            ])
            .env_remove("AWS_REGION")
            .env_remove("AWS_DEFAULT_REGION")
            .env_remove("AWS_PROFILE")
            .env("AWS_CONFIG_FILE", config)
            .env("AWS_SHARED_CREDENTIALS_FILE", folder.path().join("none"))
            .env("AWS_ACCESS_KEY_ID", "E")
            .env("AWS_SECRET_ACCESS_KEY", "e")
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&child.stdout);
        assert!(child.status.success(), "{printed}");
        assert!(printed.contains("1 passed"), "{printed}");
    }

    #[tokio::test]
    #[ignore = "run in a process of its own by the test above"]
    async fn in_an_environment() {
        let named = profile_credentials(Some("work")).await.unwrap();
        assert_eq!(named.access_key_id, "W");
        assert_eq!(named.region.as_deref(), Some("here"));
        let chain = profile_credentials(None).await.unwrap();
        assert_eq!((&*chain.access_key_id, chain.region), ("E", None));
        let bucket = BucketName::new("bucket").unwrap();
        let mount = MountConfig {
            credentials: crate::config::Credentials::Chain {
                profile: Some("work".into()),
            },
            ..MountConfig::new(bucket)
        };
        let access = Access::load(&mount, &HttpClient::default()).await.unwrap();
        let asked = access.sdk.credentials_provider().unwrap();
        let credentials = asked.provide_credentials().await.unwrap();
        assert_eq!(credentials.access_key_id(), "W");
    }

    #[tokio::test]
    async fn what_is_wrong_with_a_profile_is_said_with_what_helps() {
        let other = reason("[profile other]\nregion=a").await;
        assert!(other.starts_with("there is no such profile"), "{other}");
        let empty = reason("").await;
        assert!(
            empty.starts_with("it does not exist or has no keys"),
            "{empty}"
        );
        let source = reason("[profile work]\nrole_arn=r\nsource_profile=gone").await;
        assert!(
            source.contains("profile `gone` was not defined"),
            "{source}"
        );
        let program = reason("[profile work]\ncredential_process=echo locked >&2; exit 3").await;
        assert!(program.contains("locked"), "{program}");
        let half = reason("[profile work]\naws_secret_access_key=hidden").await;
        assert!(half.contains("aws_access_key_id"), "{half}");
        assert!(!half.contains("hidden"), "{half}");
    }

    #[tokio::test]
    async fn whoever_is_not_logged_in_is_told_how_to() {
        let session = "[profile work]\nsso_session=none\nsso_account_id=1\nsso_role_name=r\n\
            [sso-session none]\nsso_start_url=https://none.invalid\nsso_region=eu-west-1\n";
        let legacy = "[profile work]\nsso_start_url=https://none.invalid\nsso_region=eu-west-1\n\
            sso_account_id=1\nsso_role_name=r\n";
        for config in [session, legacy] {
            let said = reason(config).await;
            assert!(said.contains("`aws sso login --profile work`"), "{said}");
        }
    }
}
