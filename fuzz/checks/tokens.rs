//! What must be true of every text in which a token is looked for: nobody makes one without the ring.

use std::str;
use std::sync::OnceLock;

use optin::keys::KeyRing;
use optin::links::Links;
use optin::token::{Purpose, SubscriptionId, Token, TokenKeys};
use zeroize::Zeroizing;

const HELD: Token = Token { list: 7, id: SubscriptionId([7; 14]), expiry: 0 };
/// What may be put into an input, to stand for a token that it could not guess.
const MARKS: [(&str, Purpose); 5] = [
    ("LINK", Purpose::Unsubscribe),
    ("MAIL", Purpose::Unsubscribe),
    ("DENY", Purpose::NotMe),
    ("BACK", Purpose::Bounce),
    ("DATA", Purpose::Data),
];

fn links() -> &'static Links {
    static LINKS: OnceLock<Links> = OnceLock::new();
    LINKS.get_or_init(|| {
        Links::new("https://lists.example.org".into(), &KeyRing::generate(Zeroizing::new([7; 96])))
    })
}

fn minted((mark, purpose): (&str, Purpose)) -> String {
    let keys: &TokenKeys = &links().tokens;
    match mark {
        "MAIL" | "BACK" => keys.mint_for_mail(purpose, &HELD),
        _ => keys.mint(purpose, &HELD),
    }
}

pub fn hold(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    what_comes_was_put_in(text);
    let filled = MARKS.iter().fold(text.to_owned(), |text, mark| text.replace(mark.0, &minted(*mark)));
    what_comes_was_put_in(&filled);
    for (mark, (kind, wanted)) in
        [("MAIL", ("leave", Purpose::Unsubscribe)), ("BACK", ("b", Purpose::Bounce))]
    {
        let token = minted((mark, wanted));
        let read = |local: &str| links().read_local(local);
        let local = format!("{kind}+{token}");
        assert_eq!(read(&local), Some((wanted, HELD)));
        assert_eq!(read(&local.to_ascii_uppercase()), Some((wanted, HELD)), "case may be lost on the way");
        if !text.is_empty() {
            assert_eq!(read(&format!("{local}{text}")), None);
            assert_eq!(read(&format!("{kind}+{text}{token}")), None);
        }
        changed(&token, input).for_each(|token| assert_eq!(read(&format!("{kind}+{token}")), None));
    }
    for (mark, door) in [("LINK", "u"), ("DENY", "n")] {
        let purpose = if mark == "LINK" { Purpose::Unsubscribe } else { Purpose::NotMe };
        changed(&minted((mark, purpose)), input)
            .for_each(|token| assert_eq!(links().tokens_in(&format!("https://x/{door}/{token} ")), []));
    }
}

/// Each is the one that the marks stand for, and its exact text is there behind what leads to it.
fn what_comes_was_put_in(text: &str) {
    for (purpose, token) in links().tokens_in(text) {
        assert!(token.list == HELD.list && token.id == HELD.id);
        let linked = |door: &str, mark| text.contains(&format!("/{door}/{}", minted((mark, purpose))));
        let mailed = || text.to_ascii_lowercase().contains(&format!("leave+{}", minted(("MAIL", purpose))));
        assert!(match purpose {
            Purpose::Unsubscribe => linked("u", "LINK") || mailed(),
            Purpose::NotMe => linked("n", "DENY"),
            _ => false,
        });
    }
}

/// The token with one character changed, as the input says: where, and into which.
fn changed(token: &str, input: &[u8]) -> impl Iterator<Item = String> {
    let at = input.first().map(|at| usize::from(*at) % token.len());
    let into = input.get(1).map(|into| char::from(into % 128));
    let changed = at.zip(into).map(|(at, into)| format!("{}{into}{}", &token[..at], &token[at + 1..]));
    // In an address, case does not count.
    let (own, is_mail) = (token.to_owned(), token.len() == 58);
    let is_same = move |changed: &String| *changed == own || is_mail && changed.eq_ignore_ascii_case(&own);
    changed.into_iter().filter(move |changed| !is_same(changed))
}
