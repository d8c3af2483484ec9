//! The post that a mail provider sends when its button is pressed (RFC 8058 §3.2).

use reqwest::header::CONTENT_TYPE;
use url::Url;

use super::report::{Finding, fails, well};
use crate::commands::https::{client, innermost};

const CHECK: &str = "live post";

/// `multipart/form-data`, which providers SHOULD use.
const KIND: &str = "multipart/form-data; boundary=optin-check-mail";
const BODY: &str = "--optin-check-mail\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\n\
                    One-Click\r\n--optin-check-mail--\r\n";

/// Posts to a link of ours, and to nothing else. Whoever it is of is unsubscribed then.
pub async fn post(url: Option<Url>) -> Finding {
    let Some(url) = url else {
        return fails(CHECK, "nothing was posted: there is no one-click link of ours to post to");
    };
    let sent = match client() {
        Ok(client) => client.post(url).header(CONTENT_TYPE, KIND).body(BODY).send().await,
        Err(error) => return fails(CHECK, format!("nothing was posted: {error:#}")),
    };
    match sent.map(|answer| answer.status().as_u16()) {
        Ok(200) => well(CHECK, "answered with 200: whoever the sample was sent to is unsubscribed now"),
        Ok(status @ 300..=399) => fails(
            CHECK,
            format!(
                "answered with a redirect ({status}), which no provider follows: the public URL has to lead to the service itself"
            ),
        ),
        Ok(status) => fails(
            CHECK,
            format!(
                "answered with {status} instead of 200: what stands in front of the service must let this POST through"
            ),
        ),
        Err(error) => fails(CHECK, format!("no answer under the public URL: {}", innermost(error))),
    }
}
