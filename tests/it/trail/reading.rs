//! What others can read of a trail over HTTP, and what not.

use jiff::SignedDuration;
use optin::trail::checkpoint::Checkpoint;
use optin::trail::note::{Note, Verifier};
use optin::trail::tile::read_entries;
use optin::trail::tree::leaf_hash;
use reqwest::{Method, Response, StatusCode};

use crate::house::{House, NEWS};

async fn ask(house: &House, path: &str, token: Option<&str>) -> Response {
    let request = house.request(Method::GET, &format!("/trails/{NEWS}/{path}"));
    let request = match token {
        None => request,
        Some(token) => request.bearer_auth(token),
    };
    request.send().await.unwrap()
}

async fn body(house: &House, path: &str, token: Option<&str>) -> Vec<u8> {
    let answer = ask(house, path, token).await;
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    answer.bytes().await.unwrap().to_vec()
}

#[tokio::test]
async fn anybody_can_check_the_public_checkpoint_and_its_hashes_and_an_auditor_the_newest_and_its_entries() {
    let house = House::open().await;
    house.seal().await;
    let token = house.auditor().await;
    house.subscribe("ann@example.org").await;
    house.seal().await;
    let newest = house.trail(NEWS).await.newest.size;

    let key = String::from_utf8(body(&house, "key", None).await).unwrap();
    let key = Verifier::parse(key.trim_end()).unwrap();
    let opened = async |token| {
        let note = Note::parse(&body(&house, "checkpoint", token).await).unwrap();
        Checkpoint::open(&note, key.name(), &key).unwrap()
    };
    let public = opened(None).await;
    assert_eq!(public.size(), 1, "nobody learns of an act by watching");
    let all = opened(Some(&token)).await;
    assert_eq!(all.size(), newest);

    let leaves = body(&house, "tile/0/000.p/1", None).await;
    assert_eq!(leaves, *public.root(), "a tree of one leaf is that leaf");
    for (path, token, status) in [
        ("tile/0/000.p/2", None, StatusCode::NOT_FOUND),
        ("tile/0/000.p/2", Some(token.as_str()), StatusCode::OK),
        ("tile/entries/000.p/1", None, StatusCode::FORBIDDEN),
        ("tile/entries/000.p/1", Some(&token), StatusCode::OK),
        ("tile/entries/000.p/1", Some("another"), StatusCode::UNAUTHORIZED),
        ("checkpoint", Some("another"), StatusCode::UNAUTHORIZED),
        ("tile/0/000", Some(&token), StatusCode::NOT_FOUND),
        ("tile/1/000.p/1", Some(&token), StatusCode::NOT_FOUND),
        ("tile/0/0.p/1", Some(&token), StatusCode::NOT_FOUND),
        ("tile/0/x000/000.p/1", Some(&token), StatusCode::NOT_FOUND),
        ("tile/0/x999/x999/x999/x999/x999/x999/999.p/1", Some(&token), StatusCode::NOT_FOUND),
        ("tile/63/000", Some(&token), StatusCode::NOT_FOUND),
        ("tile/", None, StatusCode::NOT_FOUND),
    ] {
        assert_eq!(ask(&house, path, token).await.status(), status, "{path} {token:?}");
    }
    let count = newest as u16;
    let entries = body(&house, &format!("tile/entries/000.p/{count}"), Some(&token)).await;
    let hashes: Vec<u8> = read_entries(&entries, count).unwrap().into_iter().flat_map(leaf_hash).collect();
    assert_eq!(hashes, body(&house, &format!("tile/0/000.p/{count}"), Some(&token)).await);
    house.close().await;
}

#[tokio::test]
async fn what_never_changes_may_be_kept_for_ever_and_no_cache_stands_between_an_auditor_and_others() {
    let house = House::open().await;
    house.seal().await;
    let token = house.auditor().await;
    for (path, token, kept) in [
        ("checkpoint", None, "public, max-age=60"),
        ("checkpoint", Some(token.as_str()), "no-store"),
        ("tile/0/000.p/1", None, "public, max-age=31536000, immutable"),
        ("tile/0/000.p/1", Some(&token), "private, max-age=31536000, immutable"),
        ("tile/entries/000.p/1", Some(&token), "private, max-age=31536000, immutable"),
        ("tile/0/000.p/2", None, "no-store"),
    ] {
        let answer = ask(&house, path, token).await;
        assert_eq!(answer.headers()["cache-control"], kept, "{path}");
        if answer.status() == StatusCode::OK {
            assert_eq!(answer.headers()["vary"], "authorization", "{path}");
        }
    }
    house.close().await;
}

#[tokio::test]
async fn the_entries_of_a_list_that_opens_them_are_everybodys_and_those_of_a_closed_list_stay() {
    let house = House::open().await;
    house.seal().await;
    let (list, notice) = house.app.store.find_list(NEWS).await.unwrap().unwrap();
    let mut options = list.options.clone();
    options.public_entries = true;
    let now = house.clock.now();
    assert!(house.app.store.change_list(&list, &notice, &options, None, now, [0; 16]).await.unwrap());
    body(&house, "tile/entries/000.p/1", None).await;
    house.app.store.close_list(list.number, now).await.unwrap();
    house.advance(SignedDuration::from_hours(2));
    house.seal().await;
    body(&house, "tile/entries/000.p/1", None).await;
    body(&house, "checkpoint", None).await;
    house.close().await;
}

#[tokio::test]
async fn a_trail_that_is_not_there_is_not_found() {
    let house = House::open().await;
    for path in [
        "/trails/nobodys/checkpoint",
        "/trails/news/checkpoint",
        "/trails/news/key",
        "/trails/news/tile/0/000.p/1",
    ] {
        assert_eq!(house.get(path).await.status(), StatusCode::NOT_FOUND, "{path}: nothing is sealed yet");
    }
    house.close().await;
}
