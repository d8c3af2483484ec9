//! What is said of a sample: a table for people, readable without colour, and a line that sums it up.

use crate::commands::counted;

/// What a check has found: one line of the table.
#[derive(Debug)]
pub struct Finding {
    pub level: Level,
    /// What was looked at.
    pub check: &'static str,
    /// What it is like, and what to do where that does not do.
    pub told: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Well,
    Fails,
    /// Worth knowing, and no fault; or something that could not be checked.
    Note,
}

impl Finding {
    pub fn fails(&self) -> bool {
        self.level == Level::Fails
    }
}

pub fn well(check: &'static str, told: impl Into<String>) -> Finding {
    Finding { level: Level::Well, check, told: told.into() }
}

pub fn fails(check: &'static str, told: impl Into<String>) -> Finding {
    Finding { level: Level::Fails, check, told: told.into() }
}

pub fn note(check: &'static str, told: impl Into<String>) -> Finding {
    Finding { level: Level::Note, check, told: told.into() }
}

pub fn table(findings: &[Finding]) -> String {
    let width = findings.iter().map(|finding| finding.check.len()).max().unwrap_or_default();
    let row = |finding: &Finding| {
        let level = match finding.level {
            Level::Well => "ok",
            Level::Fails => "FAILS",
            Level::Note => "note",
        };
        format!("{level:<5}  {:<width$}  {}\n", finding.check, finding.told)
    };
    let rows: String = findings.iter().map(row).collect();
    let failed = findings.iter().filter(|finding| finding.fails()).count();
    let verdict = match failed {
        0 => "good: whoever gets this newsletter can leave it".to_owned(),
        _ => format!("not good: {} to be mended", counted(failed as u64, "line has", "lines have")),
    };
    format!("{rows}{verdict}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_reads_without_colour() {
        let table = table(&[well("header", "read"), fails("mailto", "two"), note("HTML", "none")]);
        let lines = [
            "ok     header  read",
            "FAILS  mailto  two",
            "note   HTML    none",
            "not good: 1 line has to be mended",
            "",
        ];
        assert_eq!(table, lines.join("\n"));
        assert!(
            super::table(&[note("HTML", "none")])
                .ends_with("\ngood: whoever gets this newsletter can leave it\n")
        );
    }
}
