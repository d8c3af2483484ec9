use proptest::prelude::*;

use super::*;
use crate::trail::note::{NoteError, Signer};
use crate::trail::path::{hashes, inclusion};
use crate::trail::tests::{CHECKPOINT, LEAVES, Log, PROOF, VERIFIER, changed};
use crate::trail::tree::leaf_hash;

const ORIGIN: &str = "news.example/trails/1";

fn whole() -> String {
    format!("{PROOF}{CHECKPOINT}")
}

fn read(text: &str) -> Result<Proof, ProofError> {
    Proof::parse(text.as_bytes())
}

fn verify(text: &str, leaf: &[u8]) -> Result<u64, ProofError> {
    let by = Verifier::parse(VERIFIER).unwrap();
    read(text)?.verify(&leaf_hash(leaf), ORIGIN, &by).map(|checkpoint| checkpoint.size())
}

/// Test vector: the lines before the checkpoint in C2SP tlog-proof's example, but for its extra line, which there is not
/// whole base64. Its hashes are too few to prove anything.
#[test]
fn the_specifications_lines_are_read() {
    let lines = "\
c2sp.org/tlog-proof@v1
index 73894
gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=
EKNzoDWG8LGC0Yp9o+sv3qllpMP9uHQ9B20KNL+Q1zs=
RoopEkOdqkYqMB4MJXrbt/hMjOxsVn0IrWjpz1ZMMes=
AHCioX9nLjsrse6YhjRRmk1WUEirVOLLRoOQ6vfO5vk=

";
    let text = format!("{lines}{CHECKPOINT}");
    let proof = read(&text).unwrap();
    assert_eq!((proof.index(), proof.extra(), proof.hashes.len()), (73_894, &[][..], 5));
    assert_eq!(proof.to_string(), text);
}

#[test]
fn a_proof_made_by_others_verifies() {
    let proof = read(&whole()).unwrap();
    assert_eq!((proof.index(), proof.extra()), (4, &b"salt"[..]));
    assert_eq!(verify(&whole(), LEAVES[4]), Ok(7));
    assert_eq!(proof.to_string(), whole());
}

#[test]
fn our_proof_is_the_one_that_others_make() {
    let mut frontier = crate::trail::tree::Frontier::default();
    let mut made = std::collections::HashMap::new();
    for leaf in &LEAVES[..7] {
        frontier.push(leaf_hash(leaf), |subtree, hash| _ = made.insert(subtree, hash));
    }
    let hashes = hashes(&inclusion(4, 7).unwrap(), |subtree| made.get(&subtree).copied().ok_or(())).unwrap();
    let checkpoint = Checkpoint::new(ORIGIN, 7, frontier.root()).unwrap();
    let note = checkpoint.sign(&Signer::new(ORIGIN, &[7; 32]).unwrap()).unwrap();
    assert_eq!(Proof::new(b"salt", 4, hashes.clone(), note.clone()).to_string(), whole());
    let without = Proof::new(b"", 4, hashes, note);
    assert_eq!(without.to_string(), whole().replace("extra c2FsdA==\n", ""));
    assert_eq!(read(&without.to_string()), Ok(without));
}

#[test]
fn a_proof_of_something_else_is_told_why() {
    let with = |from: &str, to: &str| verify(&whole().replace(from, to), LEAVES[4]);
    assert_eq!(verify(&whole(), LEAVES[3]), Err(Unproven::Root.into()));
    assert_eq!(with("index 4", "index 5"), Err(Unproven::Root.into()));
    assert_eq!(with("index 4", "index 6"), Err(Unproven::Length.into()));
    assert_eq!(with("index 4", "index 7"), Err(Unproven::NoSuchEntry { index: 7, size: 7 }.into()));
    assert_eq!(with("037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc=\n", ""), Err(Unproven::Length.into()));
    assert_eq!(with("QnGia", "QnGib"), Err(Unproven::Root.into()));
    let forged = CheckpointError::Note(NoteError::Forged);
    assert_eq!(with("\n7\n", "\n6\n"), Err(forged.into()));
    let proof = read(&whole()).unwrap();
    let by = Verifier::parse(VERIFIER).unwrap();
    let elsewhere = proof.verify(&leaf_hash(LEAVES[4]), "news.example/trails/2", &by);
    assert_eq!(elsewhere, Err(CheckpointError::Origin.into()));
}

