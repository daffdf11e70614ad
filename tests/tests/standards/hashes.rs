//! HKDF (RFC 5869), Argon2id (RFC 9106), and the tree of RFC 6962.

use argon2::{Algorithm, Argon2, AssociatedData, ParamsBuilder, Version};
use hkdf::Hkdf;
use reconnect_format::{
    lock::{ARGON2_LANES, ARGON2_MEMORY_KIB, ARGON2_PASSES},
    tree,
};
use sha2::Sha256;

use crate::bytes;

#[test]
fn hkdf_is_rfc_5869s() {
    let check = |ikm: &str, salt: &str, info: &str, okm: &str| {
        let okm = bytes(okm);
        let mut output = vec![0; okm.len()];
        Hkdf::<Sha256>::new(Some(&bytes(salt)), &bytes(ikm))
            .expand(&bytes(info), &mut output)
            .expect("short");
        assert_eq!(output, okm);
    };
    // Appendix A.1.
    check(
        "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
        "000102030405060708090a0b0c",
        "f0f1f2f3f4f5f6f7f8f9",
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    );
    // Appendix A.3: an empty salt is no salt.
    check(
        "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
        "",
        "",
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    );
}

/// RFC 9106 section 5.3, with its secret and associated data.
#[test]
fn argon2id_is_rfc_9106s() {
    let params = ParamsBuilder::new()
        .m_cost(32)
        .t_cost(3)
        .p_cost(4)
        .data(AssociatedData::new(&[4; 12]).expect("12 bytes"))
        .output_len(32)
        .build()
        .expect("the RFC's costs");
    let mut output = [0; 32];
    Argon2::new_with_secret(&[3; 8], Algorithm::Argon2id, Version::V0x13, params)
        .expect("8 bytes")
        .hash_password_into(&[1; 32], &[2; 16], &mut output)
        .expect("stretched");
    let expected = "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659";
    assert_eq!(hex::encode(output), expected);
}

/// The constants of version 1: another number here is another protocol. LOCK-4.
#[test]
fn the_costs_of_version_1_are_what_they_were() {
    assert_eq!((ARGON2_MEMORY_KIB, ARGON2_PASSES, ARGON2_LANES), (65_536, 3, 1));
}

/// Certificate Transparency's test data, and RFC 6962's definition on every size up to 64.
#[test]
fn the_tree_is_rfc_6962s() {
    fn by_definition(leaves: &[Vec<u8>]) -> [u8; 32] {
        match leaves {
            [] => tree::root(&[]),
            [leaf] => tree::leaf_hash(leaf),
            _ => {
                let mut split = 1;
                while split * 2 < leaves.len() {
                    split *= 2;
                }
                let (left, right) = leaves.split_at(split);
                tree::node_hash(&by_definition(left), &by_definition(right))
            }
        }
    }
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(hex::encode(tree::root(&[])), empty);
    for size in 0..64_u8 {
        let leaves: Vec<_> = (0..size).map(|leaf| vec![leaf; usize::from(leaf)]).collect();
        let hashes: Vec<_> = leaves.iter().map(|leaf| tree::leaf_hash(leaf)).collect();
        assert_eq!(tree::root(&hashes), by_definition(&leaves));
    }
}
