//! Whoever writes to their own address leaves, by each of the three ways in that `deploy/postfix` knows.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};

use nix::unistd::User;

use super::mta::{self, Files, Postfix};
use super::{ANN, PEOPLE, behind_postfix, has_left_and_knows};
use crate::house::mail::mail_from;
use crate::house::{House, until};
use crate::process::OPTIN;
use crate::serve::mail::{ways_out, with_people};
use crate::serve::site::{CONTROLLER, count};

/// From an address that is not the one on the list.
const ELSEWHERE: &str = "ann@elsewhere.test";

#[tokio::test]
async fn p_cp_3_a_mail_handed_to_postfix_erases_at_once_and_is_answered_through_postfix() {
    let Some((house, postfix)) = behind_postfix(|_| {}).await else { return };
    house.subscribe(ANN).await;
    let way = house.leave_address(ANN).await;
    postfix.client().await.send(ELSEWHERE, &way, &mail_from(ELSEWHERE)).await;
    has_left_and_knows(&house, &postfix, ANN, 2).await;
    assert_eq!(house.count(PEOPLE).await, 0);
    house.close().await;
}

#[tokio::test]
async fn the_door_may_be_a_socket_that_only_postfix_can_reach() {
    if !mta::is_here() {
        return;
    }
    let (url, readers, mut site) = with_people(1).await;
    let way = ways_out(&site).await.remove(0);
    let files = Files::new(readers.port);
    take_way(&files, "lmtp:unix:optin/lmtp");
    let folder = files.path("spool/optin");
    fs::create_dir(&folder).unwrap();
    let group = User::from_name("postfix").unwrap().unwrap().gid;
    chown(&folder, None, Some(group.as_raw())).unwrap();
    fs::set_permissions(&folder, Permissions::from_mode(0o2750)).unwrap();
    let postfix = files.start();
    site.settings.insert("OPTIN_SMTP_URL", postfix.smtp_url());
    site.settings.insert("OPTIN_LMTP_LISTEN", format!("unix:{}", folder.join("lmtp").display()));
    let _replica = site.serve().await;

    assert_eq!(count(&url, PEOPLE).await, 2, "one of them did not confirm");
    postfix.client().await.send(ELSEWHERE, &way, &mail_from(ELSEWHERE)).await;
    until("the answer", async || readers.letters().len() == 1).await;
    assert_eq!(readers.letters()[0].subject, "Your data has been deleted");
    assert_eq!(count(&url, PEOPLE).await, 1);
}

/// In place of the way in that is not commented out.
fn take_way(files: &Files, way: &str) {
    let door = files.door;
    files.edit("optin/transport", &format!("\nnews.example.org    lmtp:inet:[127.0.0.1]:{door}\n"), "\n");
    files.edit(
        "optin/transport",
        &format!("\n#news.example.org    {way}\n"),
        &format!("\nnews.example.org    {way}\n"),
    );
}

/// The user whom a private PostgreSQL trusts.
fn account() -> User {
    let mut names = ["postgres", "nobody"].into_iter();
    names.find_map(|name| User::from_name(name).unwrap()).unwrap()
}

/// What the README says of `optin inbound`, for another user, and another folder.
fn take_program(files: &Files) {
    take_way(files, "optin:");
    files.edit("main.cf", "\nask_optin = reject_unverified_recipient\n", "\n");
    for setting in ["ask_optin =", "optin_destination_recipient_limit ="] {
        files.edit("main.cf", &format!("\n#{setting}"), &format!("\n{setting}"));
    }
    let folder = files.path("optin");
    fs::create_dir(&folder).unwrap();
    let program = folder.join("optin");
    fs::copy(OPTIN, &program).unwrap();
    files.uncomment("optin", |block| {
        let block = block.replace("user=optin ", &format!("user={} ", account().name));
        let block = block.replace("directory=/etc/optin", &format!("directory={}", folder.display()));
        block.replace("/usr/local/bin/optin", program.to_str().unwrap())
    });
}

/// Settings by which the program finds the house, where `directory` says.
fn furnish(postfix: &Postfix, house: &House) {
    let folder = postfix.files.path("optin");
    let keys = folder.join("keys.toml");
    fs::write(&keys, house.app.keys.to_toml().as_str()).unwrap();
    fs::set_permissions(&keys, Permissions::from_mode(0o600)).unwrap();
    chown(&keys, Some(account().uid.as_raw()), None).unwrap();
    let settings = [
        ("database_url", house.database_url.clone()),
        ("public_url", house.url.clone()),
        ("smtp_url", postfix.smtp_url()),
        ("keys_file", keys.display().to_string()),
    ];
    let settings: String = settings.iter().map(|(name, value)| format!("{name} = {value:?}\n")).collect();
    fs::write(folder.join("optin.toml"), settings + CONTROLLER).unwrap();
}

#[tokio::test]
async fn p_cp_3_where_postfix_starts_a_program_for_each_mail_it_erases_all_the_same() {
    let Some((house, postfix)) = behind_postfix(take_program).await else { return };
    furnish(&postfix, &house);
    house.subscribe(ANN).await;
    let way = house.leave_address(ANN).await;
    let mut client = postfix.client().await;

    // Not asked for, but looked at.
    assert_eq!(client.ask(ELSEWHERE, "nobody@news.example.org").await, "550 5.1.1");
    // A bounce has no sender there either, and so it is no wish.
    client.send("", &way, &mail_from(ELSEWHERE)).await;
    until("its delivery", async || postfix.delivered(&way) == 1).await;
    assert_eq!(house.count(PEOPLE).await, 1);
    // What cannot be done now is kept.
    house.fault("DELETE", "subscriptions", "57P03").await;
    client.send(ELSEWHERE, &way, &mail_from(ELSEWHERE)).await;
    until("its place in the queue", async || postfix.deferred() == 1).await;
    assert_eq!(house.count(PEOPLE).await, 1);
    house.mend().await;
    postfix.flush();
    has_left_and_knows(&house, &postfix, ANN, 2).await;
    assert_eq!(house.count(PEOPLE).await, 0);

    // Made up in the right shape, a token is taken first and returned then.
    let forged = way.replacen(&way[30..31], if &way[30..31] == "a" { "b" } else { "a" }, 1);
    assert_ne!(forged, way);
    client.send(ELSEWHERE, &forged, &mail_from(ELSEWHERE)).await;
    let returned = house.letter(ELSEWHERE).await;
    assert!(returned.raw.contains("optin: no such mailbox"), "{}", returned.raw);
    // The program's clock goes.
    house.clock.advance(jiff::SignedDuration::from_mins(5));
    house.close().await;
}
