//! A trail behind a URL.

use std::path::Path;
use std::str::FromStr;
use std::{fmt, fs};

use anyhow::{Context as _, ensure};
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Client, StatusCode};
use url::Url;
use zeroize::Zeroizing;

use super::fault::{Fault, Piece, Unreadable, Wrong};
use crate::commands::https::{client, innermost};
use crate::site::is_safe;
use crate::trail::tile::Kind;

/// A trail's URL: https, or http on this machine.
#[derive(Clone, Debug)]
pub struct TrailUrl(Url);

/// A text that is no trail's URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a trail's URL is https://…, without a query; http only on this machine")]
pub struct NotATrail;

impl FromStr for TrailUrl {
    type Err = NotATrail;

    fn from_str(text: &str) -> Result<TrailUrl, NotATrail> {
        let mut url = Url::parse(text).map_err(|_| NotATrail)?;
        let is_plain = url.username().is_empty() && url.password().is_none();
        if !is_safe(&url) || !is_plain || url.query().is_some() || url.fragment().is_some() {
            return Err(NotATrail);
        }
        // Paths are joined to it, so it has to end where a folder does.
        let path = format!("{}/", url.path().trim_end_matches('/'));
        url.set_path(&path);
        Ok(TrailUrl(url))
    }
}

impl fmt::Display for TrailUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A trail behind a URL. Nothing of it is logged, and redirects are not followed.
pub struct Web {
    client: Client,
    base: Url,
    /// `Bearer …`, of an auditor.
    token: Option<HeaderValue>,
}

impl Web {
    pub fn open(url: &TrailUrl, token_file: Option<&Path>) -> anyhow::Result<Web> {
        Ok(Web { client: client()?, base: url.0.clone(), token: token_file.map(read_token).transpose()? })
    }

    pub fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// A piece's bytes; nothing where it is not there.
    pub async fn find(&self, piece: Piece) -> Result<Option<Vec<u8>>, Fault> {
        let url = self.base.join(&piece.to_string()).map_err(|_| Unreadable::Absent.at(piece))?;
        let broken = |error| Unreadable::Connection(innermost(error)).at(piece);
        let mut request = self.client.get(url);
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, token);
        }
        let mut answer = request.send().await.map_err(broken)?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND | StatusCode::GONE => return Ok(None),
            StatusCode::FORBIDDEN if is_entries(piece) => return Err(Unreadable::Refused.at(piece)),
            StatusCode::UNAUTHORIZED if self.has_token() => return Err(Unreadable::UnknownToken.at(piece)),
            status if status.is_redirection() => return Err(Unreadable::Redirect.at(piece)),
            status => return Err(Unreadable::Status(status.as_u16()).at(piece)),
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(broken)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > piece.most() {
                return Err(Wrong::TooLarge(piece.most()).at(piece));
            }
        }
        Ok(Some(bytes))
    }
}

fn is_entries(piece: Piece) -> bool {
    matches!(piece, Piece::Tile(tile) if tile.kind() == Kind::Entries)
}

fn read_token(file: &Path) -> anyhow::Result<HeaderValue> {
    let read = fs::read_to_string(file).map(Zeroizing::new);
    let text = read.with_context(|| format!("the token file {} cannot be read", file.display()))?;
    let token = text.trim_end();
    let is_token = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    ensure!(is_token, "the token file {} holds no token", file.display());
    let header = Zeroizing::new(format!("Bearer {token}"));
    let mut header = HeaderValue::from_str(&header).context("the token file holds no token")?;
    header.set_sensitive(true);
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trail_is_reached_by_https_or_on_this_machine() {
        let url = |text: &str| text.parse::<TrailUrl>().map(|url| url.0.to_string());
        assert_eq!(url("https://a.example/trails/news").unwrap(), "https://a.example/trails/news/");
        assert_eq!(url("http://127.0.0.1:8080/trails/news//").unwrap(), "http://127.0.0.1:8080/trails/news/");
        for other in [
            "http://a.example/trails/news",
            "ftp://localhost/",
            "https://user:secret@a.example/",
            "https://a.example/trails/news?a",
            "https://a.example/trails/news#a",
            "trails/news",
            "",
        ] {
            assert_eq!(url(other), Err(NotATrail), "{other}");
        }
    }
}
