//! Kinds of AWS's endpoints, and the URL of a bucket by the SDK's rules.

use aws_config::SdkConfig;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use futures_util::FutureExt;
use http::Uri;

use super::settings::Settings;
use crate::config::EndpointOptions;
use crate::object::{BucketName, chain_in_one_line};

/// Kinds of endpoints of a mount, from its configuration, the environment and the profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Variants {
    pub(super) dual_stack: Option<bool>,
    pub(super) fips: Option<bool>,
    accelerate: Option<bool>,
    use_arn_region: Option<bool>,
    no_multi_region: Option<bool>,
}

/// Endpoint of requests about a bucket.
#[derive(Clone, Debug)]
pub(super) struct Route<'a> {
    pub(super) bucket: &'a str,
    pub(super) region: &'a str,
    /// URL that is given.
    pub(super) endpoint: Option<String>,
    pub(super) force_path_style: bool,
}

impl Variants {
    /// Returns the kinds that the mount or the profile sets. The SDK reads the variables, and the
    /// keys of the profile that have the same names.
    pub(super) fn new(options: EndpointOptions, settings: &Settings) -> Self {
        let nested = |key: &str| settings.nested("s3", key).and_then(|text| truth(&text));
        let own = |variable: &str, key: &str| {
            let setting = settings.get(variable, key)?;
            truth(&setting.value)
        };
        Self {
            dual_stack: options.dual_stack.or(nested("use_dualstack_endpoint")),
            fips: options.fips,
            accelerate: options.accelerate.or(nested("use_accelerate_endpoint")),
            use_arn_region: own("AWS_S3_USE_ARN_REGION", "s3_use_arn_region")
                .or(nested("use_arn_region")),
            no_multi_region: own(
                "AWS_S3_DISABLE_MULTIREGION_ACCESS_POINTS",
                "s3_disable_multiregion_access_points",
            ),
        }
    }

    /// Returns the kinds for an endpoint that is given: what the environment says of AWS's own does
    /// not apply to it.
    pub(super) fn at_given_endpoint(self, options: EndpointOptions) -> Self {
        Self {
            dual_stack: Some(options.dual_stack.unwrap_or(false)),
            fips: Some(options.fips.unwrap_or(false)),
            accelerate: options.accelerate,
            ..self
        }
    }

    /// Returns the kinds with those that the SDK has read.
    pub(super) fn with_those_of(self, sdk: &SdkConfig) -> Self {
        Self {
            dual_stack: self.dual_stack.or(sdk.use_dual_stack()),
            fips: self.fips.or(sdk.use_fips()),
            ..self
        }
    }

    /// Returns the region that the ARN of an access point names, unless that of the client is to be
    /// used (`AWS_S3_USE_ARN_REGION`).
    pub(super) fn region_of(self, bucket: &BucketName) -> Option<&str> {
        bucket
            .region()
            .filter(|_| self.use_arn_region != Some(false))
    }

    /// Sets the kinds of a client.
    pub(super) fn apply(self, mut builder: Builder) -> Builder {
        builder.set_use_dual_stack(self.dual_stack);
        builder.set_use_fips(self.fips);
        builder.set_accelerate(self.accelerate);
        builder.set_use_arn_region(self.use_arn_region);
        builder.set_disable_multi_region_access_points(self.no_multi_region);
        builder
    }

    /// Returns the URL of requests about a bucket.
    ///
    /// # Errors
    /// Returns the SDK's words if there is no such endpoint, such as one for acceleration of a
    /// bucket with a dot.
    pub(super) fn url(self, route: Route<'_>) -> Result<Uri, String> {
        let params = Params::builder()
            .bucket(route.bucket)
            .region(route.region)
            .set_endpoint(route.endpoint)
            .force_path_style(route.force_path_style)
            .set_use_dual_stack(Some(self.dual_stack.unwrap_or(false)))
            .set_use_fips(Some(self.fips.unwrap_or(false)))
            .set_accelerate(Some(self.accelerate.unwrap_or(false)))
            .set_use_arn_region(self.use_arn_region)
            .set_disable_multi_region_access_points(self.no_multi_region)
            .build()
            .map_err(|error| chain_in_one_line(&error))?;
        let rules = DefaultResolver::new();
        let answer = ResolveEndpoint::resolve_endpoint(&rules, &params);
        let answer = answer.now_or_never().unwrap_or_else(|| {
            let words = "the rules of endpoints have no answer yet";
            Err(words.into())
        });
        let endpoint = answer.map_err(|error| chain_in_one_line(&*error))?;
        let url = endpoint.url().parse::<Uri>();
        url.map_err(|error| error.to_string())
    }
}

