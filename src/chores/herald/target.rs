//! One call to a webhook's URL, at an address that was checked and no other.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use http::header::CONTENT_TYPE;
use ipnet::IpNet;
use reqwest::Client;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;

use crate::consent::webhook::{Target, may_call};

/// For a whole call, the name's resolution included.
const PATIENCE: Duration = Duration::from_secs(15);

/// What a call came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    Taken,
    /// The receiver wants no more calls (410).
    Gone,
    /// An answer's status, or a word of ours. Nothing that the other side said.
    Failed(String),
}

/// Calls. Redirects are not followed, no proxy of the system's is used, and the answer's body is not read.
pub async fn post(
    target: &Target,
    allowed: &[IpNet],
    headers: [(&'static str, String); 3],
    body: String,
) -> Outcome {
    let resolver = Checked { allowed: allowed.into() };
    let client = Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .timeout(PATIENCE)
        .pool_max_idle_per_host(0)
        .dns_resolver(Arc::new(resolver))
        .user_agent(concat!("optin/", env!("CARGO_PKG_VERSION")))
        .build();
    let Ok(client) = client else { return Outcome::Failed("no_tls".into()) };
    let mut request = client.post(target.url().clone()).header(CONTENT_TYPE, "application/json").body(body);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    match request.send().await {
        Ok(answer) if answer.status().is_success() => Outcome::Taken,
        Ok(answer) if answer.status() == StatusCode::GONE => Outcome::Gone,
        Ok(answer) => Outcome::Failed(answer.status().as_u16().to_string()),
        Err(error) => Outcome::Failed(word(&error).into()),
    }
}

/// What went wrong, in a word.
fn word(error: &reqwest::Error) -> &'static str {
    let mut cause: Option<&dyn Error> = Some(error);
    while let Some(error) = cause {
        if error.is::<Forbidden>() {
            return "forbidden";
        }
        cause = error.source();
    }
    match error {
        error if error.is_timeout() => "timeout",
        error if error.is_connect() => "unreachable",
        _ => "broken",
    }
}

/// Nothing that the name stands for may be called.
#[derive(Debug, thiserror::Error)]
#[error("the name leads into a private network")]
struct Forbidden;

/// Resolves names to addresses that may be called. Connections are made to these very ones, so that a name which
/// stands for another address a moment later (DNS rebinding) gains nothing.
struct Checked {
    allowed: Arc<[IpNet]>,
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = self.allowed.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            checked(found.map(|address| address.ip()), &allowed).map_err(Into::into)
        })
    }
}

/// Those of the addresses that may be called.
fn checked(found: impl Iterator<Item = IpAddr>, allowed: &[IpNet]) -> Result<Addrs, Forbidden> {
    let good: Vec<_> = found.filter(|ip| may_call(*ip, allowed)).map(|ip| SocketAddr::new(ip, 0)).collect();
    if good.is_empty() { Err(Forbidden) } else { Ok(Box::new(good.into_iter())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_leads_elsewhere_as_well_is_called_where_it_may_be_alone() {
        let found = |ips: &[&str], allowed: &[&str]| {
            let ips: Vec<IpAddr> = ips.iter().map(|ip| ip.parse().unwrap()).collect();
            let allowed: Vec<IpNet> = allowed.iter().map(|net| net.parse().unwrap()).collect();
            checked(ips.into_iter(), &allowed)
                .map(|good| good.map(|good| good.ip().to_string()).collect())
                .ok()
        };
        assert_eq!(found(&["127.0.0.1", "1.1.1.1", "fd00::1"], &[]), Some(vec!["1.1.1.1".to_owned()]));
        assert_eq!(found(&["127.0.0.1", "10.0.0.1"], &[]), None);
        assert_eq!(found(&["127.0.0.1"], &["127.0.0.0/8"]), Some(vec!["127.0.0.1".to_owned()]));
        assert_eq!(found(&[], &[]), None);
    }

    #[tokio::test]
    async fn a_name_that_leads_to_this_machine_is_not_called() {
        _ = rustls::crypto::ring::default_provider().install_default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        // As if it had been added while it was allowed; resolved by the system, as any other name.
        let here = ["127.0.0.0/8".parse().unwrap()];
        let target = Target::parse(&format!("http://localhost:{port}/"), &here).unwrap();
        let headers = || {
            [("webhook-id", "1".into()), ("webhook-timestamp", "1".into()), ("webhook-signature", "1".into())]
        };
        assert_eq!(post(&target, &[], headers(), String::new()).await, Outcome::Failed("forbidden".into()));
        let nobody = tokio::time::timeout(Duration::from_millis(100), listener.accept()).await;
        assert!(nobody.is_err(), "nobody connected");
    }
}
