//! Whom a request comes from, where reverse proxies stand between.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

/// The client's address: the peer itself, unless that is one of our proxies; then the last address in
/// `X-Forwarded-For` that is none of them, since each proxy adds at the end whom it was asked by and all before that
/// may be invented. `None` where nobody trustworthy says.
pub fn client(peer: IpAddr, forwarded_for: &str, proxies: &[IpNet]) -> Option<IpAddr> {
    let is_ours = |address: &IpAddr| proxies.iter().any(|network| network.contains(address));
    let peer = peer.to_canonical();
    if !is_ours(&peer) {
        return Some(peer);
    }
    for hop in forwarded_for.rsplit(',') {
        let address = address(hop.trim())?;
        if !is_ours(&address) {
            return Some(address);
        }
    }
    None
}

/// An address, with a port or without, in brackets or not.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']').parse().ok();
    bare.or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip())).map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(peer: &str, forwarded_for: &str) -> Option<String> {
        let proxies = ["127.0.0.0/8".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
        client(peer.parse().unwrap(), forwarded_for, &proxies).map(|address| address.to_string())
    }

    #[test]
    fn who_is_no_proxy_speaks_for_nobody_else() {
        assert_eq!(found("192.0.2.1", "198.51.100.7").as_deref(), Some("192.0.2.1"));
        assert_eq!(found("::ffff:192.0.2.1", "").as_deref(), Some("192.0.2.1"));
    }

    #[test]
    fn behind_proxies_it_is_the_last_that_is_none_of_them() {
        assert_eq!(found("127.0.0.1", "198.51.100.7").as_deref(), Some("198.51.100.7"));
        assert_eq!(found("127.0.0.1", "1.2.3.4, 198.51.100.7, 10.1.1.1").as_deref(), Some("198.51.100.7"));
        assert_eq!(found("127.0.0.1", "[2001:db8::1]:443").as_deref(), Some("2001:db8::1"));
        assert_eq!(found("127.0.0.1", "198.51.100.7:5000").as_deref(), Some("198.51.100.7"));
    }

    #[test]
    fn nobody_is_guessed() {
        for forwarded_for in ["", "unknown", "10.0.0.1", "198.51.100.7, unknown"] {
            assert_eq!(found("127.0.0.1", forwarded_for), None, "{forwarded_for}");
        }
    }
}
