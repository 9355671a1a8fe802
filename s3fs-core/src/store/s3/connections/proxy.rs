//! Proxies of the environment, and the decision which requests go through them.

use std::fmt;

use aws_types::os_shim_internal::Env;
use http::Uri;

use super::bypass::Bypass;
use crate::store::s3::endpoint::{has_host, without_password};

/// Proxies of the environment.
#[derive(Clone, Debug, Default)]
pub(super) struct Proxies {
    /// Proxy of `http` requests.
    http: Option<Proxy>,
    /// Proxy of `https` requests.
    https: Option<Proxy>,
    bypass: Bypass,
}

/// Proxy, and the variable that names it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Proxy {
    /// URL with user and password.
    url: String,
    variable: &'static str,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", without_password(&self.url), self.variable)
    }
}

impl Proxies {
    /// Reads `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`; names in lower case go first. In a CGI
    /// program a client sets `HTTP_PROXY` by a header, so that only `http_proxy` is read.
    pub(super) fn from_env(env: &Env) -> Self {
        let first = |names: &[&'static str]| {
            names.iter().copied().find_map(|name| {
                let value = env.get(name).ok()?;
                let value = value.trim();
                (!value.is_empty()).then(|| (name, value.to_owned()))
            })
        };
        let is_cgi = env.get("REQUEST_METHOD").is_ok();
        let of_http: &[&'static str] = if is_cgi {
            &["http_proxy"]
        } else {
            &["http_proxy", "HTTP_PROXY"]
        };
        let bypass = first(&["no_proxy", "NO_PROXY"]);
        Self {
            http: first(of_http).map(Proxy::new),
            https: first(&["https_proxy", "HTTPS_PROXY"]).map(Proxy::new),
            bypass: bypass.map_or_else(Bypass::default, |(_, list)| Bypass::parse(&list)),
        }
    }

    /// Returns the proxy of a request; `None` if its host is reached directly.
    pub(super) fn of(&self, uri: &Uri) -> Option<&Proxy> {
        let (proxy, default) = match uri.scheme_str() {
            Some("https") => (self.https.as_ref()?, 443),
            _ => (self.http.as_ref()?, 80),
        };
        let port = uri.port_u16().unwrap_or(default);
        let host = uri.host()?;
        (!self.bypass.contains(host, port)).then_some(proxy)
    }

    /// Returns all proxies.
    pub(super) fn all(&self) -> impl Iterator<Item = &Proxy> {
        self.http.iter().chain(&self.https)
    }
}

impl Proxy {
    fn new((variable, url): (&'static str, String)) -> Self {
        // As curl does.
        let url = if url.contains("://") {
            url
        } else {
            format!("http://{url}")
        };
        Self { url, variable }
    }

    /// Returns the URL, with user and password.
    ///
    /// # Errors
    /// Returns an error if it is no `http` or `https` URL.
    pub(super) fn url(&self) -> Result<&str, NotAProxy> {
        let uri: Option<Uri> = self.url.parse().ok();
        let is_http = |uri: &Uri| matches!(uri.scheme_str(), Some("http" | "https"));
        match uri.filter(is_http).filter(has_host) {
            Some(_) => Ok(&self.url),
            None => Err(NotAProxy(self.clone())),
        }
    }
}

/// Proxy that requests cannot be sent to.
#[derive(Debug, thiserror::Error)]
#[error(
    "the proxy {0} is no http or https URL: write `http://`, its host and port, with special characters of a \
     password percent-encoded"
)]
pub(in crate::store::s3) struct NotAProxy(Proxy);

/// Beginning of the text of [`ProxyFailed`].
pub(in crate::store::s3) const THROUGH_PROXY: &str = "through the proxy";

/// Request that failed on its way through a proxy.
#[derive(Debug, thiserror::Error)]
#[error("{THROUGH_PROXY} {proxy}")]
pub(super) struct ProxyFailed {
    pub(super) proxy: Proxy,
    #[source]
    pub(super) source: Box<dyn std::error::Error + Send + Sync>,
}

/// Proxy that asks for other credentials.
#[derive(Debug, thiserror::Error)]
#[error("the proxy {0} refuses its user and password (HTTP 407)")]
pub(in crate::store::s3) struct ProxyRefused(pub(super) Proxy);

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)], url: &str) -> Option<String> {
        let proxies = Proxies::from_env(&Env::from_slice(variables));
        proxies.of(&url.parse().unwrap()).map(ToString::to_string)
    }

    #[test]
    fn each_scheme_has_its_proxy_and_lower_case_goes_first() {
        let both = [("HTTP_PROXY", "http://a:1"), ("HTTPS_PROXY", "http://b:2")];
        let of_http = of(&both, "http://s3.example/x");
        assert_eq!(of_http.as_deref(), Some("http://a:1 of HTTP_PROXY"));
        let of_https = of(&both, "https://s3.example/x");
        assert_eq!(of_https.as_deref(), Some("http://b:2 of HTTPS_PROXY"));
        let twice = [("HTTPS_PROXY", "http://a:1"), ("https_proxy", "b:2")];
        let lower = of(&twice, "https://s3.example/x");
        assert_eq!(lower.as_deref(), Some("http://b:2 of https_proxy"));
        let empty = [("https_proxy", ""), ("HTTPS_PROXY", "http://a:1")];
        let upper = of(&empty, "https://s3.example/x");
        assert_eq!(upper.as_deref(), Some("http://a:1 of HTTPS_PROXY"));
        assert_eq!(of(&both[..1], "https://s3.example/x"), None);
        assert_eq!(of(&both, "https://127.0.0.1:9000/x"), None);
    }

    #[test]
    fn a_header_of_a_cgi_request_is_no_proxy() {
        let cgi = [("REQUEST_METHOD", "GET"), ("HTTP_PROXY", "http://a:1")];
        assert_eq!(of(&cgi, "http://s3.example/x"), None);
        let lower = [("REQUEST_METHOD", "GET"), ("http_proxy", "http://a:1")];
        assert!(of(&lower, "http://s3.example/x").is_some());
    }

    #[test]
    fn hosts_of_no_proxy_are_reached_directly() {
        let variables = [
            ("HTTPS_PROXY", "http://a:1"),
            ("NO_PROXY", "corp.example:8443,10.0.0.0/8"),
        ];
        assert_eq!(of(&variables, "https://s3.corp.example:8443/x"), None);
        assert!(of(&variables, "https://s3.corp.example/x").is_some());
        assert_eq!(of(&variables, "https://10.1.2.3/x"), None);
    }

    #[test]
    fn passwords_are_used_and_never_shown() {
        let proxy = Proxy::new(("HTTPS_PROXY", "http://me:p%40ss@proxy:3128".into()));
        assert_eq!(proxy.url().unwrap(), "http://me:p%40ss@proxy:3128");
        assert!(!format!("{proxy} {proxy:?}").contains("ss"), "{proxy:?}");
        for url in [
            "socks5://me:secret@h:1",
            "http://me:se cret@h",
            "http://me:se/cret@h",
            "me:se?cret@h",
            "http://me:se#cret@h",
            "http://",
        ] {
            let proxy = Proxy::new(("HTTPS_PROXY", url.into()));
            let text = proxy.url().unwrap_err().to_string();
            assert!(text.contains("of HTTPS_PROXY is no http"), "{text}");
            assert!(!text.contains("cret"), "{text}");
        }
    }
}
