//! HPKE with X-Wing. The published suite has another AEAD than ours, so: the KEM against the draft,
//! RFC 9180's key schedule by hand against the published suite, and the crate, in our suite, against
//! that schedule.

use aes_gcm::{
    Aes256Gcm, KeyInit as _,
    aead::{Aead as _, Payload},
};
use hkdf::Hkdf;
use hpke::{
    Deserializable as _, Kem, OpModeR, OpModeS, Serializable as _, aead::AesGcm256,
    kdf::HkdfSha256, kem::XWing, setup_receiver, setup_sender_with_rng,
};
use serde::Deserialize;
use sha2::Sha256;
use x_wing::{Decapsulate as _, DecapsulationKey, Decapsulator as _, KeyExport as _};

use crate::{Replay, bytes, published};

#[derive(Deserialize)]
struct Draft {
    seed: String,
    eseed: String,
    ss: String,
    pk: String,
    ct: String,
}

#[derive(Deserialize)]
#[expect(non_snake_case, clippy::struct_field_names, reason = "the names are the file's")]
struct Suite {
    info: String,
    ikmE: String,
    ikmR: String,
    skRm: String,
    pkRm: String,
    enc: String,
    shared_secret: String,
    suite_id: String,
    key: String,
    base_nonce: String,
    exporter_secret: String,
    exports: Vec<Export>,
}

#[derive(Deserialize)]
struct Export {
    exporter_context: String,
    #[serde(rename = "L")]
    length: usize,
    exported_value: String,
}

/// RFC 9180 section 4: what one suite labels its derivations with.
struct Labels(Vec<u8>);

impl Labels {
    fn extract(&self, salt: &[u8], label: &str, ikm: &[u8]) -> Hkdf<Sha256> {
        let labelled = [b"HPKE-v1", self.0.as_slice(), label.as_bytes(), ikm].concat();
        Hkdf::new(Some(salt), &labelled)
    }

    fn extracted(&self, salt: &[u8], label: &str, ikm: &[u8]) -> Vec<u8> {
        let labelled = [b"HPKE-v1", self.0.as_slice(), label.as_bytes(), ikm].concat();
        Hkdf::<Sha256>::extract(Some(salt), &labelled).0.to_vec()
    }

    fn expand(&self, from: &Hkdf<Sha256>, label: &str, info: &[u8], length: usize) -> Vec<u8> {
        let size = u16::try_from(length).expect("short").to_be_bytes();
        let labelled = [&size[..], b"HPKE-v1", self.0.as_slice(), label.as_bytes(), info].concat();
        let mut output = vec![0; length];
        from.expand(&labelled, &mut output).expect("short");
        output
    }
}

/// RFC 9180 section 5.1, base mode.
struct Schedule {
    labels: Labels,
    key: Vec<u8>,
    base_nonce: Vec<u8>,
    exporter_secret: Vec<u8>,
}

impl Schedule {
    fn derive(suite_id: Vec<u8>, shared_secret: &[u8], info: &[u8]) -> Self {
        let labels = Labels(suite_id);
        let psk_id = labels.extracted(b"", "psk_id_hash", b"");
        let info_hash = labels.extracted(b"", "info_hash", info);
        let context = [&[0][..], &psk_id, &info_hash].concat();
        let secret = labels.extract(shared_secret, "secret", b"");
        Self {
            key: labels.expand(&secret, "key", &context, 32),
            base_nonce: labels.expand(&secret, "base_nonce", &context, 12),
            exporter_secret: labels.expand(&secret, "exp", &context, 32),
            labels,
        }
    }

    fn export(&self, context: &[u8], length: usize) -> Vec<u8> {
        let from = Hkdf::from_prk(&self.exporter_secret).expect("32 bytes");
        self.labels.expand(&from, "sec", context, length)
    }
}

