//! The optional fields that a list declares, and the check of what a person entered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A person's optional data: field name to value. Empty values are absent.
pub type Profile = BTreeMap<String, String>;

/// One declared field. What is not declared is refused, not stored (med-2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// `[a-z][a-z0-9_]{0,30}`: the name in forms and, behind `field_`, in exports.
    pub name: String,
    #[serde(default)]
    pub kind: FieldKind,
    /// The longest value accepted, in characters.
    #[serde(default = "default_max")]
    pub max: usize,
    #[serde(default)]
    pub required: bool,
    /// Whether exports have a column for it.
    #[serde(default = "yes")]
    pub exported: bool,
    /// What the form calls it, by language; the well-known ones need none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub label: BTreeMap<String, String>,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldKind {
    /// One line of text.
    #[default]
    Text,
    /// A country: two capital letters of ISO 3166-1 alpha-2.
    Country,
}

/// Why a value is refused. It never repeats the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldProblem {
    Undeclared,
    Missing,
    IllTyped,
    /// More characters than this.
    TooLong(usize),
}

fn default_max() -> usize {
    100
}

fn yes() -> bool {
    true
}

/// Fields that every language has a word for: `field.<name>` in the catalogues.
pub const WELL_KNOWN: [&str; 4] = ["name", "company", "job", "country"];

/// Names that a form or an export uses for something else; the first four are what scripts know a form by.
const RESERVED: [&str; 12] = [
    "action", "elements", "method", "submit", "email", "consent", "notice", "lang", "fields", "from",
    "token", "list",
];

impl Field {
    /// Whether the name can stand in forms, JSON and an export's header line.
    pub fn has_good_name(&self) -> bool {
        let mut chars = self.name.chars();
        chars.next().is_some_and(|c| c.is_ascii_lowercase())
            && self.name.len() <= 31
            && chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
            && !RESERVED.contains(&self.name.as_str())
    }

    /// What the list calls it in `lang`, else in `fallback`; `None` for a well-known field that goes by its word.
    pub fn label(&self, lang: &str, fallback: &str) -> Option<&str> {
        self.label.get(lang).or_else(|| self.label.get(fallback)).map(String::as_str)
    }

    fn check(&self, value: &str) -> Result<(), FieldProblem> {
        if value.is_empty() {
            return if self.required { Err(FieldProblem::Missing) } else { Ok(()) };
        }
        if value.chars().count() > self.max {
            return Err(FieldProblem::TooLong(self.max));
        }
        let well_typed = match self.kind {
            FieldKind::Text => !value.chars().any(char::is_control),
            FieldKind::Country => COUNTRIES.as_bytes().chunks(3).any(|code| &code[..2] == value.as_bytes()),
        };
        if well_typed { Ok(()) } else { Err(FieldProblem::IllTyped) }
    }
}

/// Checks all that was entered against what is declared; problems come in order of declaration, undeclared names
/// last and without saying which name it was.
pub fn check_profile(declared: &[Field], entered: &Profile) -> Result<Profile, Vec<(String, FieldProblem)>> {
    let mut profile = Profile::new();
    let mut problems = Vec::new();
    for field in declared {
        let value = entered.get(&field.name).map_or("", |value| value.trim());
        match field.check(value) {
            Err(problem) => problems.push((field.name.clone(), problem)),
            Ok(()) if value.is_empty() => {}
            Ok(()) => _ = profile.insert(field.name.clone(), value.to_owned()),
        }
    }
    if entered.keys().any(|name| !declared.iter().any(|field| field.name == *name)) {
        problems.push((String::new(), FieldProblem::Undeclared));
    }
    if problems.is_empty() { Ok(profile) } else { Err(problems) }
}

/// ISO 3166-1 alpha-2, officially assigned, each followed by a space.
pub const COUNTRIES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN \
    BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE \
    EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU \
    ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY \
    MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM \
    PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS \
    ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS \
    YE YT ZA ZM ZW ";

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, kind: FieldKind, required: bool) -> Field {
        Field { name: name.into(), kind, max: 5, required, exported: true, label: BTreeMap::new() }
    }

    fn entered(pairs: &[(&str, &str)]) -> Profile {
        pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    #[test]
    fn what_is_declared_and_well_typed_passes_trimmed() {
        let declared = [field("name", FieldKind::Text, true), field("country", FieldKind::Country, false)];
        let profile = check_profile(&declared, &entered(&[("name", " Åsa "), ("country", "SE")])).unwrap();
        assert_eq!(profile, entered(&[("name", "Åsa"), ("country", "SE")]));
        let profile = check_profile(&declared, &entered(&[("name", "Åsa"), ("country", "")])).unwrap();
        assert_eq!(profile, entered(&[("name", "Åsa")]));
    }

    #[test]
    fn each_refusal_has_its_reason() {
        let declared = [field("name", FieldKind::Text, true), field("country", FieldKind::Country, false)];
        let problem = |pairs: &[(&str, &str)]| check_profile(&declared, &entered(pairs)).unwrap_err()[0].1;
        assert_eq!(problem(&[]), FieldProblem::Missing);
        assert_eq!(problem(&[("name", "sixsix")]), FieldProblem::TooLong(5));
        assert_eq!(problem(&[("name", "a\nb")]), FieldProblem::IllTyped);
        for bad in ["XX", "se", "SWE", "D E", "E", " E A"] {
            assert_eq!(problem(&[("name", "a"), ("country", bad)]), FieldProblem::IllTyped, "{bad}");
        }
        assert_eq!(problem(&[("name", "a"), ("phone", "1")]), FieldProblem::Undeclared);
    }

    #[test]
    fn there_are_249_countries() {
        assert_eq!(COUNTRIES.split_whitespace().count(), 249);
        assert_eq!(COUNTRIES.len(), 249 * 3);
    }

    #[test]
    fn names_that_a_form_needs_for_itself_are_refused() {
        for (name, good) in
            [("name", true), ("job_2", true), ("email", false), ("2x", false), ("Äx", false), ("", false)]
        {
            assert_eq!(field(name, FieldKind::Text, false).has_good_name(), good, "{name}");
        }
    }
}
