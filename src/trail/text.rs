//! Numbers and bytes as the C2SP formats write them: each value has one spelling, and no other is read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::trail::tree::Hash;

/// ASCII digits without leading zeros, `0` for zero.
pub(super) fn decimal(text: &str) -> Option<u64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if is_plain { text.parse().ok() } else { None }
}

/// RFC 4648, section 4: padded, trailing bits zero.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

pub(super) fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// 32 bytes in base64.
pub(super) fn hash(text: &str) -> Option<Hash> {
    base64(text)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_number_has_one_spelling() {
        assert_eq!(decimal("0"), Some(0));
        assert_eq!(decimal("18446744073709551615"), Some(u64::MAX));
        for other in ["", "00", "01", "+1", "-1", " 1", "1 ", "1_0", "0x1", "١", "18446744073709551616"] {
            assert_eq!(decimal(other), None, "{other:?}");
        }
    }

    #[test]
    fn bytes_have_one_spelling() {
        assert_eq!(base64("AQ=="), Some(vec![1]));
        for other in ["AQ", "AQ=", "AR==", "AQ==\n", "A Q==", "AQ==AQ==", "_-==", "AQ==="] {
            assert_eq!(base64(other), None, "{other:?}");
        }
    }

    proptest! {
        #[test]
        fn what_reads_as_a_number_or_as_bytes_is_written_the_same_way(text in "[0-9A-Za-z+/=]{0,12}|[0-9]{0,22}") {
            if let Some(number) = decimal(&text) {
                prop_assert_eq!(number.to_string(), text.clone());
            }
            if let Some(bytes) = base64(&text) {
                prop_assert_eq!(to_base64(&bytes), text);
            }
        }
    }
}