#[test]
fn x_wing_is_the_drafts() {
    for draft in published::<Vec<Draft>>("x-wing.json") {
        let seed: [u8; 32] = bytes(&draft.seed).try_into().expect("32 bytes");
        let key = DecapsulationKey::from(seed);
        let public = key.encapsulation_key();
        assert_eq!(public.to_bytes().as_slice(), bytes(&draft.pk));
        let ciphertext = bytes(&draft.ct).as_slice().try_into().expect("1,120 bytes");
        assert_eq!(key.decapsulate(&ciphertext).as_slice(), bytes(&draft.ss));
        let randomness: [u8; 64] = bytes(&draft.eseed).try_into().expect("64 bytes");
        let (ciphertext, secret) = public.encapsulate_deterministic(&randomness.into());
        assert_eq!(ciphertext.as_slice(), bytes(&draft.ct));
        assert_eq!(secret.as_slice(), bytes(&draft.ss));
    }
}

#[test]
fn hpke_with_x_wing_is_the_published_one() {
    let suites = published::<Vec<Suite>>("hpke-xwing.json");
    assert!(!suites.is_empty());
    for suite in suites {
        let (private, public) = XWing::derive_keypair(&bytes(&suite.ikmR));
        assert_eq!(private.to_bytes().as_slice(), bytes(&suite.skRm));
        assert_eq!(public.to_bytes().as_slice(), bytes(&suite.pkRm));
        let shared = bytes(&suite.shared_secret);
        let info = bytes(&suite.info);
        let by_hand = Schedule::derive(bytes(&suite.suite_id), &shared, &info);
        assert_eq!(by_hand.key, bytes(&suite.key));
        assert_eq!(by_hand.base_nonce, bytes(&suite.base_nonce));
        assert_eq!(by_hand.exporter_secret, bytes(&suite.exporter_secret));
        for export in &suite.exports {
            let context = bytes(&export.exporter_context);
            assert_eq!(by_hand.export(&context, export.length), bytes(&export.exported_value));
        }
        ours(&suite, &private, &public, &shared, &info);
    }
}

/// Our suite: the same KEM and KDF, with AES-256-GCM (2).
fn ours(
    suite: &Suite,
    private: &<XWing as Kem>::PrivateKey,
    public: &<XWing as Kem>::PublicKey,
    shared: &[u8],
    info: &[u8],
) {
    let suite_id = [b"HPKE".as_slice(), &[0x64, 0x7a, 0, 1, 0, 2]].concat();
    let by_hand = Schedule::derive(suite_id, shared, info);
    let mut randomness = Replay(bytes(&suite.ikmE));
    let (encapped, mut sender) = setup_sender_with_rng::<AesGcm256, HkdfSha256, XWing>(
        &OpModeS::Base,
        public,
        info,
        &mut randomness,
    )
    .expect("a sender");
    assert_eq!(encapped.to_bytes().as_slice(), bytes(&suite.enc));
    let sealed = sender.seal(b"a secret", b"with it").expect("sealed");
    let key: [u8; 32] = by_hand.key.as_slice().try_into().expect("32 bytes");
    let nonce: [u8; 12] = by_hand.base_nonce.as_slice().try_into().expect("12 bytes");
    let expected = Aes256Gcm::new(&key.into())
        .encrypt(&nonce.into(), Payload { msg: b"a secret", aad: b"with it" })
        .expect("sealed");
    assert_eq!(sealed, expected);
    let encapped = <XWing as Kem>::EncappedKey::from_bytes(&bytes(&suite.enc)).expect("1,120");
    let mut receiver =
        setup_receiver::<AesGcm256, HkdfSha256, XWing>(&OpModeR::Base, private, &encapped, info)
            .expect("a receiver");
    assert_eq!(receiver.open(&sealed, b"with it").expect("opened"), b"a secret");
    let mut exported = [0; 32];
    receiver.export(b"context", &mut exported).expect("exported");
    assert_eq!(exported.as_slice(), by_hand.export(b"context", 32));
}
