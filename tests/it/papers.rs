//! What the papers say is so: the promises that tests are named after, the settings, the commands, the links.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

/// All that one captures in a text.
fn found(pattern: &str, text: &str) -> BTreeSet<String> {
    Regex::new(pattern).unwrap().captures_iter(text).map(|found| found[1].to_owned()).collect()
}

/// The files of a kind that are part of the project.
fn files(kind: &str) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        [".github", "deploy", "docs", "sql", "src", "tests"].into_iter().map(PathBuf::from).collect();
    let mut files: Vec<PathBuf> =
        ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].into_iter().map(PathBuf::from).collect();
    while let Some(folder) = folders.pop() {
        for item in fs::read_dir(folder).unwrap() {
            let path = item.unwrap().path();
            if path.is_dir() && !path.ends_with("node_modules") {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.retain(|path| path.extension().is_some_and(|of| of == kind));
    files
}

fn texts(kind: &str) -> String {
    files(kind).iter().map(|path| fs::read_to_string(path).unwrap()).collect()
}

#[test]
fn the_list_of_promises_tells_which_are_kept() {
    let list = fs::read_to_string("docs/promises.md").unwrap();
    let promised = found(r"(?m)^- \*\*([a-z]+-\d+)\*\* ", &list);
    let open = found(r"(?m)^- \*\*([a-z]+-\d+)\*\* .*\*\(not yet\)\*$", &list);
    let tests = found(r"fn (p_[a-z]+_\d+_\w+)\(", &texts("rs"));
    let kept: BTreeSet<String> = tests
        .iter()
        .flat_map(|name| found(r"p_([a-z]+_\d+)_", &name.replace("_p_", "__p_")))
        .map(|id| id.replace('_', "-"))
        .collect();
    assert_eq!(promised.len(), 46);
    for id in &promised {
        match (kept.contains(id), open.contains(id)) {
            (true, true) => panic!("{id} has a test now: take its mark out of docs/promises.md"),
            (false, false) => panic!("{id} has no test: mark it as not yet kept in docs/promises.md"),
            _ => {}
        }
    }
    let unknown: Vec<_> = kept.difference(&promised).collect();
    assert!(unknown.is_empty(), "docs/promises.md does not know {unknown:?}");
    let said = found(r"\b((?:cp|med|cgm|msg|cen)-\d+)\b", &(texts("rs") + &texts("md")));
    let unknown: Vec<_> = said.difference(&promised).collect();
    assert!(unknown.is_empty(), "docs/promises.md does not know {unknown:?}");
}

#[test]
fn every_setting_stands_in_the_readme_and_no_other() {
    let readme = fs::read_to_string("README.md").unwrap();
    let told = found(r"(?m)^\| `(OPTIN_[A-Z_]+)` \|", &readme);
    let ours: String = ["src/config.rs", "src/commands/mod.rs", "src/commands/export.rs"]
        .map(|path| fs::read_to_string(path).unwrap().split("#[cfg(test)]").next().unwrap().to_owned())
        .concat();
    let mut read = found(r#"(?:env|var|env =) ?\(?"(OPTIN_[A-Z_]+)""#, &ours);
    read.extend(found(r#"\("(OPTIN_[A-Z_]+)", &mut config\."#, &ours));
    // It says where the table's other half stands; the text above the table tells of it.
    assert!(read.remove("OPTIN_CONFIG") && readme.contains("OPTIN_CONFIG"));
    assert!(read.len() > 8);
    assert_eq!(told, read, "the table in README.md, and what the code reads");
    let tested = fs::read_to_string("tests/it/serve/settings.rs").unwrap();
    let config = fs::read_to_string("src/config.rs").unwrap();
    for name in found(r#"\("(OPTIN_[A-Z_]+)", &mut config\."#, &config) {
        assert!(
            tested.contains(&format!("(\"{name}\", ")),
            "tests/it/serve/settings.rs gives {name} no bad value"
        );
    }
    for key in found(r"(?m)^    (\w+): Option<", &config) {
        let known = key == "keys" || key == "controller" || readme.contains(&format!("| `{key}` |"));
        assert!(known, "`{key}` of optin.toml is not in README.md's table");
    }
}

#[test]
fn every_link_in_a_paper_leads_somewhere() {
    for paper in files("md") {
        let text = fs::read_to_string(&paper).unwrap();
        for link in found(r"\]\(([^)#: ]+)[^):]*\)", &text) {
            let target = paper.parent().unwrap_or(Path::new("")).join(&link);
            assert!(target.exists(), "{}: {link}", paper.display());
        }
        // Files that are named without a link, from the root or from `src`.
        for name in found(r"`((?:\.ci|benches|docs|sql|src|templates|tests)/[\w/.-]+)`", &text) {
            assert!(Path::new(&name).exists(), "{} names {name}", paper.display());
        }
    }
}
