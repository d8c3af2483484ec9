//! Webhooks: where one may lead, and how its calls are signed (Standard Webhooks, specification 1.0).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use ipnet::IpNet;
use jiff::Timestamp;
use sha2::Sha256;
use url::{Host, Url};
use zeroize::Zeroizing;

use crate::site::{has_plain_host, is_safe};

/// The longest URL, in bytes.
const LONGEST: usize = 2000;
/// What a secret's text begins with.
const PREFIX: &str = "whsec_";

/// Why a webhook does not lead there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    #[error("a webhook's URL is https://…, at most 2000 characters, without user, password or fragment")]
    Url,
    #[error(
        "a webhook does not lead into private networks; OPTIN_WEBHOOK_NETWORKS says which ones it may all the same"
    )]
    Private,
}

/// A URL that may be called, as far as its text tells. Where its host's name leads is checked at every call.
#[derive(Clone, PartialEq, Eq)]
pub struct Target(Url);

impl Target {
    pub fn parse(text: &str, allowed: &[IpNet]) -> Result<Target, TargetError> {
        let url = Url::parse(text).map_err(|_| TargetError::Url)?;
        let has_more = !url.username().is_empty() || url.password().is_some() || url.fragment().is_some();
        if text.len() > LONGEST || has_more || !is_safe(&url) || !has_plain_host(&url) {
            return Err(TargetError::Url);
        }
        let address = match url.host() {
            Some(Host::Ipv4(ip)) => Some(IpAddr::V4(ip)),
            Some(Host::Ipv6(ip)) => Some(IpAddr::V6(ip)),
            // This machine, by its name.
            Some(Host::Domain("localhost")) => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            _ => None,
        };
        match address {
            Some(address) if !may_call(address, allowed) => Err(TargetError::Private),
            _ => Ok(Target(url)),
        }
    }

    pub fn url(&self) -> &Url {
        &self.0
    }
}

/// Whether a webhook may be called at an address: one that everybody can reach, or one that is allowed in spite.
pub fn may_call(address: IpAddr, allowed: &[IpNet]) -> bool {
    let address = address.to_canonical();
    allowed.iter().any(|network| network.contains(&address)) || is_public(address)
}

/// Whether an address is one of the public Internet (IANA's special-purpose registries, RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(ip) => is_public_v4(ip),
        // An IPv4 address in an IPv6 one (RFC 4291 §2.5.5, RFC 6052, RFC 3056) leads where that leads.
        IpAddr::V6(ip) => match embedded(ip) {
            Some(inner) => is_public_v4(inner),
            None => is_public_v6(ip),
        },
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let is_special = match (a, b, c) {
        // This network, private ones, loopback, link-local.
        (0 | 10 | 127, ..) | (169, 254, _) | (172, 16..=31, _) | (192, 168, _) => true,
        // Carriers' NAT (RFC 6598), protocol assignments, documentation, benchmarks (RFC 2544), 6to4 relays.
        (100, 64..=127, _) | (192, 0, 0 | 2) | (198, 18 | 19, _) | (198, 51, 100) | (203, 0, 113) => true,
        (192, 88, 99) => true,
        // Multicast, reserved, broadcast.
        (224..=255, ..) => true,
        _ => false,
    };
    !is_special
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [a, b, ..] = ip.segments();
    // Only 2000::/3 is given out; of it not protocol assignments (Teredo among them), documentation, its second block.
    let is_special = (a == 0x2001 && (b < 0x0200 || b == 0x0db8)) || (a == 0x3fff && b < 0x1000);
    (0x2000..=0x3fff).contains(&a) && !is_special
}

fn embedded(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = ip.segments();
    let of = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Some(Ipv4Addr::new(a, b, c, d))
    };
    match (a, b, c, d, e, f) {
        // Mapped; and NAT64, by the well-known prefix.
        (0, 0, 0, 0, 0, 0xffff) | (0x64, 0xff9b, 0, 0, 0, 0) => of(g, h),
        (0x2002, ..) => of(b, c),
        _ => None,
    }
}

/// What a webhook's calls are signed with. It shows nothing of itself.
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    pub fn new(random: [u8; 32]) -> Secret {
        Secret(Zeroizing::new(random.to_vec()))
    }

    pub fn from_bytes(bytes: Zeroizing<Vec<u8>>) -> Secret {
        Secret(bytes)
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// For the receiver, once: `whsec_` and base64.
    pub fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{PREFIX}{}", STANDARD.encode(&self.0)))
    }

    /// `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`; the time in Unix seconds.
    pub fn sign(&self, id: &str, at: Timestamp, body: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(format!("{id}.{}.{body}", at.as_second()).as_bytes());
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_signed_as_the_specification_shows() {
        let secret = Zeroizing::new(STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap());
        let secret = Secret::from_bytes(secret);
        assert_eq!(secret.text().as_str(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let at = Timestamp::from_second(1_614_265_330).unwrap();
        let signed = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at, "{\"test\": 2432232314}");
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn only_addresses_that_everybody_can_reach_are_called_or_those_that_are_allowed() {
        for public in
            ["1.1.1.1", "100.63.0.1", "172.32.0.1", "2606:4700::1111", "64:ff9b::101:101", "2002:101:101::"]
        {
            assert!(may_call(public.parse().unwrap(), &[]), "{public}");
        }
        for private in [
            "0.0.0.0",
            "10.1.2.3",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "100.127.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fec0::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "3fff::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2002:a00:1::",
            "::7f00:1",
            "4000::1",
        ] {
            assert!(!may_call(private.parse().unwrap(), &[]), "{private}");
        }
        let allowed = ["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        for address in ["10.9.9.9", "::ffff:10.0.0.1", "::1"] {
            assert!(may_call(address.parse().unwrap(), &allowed), "{address}");
        }
        assert!(!may_call("127.0.0.1".parse().unwrap(), &allowed));
    }

    #[test]
    fn a_target_is_https_and_names_nobody_and_nothing_private() {
        let parse =
            |text: &str| Target::parse(text, &[]).map(|target| target.url().host_str().unwrap().to_owned());
        assert_eq!(parse("https://shop.example/hooks?a=b"), Ok("shop.example".into()));
        assert_eq!(parse("https://8.8.8.8:8443/"), Ok("8.8.8.8".into()));
        for bad in [
            "",
            "shop.example",
            "http://shop.example/",
            "ftp://shop.example",
            "https://u@shop.example/",
            "https://u:p@shop.example/",
            "https://shop.example/#x",
            "https://",
            "https://a_b.example/",
            &format!("https://shop.example/{}", "x".repeat(2000)),
        ] {
            assert_eq!(parse(bad), Err(TargetError::Url), "{bad}");
        }
        for private in [
            "https://localhost/",
            "http://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://10.0.0.1/",
        ] {
            assert_eq!(parse(private), Err(TargetError::Private), "{private}");
        }
        let here = ["127.0.0.0/8".parse().unwrap()];
        assert!(Target::parse("http://127.0.0.1:9/x", &here).is_ok());
        assert!(Target::parse("http://localhost:9/x", &here).is_ok());
        assert!(
            Target::parse("http://10.0.0.1/x", &["10.0.0.0/8".parse().unwrap()]).is_err(),
            "not in the clear"
        );
    }
}
