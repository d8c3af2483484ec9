use proptest::prelude::*;

use super::*;
use crate::trail::tests::{CHECKPOINT, VERIFIER, changed};

/// Test vectors: the key and the note from C2SP signed-note.
const SPECIFIED_KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const SPECIFIED: &str = "\
This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
";
const OTHERS: &str = "\
Ognuno sta solo sul cuor della terra
trafitto da un raggio di sole:

ed è subito sera.

— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=
";

fn note(text: &str) -> Result<Note, NoteError> {
    Note::parse(text.as_bytes())
}

fn signer() -> Signer {
    Signer::new("news.example/trails/1", &[7; 32]).unwrap()
}

#[test]
fn the_specifications_note_verifies() {
    let key = Verifier::parse(SPECIFIED_KEY).unwrap();
    assert_eq!((key.name(), key.id()), ("example.com/foo", [0x53, 0x0d, 0x90, 0x3a]));
    assert_eq!(key.to_string(), SPECIFIED_KEY);
    let read = note(SPECIFIED).unwrap();
    assert_eq!(read.text(), "This is an example message.\n");
    assert_eq!(read.verify(&key), Ok(()));
    assert_eq!(read.to_string(), SPECIFIED);

    let other = note(OTHERS).unwrap();
    assert!(other.text().ends_with("sole:\n\ned è subito sera.\n"));
    assert_eq!(other.to_string(), OTHERS);
    assert_eq!(other.verify(&key), Err(NoteError::NotSigned));
}

#[test]
fn what_we_sign_is_what_others_would() {
    assert_eq!(signer().verifier().to_string(), VERIFIER);
    let (text, _) = CHECKPOINT.split_once("\n\n").unwrap();
    assert_eq!(signer().sign(format!("{text}\n")).unwrap().to_string(), CHECKPOINT);
    assert_eq!(note(CHECKPOINT).unwrap().verify(&signer().verifier()), Ok(()));
}

#[test]
fn another_text_or_another_signature_is_forged() {
    let key = Verifier::parse(SPECIFIED_KEY).unwrap();
    let with = |from: &str, to: &str| note(&SPECIFIED.replace(from, to)).unwrap().verify(&key);
    assert_eq!(with("This", "That"), Err(NoteError::Forged));
    assert_eq!(with("aQM=", "aQI="), Err(NoteError::Forged));
    // Of the same name with another id, and of another name with the same id: other keys.
    assert_eq!(with("Uw2QO", "Uw2QP"), Err(NoteError::NotSigned));
    assert_eq!(with("— example.com/foo", "— example.com/bar"), Err(NoteError::NotSigned));
    // A signature of another length.
    assert_eq!(with("2IneyaQM=", "2Iney"), Err(NoteError::Forged));
}

#[test]
fn lines_of_unknown_keys_are_ignored_and_one_forged_line_is_too_many() {
    let key = Verifier::parse(SPECIFIED_KEY).unwrap();
    let (_, own) = SPECIFIED.split_once("\n\n").unwrap();
    let with = |line: &str| note(&format!("{SPECIFIED}{line}")).unwrap().verify(&key);
    let (_, stranger) = OTHERS.rsplit_once("\n\n").unwrap();
    assert_eq!(with(stranger), Ok(()));
    assert_eq!(with("— a AAAAAAA=\n"), Ok(()));
    assert_eq!(with(own), Ok(()));
    assert_eq!(with(&own.replace("aQM=", "aQI=")), Err(NoteError::Forged));
}

#[test]
fn a_note_is_read_in_one_form_only() {
    let line = "— a AAAAAAA=\n";
    for (text, fault) in [
        ("", NoteError::NoSignatures),
        ("text\n", NoteError::NoSignatures),
        ("text\n\n", NoteError::NoSignatures),
        ("text\n— a AAAAAAA=\n", NoteError::NoSignatures),
        ("text\n\n— a AAAAAAA=", NoteError::NoSignatures),
        ("text\n\n— a AAAAAAA=\n\n", NoteError::NoSignatures),
        ("text\r\n\n— a AAAAAAA=\n", NoteError::NotText),
        ("te\txt\n\n— a AAAAAAA=\n", NoteError::NotText),
        ("te\0xt\n\n— a AAAAAAA=\n", NoteError::NotText),
        ("text\n\n- a AAAAAAA=\n", NoteError::Line(1)),
        ("text\n\n—a AAAAAAA=\n", NoteError::Line(1)),
        ("text\n\n—  AAAAAAA=\n", NoteError::Line(1)),
        ("text\n\n— a+b AAAAAAA=\n", NoteError::Line(1)),
        ("text\n\n— a\u{2003}b AAAAAAA=\n", NoteError::Line(1)),
        ("text\n\n— a  AAAAAAA=\n", NoteError::Line(1)),
        ("text\n\n— a AAAAAAA= \n", NoteError::Line(1)),
        ("text\n\n— a AAAAAAA\n", NoteError::Line(1)),
        ("text\n\n— a AAAAAAB=\n", NoteError::Line(1)),
        ("text\n\n— a AAAAAA==\n", NoteError::Line(1)),
        ("text\n\n— a\n", NoteError::Line(1)),
        ("text\n\n— a AAAAAAA=\nb\n", NoteError::Line(2)),
    ] {
        assert_eq!(note(text), Err(fault), "{text:?}");
    }
    assert_eq!(Note::parse(b"\xff\n\n"), Err(NoteError::NotText));
    for text in ["\n", "\n\n", "a\n\n\n", "a\n\n— a AAAAAAA=\n"] {
        assert_eq!(note(&format!("{text}\n{line}")).unwrap().text(), text);
    }
    assert!(note(&format!("a\n\n{}", line.repeat(MAX_SIGNATURES))).is_ok());
    assert_eq!(note(&format!("a\n\n{}", line.repeat(MAX_SIGNATURES + 1))), Err(NoteError::TooManySignatures));
    let long = |bytes: usize| note(&format!("{}\n\n{line}", "a".repeat(bytes - 2 - line.len())));
    assert!(long(MAX_BYTES).is_ok());
    assert_eq!(long(MAX_BYTES + 1), Err(NoteError::TooLarge));
}

