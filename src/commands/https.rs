//! How commands ask a web server.

use std::error;
use std::time::Duration;

use anyhow::Context as _;
use reqwest::Client;
use reqwest::redirect::Policy;

const CONNECT: Duration = Duration::from_secs(10);
/// For a whole answer; the largest is a megabyte.
const ANSWER: Duration = Duration::from_secs(60);

/// What asks over HTTP: servers are verified, redirects not followed, cookies not kept.
pub fn client() -> anyhow::Result<Client> {
    let client = Client::builder()
        .redirect(Policy::none())
        .connect_timeout(CONNECT)
        .timeout(ANSWER)
        .user_agent(concat!("optin/", env!("CARGO_PKG_VERSION")));
    client.build().map_err(reqwest::Error::without_url).context("no HTTPS here")
}

/// What an error comes down to. The layers above it name the URL.
pub fn innermost(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return "there was no answer in time".into();
    }
    let error = error.without_url();
    let mut cause: &dyn error::Error = &error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
