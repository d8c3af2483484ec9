use proptest::prelude::*;

use super::*;
use crate::trail::tests::{CHECKPOINT, ROOTS, VERIFIER, changed};

/// Test vector: the checkpoint from C2SP tlog-checkpoint, whose key the specification does not give.
const SPECIFIED: &str = "\
example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
";
const ORIGIN: &str = "news.example/trails/1";

fn verifier() -> Verifier {
    Verifier::parse(VERIFIER).unwrap()
}

#[test]
fn the_specifications_checkpoint_is_read() {
    let note = Note::parse(SPECIFIED.as_bytes()).unwrap();
    let checkpoint = Checkpoint::parse(note.text()).unwrap();
    assert_eq!((checkpoint.origin(), checkpoint.size()), ("example.com/behind-the-sofa", 20_852_163));
    assert_eq!(checkpoint.root()[..3], [0x0a, 0xc5, 0x18]);
    assert_eq!(checkpoint.to_string(), note.text());
    assert_eq!(note.to_string(), SPECIFIED);
}

#[test]
fn a_checkpoint_is_signed_and_opened() {
    let root = data_encoding::HEXLOWER.decode(ROOTS[7].as_bytes()).unwrap().try_into().unwrap();
    let checkpoint = Checkpoint::new(ORIGIN, 7, root).unwrap();
    let note = checkpoint.sign(&Signer::new(ORIGIN, &[7; 32]).unwrap()).unwrap();
    assert_eq!(note.to_string(), CHECKPOINT);
    assert_eq!(Checkpoint::open(&note, ORIGIN, &verifier()), Ok(checkpoint));
}

#[test]
fn a_checkpoint_of_another_log_or_key_is_not_opened() {
    let note = Note::parse(CHECKPOINT.as_bytes()).unwrap();
    let other = "news.example/trails/2";
    assert_eq!(Checkpoint::open(&note, other, &verifier()), Err(CheckpointError::Origin));
    let stranger = Signer::new(ORIGIN, &[8; 32]).unwrap().verifier();
    assert_eq!(Checkpoint::open(&note, ORIGIN, &stranger), Err(NoteError::NotSigned.into()));
    let grown = Note::parse(CHECKPOINT.replace("\n7\n", "\n8\n").as_bytes()).unwrap();
    assert_eq!(Checkpoint::open(&grown, ORIGIN, &verifier()), Err(NoteError::Forged.into()));
    let something_else = Signer::new(ORIGIN, &[7; 32]).unwrap().sign("a text\n".into()).unwrap();
    assert_eq!(Checkpoint::open(&something_else, ORIGIN, &verifier()), Err(CheckpointError::Text));
}

#[test]
fn a_checkpoint_is_read_in_one_form_only() {
    let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
    let reads = |text: &str| Checkpoint::parse(&text.replace('R', root)).is_ok();
    for text in ["o\n0\nR\n", "o p+q\n1\nR\n", "o\n9223372036854775807\nR\n", "o\n1\nR\nextra\nlines\n"] {
        assert!(reads(text), "{text:?}");
    }
    for text in [
        "",
        "\n",
        "o\n1\n",
        "o\n1\nR",
        "o\n1\n\n",
        "\n1\nR\n",
        "o\n01\nR\n",
        "o\n+1\nR\n",
        "o\n\nR\n",
        "o\n 1\nR\n",
        "o\n9223372036854775808\nR\n",
        "o\n18446744073709551616\nR\n",
        "o\n1\nRR\n",
        "o\n1\nAA==\n",
        "o\n1\nR \n",
        "o\n1\nR\n\n",
        "o\n1\nR\n\nx\n",
        "o\n1\nR\nx\n\n",
        "o\r\n1\nR\n",
        "o\n1\nR\n\tx\n",
    ] {
        assert!(!reads(text), "{text:?}");
    }
    assert!(
        Checkpoint::parse("o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n").is_err(),
        "trailing bits"
    );
    for (origin, size) in [("", 1), ("a\n7", 1), ("a", MAX_SIZE + 1)] {
        assert_eq!(Checkpoint::new(origin, size, [0; 32]), Err(CheckpointError::Text));
    }
}

proptest! {
    #[test]
    fn what_reads_as_a_checkpoint_is_written_the_same_way(
        text in prop_oneof![changed("o\n12\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\nx\n"), any::<String>()],
    ) {
        if let Ok(checkpoint) = Checkpoint::parse(&text) {
            prop_assert_eq!(checkpoint.to_string(), text);
        }
    }

    #[test]
    fn what_is_written_is_read(origin in r"[^\x00-\x1f]{1,20}", size in 0..=MAX_SIZE, root: Hash) {
        let checkpoint = Checkpoint::new(&origin, size, root).unwrap();
        prop_assert_eq!(Checkpoint::parse(&checkpoint.to_string()), Ok(checkpoint));
    }

    #[test]
    fn a_changed_note_never_opens(text in changed(CHECKPOINT)) {
        if let Ok(note) = Note::parse(text.as_bytes()) {
            prop_assert!(Checkpoint::open(&note, ORIGIN, &verifier()).is_err() || text == CHECKPOINT);
        }
    }
}
