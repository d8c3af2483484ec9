//! What differs between two texts, word by word, to be seen.

use serde::Serialize;

/// Some of a text, and which of the two has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Piece {
    pub is: Side,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    Both,
    Old,
    New,
}

/// The pieces that make `old` without the new ones, and `new` without the old ones, with the longest common sequence of
/// words in both. Takes time and memory (four bytes) by the product of both counts of words: for a part of a notice,
/// which has some thousand at most.
pub fn difference(old: &str, new: &str) -> Vec<Piece> {
    let (old, new) = (words(old), words(new));
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let tail =
        |(a, b): (&[&str], &[&str])| a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    let tail = tail((&old[head..], &new[head..]));
    let (a, b) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);

    // The length of the longest common sequence of what follows each pair of places.
    let width = b.len() + 1;
    let mut common = vec![0u32; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            common[i * width + j] = match a[i] == b[j] {
                true => common[(i + 1) * width + j + 1] + 1,
                false => common[(i + 1) * width + j].max(common[i * width + j + 1]),
            };
        }
    }
    let mut pieces = Vec::new();
    old[..head].iter().for_each(|word| push(&mut pieces, Side::Both, word));
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            push(&mut pieces, Side::Both, a[i]);
            (i, j) = (i + 1, j + 1);
        } else if i < a.len() && (j == b.len() || common[(i + 1) * width + j] >= common[i * width + j + 1]) {
            push(&mut pieces, Side::Old, a[i]);
            i += 1;
        } else {
            push(&mut pieces, Side::New, b[j]);
            j += 1;
        }
    }
    old[old.len() - tail..].iter().for_each(|word| push(&mut pieces, Side::Both, word));
    pieces
}

/// Words, each with the spaces after it.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let (mut begin, mut in_space) = (0, false);
    for (at, c) in text.char_indices() {
        if in_space && !c.is_whitespace() {
            words.push(&text[begin..at]);
            begin = at;
        }
        in_space = c.is_whitespace();
    }
    words.extend(Some(&text[begin..]).filter(|rest| !rest.is_empty()));
    words
}

fn push(pieces: &mut Vec<Piece>, is: Side, word: &str) {
    match pieces.last_mut() {
        Some(last) if last.is == is => last.text.push_str(word),
        _ => pieces.push(Piece { is, text: word.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn without(pieces: &[Piece], side: Side) -> String {
        pieces.iter().filter(|piece| piece.is != side).map(|piece| piece.text.as_str()).collect()
    }

    fn told(old: &str, new: &str) -> String {
        let sign = |piece: &Piece| match piece.is {
            Side::Both => piece.text.clone(),
            Side::Old => format!("[-{}-]", piece.text),
            Side::New => format!("[+{}+]", piece.text),
        };
        difference(old, new).iter().map(sign).collect()
    }

    #[test]
    fn a_word_that_changed_is_seen_and_the_rest_stays() {
        assert_eq!(
            told("We send news weekly.", "We send offers weekly."),
            "We send [-news -][+offers +]weekly."
        );
        assert_eq!(told("one two", "one two"), "one two");
        assert_eq!(told("", "new"), "[+new+]");
        assert_eq!(told("a b c d", "b x d"), "[-a -]b [-c -][+x +]d");
        assert_eq!(told("", ""), "");
    }

    proptest! {
        #[test]
        fn each_text_is_there_without_the_others_pieces(old in "[ab \n]{0,40}", new in "[abü \n]{0,40}") {
            let pieces = difference(&old, &new);
            prop_assert_eq!(without(&pieces, Side::New), old.as_str());
            prop_assert_eq!(without(&pieces, Side::Old), new.as_str());
            prop_assert!(pieces.windows(2).all(|two| two[0].is != two[1].is));
            if old == new {
                prop_assert!(pieces.iter().all(|piece| piece.is == Side::Both));
            }
        }
    }
}
