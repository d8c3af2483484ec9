//! What fuzzing has found, and what it begins with, held against the same checks (`fuzz/`).

#[path = "../../fuzz/checks/address.rs"]
mod address;
#[path = "../../fuzz/checks/inbound.rs"]
mod inbound;
#[path = "../../fuzz/checks/session.rs"]
mod session;
#[path = "../../fuzz/checks/tokens.rs"]
mod tokens;

use std::fs;
use std::panic::catch_unwind;

/// Every input is kept to, and none left out: the names of those that fail are told together.
fn replay(target: &str, hold: fn(&[u8])) {
    let folder = format!("fuzz/corpus/{target}");
    let files: Vec<_> = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(files.len() >= 10, "{folder} is there");
    let fails = |file: &&std::path::PathBuf| {
        let input = fs::read(file).unwrap();
        catch_unwind(|| hold(&input)).is_err()
    };
    let failed: Vec<_> = files.iter().filter(fails).collect();
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn every_mail_that_fuzzing_kept_is_read_as_it_should_be() {
    replay("inbound", inbound::hold);
}

#[test]
fn every_address_that_fuzzing_kept_is_fit_for_the_way_or_refused() {
    replay("address", address::hold);
}

#[test]
fn every_conversation_that_fuzzing_kept_comes_to_its_end() {
    replay("session", session::hold);
}

#[test]
fn every_text_that_fuzzing_kept_yields_no_token_but_those_put_in() {
    replay("tokens", tokens::hold);
}

/// Small enough that nobody minds them.
#[test]
fn the_corpora_are_few_and_small() {
    let folders = ["inbound", "address", "session", "tokens"];
    let files = folders.iter().flat_map(|target| fs::read_dir(format!("fuzz/corpus/{target}")).unwrap());
    let sizes: Vec<u64> = files.map(|file| file.unwrap().metadata().unwrap().len()).collect();
    assert!(sizes.len() < 300 && sizes.iter().sum::<u64>() < 300_000, "{} of {sizes:?}", sizes.len());
}
