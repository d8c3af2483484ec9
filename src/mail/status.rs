//! Enhanced status codes (RFC 3463): all that is kept of what other mail servers say.

/// Whether a text is one: a class of 2, 4 or 5, and two numbers of at most three digits (section 2).
pub fn is_enhanced(text: &str) -> bool {
    let small = |number: &str| (1..=3).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
    let mut numbers = text.split('.');
    let class = numbers.next().is_some_and(|class| ["2", "4", "5"].contains(&class));
    class
        && numbers.next().is_some_and(small)
        && numbers.next().is_some_and(small)
        && numbers.next().is_none()
}

/// Whether it says that nobody can be reached at this address, ever: no such mailbox (5.1.1), no such domain (5.1.2),
/// no such syntax (5.1.3), moved (5.1.6), a domain that takes no mail (5.1.10, RFC 7505). The other 5.1.x are about the
/// sender, or say too little.
pub fn says_nobody_there(status: &str) -> bool {
    ["5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"].contains(&status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_told_from_words() {
        for code in ["5.1.1", "4.0.0", "2.1.5", "5.7.999"] {
            assert!(is_enhanced(code), "{code}");
        }
        for other in
            ["", "5", "5.1", "5.1.1.1", "3.1.1", "5.1.1000", "5..1", "5.1.", "5.a.1", "55.1.1", "ann@x.org"]
        {
            assert!(!is_enhanced(other), "{other}");
        }
    }

    #[test]
    fn what_is_about_the_sender_says_nothing_about_the_recipient() {
        assert!(says_nobody_there("5.1.1") && says_nobody_there("5.1.10"));
        for other in ["5.1.0", "5.1.7", "5.1.8", "5.2.1", "5.2.2", "5.7.1", "4.1.1", "5.1.11"] {
            assert!(!says_nobody_there(other), "{other}");
        }
    }
}
