//! Kinds of AWS's endpoints that a volume uses.

use s3fs_core::EndpointOptions;

use super::CloudBucketMount;

impl CloudBucketMount {
    /// Sends requests to endpoints of AWS that also have IPv6 addresses; defaults to
    /// `AWS_USE_DUALSTACK_ENDPOINT`, or `use_dualstack_endpoint` of the profile.
    pub fn dual_stack(mut self, yes: bool) -> Self {
        self.options.endpoints.dual_stack = Some(yes);
        self
    }

    /// Sends requests, also those for credentials, to endpoints of AWS with cryptography by FIPS 140;
    /// defaults to `AWS_USE_FIPS_ENDPOINT`, or `use_fips_endpoint` of the profile.
    pub fn fips(mut self, yes: bool) -> Self {
        self.options.endpoints.fips = Some(yes);
        self
    }

    /// Sends requests to the endpoints of S3 Transfer Acceleration, which the bucket must have
    /// enabled; defaults to `use_accelerate_endpoint` in the section `s3` of the profile.
    pub fn accelerate(mut self, yes: bool) -> Self {
        self.options.endpoints.accelerate = Some(yes);
        self
    }
}

/// Fills in options that are not set.
pub(super) fn or(own: EndpointOptions, defaults: EndpointOptions) -> EndpointOptions {
    EndpointOptions {
        dual_stack: own.dual_stack.or(defaults.dual_stack),
        fips: own.fips.or(defaults.fips),
        accelerate: own.accelerate.or(defaults.accelerate),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::declare::volume::VolumeOptions;

    #[test]
    fn options_of_a_volume_go_before_those_of_the_settings() {
        let defaults = VolumeOptions {
            endpoints: EndpointOptions {
                dual_stack: Some(true),
                fips: Some(true),
                accelerate: None,
            },
            ..VolumeOptions::default()
        };
        let volume = CloudBucketMount::new("my-bucket")
            .fips(false)
            .accelerate(true);
        let config = volume.with_defaults(defaults).into_config().unwrap();
        let expected = EndpointOptions {
            dual_stack: Some(true),
            fips: Some(false),
            accelerate: Some(true),
        };
        assert_eq!(config.endpoints, expected);
    }
}
