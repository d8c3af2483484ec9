//! What an operator may do: by the role on a list, and, for a program, no more than its token says.

use serde::Serialize;

/// What an operator is on a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Runs the list: its settings, its notices, its people's requests.
    Admin = 1,
    /// Takes the addresses of those who said yes.
    Marketer = 2,
    /// Looks whether all is as it was promised.
    Auditor = 3,
}

/// What a door at the operators' side does. Each is a bit of a token's rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Right {
    /// The list's options, notices and figures, and which exports there were.
    Read = 1,
    /// Exports and the feed.
    Export = 2,
    /// What is held about one person, who is looked for by address.
    Look = 4,
    /// Erasing one person, at their request.
    Erase = 8,
    /// The trail's newest checkpoint, and its entries.
    Trail = 16,
    /// Evidence of one person's consent.
    Evidence = 32,
    /// Who did what.
    Records = 64,
    /// Options, notices, webhooks.
    Settings = 128,
    /// Signing people up from a website's own backend; they are asked twice all the same.
    Signup = 256,
    /// Other operators, their roles and tokens.
    Operators = 512,
}

impl Right {
    pub const ALL: [Right; 10] = [
        Right::Read,
        Right::Export,
        Right::Look,
        Right::Erase,
        Right::Trail,
        Right::Evidence,
        Right::Records,
        Right::Settings,
        Right::Signup,
        Right::Operators,
    ];

    /// Those that programs can have: for these there is a door that takes a token.
    pub const OF_PROGRAMS: [Right; 5] =
        [Right::Read, Right::Export, Right::Trail, Right::Evidence, Right::Signup];

    /// The one of [`Right::OF_PROGRAMS`] of that name.
    pub fn of_programs(name: &str) -> Option<Right> {
        Right::OF_PROGRAMS.into_iter().find(|right| right.name() == name)
    }

    /// What it is called in tokens and at the API.
    pub fn name(self) -> &'static str {
        match self {
            Right::Read => "read",
            Right::Export => "export",
            Right::Look => "look",
            Right::Erase => "erase",
            Right::Trail => "trail",
            Right::Evidence => "evidence",
            Right::Records => "records",
            Right::Settings => "settings",
            Right::Signup => "signup",
            Right::Operators => "operators",
        }
    }

    /// In words, at the desk.
    pub fn what(self) -> &'static str {
        match self {
            Right::Read => "read options, notices and figures",
            Right::Export => "take exports and follow the feed",
            Right::Look => "look at one person by address",
            Right::Erase => "erase one person by address",
            Right::Trail => "read the trail's entries",
            Right::Evidence => "make evidence of a consent",
            Right::Records => "read the access record",
            Right::Settings => "change settings and notices",
            Right::Signup => "sign people up, who are asked twice all the same",
            Right::Operators => "manage operators",
        }
    }
}

impl Role {
    pub const ALL: [Role; 3] = [Role::Admin, Role::Marketer, Role::Auditor];

    pub fn name(self) -> &'static str {
        match self {
            Role::Admin => "admin",
            Role::Marketer => "marketer",
            Role::Auditor => "auditor",
        }
    }

    pub fn from_name(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.name() == name)
    }

    pub fn from_number(number: i16) -> Option<Role> {
        Role::ALL.into_iter().find(|role| *role as i16 == number)
    }

    /// The matrix. A marketer sees addresses, and nobody's history; an auditor history, and no addresses but those that
    /// are asked about one by one.
    pub fn may(self, right: Right) -> bool {
        match self {
            Role::Admin => true,
            Role::Marketer => matches!(right, Right::Read | Right::Export),
            Role::Auditor => {
                matches!(right, Right::Read | Right::Look | Right::Trail | Right::Evidence | Right::Records)
            }
        }
    }
}

/// The list that stands for every list, also those to come.
pub const EVERY_LIST: u32 = 0;

/// Somebody who works for the controller, as they came in: themselves, or a program in their name.
#[derive(Clone, Debug)]
pub struct Operator {
    pub name: String,
    grants: Vec<(u32, Role)>,
    scope: Option<Scope>,
}

/// What a token is for. It adds nothing to what its operator may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The token's number.
    pub token: i64,
    rights: u32,
    /// `None`: every list of the operator's.
    lists: Option<Vec<u32>>,
}