#[test]
fn a_proof_is_read_in_one_form_only() {
    let with = |from: &str, to: &str| read(&whole().replacen(from, to, 1));
    assert!(with("index 4", "index 0").is_ok() && with("extra c2FsdA==\n", "").is_ok());
    for (from, to) in [
        ("@v1", "@v2"),
        ("c2sp", " c2sp"),
        ("extra ", "extra  "),
        ("extra c2FsdA==", "extra "),
        ("extra c2FsdA==", "extra"),
        ("extra c2FsdA==", "extra c2FsdA="),
        ("extra c2FsdA==", "extra c2FsdA==\nextra c2FsdA=="),
        ("extra", "Extra"),
        ("index 4", "index 04"),
        ("index 4", "index -4"),
        ("index 4", "index"),
        ("index 4", "index 9223372036854775807"),
        ("index 4\n", ""),
        ("QnGia", "QnGi"),
        ("tlg=", "tlh="),
        ("tlg=\n", "tlg= \n"),
        ("tlg=\n", "tlg=\r\n"),
        ("FLc=\n\n", "FLc=\n"),
        ("FLc=\n\n", "FLc=\nAA==\n\n"),
    ] {
        assert!(with(from, to).is_err(), "{from:?} {to:?}");
    }
    assert_eq!(read(PROOF), Err(CheckpointError::Note(NoteError::NoSignatures).into()));
    let hash = "QnGia+DYqE8L1UyMMC58s6O10fpngKQLzOKHNHfatlg=\n";
    let of = |count: usize| read(&format!("{FIRST_LINE}\nindex 4\n{}\n{CHECKPOINT}", hash.repeat(count)));
    assert!(of(0).is_ok() && of(63).is_ok());
    assert_eq!(of(64), Err(ProofError::Text));
}

proptest! {
    #[test]
    fn what_reads_as_a_proof_is_written_the_same_way_and_refused_when_changed(text in changed(&whole())) {
        if let Ok(proof) = read(&text) {
            prop_assert_eq!(proof.to_string(), &text[..]);
            // Only the extra line and lines of strangers' signatures may be other than they were.
            let by = Verifier::parse(VERIFIER).unwrap();
            let holds = proof.verify(&leaf_hash(LEAVES[4]), ORIGIN, &by).is_ok();
            prop_assert!(!holds || proof.extra() != b"salt" || text == whole());
        }
    }

    #[test]
    fn any_bytes_get_an_answer(bytes: Vec<u8>) {
        _ = Proof::parse(&bytes);
        _ = Proof::parse(&[whole().as_bytes(), &bytes].concat());
        _ = Proof::parse(&[PROOF.as_bytes(), &bytes].concat());
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn what_is_written_is_read_and_verifies(size in 1..200_u64, part: prop::sample::Index, extra: Vec<u8>) {
        let (log, index) = (Log::of(size), part.index(size as usize) as u64);
        let Ok(hashes) = hashes(&inclusion(index, size).unwrap(), |subtree| log.read(subtree));
        let checkpoint = Checkpoint::new(ORIGIN, size, log.root(size)).unwrap();
        let note = checkpoint.sign(&Signer::new(ORIGIN, &[7; 32]).unwrap()).unwrap();
        let proof = Proof::new(&extra, index, hashes, note);
        let again = read(&proof.to_string()).unwrap();
        prop_assert_eq!(&again, &proof);
        prop_assert_eq!(verify(&proof.to_string(), &Log::entry(index)), Ok(size));
    }
}
