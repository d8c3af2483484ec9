use super::*;

const MEMBERS: [(&str, &[u8]); 4] =
    [(EVIDENCE, b"{}"), (RECORD, b"record"), (NOTICE, b"notice"), ("summary.html", b"<p>")];

fn fault(bytes: &[u8]) -> BundleFault {
    read(bytes).err().expect("a fault")
}

#[test]
fn what_is_packed_is_unpacked_and_the_same_members_make_the_same_bytes() {
    let zip = write(&MEMBERS).unwrap();
    assert!(is_bundle(&zip));
    assert_eq!(zip, write(&MEMBERS).unwrap());
    let bundle = read(&zip).unwrap();
    assert_eq!(
        (bundle.evidence, bundle.record, bundle.notice),
        (b"{}".into(), b"record".into(), b"notice".into())
    );
}

#[test]
fn what_is_missing_is_named() {
    for missing in 0..3 {
        let mut members = MEMBERS.to_vec();
        let (name, _) = members.remove(missing);
        let fault = fault(&write(&members).unwrap());
        assert!(matches!(fault, BundleFault::Missing(said) if said == name), "{fault}");
    }
    assert_eq!(fault(b"PK\x03\x04"), BundleFault::NotAZip);
    assert_eq!(fault(&write(&MEMBERS).unwrap()[..100]), BundleFault::NotAZip);
}

#[test]
fn what_is_damaged_is_not_read_as_another_thing() {
    let zip = write(&MEMBERS).unwrap();
    for at in 0..zip.len() {
        for bit in 0..8 {
            let mut zip = zip.clone();
            zip[at] ^= 1 << bit;
            if let Ok(bundle) = read(&zip) {
                assert_eq!((bundle.evidence, bundle.record), (b"{}".into(), b"record".into()), "byte {at}");
            }
        }
    }
}

/// 6 MiB of zeros in 6 kB: as many bytes are unpacked as a receipt may have, and one more.
#[test]
fn a_bomb_is_named_and_not_unpacked() {
    let zeros = vec![0; 6 << 20];
    for at in 0..3 {
        let mut members = MEMBERS.to_vec();
        members[at].1 = &zeros;
        let zip = write(&members).unwrap();
        assert!(zip.len() < 1 << 14);
        assert_eq!(fault(&zip), BundleFault::Bomb(members[at].0));
    }
    // A wrong checksum would be met at the end, which is not reached.
    let wrong = |content: &[u8]| {
        let mut zip = write(&[(EVIDENCE, content), (RECORD, b""), (NOTICE, b"")]).unwrap();
        let directory = zip.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
        zip[directory + 16] ^= 1;
        fault(&zip)
    };
    assert_eq!(
        (wrong(b"{}"), wrong(&zeros)),
        (BundleFault::Unreadable(EVIDENCE), BundleFault::Bomb(EVIDENCE))
    );
    // What nobody reads may be as large as it likes.
    let mut members = MEMBERS.to_vec();
    members[3].1 = &zeros;
    assert!(read(&write(&members).unwrap()).is_ok());
    let just = vec![b' '; receipt::MAX_BYTES];
    members[0].1 = &just;
    assert!(read(&write(&members).unwrap()).is_ok());
}

/// A bomb that says that it is small.
#[test]
fn a_size_that_is_told_is_not_believed() {
    let mut members = MEMBERS.to_vec();
    let zeros = vec![0; (6 << 20) + 4_321];
    members[0].1 = &zeros;
    let mut zip = write(&members).unwrap();
    let told = (zeros.len() as u32).to_le_bytes();
    let places: Vec<usize> = (0..zip.len() - 4).filter(|at| zip[*at..at + 4] == told).collect();
    assert_eq!(places.len(), 2, "the local header and the directory");
    places.iter().for_each(|at| zip[*at..at + 4].copy_from_slice(&2_u32.to_le_bytes()));
    assert_eq!(fault(&zip), BundleFault::Unreadable(EVIDENCE));
}

#[test]
fn two_files_of_one_name_and_too_many_files_are_refused() {
    let mut members = MEMBERS.to_vec();
    members[3].0 = "evidence.jsox";
    let mut zip = write(&members).unwrap();
    let places: Vec<usize> = (0..zip.len() - 4).filter(|at| zip[*at..].starts_with(b"jsox")).collect();
    assert_eq!(places.len(), 2);
    places.iter().for_each(|at| zip[*at..at + 4].copy_from_slice(b"json"));
    assert_eq!(fault(&zip), BundleFault::Duplicate);

    let names: Vec<String> = (0..MAX_MEMBERS).map(|n| format!("{n}.txt")).collect();
    let more = |count: usize| -> Vec<(&str, &[u8])> {
        MEMBERS.into_iter().chain(names.iter().map(|name| (name.as_str(), &b""[..]))).take(count).collect()
    };
    assert!(read(&write(&more(MAX_MEMBERS)).unwrap()).is_ok());
    assert_eq!(fault(&write(&more(MAX_MEMBERS + 1)).unwrap()), BundleFault::TooManyMembers);
    assert_eq!(fault(&vec![0; MAX_BYTES + 1]), BundleFault::TooLarge);
}
