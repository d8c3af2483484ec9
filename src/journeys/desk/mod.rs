//! The desk: the operators' own pages. Whoever is not logged in gets the login; whoever may not, 403.

pub mod account;
pub mod confidentiality;
pub mod join;
pub mod lists;
pub mod login;
pub mod notices;
pub mod operators;
pub mod person;
mod plot;
mod preview;
pub mod records;
pub mod settings;
pub mod trail;

use std::sync::Arc;

use warp::{Filter as _, path};

use crate::app::App;
use crate::web::route::{Route, bare, first_of, part, part_up_to, two};

/// A list's file has a notice in several languages.
const MAX_FILE: usize = 256 * 1024;

/// The desk's lines of the URL table.
pub fn routes(app: &Arc<App>) -> Route {
    first_of([
        bare(app, "desk", path!("desk").boxed(), lists::all),
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
        part(app, "desk_list", path!("desk" / "lists" / String).boxed(), lists::one),
        part_up_to(
            app,
            "desk_settings",
            MAX_FILE,
            path!("desk" / "lists" / String / "settings").boxed(),
            settings::handle,
        ),
        part(app, "desk_notices", path!("desk" / "lists" / String / "notices").boxed(), notices::all),
        two(app, "desk_notice", path!("desk" / "lists" / String / "notices" / String).boxed(), notices::one),
        part(app, "desk_trail", path!("desk" / "lists" / String / "trail").boxed(), trail::handle),
    ])
}