#[test]
fn only_what_can_be_read_again_is_signed() {
    for text in ["", "no newline", "a\tb\n", "a\r\n"] {
        assert_eq!(signer().sign(text.to_owned()), Err(NoteError::NotText), "{text:?}");
    }
    for name in ["", "a b", "a+b", "a\nb", "a\u{1}b", "a\u{a0}b", "a\u{2028}"] {
        assert_eq!(Signer::new(name, &[7; 32]).err(), Some(NoteError::Name), "{name:?}");
        assert_eq!(Verifier::new(name, signer().key.verifying_key().as_bytes()), Err(NoteError::Name));
    }
}

#[test]
fn a_key_is_read_in_one_form_only() {
    let (name, id, key) =
        ("news.example/trails/1", "6af8ff41", "AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs");
    assert_eq!(Verifier::parse(&format!("{name}+{id}+{key}")), Ok(signer().verifier()));
    for (name, id, key) in [
        ("news.example/trails/2", id, key),
        (name, "6af8ff42", key),
        (name, "6AF8FF41", key),
        (name, "6af8ff4", key),
        (name, id, &key[..40]),
        (name, id, "BOpKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs"),
        (name, id, "AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtI="),
    ] {
        assert_eq!(Verifier::parse(&format!("{name}+{id}+{key}")), Err(NoteError::Key), "{name} {id} {key}");
    }
    assert_eq!(Verifier::parse(""), Err(NoteError::Key));
    assert_eq!(Verifier::parse(&format!("+{id}+{key}")), Err(NoteError::Name));
    // Bytes that are no point of the curve, and the point 1, which any signature would fit.
    let no_point =
        (0..=255).map(|byte| [byte; 32]).find(|bytes| VerifyingKey::from_bytes(bytes).is_err()).unwrap();
    assert_eq!(Verifier::new(name, &no_point), Err(NoteError::Key));
    let mut one = [0; 32];
    one[0] = 1;
    assert_eq!(Verifier::new(name, &one), Err(NoteError::Key));
}

proptest! {
    #[test]
    fn what_reads_as_a_note_is_written_the_same_way_and_forged_when_changed(
        text in prop_oneof![changed(SPECIFIED), changed(OTHERS), any::<String>()],
    ) {
        if let Ok(read) = note(&text) {
            prop_assert_eq!(read.to_string(), &text[..]);
            let key = Verifier::parse(SPECIFIED_KEY).unwrap();
            prop_assert!(read.verify(&key).is_err() || text == SPECIFIED);
        }
    }

    #[test]
    fn any_bytes_get_an_answer(bytes: Vec<u8>) {
        _ = Note::parse(&bytes);
        _ = Verifier::parse(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn what_reads_as_a_key_is_written_the_same_way(text in changed(SPECIFIED_KEY)) {
        if let Ok(key) = Verifier::parse(&text) {
            prop_assert_eq!(key.to_string(), text);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn what_is_signed_is_read_and_verifies(text in r"[^\x00-\x1f]{0,20}(\n[^\x00-\x1f]{0,5}){0,5}\n", secret: [u8; 32]) {
        let signer = Signer::new("a", &secret).unwrap();
        let signed = signer.sign(text.clone()).unwrap();
        let read = note(&signed.to_string()).unwrap();
        prop_assert_eq!(&read, &signed);
        prop_assert_eq!(read.text(), text);
        prop_assert_eq!(read.verify(&signer.verifier()), Ok(()));
        prop_assert_eq!(Verifier::parse(&signer.verifier().to_string()), Ok(signer.verifier()));
    }
}
