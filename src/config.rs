//! Settings: an optional `optin.toml`, and the environment over it. Each is checked where it is first needed, so
//! that a command asks only for what it uses.

use std::fmt;
use std::fs::File;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::Zeroizing;

use crate::site::{has_plain_host, is_safe};
use crate::toml_fault::line_and_fault;

/// Why the settings do not do.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{0} cannot be read: {1}")]
    Unreadable(PathBuf, io::Error),
    #[error("{path}, line {line}: {fault}")]
    Malformed { path: PathBuf, line: usize, fault: String },
    #[error("{0} can be read by others, and so can every address then: run `chmod 600 {0}`")]
    OpenToOthers(PathBuf),
    #[error("{env} is not set; set it, or `{key}` in optin.toml", env = env_name(.0), key = .0)]
    Missing(&'static str),
    #[error("{env} is not {wanted}", env = env_name(.0), wanted = .1)]
    Bad(&'static str, &'static str),
    #[error("OPTIN_PUBLIC_URL must begin with https:// unless it is on this machine (localhost, 127.0.0.1)")]
    NotHttps,
    #[error(
        "no controller: optin.toml needs a [controller] with name, address, registration, complaints, authority \
         and mail, since every page and letter must name who is responsible"
    )]
    NoController,
    #[error("the controller's `name` is one line")]
    ControllerName,
    #[error("the controller's `{0}` is empty")]
    EmptyController(&'static str),
}

/// The organisation that is responsible (GDPR Art. 4(7)). Stands on every page and letter.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Controller {
    pub name: String,
    /// The postal address, in one line or several.
    pub address: String,
    /// The registration number, with the register's name.
    pub registration: String,
    /// Where a person complains first: a mail address, telephone number or URL.
    pub complaints: String,
    /// The supervisory authority, with a way to reach it.
    pub authority: String,
    /// The address that letters come from where a list names no other.
    pub mail: String,
}

/// What `optin.toml` and the environment say.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    database_url: Option<String>,
    public_url: Option<String>,
    listen: Option<String>,
    private_listen: Option<String>,
    desk_url: Option<String>,
    proxies: Option<String>,
    webhook_networks: Option<String>,
    smtp_url: Option<String>,
    lmtp_listen: Option<String>,
    authserv_id: Option<String>,
    letters_per_minute: Option<Number>,
    keys_file: Option<PathBuf>,
    templates_dir: Option<PathBuf>,
    trail_mirror: Option<PathBuf>,
    controller: Option<Controller>,
    /// The key ring's content itself; by environment alone.
    #[serde(skip)]
    keys: Option<String>,
}

impl Config {
    /// Reads the file that `OPTIN_CONFIG` names, else `optin.toml` here if there is one, and lays the environment
    /// over it.
    pub fn load(env: impl Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
        let env = |name: &str| env(name).filter(|value| !value.is_empty());
        let named = env("OPTIN_CONFIG").map(PathBuf::from);
        let path = named.clone().unwrap_or_else(|| "optin.toml".into());
        let mut config = match std::fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text).map_err(|error| {
                let (line, fault) = line_and_fault(&text, &error);
                ConfigError::Malformed { path, line, fault }
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound && named.is_none() => Config::default(),
            Err(error) => return Err(ConfigError::Unreadable(path, error)),
        };
        for (name, place) in [
            ("OPTIN_DATABASE_URL", &mut config.database_url),
            ("OPTIN_PUBLIC_URL", &mut config.public_url),
            ("OPTIN_LISTEN", &mut config.listen),
            ("OPTIN_PRIVATE_LISTEN", &mut config.private_listen),
            ("OPTIN_DESK_URL", &mut config.desk_url),
            ("OPTIN_PROXIES", &mut config.proxies),
            ("OPTIN_WEBHOOK_NETWORKS", &mut config.webhook_networks),
            ("OPTIN_SMTP_URL", &mut config.smtp_url),
            ("OPTIN_LMTP_LISTEN", &mut config.lmtp_listen),
            ("OPTIN_AUTHSERV_ID", &mut config.authserv_id),
            ("OPTIN_KEYS", &mut config.keys),
        ] {
            *place = env(name).or(place.take());
        }
        if let Some(text) = env("OPTIN_LETTERS_PER_MINUTE") {
            config.letters_per_minute = Some(Number::Text(text));
        }
        for (name, place) in [
            ("OPTIN_KEYS_FILE", &mut config.keys_file),
            ("OPTIN_TEMPLATES_DIR", &mut config.templates_dir),
            ("OPTIN_TRAIL_MIRROR", &mut config.trail_mirror),
        ] {
            *place = env(name).map(PathBuf::from).or(place.take());
        }
        Ok(config)
    }

