//! Evidence in a ZIP.

use std::io::{Cursor, Write as _};

use optin::trail::entry::Event;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::{Ann, put, told, verify};
use crate::log::text;
use crate::trail_tools::python::{has_cryptography, verifier};

pub fn pack(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Puts evidence of Ann in a ZIP in the place of her receipt, changed.
pub fn zipped(ann: &Ann, change: fn(&str, &mut Vec<u8>)) {
    let mut members = [
        ("summary.html", b"<h1>Nobody reads this</h1>".to_vec()),
        ("notice.json", ann.notice.bytes().to_vec()),
        ("evidence.json", ann.evidence().to_json()),
        ("record.json", ann.person.record.clone().into_bytes()),
    ];
    members.iter_mut().for_each(|(name, bytes)| change(name, bytes));
    let members = members.each_ref().map(|(name, bytes)| (*name, bytes.as_slice()));
    put(&ann.receipt(), &pack(&members));
}

/// A few kilobytes that unpack to eight million bytes.
pub fn bomb() -> Vec<u8> {
    let bytes = pack(&[("evidence.json", &vec![b' '; 8 << 20]), ("record.json", b""), ("notice.json", b"")]);
    assert!(bytes.len() < 1 << 15);
    bytes
}

#[tokio::test]
async fn a_zip_of_evidence_is_checked_as_the_receipt_in_it() {
    let ann = Ann::who_did(&[(612, Event::Withdrawn, 0, 9)]);
    zipped(&ann, |_, _| ());
    let file = ann.receipt();
    let yes = format!("consented to notice 3 in hour {}; ", told(super::hour(0)));
    assert!(verify(&[text(&file)]).await.success().starts_with(&yes));
    let said = ann.verify(&[]).await;
    assert!(
        said.success().contains("as the file has no secret; trail consistent (700 entries)"),
        "{}",
        said.out
    );
    if has_cryptography().await {
        let said = verifier(&["receipt", text(&file), text(&ann.mirror())]).await;
        let line = format!(
            "{yes}what came later cannot be looked for without the secret; trail consistent (700 entries)\n"
        );
        assert_eq!(said.success(), line);
    }
}

/// What is there for people to read proves nothing, and is not read.
#[tokio::test]
async fn what_else_a_zip_holds_does_not_matter() {
    let ann = Ann::who_did(&[]);
    zipped(&ann, |name, bytes| {
        if name == "summary.html" {
            bytes.resize(8 << 20, b' ')
        }
    });
    assert!(verify(&[text(&ann.receipt())]).await.success().starts_with("consented"));
}
