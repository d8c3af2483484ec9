//! Connections to PostgreSQL.

use std::time::Duration;

use deadpool_postgres::{
    ClientWrapper, Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Timeouts,
};
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio_postgres::{CancelToken, Config};
use tokio_postgres_rustls::MakeRustlsConnect;
use url::Url;

use super::StoreError;

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Use {
    Reading,
    /// The write door and the outbox. Their statements go by index alone, planned once: a plan that was made and
    /// kept while a table was nearly empty would read the table through when it has filled.
    Writing,
}

/// Without statistics of ids and keys (the migration says why there are none) a plan by index looks dear enough for
/// compiling it, which takes longer than running it.
const INDEX_ALONE: &str = "SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan; SET jit = off; \
     SET statement_timeout = '8s'"; // less than the door waits: what is given up is given up on both sides

const CONNECTIONS: usize = 10;
/// How long a request may wait for a connection before it is told to come back later.
const PATIENCE: Duration = Duration::from_secs(3);

pub fn open(url: &str, what_for: Use) -> Result<Pool, StoreError> {
    let manager =
        Manager::from_config(config(url)?, tls()?, ManagerConfig { recycling_method: RecyclingMethod::Fast });
    let prepare = Hook::async_fn(move |client: &mut ClientWrapper, _| {
        Box::pin(async move {
            match what_for {
                Use::Reading => Ok(()),
                Use::Writing => client.batch_execute(INDEX_ALONE).await.map_err(HookError::Backend),
            }
        })
    });
    Pool::builder(manager)
        .post_create(prepare)
        .max_size(CONNECTIONS)
        .runtime(Runtime::Tokio1)
        .timeouts(Timeouts { wait: Some(PATIENCE), create: Some(PATIENCE), recycle: Some(PATIENCE) })
        .build()
        .map_err(|_| StoreError::Unavailable)
}

/// One connection outside the pool, for what must not share: migrations, long exports.
pub async fn connect(url: &str) -> Result<tokio_postgres::Client, StoreError> {
    let (client, connection) = config(url)?.connect(tls()?).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Has a connection's statement stopped. It may be over by then.
pub async fn cancel(statement: CancelToken) {
    if let Ok(tls) = tls() {
        _ = statement.cancel_query(tls).await;
    }
}

/// Reads a URL as libpq does, but for `sslmode`: TLS, where used, always verifies the server, so that libpq's
/// `verify-ca` and `verify-full` mean the same as `require` here.
fn config(url: &str) -> Result<Config, StoreError> {
    let mut url = Url::parse(url).map_err(|_| StoreError::BadUrl("it is no URL"))?;
    if !["postgresql", "postgres"].contains(&url.scheme()) {
        return Err(StoreError::BadUrl("it does not begin with postgresql://"));
    }
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    if pairs.iter().any(|(key, _)| key == "sslmode") {
        let strict = |(key, value): &(String, String)| match (key.as_str(), value.as_str()) {
            ("sslmode", "verify-ca" | "verify-full") => (key.clone(), "require".to_owned()),
            _ => (key.clone(), value.clone()),
        };
        url.query_pairs_mut().clear().extend_pairs(pairs.iter().map(strict));
    }
    let mut config: Config =
        url.as_str().parse().map_err(|_| StoreError::BadUrl("it has an unknown or malformed part"))?;
    config.application_name("optin").connect_timeout(PATIENCE);
    Ok(config)
}

fn tls() -> Result<MakeRustlsConnect, StoreError> {
    let config = ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_platform_verifier())
        .map_err(|_| StoreError::NoCertificates)?;
    Ok(MakeRustlsConnect::new(config.with_no_client_auth()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_postgres::config::{Host, SslMode};

    #[test]
    fn urls_are_read_as_libpq_reads_them() {
        let socket = config("postgresql://optin@%2Frun%2Fpg/optin").unwrap();
        assert_eq!(socket.get_hosts(), [Host::Unix("/run/pg".into())]);
        let strict = config("postgres://u:p%40ss@db.example.org/x?sslmode=verify-full").unwrap();
        assert_eq!(strict.get_ssl_mode(), SslMode::Require);
        assert_eq!(strict.get_password(), Some(&b"p@ss"[..]));
        for bad in ["", "mysql://x", "postgresql://x/y?nonsense=1", "host=x"] {
            let error = config(bad).unwrap_err().to_string();
            assert!(error.contains("OPTIN_DATABASE_URL"), "{error}");
        }
    }
}
