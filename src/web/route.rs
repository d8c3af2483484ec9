//! Lines of the URL table: how a path leads to a journey.

use std::sync::Arc;

use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use super::answer::{Answer, finish};
use super::request::{MAX_BODY, Request, request};
use crate::app::App;

/// A path, and what of it is handed on.
pub type Path<T> = BoxedFilter<T>;
/// One or more lines of the table.
pub type Route = BoxedFilter<(Response,)>;

/// The first of these that a request fits.
pub fn first_of<const N: usize>(routes: [Route; N]) -> Route {
    routes.into_iter().rev().fold(nothing(), |later, route| route.or(later).unify().boxed())
}

/// A line of the table that no request fits.
pub fn nothing() -> Route {
    warp::any().and_then(async || Err::<Response, _>(warp::reject())).boxed()
}

/// A path without a part of its own.
pub fn bare<H, F>(app: &Arc<App>, name: &'static str, path: Path<()>, handle: H) -> Route
where
    H: Fn(Arc<App>, Arc<Request>, ()) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Answer> + Send,
{
    part(app, name, path.map(|| ()).boxed(), handle)
}

/// A path with two parts.
pub fn two<H, F>(app: &Arc<App>, name: &'static str, path: Path<(String, String)>, handle: H) -> Route
where
    H: Fn(Arc<App>, Arc<Request>, (String, String)) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Answer> + Send,
{
    part(app, name, path.map(|first, second| (first, second)).boxed(), handle)
}

/// A path, and the journey behind it, which is handed what the path says. The name is what logs say instead of it.
pub fn part<P, H, F>(app: &Arc<App>, name: &'static str, path: Path<(P,)>, handle: H) -> Route
where
    P: Send + 'static,
    H: Fn(Arc<App>, Arc<Request>, P) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Answer> + Send,
{
    part_up_to(app, name, MAX_BODY, path, handle)
}

/// The same, which takes bodies of so many bytes.
pub fn part_up_to<P, H, F>(
    app: &Arc<App>,
    name: &'static str,
    most: usize,
    path: Path<(P,)>,
    handle: H,
) -> Route
where
    P: Send + 'static,
    H: Fn(Arc<App>, Arc<Request>, P) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Answer> + Send,
{
    let app = app.clone();
    let journey = move |part: P, request: Request| {
        let (app, request, handle) = (app.clone(), Arc::new(request), handle.clone());
        async move {
            let answer = handle(app.clone(), request.clone(), part).await;
            finish(&app, name, &request.asked, answer)
        }
    };
    path.and(request(most)).then(journey).boxed()
}
