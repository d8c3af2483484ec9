//! The URL table. One file per thing that a person comes to do; each reads from form to use case to page.

mod agree;
pub mod api;
mod confirm;
mod correct;
pub mod desk;
mod home;
pub mod inbound_mail;
mod leave;
mod my;
mod my_data;
mod not_me;
mod notice;
mod signup;
mod trail;
mod undo;
mod withdraw;

pub mod evidence;
pub mod export;
pub mod health;

use std::convert::Infallible;
use std::sync::Arc;

use hyper::body::Incoming;
use tower::Service;
use utoipa::OpenApi;
use warp::filters::BoxedFilter;
use warp::reply::Response;
use warp::{Filter as _, path};

use crate::app::App;
use crate::web::answer::Answer;
use crate::web::inbox;
use crate::web::refusal::Refusal;
use crate::web::request::Request;
use crate::web::route::{Route, bare, first_of, nothing, part, two};
use api::document::Common;

/// Every public door. The inbox answers 404 where there is none: in `serve`.
pub fn routes(app: Arc<App>) -> Route {
    first_of([
        part(&app, "signup", path!("lists" / String).boxed(), signup::handle),
        part(&app, "notice", path!("lists" / String / "notice").boxed(), notice::current),
        two(&app, "notices", path!("lists" / String / "notices" / String).boxed(), notice::version),
        part(&app, "leave", path!("lists" / String / "leave").boxed(), leave::handle),
        part(&app, "confirm", path!("c" / String).boxed(), confirm::handle),
        part(&app, "not_me", path!("n" / String).boxed(), not_me::handle),
        part(&app, "agree", path!("a" / String).boxed(), agree::handle),
        part(&app, "withdraw", path!("u" / String).boxed(), withdraw::handle),
        part(&app, "correct", path!("k" / String).boxed(), correct::handle),
        part(&app, "my_data", path!("my" / String).boxed(), my_data::handle),
        bare(&app, "undo", path!("undo").boxed(), undo::handle),
        bare(&app, "my", path!("my").boxed(), my::handle),
        part(&app, "checkpoint", path!("trails" / String / "checkpoint").boxed(), trail::checkpoint),
        part(&app, "trail_key", path!("trails" / String / "key").boxed(), trail::key),
        api_routes(&app),
        two(&app, "tile", tile_path(), trail::tile),
        bare(&app, "home", path::end().boxed(), home::handle),
        bare(&app, "stylesheet", path!("assets" / "optin.css").boxed(), home::stylesheet),
        bare(&app, "inbox", path!("inbox").boxed(), inbox::list),
        bare(&app, "inbox.json", path!("inbox.json").boxed(), inbox::all),
        part(&app, "inbox.html", path!("inbox" / String / "html").boxed(), inbox::html),
        two(&app, "attachment", path!("inbox" / String / "attachments" / String).boxed(), inbox::attachment),
        if app.desk_url.is_some() { nothing() } else { desk_routes(&app) },
        health_and_nowhere(&app),
    ])
}

/// The operators' pages, that of exports among them.
fn desk_routes(app: &Arc<App>) -> Route {
    first_of([desk::routes(app), export::desk::route(app)])
}

/// The operators' doors for programs, each with a bearer token; what is nowhere among them is so in JSON.
fn api_routes(app: &Arc<App>) -> Route {
    let document = Arc::new(Document::openapi());
    let (file, page) = (document.clone(), document);
    first_of([
        part(app, "feed", path!("api" / "v1" / "lists" / String / "feed").boxed(), api::feed::handle),
        part(app, "exports", path!("api" / "v1" / "lists" / String / "exports").boxed(), export::door::all),
        two(
            app,
            "export",
            path!("api" / "v1" / "lists" / String / "exports" / String).boxed(),
            export::door::one,
        ),
        part(
            app,
            "evidence",
            path!("api" / "v1" / "lists" / String / "evidence").boxed(),
            evidence::door::make,
        ),
        part(app, "signups", path!("api" / "v1" / "lists" / String / "signups").boxed(), signup::door::take),
        part(
            app,
            "list_notices",
            path!("api" / "v1" / "lists" / String / "notices").boxed(),
            api::lists::notices,
        ),
        two(
            app,
            "list_notice",
            path!("api" / "v1" / "lists" / String / "notices" / String).boxed(),
            api::lists::notice,
        ),
        part(app, "stats", path!("api" / "v1" / "lists" / String / "stats").boxed(), api::stats::show),
        part(app, "list", path!("api" / "v1" / "lists" / String).boxed(), api::lists::one),
        bare(app, "lists", path!("api" / "v1" / "lists").boxed(), api::lists::all),
        bare(app, "openapi", path!("api" / "v1" / "openapi.json").boxed(), move |_, request, ()| {
            let document = file.clone();
            async move { api::document::json_file(request, &document).await }
        }),
        bare(app, "api", path!("api" / "v1").boxed(), move |app, request, ()| {
            let document = page.clone();
            async move { api::document::page(app, request, &document).await }
        }),
    ])
}

/// What the API tells of itself: every door above.
#[derive(OpenApi)]
#[openapi(
    info(title = "Optin", description = "What programs may do in an operator's name."),
    paths(
        api::lists::all,
        api::lists::one,
        api::lists::notices,
        api::lists::notice,
        api::stats::show,
        export::door::make,
        export::door::history,
        export::door::one,
        api::document::feed,
        evidence::door::make,
        signup::door::take,
    ),
    components(schemas(api::document::Problem)),
    modifiers(&Common),
)]
struct Document;

/// The private listener's doors: health, and the desk where it is served here alone.
pub fn private_routes(app: Arc<App>) -> Route {
    let desk = || {
        let stylesheet = bare(&app, "stylesheet", path!("assets" / "optin.css").boxed(), home::stylesheet);
        first_of([desk_routes(&app), stylesheet])
    };
    first_of([if app.desk_url.is_some() { desk() } else { nothing() }, health_and_nowhere(&app)])
}

fn health_and_nowhere(app: &Arc<App>) -> Route {
    first_of([
        bare(app, "healthz", path!("healthz").boxed(), health::healthz),
        bare(app, "readyz", path!("readyz").boxed(), health::readyz),
        bare(app, "none", warp::any().boxed(), nowhere),
    ])
}

/// A trail's slug, and all of the path that follows `tile`.
fn tile_path() -> BoxedFilter<(String, String)> {
    let rest = path::tail().map(|tail: path::Tail| tail.as_str().to_owned());
    path!("trails" / String / "tile" / ..).and(rest).boxed()
}

/// Routes as what the accept loop serves.
pub fn service(
    routes: Route,
) -> impl Service<http::Request<Incoming>, Response = Response, Error = Infallible, Future: Send> + Clone + Send
{
    warp::service(routes)
}

async fn nowhere(_: Arc<App>, _: Arc<Request>, (): ()) -> Answer {
    Err(Refusal::NotFound)
}