impl Scope {
    pub fn new(token: i64, rights: u32, lists: Option<Vec<u32>>) -> Scope {
        Scope { token, rights, lists }
    }

    fn holds(&self, right: Right, list: u32) -> bool {
        let is_within = self.lists.as_ref().is_none_or(|lists| lists.contains(&list));
        is_within && self.rights & right as u32 != 0
    }
}

impl Operator {
    /// Roles by list; [`EVERY_LIST`] stands for all of them. Where a list has a role of its own too, either does.
    pub fn new(name: String, grants: Vec<(u32, Role)>, scope: Option<Scope>) -> Operator {
        Operator { name, grants, scope }
    }

    /// The number of the token that a program came with.
    pub fn token(&self) -> Option<i64> {
        self.scope.as_ref().map(|scope| scope.token)
    }

    pub fn may(&self, right: Right, list: u32) -> bool {
        let granted =
            self.grants.iter().any(|(of, role)| (*of == list || *of == EVERY_LIST) && role.may(right));
        granted && self.scope.as_ref().is_none_or(|scope| scope.holds(right, list))
    }

    /// Whether it may on some list.
    pub fn may_somewhere(&self, right: Right) -> bool {
        let scoped = self.scope.iter().flat_map(|scope| scope.lists.iter().flatten());
        let mut lists = self.grants.iter().map(|(list, _)| list).chain(scoped);
        lists.any(|list| self.may(right, *list))
    }

    /// Whether it may on every list, also those to come: then it is no secret which there are.
    pub fn may_everywhere(&self, right: Right) -> bool {
        self.may(right, EVERY_LIST)
    }
}

/// Whether it does as an operator's name: lower-case letters, digits, `.`, `_` and `-`, 63 at most, the first a letter or
/// digit.
pub fn is_name(name: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    !name.is_empty() && name.len() <= 63 && name.bytes().all(good) && !name.starts_with(['.', '_', '-'])
}

/// The bits of several rights, as the database has them.
pub fn bits(rights: &[Right]) -> u32 {
    rights.iter().fold(0, |bits, right| bits | *right as u32)
}

/// The rights of some bits.
pub fn rights(bits: u32) -> Vec<Right> {
    Right::ALL.into_iter().filter(|right| bits & *right as u32 != 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operator(grants: &[(u32, Role)], scope: Option<Scope>) -> Operator {
        Operator::new("ann".into(), grants.to_vec(), scope)
    }

    #[test]
    fn a_role_holds_on_its_list_and_on_no_other() {
        let marketer = operator(&[(1, Role::Marketer)], None);
        assert!(marketer.may(Right::Export, 1));
        assert!(!marketer.may(Right::Export, 2));
        assert!(!marketer.may_everywhere(Right::Export));
    }

    #[test]
    fn a_role_on_every_list_holds_on_those_to_come_and_adds_to_a_lists_own() {
        let auditor = operator(&[(EVERY_LIST, Role::Auditor), (2, Role::Marketer)], None);
        assert!(auditor.may(Right::Trail, 9) && auditor.may_everywhere(Right::Trail));
        assert!(auditor.may(Right::Export, 2) && auditor.may(Right::Records, 2));
        assert!(!auditor.may(Right::Export, 9));
    }

    #[test]
    fn a_token_never_may_more_than_its_operator_nor_than_it_says() {
        for role in Role::ALL {
            for said in Right::ALL {
                let of_one_list = Scope::new(1, said as u32, Some(vec![1]));
                let program = operator(&[(EVERY_LIST, role)], Some(of_one_list));
                for right in Right::ALL {
                    assert_eq!(program.may(right, 1), role.may(right) && right == said);
                    assert!(!program.may(right, 2) && !program.may_everywhere(right));
                }
            }
        }
        let everywhere =
            operator(&[(EVERY_LIST, Role::Admin)], Some(Scope::new(1, Right::Read as u32, None)));
        assert!(everywhere.may_everywhere(Right::Read) && !everywhere.may(Right::Export, 1));
    }

    #[test]
    fn nobody_without_a_role_may_anything() {
        let nobody = operator(&[], Some(Scope::new(1, u32::MAX, None)));
        assert!(Right::ALL.into_iter().all(|right| !nobody.may(right, 1)));
    }

    #[test]
    fn rights_are_the_bits_that_they_are_kept_as() {
        for kept in 0..1024 {
            assert_eq!(bits(&rights(kept)), kept);
        }
    }
}
