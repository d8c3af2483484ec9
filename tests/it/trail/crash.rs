//! Sealers that are killed, and exports among acts: the log stays whole, and says no more and no less than was so.

use std::time::Duration;

use futures_util::future::join_all;
use nix::sys::signal::Signal;
use optin::app::App;
use optin::consent::change::{Confirm, Erase};
use optin::keys::KeyRing;
use optin::store::export::Begun;
use optin::trail::entry::{Entry, Event, Tail};

use super::Log;
use crate::doors::people::{noon, token};
use crate::house::until;
use crate::serve::site::{Replica, Site};

/// How often in the suite. A hundred take a minute.
const KILLS: i32 = 10;

#[tokio::test]
async fn sealers_that_are_killed_lose_no_entry_number_none_twice_and_leave_a_log_that_verifies() {
    let mut log = Log::open().await;
    let site = Site::new(&log.bench.url, 1).await;
    log.bench.ring = KeyRing::parse(&std::fs::read_to_string(site.path("keys.toml")).unwrap()).unwrap();
    let mut replicas = [
        Replica::begin(&site, crate::process::free_port()),
        Replica::begin(&site, crate::process::free_port()),
    ];
    for round in 0..KILLS {
        log.add(1 + round * 500, 500).await;
        let [random] = App::random::<1>();
        tokio::time::sleep(Duration::from_millis(u64::from(random) * 2)).await;
        let victim = &mut replicas[round as usize % 2];
        victim.process.end_by(Signal::SIGKILL).await;
        *victim = Replica::begin(&site, crate::process::free_port());
    }
    until("a sealed log", async || log.waiting().await == 0).await;
    assert_eq!(log.entries().await.len(), 1 + KILLS as usize * 500);
    log.assert_whole().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_among_acts_holds_exactly_who_had_confirmed_and_not_left_at_its_tree_size() {
    const PEOPLE: usize = 120;
    let log = Log::open().await;
    let list = log.bench.store.find_list_by_number(log.list).await.unwrap().unwrap();
    let person = async |n: usize| {
        let signup = log.bench.signup(&list, &format!("person{n}@example.org"), noon());
        let its = token(signup.list(), signup.id());
        log.bench.store.sign_up(signup).await.unwrap();
        log.bench.replica.confirm(Confirm::new(&its, noon())).await.unwrap();
        if n.is_multiple_of(3) {
            log.bench.store.erase(Erase::withdraw(&its, noon())).await.unwrap();
        }
    };
    let acting = join_all((0..8).map(|lane| {
        let person = &person;
        async move {
            for n in (lane..PEOPLE).step_by(8) {
                person(n).await;
            }
        }
    }));
    let exporting = async {
        let mut exports = Vec::new();
        for n in 0..12u8 {
            let begun = Begun {
                export: [n; 16],
                operator: "tester",
                token: None,
                format: "csv",
                valid_until: noon(),
            };
            let begun = log.bench.replica.begin_export(log.list, &log.seal_at(noon()), &begun).await;
            let (made, mut rows) = begun.unwrap();
            let mut count = 0;
            while rows.next().await.unwrap().is_some() {
                count += 1;
            }
            exports.push((n, made.tree_size, count));
        }
        exports
    };
    let sealing = async {
        for _ in 0..40 {
            log.bench.store.seal(log.list, &log.seal_at(noon())).await.unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let (_, exports, ()) = tokio::join!(acting, exporting, sealing);
    while log.waiting().await > 0 {
        log.seal().await.unwrap();
    }
    log.assert_whole().await;
    let entries: Vec<Entry> = log.entries().await.iter().map(|entry| Entry::read(entry).unwrap()).collect();
    let mut seen = 0;
    for (id, tree_size, count) in exports {
        let before = &entries[..tree_size as usize];
        let of = |event| before.iter().filter(|entry| entry.event == event).count();
        assert_eq!(of(Event::Confirmed) - of(Event::Withdrawn), count, "at size {tree_size}");
        let tail = Tail::Service { id: [id; 16], tree_size, count: 0 };
        let began = entries.iter().position(|entry| entry.event == Event::ExportBegan && entry.tail == tail);
        assert!(began.is_some_and(|at| at as u64 >= tree_size), "it is in the log, after what it looked at");
        seen += count;
    }
    assert!(seen > 0, "people were there to be exported");
}
