//! The URL table. One file per thing that a person comes to do; each reads from form to use case to page.

mod confirm;
mod home;
mod leave;
mod not_me;
mod signup;
mod withdraw;

pub mod export;
pub mod health;

use std::sync::Arc;

use warp::filters::BoxedFilter;
use warp::reply::Response;
use warp::{Filter, path};

use crate::app::App;
use crate::web::answer::{Answer, finish};
use crate::web::inbox;
use crate::web::refusal::Refusal;
use crate::web::request::{Request, request};

/// Every public door.
pub fn routes(app: Arc<App>) -> BoxedFilter<(Response,)> {
    let fixed = |name, path: BoxedFilter<()>| (name, path.map(String::new).boxed());
    let at = |door: (&'static str, BoxedFilter<(String,)>)| (app.clone(), door.0, door.1);

    route(at(("signup", path!("lists" / String).boxed())), signup::handle)
        .or(route(at(("confirm", path!("c" / String).boxed())), confirm::handle))
        .unify()
        .or(route(at(("not_me", path!("n" / String).boxed())), not_me::handle))
        .unify()
        .or(route(at(("withdraw", path!("u" / String).boxed())), withdraw::handle))
        .unify()
        .or(route(at(("leave", path!("lists" / String / "leave").boxed())), leave::handle))
        .unify()
        .or(route(at(fixed("home", path::end().boxed())), home::handle))
        .unify()
        .or(route(at(fixed("stylesheet", path!("assets" / "optin.css").boxed())), home::stylesheet))
        .unify()
        .or(health(app.clone()))
        .unify()
        .or(dev_inbox(app.clone()))
        .unify()
        .or(route(at(fixed("none", warp::any().boxed())), nowhere))
        .unify()
        .boxed()
}

/// Health alone, for the private listener.
pub fn private_routes(app: Arc<App>) -> BoxedFilter<(Response,)> {
    let anything = warp::any().map(String::new).boxed();
    health(app.clone()).or(route((app, "none", anything), nowhere)).unify().boxed()
}

fn health(app: Arc<App>) -> BoxedFilter<(Response,)> {
    let fixed = |path: BoxedFilter<()>| path.map(String::new).boxed();
    route((app.clone(), "healthz", fixed(path!("healthz").boxed())), health::healthz)
        .or(route((app, "readyz", fixed(path!("readyz").boxed())), health::readyz))
        .unify()
        .boxed()
}

/// The inbox, where there is one: in `dev`.
fn dev_inbox(app: Arc<App>) -> BoxedFilter<(Response,)> {
    let to = warp::query::raw().or(warp::any().map(String::new)).unify();
    let page = path!("inbox").map(String::new).boxed();
    let json = path!("inbox.json").and(to).boxed();
    let html = path!("inbox" / String / "html").boxed();
    let list = async |app: Arc<App>, request: Arc<Request>, _| inbox::list(&app, &request);
    let all = async |app: Arc<App>, request: Arc<Request>, query: String| inbox::all(&app, &request, &query);
    let one =
        async |app: Arc<App>, request: Arc<Request>, number: String| inbox::html(&app, &request, &number);
    route((app.clone(), "inbox", page), list)
        .or(route((app.clone(), "inbox.json", json), all))
        .unify()
        .or(route((app, "inbox.html", html), one))
        .unify()
        .boxed()
}

async fn nowhere(_: Arc<App>, _: Arc<Request>, _: String) -> Answer {
    Err(Refusal::NotFound)
}

/// One line of the table: a path with at most one part, and the journey behind it.
fn route<H, F>(
    (app, name, path): (Arc<App>, &'static str, BoxedFilter<(String,)>),
    handle: H,
) -> BoxedFilter<(Response,)>
where
    H: Fn(Arc<App>, Arc<Request>, String) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Answer> + Send,
{
    let journey = move |part: String, request: Request| {
        let (app, request, handle) = (app.clone(), Arc::new(request), handle.clone());
        async move {
            let answer = handle(app.clone(), request.clone(), part).await;
            finish(&app, name, &request.asked, answer)
        }
    };
    path.and(request()).then(journey).boxed()
}
