//! What every page of the desk needs: who is logged in, that its forms are our own, and where else one can go.

use http::StatusCode;
use http::header::{HeaderValue, SET_COOKIE};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use warp::reply::Response;

use super::answer::{Answer, html};
use super::form;
use super::guard::{self, Entered};
use super::refusal::Refusal;
use super::request::Request;
use crate::app::App;
use crate::consent::list::List;
use crate::consent::operator::{Operator, Right};
use crate::store::sessions::SESSION_FOR;

/// The desk is written in one language: docs/adr/0017-the-desk-speaks-english.md.
pub const LANG: &str = "en";

/// A list's pages: the last part of the path, what it is called, and who may see it.
const PAGES: [(&str, &str, Right); 5] = [
    ("", "Figures", Right::Read),
    ("/settings", "Settings", Right::Settings),
    ("/notices", "Notices", Right::Read),
    ("/exports", "Exports", Right::Read),
    ("/trail", "Trail", Right::Trail),
];

/// Somebody who is logged in, and has said that they keep personal data confidential.
pub struct Session {
    pub operator: Operator,
    secret: String,
}

impl Session {
    /// Who is logged in. Where nobody is, the way to the login, which comes back here.
    pub async fn of(app: &App, request: &Request) -> Result<Session, Refusal> {
        let (session, has_accepted) = Session::before_acceptance(app, request).await?;
        if has_accepted { Ok(session) } else { Err(Refusal::GoTo("/desk/confidentiality".into())) }
    }

    /// The same, whether or not they have said so; and whether.
    pub async fn before_acceptance(app: &App, request: &Request) -> Result<(Session, bool), Refusal> {
        let secret = request.cookie(cookie_name(app)).ok_or_else(|| log_in(request))?;
        let found = app.store.session(secret, app.clock.now()).await?.ok_or_else(|| log_in(request))?;
        let has_accepted = found.confidential.as_deref() == Some(&confidentiality(app)?.1);
        Ok((Session { operator: found.operator, secret: secret.to_owned() }, has_accepted))
    }

    /// What each form of this session carries, and no other page can know.
    pub fn csrf(&self) -> String {
        data_encoding::HEXLOWER.encode(&Sha256::digest(["optin/v1/csrf/", &self.secret].concat()))
    }

    /// What the browser says.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// A form that a page of this session sent.
    pub fn form(&self, request: &Request) -> Result<Form, Refusal> {
        let form = Form::of(request)?;
        if !bool::from(form.text("csrf")?.as_bytes().ct_eq(self.csrf().as_bytes())) {
            return Err(Refusal::StaleForm);
        }
        Ok(form)
    }

    /// Lets whoever is logged in through to a list; see [`guard::enter`].
    pub async fn enter(&self, app: &App, right: Right, slug: &str) -> Result<Entered, Refusal> {
        guard::enter(app, self.operator.clone(), right, slug).await
    }

    /// What a list's pages are given of it: its name, and the ways to those of its pages that one may see. `here` is the
    /// last part of the page's own path.
    pub fn list(&self, list: &List, here: &str) -> Value {
        let may = |page: &&(&str, &str, Right)| self.operator.may(page.2, list.number);
        let page = |(path, name, _): &(&str, &str, Right)| json!({ "name": name, "url": format!("/desk/lists/{}{path}", list.slug), "is_here": *path == here });
        json!({
            "slug": list.slug,
            "title": list.title(&list.options.lang),
            "lang": list.options.lang,
            "is_closed": list.is_closed,
            "pages": PAGES.iter().filter(may).map(page).collect::<Vec<_>>(),
        })
    }

    /// A page of the desk, `templates/desk/<template>.html`. It is given `csrf`, `operator`, and `may_operators`, too.
    pub fn page(&self, app: &App, status: StatusCode, template: &str, mut context: Value) -> Answer {
        context["csrf"] = json!(self.csrf());
        context["operator"] = json!(self.operator.name);
        context["may_operators"] = json!(self.operator.may_everywhere(Right::Operators));
        page(app, status, template, context)
    }
}

/// A page of the desk for whoever is not logged in.
pub fn page(app: &App, status: StatusCode, template: &str, context: Value) -> Answer {
    html(app, status, LANG, &format!("desk/{template}.html"), context)
}

