//! What is wrong with a TOML file that people write, and where.

/// The line, counted from 1, and what is wrong there, in one line that does not quote the file's: it may hold a password.
pub fn line_and_fault(text: &str, error: &toml::de::Error) -> (usize, String) {
    let at = error.span().map_or(0, |span| span.start);
    let line = text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
    (line, error.message().lines().collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_told_with_its_line_in_one_line() {
        for (text, at, what) in [
            ("= 1", 1, "key"),
            ("a = 'ü'\r\n\r\na = 'b'\n", 3, "duplicate key"),
            // An unfinished text is noticed at the end of its line, which is still that line.
            ("# ü\na = \"hunter2\nb = 1", 2, "basic string"),
            ("b = 1\n[a\nb = 1", 2, "table"),
        ] {
            let error = toml::from_str::<toml::Table>(text).unwrap_err();
            let (line, fault) = line_and_fault(text, &error);
            assert_eq!(line, at, "{fault}");
            assert!(fault.contains(what) && !fault.contains('\n') && !fault.contains("hunter2"), "{fault}");
        }
    }
}
