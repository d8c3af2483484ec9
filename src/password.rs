//! Passwords of operators: Argon2id (RFC 9106), kept in the PHC string format.

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, PasswordHash, Version};

/// Shorter ones are guessed (NIST SP 800-63B-4 §3.1.1.2: 15 characters where it is the only factor).
pub const SHORTEST: usize = 15;
/// In bytes. Longer ones only cost us.
pub const LONGEST: usize = 256;

/// What OWASP's Password Storage Cheat Sheet recommends: 19 MiB, two passes, one lane.
const PARAMS: (u32, u32, u32) = (19 * 1024, 2, 1);

/// Why a password is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordProblem {
    #[error("A password has at least {SHORTEST} characters: four words that do not belong together do well.")]
    Short,
    #[error("A password has at most {LONGEST} bytes.")]
    Long,
    #[error("The two passwords are not the same.")]
    Different,
    #[error("That is one character again and again, or one row of them: whoever guesses begins there.")]
    Plain,
    #[error("A password is not one's own name.")]
    Name,
}

/// Whether a new password will do, for an operator of this name.
pub fn check(password: &str, again: &str, name: &str) -> Result<(), PasswordProblem> {
    let codes: Vec<u32> = password.chars().map(u32::from).collect();
    let step = |pair: &[u32]| i64::from(pair[1]) - i64::from(pair[0]);
    let same_step = codes.windows(2).map(step).collect::<std::collections::BTreeSet<_>>().len() <= 1;
    if codes.len() < SHORTEST {
        Err(PasswordProblem::Short)
    } else if password.len() > LONGEST {
        Err(PasswordProblem::Long)
    } else if password != again {
        Err(PasswordProblem::Different)
    } else if same_step {
        Err(PasswordProblem::Plain)
    } else if password.to_lowercase().replace(name, "").is_empty() {
        Err(PasswordProblem::Name)
    } else {
        Ok(())
    }
}

/// Takes some 20 ms and 19 MiB. The salt must be random.
pub fn hash(password: &str, salt: [u8; 16]) -> String {
    let hash = argon2().hash_password_with_salt(password.as_bytes(), &salt);
    hash.expect("the parameters are good, and a password is short").to_string()
}

/// Whether it is the password that was hashed. Where nothing was, it takes as long all the same.
pub fn is_right(password: &str, hashed: Option<&str>) -> bool {
    let nobodys = || hash("nobody's", [0; 16]);
    let kept = hashed.map_or_else(nobodys, str::to_owned);
    let right = PasswordHash::new(&kept)
        .is_ok_and(|kept| argon2().verify_password(password.as_bytes(), &kept).is_ok());
    right && hashed.is_some()
}

fn argon2() -> Argon2<'static> {
    let (memory, passes, lanes) = PARAMS;
    let params = Params::new(memory, passes, lanes, None).expect("these are good parameters");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_again_and_no_other() {
        let kept = hash("four words that do", [7; 16]);
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert!(is_right("four words that do", Some(&kept)));
        assert!(!is_right("four words that dO", Some(&kept)));
        assert!(!is_right("", Some(&kept)));
        assert!(!is_right("nobody's", None), "who has none cannot log in");
        assert!(!is_right("x", Some("not a hash")));
        assert_ne!(kept, hash("four words that do", [8; 16]), "the salt tells");
    }

    #[test]
    fn weak_ones_are_refused_with_the_reason() {
        let good = "correct horse battery";
        assert_eq!(check(good, good, "ann"), Ok(()));
        for (password, again, problem) in [
            ("short", "short", PasswordProblem::Short),
            (good, "correct horse batterY", PasswordProblem::Different),
            ("aaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaa", PasswordProblem::Plain),
            ("abcdefghijklmnopqrst", "abcdefghijklmnopqrst", PasswordProblem::Plain),
            ("Anna.maria-anna.maria-", "Anna.maria-anna.maria-", PasswordProblem::Name),
        ] {
            assert_eq!(check(password, again, "anna.maria-"), Err(problem), "{password}");
        }
        let long = "käse und brot ".repeat(30);
        assert_eq!(check(&long, &long, "ann"), Err(PasswordProblem::Long));
        // Letters are counted, not bytes.
        assert_eq!(check("åäöåäöåäöåäöåäö", "åäöåäöåäöåäöåäö", "ann"), Ok(()));
        assert_eq!(check("åäöåäöåäöåäöåä", "åäöåäöåäöåäöåä", "ann"), Err(PasswordProblem::Short));
    }
}
