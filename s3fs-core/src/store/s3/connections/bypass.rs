//! Hosts that are reached without a proxy: `NO_PROXY`, and hosts of this machine.

use std::net::IpAddr;

/// Hosts that are reached directly.
#[derive(Clone, Debug, Default)]
pub(super) struct Bypass(Vec<Rule>);

/// Entry of `NO_PROXY`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    hosts: Hosts,
    /// Port that the entry is limited to.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Hosts {
    All,
    /// Domain in lower case, and its subdomains.
    Domain(String),
    /// Address, and the length in bits of the prefix that counts.
    Network(IpAddr, u32),
}

impl Bypass {
    /// Parses `NO_PROXY`: names, addresses and networks, each optionally with a port, separated by
    /// commas or blanks.
    pub(super) fn parse(list: &str) -> Self {
        let entries = list.split(|c: char| c == ',' || c.is_whitespace());
        Self(entries.filter_map(rule).collect())
    }

    /// Returns whether a host is reached directly. A proxy cannot reach the loopback device and the
    /// link-local addresses of this machine, where credentials of EC2 and ECS come from.
    pub(super) fn contains(&self, host: &str, port: u16) -> bool {
        let host = host.trim_matches(['[', ']']).trim_end_matches('.');
        let host = host.to_ascii_lowercase();
        let ip: Option<IpAddr> = host.parse().ok();
        if host == "localhost" || ip.is_some_and(is_of_machine) {
            return true;
        }
        self.0.iter().any(|rule| {
            rule.port.is_none_or(|only| only == port)
                && match (&rule.hosts, ip) {
                    (Hosts::All, _) => true,
                    (Hosts::Network(network, bits), Some(ip)) => begins(ip, *network, *bits),
                    (Hosts::Domain(domain), None) => is_within(&host, domain),
                    _ => false,
                }
        })
    }
}

/// Parses one entry; `None` if it is empty.
fn rule(entry: &str) -> Option<Rule> {
    if let Some(hosts) = network(entry) {
        return Some(Rule { hosts, port: None });
    }
    let (host, port) = match entry.rsplit_once(':') {
        Some((host, port)) => match port.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) => (entry, None),
        },
        None => (entry, None),
    };
    let host = host.trim_matches(['[', ']']);
    let domain = host.strip_prefix('*').unwrap_or(host).trim_matches('.');
    let hosts = match (host, network(host)) {
        ("*", _) => Hosts::All,
        (_, Some(network)) => network,
        _ if domain.is_empty() => return None,
        _ => Hosts::Domain(domain.to_ascii_lowercase()),
    };
    Some(Rule { hosts, port })
}

/// Parses `10.0.0.0/8` or a single address.
fn network(text: &str) -> Option<Hosts> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse().ok()?)),
        None => (text, None),
    };
    let address: IpAddr = address.trim_matches(['[', ']']).parse().ok()?;
    let all = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.unwrap_or(all);
    (bits <= all).then_some(Hosts::Network(address, bits))
}

/// Returns whether two addresses have the same first bits.
fn begins(ip: IpAddr, network: IpAddr, bits: u32) -> bool {
    match (ip, network) {
        (IpAddr::V4(ip), IpAddr::V4(network)) => {
            let differing = ip.to_bits() ^ network.to_bits();
            differing.leading_zeros() >= bits
        }
        (IpAddr::V6(ip), IpAddr::V6(network)) => {
            let differing = ip.to_bits() ^ network.to_bits();
            differing.leading_zeros() >= bits
        }
        _ => false,
    }
}

fn is_within(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn is_of_machine(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_link_local(),
        IpAddr::V6(ip) => {
            // EC2 and EKS serve credentials below `fd00:ec2::`.
            let is_of_ec2 = ip.segments()[..2] == [0xfd00, 0x0ec2];
            ip.is_loopback() || ip.is_unicast_link_local() || is_of_ec2
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_direct(list: &str, host: &str) -> bool {
        Bypass::parse(list).contains(host, 443)
    }

    #[test]
    fn a_domain_covers_its_subdomains_however_it_is_written() {
        for list in [
            "corp.example",
            ".corp.example",
            "*.corp.example",
            "Corp.Example.",
        ] {
            assert!(is_direct(list, "corp.example"), "{list}");
            assert!(is_direct(list, "bucket.s3.CORP.example."), "{list}");
            assert!(!is_direct(list, "notcorp.example"), "{list}");
            assert!(!is_direct(list, "corp.example.org"), "{list}");
        }
        assert!(is_direct("a.example, b.example", "b.example"));
        assert!(is_direct("a.example b.example", "b.example"));
        assert!(is_direct("*", "any.example"));
        assert!(!is_direct(", ,.", "any.example"));
    }

    #[test]
    fn addresses_and_networks_are_compared_by_their_bits() {
        assert!(is_direct("10.0.0.0/8", "10.200.3.4"));
        assert!(!is_direct("10.0.0.0/8", "11.0.0.1"));
        assert!(is_direct("192.168.1.7", "192.168.1.7"));
        assert!(!is_direct("192.168.1.7", "192.168.1.70"));
        assert!(is_direct("fd12::/16", "[fd12:34::1]"));
        assert!(is_direct("[fd12::1]", "[fd12::1]"));
        assert!(!is_direct("fd12::/16", "[fd13::1]"));
        assert!(is_direct("0.0.0.0/0", "8.8.8.8"));
        assert!(!is_direct("0.0.0.0/0", "s3.example"));
        assert!(!is_direct("10.0.0.0/99", "10.0.0.1"));
    }

    #[test]
    fn a_port_limits_an_entry() {
        let list = Bypass::parse("s3.example:9000,10.0.0.1:9000,[fd12::1]:9000");
        for host in ["s3.example", "10.0.0.1", "[fd12::1]"] {
            assert!(list.contains(host, 9000), "{host}");
            assert!(!list.contains(host, 443), "{host}");
        }
    }

    #[test]
    fn this_machine_is_never_behind_a_proxy() {
        for host in [
            "localhost",
            "127.0.0.1",
            "127.8.8.8",
            "[::1]",
            "169.254.169.254",
            "169.254.170.2",
            "[fd00:ec2::254]",
            "[fe80::1]",
        ] {
            assert!(is_direct("", host), "{host}");
        }
        for host in ["localhost.example", "10.0.0.1", "[fd00:1::1]"] {
            assert!(!is_direct("", host), "{host}");
        }
    }
}