/// Returns the value of a switch; `None` if it is none.
fn truth(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(variants: Variants, bucket: &str, region: &str) -> String {
        let route = Route {
            bucket,
            region,
            endpoint: None,
            force_path_style: false,
        };
        match variants.url(route) {
            Ok(url) => url.host().unwrap().to_owned(),
            Err(words) => words,
        }
    }

    #[test]
    fn a_directory_bucket_has_the_endpoint_of_its_zone() {
        let bucket = "data--usw2-az1--x-s3";
        let zonal = host(Variants::default(), bucket, "us-west-2");
        assert_eq!(
            zonal,
            format!("{bucket}.s3express-usw2-az1.us-west-2.amazonaws.com")
        );
    }

    #[test]
    fn hosts_are_those_of_the_partition() {
        for (region, expected) in [
            ("eu-west-1", "data.s3.eu-west-1.amazonaws.com"),
            ("us-east-1", "data.s3.us-east-1.amazonaws.com"),
            ("cn-north-1", "data.s3.cn-north-1.amazonaws.com.cn"),
            ("us-gov-west-1", "data.s3.us-gov-west-1.amazonaws.com"),
            ("eusc-de-east-1", "data.s3.eusc-de-east-1.amazonaws.eu"),
        ] {
            assert_eq!(host(Variants::default(), "data", region), expected);
        }
    }

    #[test]
    fn hosts_are_those_of_the_kind_of_endpoint() {
        let (yes, none) = (Some(true), Variants::default());
        let dual = Variants {
            dual_stack: yes,
            ..none
        };
        let fips = Variants { fips: yes, ..none };
        let fast = Variants {
            accelerate: yes,
            ..none
        };
        for (variants, region, expected) in [
            (
                dual,
                "eu-west-1",
                "data.s3.dualstack.eu-west-1.amazonaws.com",
            ),
            (
                dual,
                "cn-north-1",
                "data.s3.dualstack.cn-north-1.amazonaws.com.cn",
            ),
            (
                dual,
                "us-gov-west-1",
                "data.s3.dualstack.us-gov-west-1.amazonaws.com",
            ),
            (
                fips,
                "us-gov-west-1",
                "data.s3-fips.us-gov-west-1.amazonaws.com",
            ),
            (fast, "eu-west-1", "data.s3-accelerate.amazonaws.com"),
        ] {
            assert_eq!(host(variants, "data", region), expected);
        }
        let refused = host(Variants { fips: yes, ..fast }, "data", "eu-west-1");
        assert!(
            refused.contains("Accelerate cannot be used with FIPS"),
            "{refused}"
        );
    }

    #[test]
    fn access_points_have_the_hosts_of_their_arns_and_aliases() {
        let arn = "arn:aws:s3:eu-west-1:123456789012:accesspoint/reports";
        let outpost = "arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-01/accesspoint/a";
        let alias = "reports-hrzrlukc5m36ft7okagglf3gmwluquse1b-s3alias";
        let on_outposts = format!("a-o01ac5d28a6a2329040{}--op-s3", "a".repeat(20));
        let multi_region = "arn:aws:s3::123456789012:accesspoint/m.mrap";
        let of_arn = "reports-123456789012.s3-accesspoint.eu-west-1.amazonaws.com";
        let of_alias = format!("{alias}.s3.eu-west-1.amazonaws.com");
        for (bucket, expected) in [
            (arn, of_arn),
            (alias, &*of_alias),
            (
                outpost,
                "a-123456789012.op-01.s3-outposts.us-west-2.amazonaws.com",
            ),
            (multi_region, "m.mrap.accesspoint.s3-global.amazonaws.com"),
        ] {
            assert_eq!(host(Variants::default(), bucket, "eu-west-1"), expected);
        }
        let found = host(Variants::default(), &on_outposts, "us-west-2");
        assert!(found.starts_with(&on_outposts), "{found}");
        let chinese = "arn:aws-cn:s3:cn-north-1:123456789012:accesspoint/reports";
        assert_eq!(
            host(Variants::default(), chinese, "cn-north-1"),
            "reports-123456789012.s3-accesspoint.cn-north-1.amazonaws.com.cn"
        );
        let dual = Variants {
            dual_stack: Some(true),
            ..Variants::default()
        };
        assert_eq!(
            host(dual, arn, "eu-west-1"),
            "reports-123456789012.s3-accesspoint.dualstack.eu-west-1.amazonaws.com"
        );
        let own_region = Variants {
            use_arn_region: Some(false),
            ..Variants::default()
        };
        let refused = host(own_region, arn, "eu-central-1");
        assert!(
            refused.contains("does not match client region"),
            "{refused}"
        );
    }

    #[test]
    fn what_the_environment_says_of_aws_is_not_meant_for_given_endpoints() {
        let of_environment = Variants {
            dual_stack: Some(true),
            fips: Some(true),
            accelerate: Some(true),
            ..Variants::default()
        };
        let variants = of_environment.at_given_endpoint(EndpointOptions::default());
        let route = Route {
            bucket: "data",
            region: "us-east-1",
            endpoint: Some("https://storage.example.org".into()),
            force_path_style: false,
        };
        let url = variants.url(route).unwrap();
        assert_eq!(url.host(), Some("data.storage.example.org"));
    }
}
