//! An operator's own pages, letters and words, as `docs/TEMPLATES.md` tells to write them.

use std::fs;
use std::path::Path;

use regex::Regex;

use super::site::{Relay, Site};
use crate::house::{database, until};
use crate::process::{optin, program, run};

/// A block of the document: the file that is named before it, if any, what it is written in, and its text.
struct Example {
    file: Option<String>,
    kind: String,
    text: String,
}

fn examples() -> Vec<Example> {
    let document = fs::read_to_string("docs/TEMPLATES.md").unwrap();
    let block = Regex::new(r"(?s)(?:`my/([a-z_./]+)`:\n\n)?```(\w+)\n(.*?)```\n").unwrap();
    let example = |found: regex::Captures| Example {
        file: found.get(1).map(|file| file.as_str().to_owned()),
        kind: found[2].to_owned(),
        text: found[3].to_owned(),
    };
    block.captures_iter(&document).map(example).collect()
}

fn put(folder: &str, file: &str, text: &str) {
    let path = Path::new(folder).join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[tokio::test]
async fn the_documents_examples_change_pages_letters_and_languages() {
    let (url, relay) = (database(true).await, Relay::open().await);
    let mut site = Site::ready(&url, relay.port).await;
    let folder = site.path("my");
    let mut files = Vec::new();
    for Example { file, kind, text } in examples() {
        if let Some(file) = file {
            put(&folder, &file, &text);
            files.push(file);
        } else if kind == "sh" && !text.contains("optin serve") {
            let mut shell = program("sh");
            let text = text.replace("my/", &format!("{folder}/"));
            run({
                shell.args(["-euc", &text]);
                shell
            })
            .await
            .success();
        }
    }
    assert_eq!(files, ["words/en.toml", "pages/leave.html", "letters/confirmation/subject.txt"]);
    site.settings.insert("OPTIN_TEMPLATES_DIR", folder);
    assert_eq!(site.run(&["serve", "--check"]).await.success(), "The settings are good\n");

    let replica = site.serve().await;
    let (_, signup) = replica.get("/lists/news").await;
    assert!(signup.contains(">Yes, write to me</button>") && signup.contains("E-mail address"));
    let leave = replica.http.get(format!("{}/lists/news/leave", replica.url)).header("accept-language", "nl");
    let leave = leave.send().await.unwrap().text().await.unwrap();
    assert!(leave.contains("<html lang=\"nl\">") && leave.matches("mailto:privacy@example.org").count() == 2);
    assert_eq!(replica.sign_up("ann@example.org").await.status(), 200);
    until("the letter", async || relay.nth(0).is_some()).await;
    assert!(relay.nth(0).unwrap().subject.starts_with("Example Publishing: "));
}

#[tokio::test]
async fn what_is_wrong_in_an_operators_folder_keeps_the_service_from_starting() {
    // Nobody listens there: the folder is checked before anything is reached for.
    let site = Site::new("postgresql://optin@127.0.0.1:1/optin", 1).await;
    for (n, (file, text, told)) in [
        ("pages/leave.html", "<p>\n{% if %}", "pages/leave.html:2: "),
        ("pages/leave.html", "\n\n{{ list.titel }}", "pages/leave.html:3: `list.titel` is undefined"),
        ("letters/confirmation/body.txt", "\n{{ t(\"letter.lead\") }}", "letters/confirmation/body.txt:2: "),
        ("words/en.toml", "[signup]\nbutton = \"Go", "words/en.toml:2: "),
        (
            "words/de.toml",
            "[signup]\n\nbutton = \"{wer}\"",
            "words/de.toml:3: `signup.button` has other placeholders",
        ),
        ("words/nl.toml", "", "words/nl.toml:1: `name` is missing"),
        ("pages/laeve.html", "", "pages/laeve.html takes the place of no built-in file"),
    ]
    .into_iter()
    .enumerate()
    {
        let folder = site.path(&format!("folder-{n}"));
        put(&folder, file, text);
        for arguments in [&["serve", "--check"][..], &["serve"]] {
            let said = run(optin(arguments, &site.with("OPTIN_TEMPLATES_DIR", &folder))).await;
            let line = said.refusal();
            assert!(line.starts_with(&format!("optin: {folder}/{told}")), "{arguments:?}: {line}");
        }
    }
}
