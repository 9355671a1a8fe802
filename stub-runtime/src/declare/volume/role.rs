//! Roles of a volume: assumed with its credentials, or with an identity token.

use s3fs_core::{AssumedRole, Credentials, RoleArn, SessionName};

use super::{CloudBucketMount, VolumeError};

/// Options about roles, as they were given.
#[derive(Clone, Debug, Default)]
pub struct RoleOptions {
    /// ARN of a role that is assumed with other credentials.
    pub arn: Option<String>,
    /// Name of the role's session.
    pub session_name: Option<String>,
    /// External ID that the trust policy of the role demands.
    pub external_id: Option<String>,
    /// ARN of a role that is assumed with an identity token.
    pub oidc_arn: Option<String>,
}

impl CloudBucketMount {
    /// Sets the ARN of a role that is assumed through STS (`sts:AssumeRole`) with the volume's other
    /// credentials: secret, profile or standard chain. Its keys are renewed while the bucket is
    /// mounted, and the function never sees them.
    ///
    /// ```
    /// use stub_runtime::CloudBucketMount;
    ///
    /// let volume = CloudBucketMount::new("bucket-of-another-account")
    ///     .role_arn("arn:aws:iam::123456789012:role/reader")
    ///     .external_id("agreed-upon");
    /// ```
    pub fn role_arn(mut self, arn: impl Into<String>) -> Self {
        self.options.role.arn = Some(arn.into());
        self
    }

    /// Sets the name of the role's session, which the logs of the role's account show; defaults to
    /// `stub-mount`.
    pub fn role_session_name(mut self, name: impl Into<String>) -> Self {
        self.options.role.session_name = Some(name.into());
        self
    }

    /// Sets the external ID that the trust policy of [`role_arn`](Self::role_arn) demands.
    pub fn external_id(mut self, id: impl Into<String>) -> Self {
        self.options.role.external_id = Some(id.into());
        self
    }

    /// Sets the ARN of a role that is assumed with the identity token of this machine or job
    /// (`sts:AssumeRoleWithWebIdentity`), instead of keys. The token is in the file that
    /// `AWS_WEB_IDENTITY_TOKEN_FILE` names, or in `MODAL_IDENTITY_TOKEN`. Can't be combined with a
    /// secret or a profile. (Modal: `oidc_auth_role_arn`.)
    pub fn oidc_auth_role_arn(mut self, arn: impl Into<String>) -> Self {
        self.options.role.oidc_arn = Some(arn.into());
        self
    }
}

impl RoleOptions {
    /// Fills in options that are not set. A role is one option: session name and external ID of
    /// another role are not for this one.
    pub(super) fn or(self, defaults: Self) -> Self {
        if self.arn.is_some() {
            return self;
        }
        Self {
            arn: defaults.arn,
            session_name: self.session_name.or(defaults.session_name),
            external_id: self.external_id.or(defaults.external_id),
            oidc_arn: self.oidc_arn,
        }
    }

    /// Returns the options without those that belong to the role of another layer.
    pub(in crate::declare) fn without_strays(self) -> Self {
        let has_arn = self.arn.is_some();
        let has_role = has_arn || self.oidc_arn.is_some();
        Self {
            session_name: self.session_name.filter(|_| has_role),
            external_id: self.external_id.filter(|_| has_arn),
            ..self
        }
    }

    /// Checks the options, and returns the role to assume with other credentials.
    pub(super) fn assumed(&self) -> Result<Option<AssumedRole>, VolumeError> {
        let session_name = self.session_name()?;
        let Some(arn) = &self.arn else {
            return match (&self.external_id, &self.session_name, &self.oidc_arn) {
                (Some(_), ..) => Err(VolumeError::NoRole("external_id")),
                (_, Some(_), None) => Err(VolumeError::NoRole("role_session_name")),
                _ => Ok(None),
            };
        };
        Ok(Some(AssumedRole {
            arn: arn.parse()?,
            session_name,
            external_id: self.external_id.clone(),
        }))
    }

    /// Returns the credentials of the role that is assumed with an identity token.
    pub(super) fn web_identity(&self) -> Result<Option<Credentials>, VolumeError> {
        let Some(arn) = &self.oidc_arn else {
            return Ok(None);
        };
        let role_arn: RoleArn = arn.parse()?;
        Ok(Some(Credentials::WebIdentity {
            role_arn,
            session_name: self.session_name()?,
        }))
    }

