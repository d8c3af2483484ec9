//! As much of Rust's grammar as it takes to find the paths in a source file.

use regex::Regex;

/// The code without comments, texts and test modules.
pub fn code_of(text: &str) -> String {
    without_tests(&without_texts(text))
}

fn without_texts(text: &str) -> String {
    // In this order: what begins first wins. A lifetime is no character, so it is kept.
    let skipped = Regex::new(concat!(
        r#"(?s)//[^\n]*|/\*.*?\*/"#,
        r###"|\b(?:b|c)?r"[^"]*"|\b(?:b|c)?r#".*?"#"###,
        r#"|(?:\bb|\bc)?"(?:[^"\\]|\\.)*""#,
        r#"|\bb?'(?:[^'\\]|\\[^u]|\\u\{[0-9a-fA-F]+\})'|'(?:[^'\\]|\\[^u]|\\u\{[0-9a-fA-F]+\})'"#,
    ))
    .unwrap();
    skipped.replace_all(text, " ").into_owned()
}

fn without_tests(code: &str) -> String {
    let begin = Regex::new(r"#\[cfg\(test\)\]\s*mod\s+\w+\s*\{").unwrap();
    let (mut kept, mut rest) = (String::new(), code);
    while let Some(found) = begin.find(rest) {
        kept.push_str(&rest[..found.start()]);
        let mut depth = 1;
        let end = rest[found.end()..].find(|c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            depth == 0
        });
        rest = end.map_or("", |end| &rest[found.end() + end + 1..]);
    }
    kept + rest
}

/// Every path of code that is in the module `module`, in imports and elsewhere. Those within this crate begin with
/// `crate`, all others with whatever stands there.
pub fn paths_in(code: &str, module: &[String]) -> Vec<Vec<String>> {
    let token = Regex::new(r"\w+|::|\S").unwrap();
    let tokens: Vec<&str> = token.find_iter(code).map(|found| found.as_str()).collect();
    let mut paths = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let begins =
            is_name(tokens[at]) && (tokens.get(at + 1) == Some(&"::") || before(&tokens, at) == "use");
        if begins && before(&tokens, at) != "::" {
            at = tree(&tokens, at, &[], &mut paths);
        } else {
            at += 1;
        }
    }
    paths.into_iter().map(|path| resolved(path, module)).collect()
}

fn before<'a>(tokens: &[&'a str], at: usize) -> &'a str {
    at.checked_sub(1).map_or("", |at| tokens[at])
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Reads a path or a tree of imports that begins at `at`, and tells where it ends.
fn tree(tokens: &[&str], mut at: usize, stem: &[String], paths: &mut Vec<Vec<String>>) -> usize {
    let mut path = stem.to_vec();
    loop {
        match tokens.get(at) {
            Some(&"{") => {
                at += 1;
                while tokens.get(at).is_some_and(|token| *token != "}") {
                    let end = tree(tokens, at, &path, paths);
                    // A new name, a comma.
                    at = end.max(at + 1);
                    while tokens.get(at).is_some_and(|token| ![",", "}"].contains(token)) {
                        at += 1;
                    }
                    at += usize::from(tokens.get(at) == Some(&","));
                }
                return at + 1;
            }
            Some(name) if is_name(name) => {
                // `self` in a group is the group's stem.
                if *name != "self" || path.is_empty() {
                    path.push((*name).to_owned());
                }
                at += 1;
            }
            // `*`, a turbofish, an operator: the path ends before it.
            _ => break,
        }
        if tokens.get(at) != Some(&"::") {
            break;
        }
        at += 1;
    }
    paths.push(path);
    at
}

/// The path from the crate's root.
fn resolved(path: Vec<String>, module: &[String]) -> Vec<String> {
    let up = path.iter().take_while(|part| *part == "super").count();
    let (base, rest) = match path[0].as_str() {
        "crate" | "optin" => (Some(&module[..0]), &path[1..]),
        "self" => (Some(module), &path[1..]),
        "super" => (Some(&module[..module.len().saturating_sub(up)]), &path[up..]),
        _ => (None, &path[..]),
    };
    // A bare name may be a neighbour or an item's own child as well as a crate; what lies in `store` is named in
    // full, for the rule about its write door.
    let base = match (base, module) {
        (None, [room]) if room == "store" && path[0] == "record" => Some(module),
        (base, _) => base,
    };
    match base {
        Some(base) => [&["crate".to_owned()], base, rest].concat(),
        None => rest.to_vec(),
    }
}
