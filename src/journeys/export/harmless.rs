//! Values that spreadsheets would run.

/// A value that a spreadsheet shows instead of running: an apostrophe before each sign that begins a formula where a
/// cell begins, or might: in many countries `;` parts cells. Full-width and small forms count too, since some
/// spreadsheets fold them, and what nobody sees before the sign does not hide it.
pub fn harmless(value: &str) -> String {
    let runs = |c: char| "=+-@＝＋－＠﹦﹢﹣﹫".contains(c);
    let unseen =
        |c: char| c.is_whitespace() || matches!(c, '"' | '\u{feff}' | '\u{61c}' | '\u{200b}'..='\u{200f}');
    let mut harmless = String::with_capacity(value.len());
    let mut begins = true;
    for c in value.chars() {
        if begins && runs(c) {
            harmless.push('\'');
        }
        begins = matches!(c, ';' | '|' | '\t') || begins && unseen(c);
        harmless.push(c);
    }
    harmless
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_made_harmless_and_other_values_left_alone() {
        for (value, written) in [
            ("=1+1", "'=1+1"),
            (" =1", " '=1"),
            ("x;=1+1;-2", "x;'=1+1;'-2"),
            ("x; \"=1", "x; \"'=1"),
            ("\u{feff}=1", "\u{feff}'=1"),
            ("﹦1", "'﹦1"),
            ("Anna-Lena; Dr.", "Anna-Lena; Dr."),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-2", "'-2"),
            ("＝1", "'＝1"),
            ("Åsa", "Åsa"),
            ("a=b", "a=b"),
            ("", ""),
        ] {
            assert_eq!(harmless(value), written);
        }
    }
}