/// What somebody entered at the desk.
pub struct Form(Vec<(String, String)>);

impl Form {
    /// A form that no page of another site sent.
    pub fn of(request: &Request) -> Result<Form, Refusal> {
        if request.is_from_elsewhere() {
            return Err(Refusal::StaleForm);
        }
        form::parse(request.body()?).map(Form).map_err(|_| Refusal::BadRequest)
    }

    /// What a page of ours says behind its question mark.
    pub fn of_query(request: &Request) -> Result<Form, Refusal> {
        form::parse(request.query.as_bytes()).map(Form).map_err(|_| Refusal::BadRequest)
    }

    /// What stands in a field, which is there once at most; nothing where it is not.
    pub fn text(&self, name: &str) -> Result<&str, Refusal> {
        Ok(form::one(&self.0, name).map_err(|_| Refusal::BadRequest)?.unwrap_or_default())
    }

    /// What was chosen of several.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|pair| pair.0 == name).map(|pair| pair.1.as_str()).collect()
    }
}

/// What operators say before they see anything: its text, and the SHA-256 by which it is on record. Another text is
/// asked anew.
pub fn confidentiality(app: &App) -> Result<(String, [u8; 32]), Refusal> {
    let text = app.templates.render("desk/confidentiality.txt", LANG, json!({}))?;
    let sha256 = Sha256::digest(&text).into();
    Ok((text, sha256))
}

/// Gives the browser what it will say, until it ends. Only to the desk, only over https, to no script, and not where
/// another site leads here (RFC 6265bis §5.4).
pub fn let_in(app: &App, mut response: Response, secret: &str) -> Response {
    put_cookie(app, &mut response, secret, SESSION_FOR.as_secs());
    response
}

/// Takes it away again.
pub fn let_out(app: &App, mut response: Response) -> Response {
    put_cookie(app, &mut response, "", 0);
    response
}

fn put_cookie(app: &App, response: &mut Response, value: &str, seconds: i64) {
    let secure = if is_https(app) { "; Secure" } else { "" };
    let name = cookie_name(app);
    let cookie = format!("{name}={value}; Path=/desk; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    if let Ok(mut cookie) = HeaderValue::from_str(&cookie) {
        cookie.set_sensitive(true);
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
}

/// Browsers take the first name over https alone (RFC 6265bis §4.1.3.1). `dev` has none.
fn cookie_name(app: &App) -> &'static str {
    if is_https(app) { "__Secure-optin-desk" } else { "optin-desk" }
}

fn is_https(app: &App) -> bool {
    url(app).starts_with("https:")
}

/// Where operators reach the desk.
pub fn url(app: &App) -> &str {
    app.desk_url.as_ref().unwrap_or(&app.links.public_url)
}

/// Where whoever is invited sets a password.
pub fn invitation(desk_url: &str, secret: &str) -> String {
    format!("{desk_url}/desk/join/{secret}")
}

/// To the login, and back here if here is something to look at.
fn log_in(request: &Request) -> Refusal {
    let back = request.looks_only().is_ok().then(|| place(&request.path)).flatten();
    Refusal::GoTo(match back {
        Some(path) if path != "/desk" => format!("/desk/login?to={path}"),
        _ => "/desk/login".into(),
    })
}

/// A path of the desk, which may be gone to after a login; nothing else may (CWE-601).
pub fn place(path: &str) -> Option<&str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte);
    let within = path == "/desk" || path.starts_with("/desk/");
    (within && path.bytes().all(plain) && !path.contains("//") && !path.contains("..")).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_away_from_the_desk() {
        for path in ["/desk", "/desk/lists/news", "/desk/lists/news/notices/1"] {
            assert_eq!(place(path), Some(path));
        }
        for path in [
            "",
            "/",
            "//evil.example",
            "/desk//evil.example",
            "https://evil.example/desk",
            "/desk\\evil.example",
            "/desk/../my",
            "/deskevil",
            "/desk/a?b",
            "/desk/\r\nSet-Cookie:a=b",
            "/desk/%2f%2fevil.example",
        ] {
            assert_eq!(place(path), None, "{path}");
        }
    }
}
