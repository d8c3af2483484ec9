//! The desk: the operators' own pages. Whoever is not logged in gets the login; whoever may not, 403.

pub mod account;
pub mod confidentiality;
pub mod join;
pub mod login;
pub mod operators;
pub mod person;
pub mod records;

use std::sync::Arc;

use warp::{Filter as _, path};

use crate::app::App;
use crate::web::answer::{Answer, see_other};
use crate::web::desk::Session;
use crate::web::request::Request;
use crate::web::route::{Route, bare, first_of, part};

/// The desk's lines of the URL table.
pub fn routes(app: &Arc<App>) -> Route {
    first_of([
        bare(app, "desk", path!("desk").boxed(), home),
        bare(app, "desk_login", path!("desk" / "login").boxed(), login::handle),
        bare(app, "desk_logout", path!("desk" / "logout").boxed(), login::log_out),
        part(app, "desk_join", path!("desk" / "join" / String).boxed(), join::handle),
        bare(app, "desk_confidentiality", path!("desk" / "confidentiality").boxed(), confidentiality::handle),
        bare(app, "desk_account", path!("desk" / "account").boxed(), account::show),
        bare(app, "desk_password", path!("desk" / "account" / "password").boxed(), account::change_password),
        bare(app, "desk_tokens", path!("desk" / "account" / "tokens").boxed(), account::make_token),
        bare(app, "desk_token_end", path!("desk" / "account" / "tokens" / "end").boxed(), account::end_token),
        bare(app, "desk_operators", path!("desk" / "operators").boxed(), operators::handle),
        part(app, "desk_operator", path!("desk" / "operators" / String).boxed(), operators::act),
        bare(app, "desk_person", path!("desk" / "person").boxed(), person::handle),
        bare(app, "desk_erase", path!("desk" / "person" / "erase").boxed(), person::erase),
        bare(app, "desk_records", path!("desk" / "records").boxed(), records::handle),
    ])
}

/// `GET /desk`
async fn home(app: Arc<App>, request: Arc<Request>, (): ()) -> Answer {
    request.looks_only()?;
    Session::of(&app, &request).await?;
    Ok(see_other("/desk/account"))
}