    /// `postgresql://…`
    pub fn database_url(&self) -> Result<&str, ConfigError> {
        self.database_url.as_deref().ok_or(ConfigError::Missing("database_url"))
    }

    /// Where people reach the service, without a slash at the end.
    pub fn public_url(&self) -> Result<String, ConfigError> {
        const WANTED: &str = "a URL such as https://news.example.org, without query or fragment";
        let text = self.public_url.as_deref().ok_or(ConfigError::Missing("public_url"))?;
        let url = Url::parse(text).map_err(|_| ConfigError::Bad("public_url", WANTED))?;
        if !is_origin(&url) {
            return Err(ConfigError::Bad("public_url", WANTED));
        }
        if !is_safe(&url) {
            return Err(ConfigError::NotHttps);
        }
        Ok(url.as_str().trim_end_matches('/').to_owned())
    }

    /// Where the public pages are served; 127.0.0.1:8080 unless set.
    pub fn listen(&self) -> Result<SocketAddr, ConfigError> {
        let text = self.listen.as_deref().unwrap_or("127.0.0.1:8080");
        text.parse().map_err(|_| ConfigError::Bad("listen", SOCKET))
    }

    /// Where health is served apart from the public, if at all.
    pub fn private_listen(&self) -> Result<Option<SocketAddr>, ConfigError> {
        let parse = |text: &str| text.parse().map_err(|_| ConfigError::Bad("private_listen", SOCKET));
        self.private_listen.as_deref().map(parse).transpose()
    }

    /// Where operators reach the desk, without a slash at the end, if it is served on the private listener alone.
    pub fn desk_url(&self) -> Result<Option<String>, ConfigError> {
        const WANTED: &str =
            "a URL such as https://desk.example.org, over https unless it is on this machine";
        let Some(text) = &self.desk_url else { return Ok(None) };
        if self.private_listen.is_none() {
            return Err(ConfigError::Missing("private_listen"));
        }
        let url = Url::parse(text).ok().filter(|url| is_origin(url) && is_safe(url));
        let url = url.ok_or(ConfigError::Bad("desk_url", WANTED))?;
        Ok(Some(url.as_str().trim_end_matches('/').to_owned()))
    }

    /// The reverse proxies in front of the service, whose `X-Forwarded-For` is believed; none unless set.
    pub fn proxies(&self) -> Result<Vec<IpNet>, ConfigError> {
        networks("proxies", self.proxies.as_deref())
    }

    /// Private networks that webhooks may lead into all the same; none unless set.
    pub fn webhook_networks(&self) -> Result<Vec<IpNet>, ConfigError> {
        networks("webhook_networks", self.webhook_networks.as_deref())
    }

    /// The relays that take our letters, in order of preference: `smtp://…` or `smtps://…`, one or several
    pub fn smtp_url(&self) -> Result<&str, ConfigError> {
        self.smtp_url.as_deref().ok_or(ConfigError::Missing("smtp_url"))
    }

    /// Where mail comes in by LMTP (RFC 2033), if it does: whoever can reach it is believed like the mail server itself.
    pub fn lmtp_listen(&self) -> Result<Option<LmtpPlace>, ConfigError> {
        const WANTED: &str =
            "an address and port such as 127.0.0.1:2526, or a socket such as unix:/run/optin/lmtp";
        let read = |text: &str| match text.strip_prefix("unix:") {
            Some(path) if path.starts_with('/') => Ok(LmtpPlace::Unix(path.into())),
            Some(_) => Err(ConfigError::Bad("lmtp_listen", WANTED)),
            None => text.parse().map(LmtpPlace::Tcp).map_err(|_| ConfigError::Bad("lmtp_listen", WANTED)),
        };
        self.lmtp_listen.as_deref().map(read).transpose()
    }

    /// The name that the mail server in front of us gives itself in `Authentication-Results` (RFC 8601 section 2.5).
    /// Unless it is set, no such field is believed.
    pub fn authserv_id(&self) -> Result<Option<&str>, ConfigError> {
        const WANTED: &str = "the name of a mail server, such as mx.example.org";
        let is_name =
            |id: &&str| id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
        match self.authserv_id.as_deref() {
            None => Ok(None),
            Some(id) => Some(id).filter(is_name).map(Some).ok_or(ConfigError::Bad("authserv_id", WANTED)),
        }
    }