    fn session_name(&self) -> Result<Option<SessionName>, VolumeError> {
        let name = self.session_name.as_deref();
        Ok(name.map(str::parse).transpose()?)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::declare::secret::Secret;
    use crate::declare::volume::VolumeOptions;

    const ROLE: &str = "arn:aws:iam::123456789012:role/reader";

    fn volume() -> CloudBucketMount {
        CloudBucketMount::new("my-bucket")
    }

    fn says(volume: CloudBucketMount) -> String {
        volume.into_config().unwrap_err().to_string()
    }

    #[test]
    fn a_role_is_assumed_with_whatever_credentials_the_volume_has() {
        let role = |volume: CloudBucketMount| {
            let volume = volume
                .role_arn(ROLE)
                .role_session_name("me")
                .external_id("x");
            let config = volume.into_config().unwrap();
            let role = config.role.unwrap();
            assert_eq!(role.arn.as_str(), ROLE);
            assert_eq!(role.session_name.unwrap().as_str(), "me");
            assert_eq!(role.external_id.as_deref(), Some("x"));
            config.credentials
        };
        let keys = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")];
        let keys = Secret::from_dict(keys);
        assert!(matches!(
            role(volume()),
            Credentials::Chain { profile: None }
        ));
        assert!(matches!(
            role(volume().profile("work")),
            Credentials::Chain { profile: Some(_) }
        ));
        assert!(matches!(
            role(volume().secret(keys)),
            Credentials::Static { .. }
        ));
        let of_token = role(volume().oidc_auth_role_arn(ROLE));
        let Credentials::WebIdentity { session_name, .. } = of_token else {
            panic!("{of_token:?}");
        };
        assert_eq!(session_name.unwrap().as_str(), "me");
    }

    #[test]
    fn options_that_do_not_fit_a_role_are_refused() {
        assert!(says(volume().role_arn("reader")).contains("`reader` is not the ARN of a role"));
        assert!(says(volume().oidc_auth_role_arn("")).contains("is not the ARN of a role"));
        let name = volume().role_arn(ROLE).role_session_name("a b");
        assert!(says(name).contains("`a b` is not the name of a session"));
        assert!(says(volume().external_id("x")).starts_with("`external_id` belongs to a role"));
        let name = says(volume().role_session_name("me"));
        assert!(name.starts_with("`role_session_name` belongs to a role"));
        for (other, option) in [
            (volume().profile("work"), "profile"),
            (volume().anonymous(true), "anonymous"),
        ] {
            let text = says(other.oidc_auth_role_arn(ROLE));
            let expected = format!("`oidc_auth_role_arn` and `{option}` exclude each other");
            assert!(text.starts_with(&expected), "{text}");
        }
        let unsigned = says(volume().anonymous(true).role_arn(ROLE));
        assert!(unsigned.starts_with("`role_arn` and `anonymous` exclude each other"));
    }

    #[test]
    fn roles_of_the_settings_fill_in_what_a_volume_lacks() {
        let defaults = || VolumeOptions {
            role: RoleOptions {
                arn: Some(ROLE.into()),
                external_id: Some("x".into()),
                oidc_arn: Some(ROLE.into()),
                ..RoleOptions::default()
            },
            ..VolumeOptions::default()
        };
        let config = volume().with_defaults(defaults()).into_config().unwrap();
        assert!(matches!(
            config.credentials,
            Credentials::WebIdentity { .. }
        ));
        assert_eq!(config.role.unwrap().external_id.as_deref(), Some("x"));
        let config = volume()
            .profile("work")
            .with_defaults(defaults())
            .into_config();
        let config = config.unwrap();
        assert!(matches!(config.credentials, Credentials::Chain { .. }));
        assert!(config.role.is_none(), "it is assumed with the token");
        let config = volume()
            .anonymous(true)
            .with_defaults(defaults())
            .into_config();
        assert!(config.unwrap().role.is_none());
    }

    #[test]
    fn a_role_is_one_option_of_the_layers() {
        let of = |volume: CloudBucketMount| {
            let defaults = VolumeOptions {
                role: RoleOptions {
                    arn: Some(ROLE.into()),
                    external_id: Some("theirs".into()),
                    session_name: Some("theirs".into()),
                    ..RoleOptions::default()
                },
                ..VolumeOptions::default()
            };
            let config = volume.with_defaults(defaults).into_config().unwrap();
            let role = config.role.unwrap();
            let name = role.session_name.map(|name| name.as_str().to_owned());
            (role.arn.as_str().to_owned(), role.external_id, name)
        };
        let other = "arn:aws:iam::123456789012:role/other";
        let theirs = Some("theirs".to_owned());
        assert_eq!(of(volume().role_arn(other)), (other.into(), None, None));
        let both = of(volume().external_id("mine"));
        assert_eq!(both, (ROLE.into(), Some("mine".into()), theirs.clone()));
        assert_eq!(of(volume()), (ROLE.into(), theirs.clone(), theirs));
    }

    #[test]
    fn own_credentials_assume_no_role_of_another_layer() {
        let defaults = VolumeOptions {
            role: RoleOptions {
                arn: Some(ROLE.into()),
                ..RoleOptions::default()
            },
            ..VolumeOptions::default()
        };
        let keys = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")];
        for volume in [
            volume().profile("work"),
            volume().secret(Secret::from_dict(keys)),
            volume().anonymous(true),
            volume().oidc_auth_role_arn(ROLE),
        ] {
            let config = volume.with_defaults(defaults.clone()).into_config();
            assert_eq!(config.unwrap().role, None);
        }
    }
}