    /// How many letters a minute this service sends to one domain, 1 to 100,000; as many as there are unless set.
    pub fn letters_per_minute(&self) -> Result<Option<u32>, ConfigError> {
        const WANTED: &str = "a whole number from 1 to 100000";
        let read = |number: &Number| match number {
            Number::Text(text) => text.parse().ok(),
            Number::Number(number) => u32::try_from(*number).ok(),
        };
        let given = self.letters_per_minute.as_ref();
        let letters = given.map(|number| read(number).filter(|letters| (1..=100_000).contains(letters)));
        letters.map(|letters| letters.ok_or(ConfigError::Bad("letters_per_minute", WANTED))).transpose()
    }

    /// The key ring's text. A file is refused that others than its owner may read or write.
    pub fn key_ring(&self) -> Result<RingText, ConfigError> {
        if let Some(text) = &self.keys {
            return Ok(RingText { place: "OPTIN_KEYS".into(), text: Zeroizing::new(text.clone()) });
        }
        let path = self.keys_file.as_ref().ok_or(ConfigError::Missing("keys_file"))?;
        let read = || {
            let file = File::open(path)?;
            let mode = file.metadata()?.permissions().mode();
            Ok((mode, Zeroizing::new(io::read_to_string(file)?)))
        };
        match read() {
            Ok((mode, _)) if mode & 0o077 != 0 => Err(ConfigError::OpenToOthers(path.clone())),
            Ok((_, text)) => Ok(RingText { place: path.display().to_string(), text }),
            Err(error) => Err(ConfigError::Unreadable(path.clone(), error)),
        }
    }

    /// A folder whose templates and words come before the built-in ones.
    pub fn templates_dir(&self) -> Option<&PathBuf> {
        self.templates_dir.as_ref()
    }

    /// The folder with the mirrors of the lists' trails, which tell a restored database from a current one.
    pub fn trail_mirror(&self) -> Option<&PathBuf> {
        self.trail_mirror.as_ref()
    }

    pub fn controller(&self) -> Result<&Controller, ConfigError> {
        let controller = self.controller.as_ref().ok_or(ConfigError::NoController)?;
        let parts = [
            ("name", &controller.name),
            ("address", &controller.address),
            ("registration", &controller.registration),
            ("complaints", &controller.complaints),
            ("authority", &controller.authority),
            ("mail", &controller.mail),
        ];
        if let Some((name, _)) = parts.into_iter().find(|(_, value)| value.trim().is_empty()) {
            return Err(ConfigError::EmptyController(name));
        }
        // It becomes a part of a letter's From, where a line break would begin another header.
        if controller.name.chars().any(char::is_control) {
            return Err(ConfigError::ControllerName);
        }
        Ok(controller)
    }
}

/// Addresses and networks, with commas or spaces between.
fn networks(key: &'static str, text: Option<&str>) -> Result<Vec<IpNet>, ConfigError> {
    const WANTED: &str = "a list of addresses or networks such as 127.0.0.1, 10.0.0.0/8";
    let network = |text: &str| {
        let address = || text.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()));
        text.parse::<IpNet>().or_else(|_| address()).map_err(|_| ConfigError::Bad(key, WANTED))
    };
    let texts = text.unwrap_or_default().split([',', ' ']);
    texts.filter(|text| !text.is_empty()).map(network).collect()
}

/// Scheme, host and port, and nothing else.
fn is_origin(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && has_plain_host(url)
        && url.query().is_none()
        && url.fragment().is_none()
        && url.path() == "/"
        && url.username().is_empty()
        && url.password().is_none()
}

/// Where mail comes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LmtpPlace {
    Tcp(SocketAddr),
    /// A socket that is made when the service starts.
    Unix(PathBuf),
}

/// As a file or the environment gives it, unchecked.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Number(i64),
    Text(String),
}

/// Settings may hold passwords: none is shown.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Config(…)")
    }
}

/// A key ring's text, and the file or variable that it stands in.
pub struct RingText {
    pub place: String,
    pub text: Zeroizing<String>,
}

const SOCKET: &str = "an address and port such as 127.0.0.1:8080";

fn env_name(key: &str) -> String {
    format!("OPTIN_{}", key.to_ascii_uppercase())
}

#[cfg(test)]
mod tests;
