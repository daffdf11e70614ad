//! Six words through OPAQUE, with a server that is made here, and Argon2id's constants.

use anyhow::{Context as _, Result};
use argon2::{Algorithm, Argon2, Params, Version};
use opaque_ke::{
    CipherSuite, CredentialRequest, Identifiers, RegistrationRequest, RegistrationUpload,
    Ristretto255, ServerLogin, ServerLoginParameters, ServerRegistration, ServerSetup, TripleDh,
    ksf::Identity,
};
use rand_chacha::ChaCha20Rng;
use rand_core::Rng as _;
use reconnect_core::{
    held::Pin,
    lock::{Login, Registration},
    words::{PaperSecret, SixWords},
};

use crate::{
    Vector, Writer,
    byhand::{PROTOCOL, kdf},
    cut, draw, flip, flip_last,
    keys::FixedRng,
    peek, seeded,
};

/// The server's side never stretches.
struct Server;

impl CipherSuite for Server {
    type OprfCs = Ristretto255;
    type KeyExchange = TripleDh<Ristretto255, sha2_010::Sha512>;
    type Ksf = Identity;
}

/// The generator as the PAKE's older interface wants it.
struct Older<'a>(&'a mut ChaCha20Rng);

impl opaque_ke::rand::RngCore for Older<'_> {
    fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }
    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }
    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), opaque_ke::rand::Error> {
        self.0.fill_bytes(bytes);
        Ok(())
    }
}

impl opaque_ke::rand::CryptoRng for Older<'_> {}

pub(crate) fn write(writer: &mut Writer) -> Result<()> {
    let mut rng = seeded("pake");
    stretch(writer, &mut rng)?;
    let words = SixWords::generate(&mut rng);
    let setup = ServerSetup::<Server>::new(&mut Older(&mut rng));
    let record = registration(writer, &words, &setup, &mut rng)?;
    login(writer, &words, &setup, &record, &mut rng)?;
    pins(writer, &setup)
}

/// A PIN beside what a card holds, registered and used.
fn pins(writer: &mut Writer, setup: &ServerSetup<Server>) -> Result<()> {
    let mut rng = seeded("pins");
    let (pin, held): (_, [u8; 20]) = ("481709", draw(&mut rng));
    let name = [b"lock ".as_slice(), &draw::<16>(&mut rng)].concat();
    let share = kdf(&held, b"", "held secret", &[3])?;
    let lock_secret = |export: &[u8]| kdf(&[&share, export].concat(), b"", "pin secret", &[3]);
    let card = PaperSecret::card(&mut FixedRng(std::array::from_fn(|at| held[at % 20]))).held();
    let password = || Pin::parse(pin).map(|pin| pin.password(&card));
    let randomness: [u8; 256] = peek(&rng);
    let (client, request) = Registration::start(password()?, &mut rng)?;
    let message = RegistrationRequest::deserialize(&request).ok().context("a request")?;
    let answer = ServerRegistration::start(setup, message, &name);
    let answer = answer.ok().context("an answer")?.message.serialize().to_vec();
    let (record, export) = client.finish(&answer, &mut rng)?;
    let of_a_card = |vector: Vector| vector.with("pin", pin).with("kind", "card").hex("held", held);
    let about = "a card's PIN: request, answer, record";
    let good = of_a_card(Vector::new("registration", "pin", "LOCK-9", about))
        .hex("randomness", randomness)
        .hex("request", request)
        .hex("record", &record)
        .hex("lock_secret", lock_secret(export.bytes())?)
        .item(answer);
    writer.put(&good)?;
    let randomness: [u8; 256] = peek(&rng);
    let (client, request) = Login::start(password()?, &mut rng)?;
    let context = format!("{PROTOCOL} pin context");
    let answer = |context: &str, rng: &mut ChaCha20Rng| {
        let upload = RegistrationUpload::<Server>::deserialize(&record).ok().context("a record")?;
        let parameters = ServerLoginParameters {
            context: Some(context.as_bytes()),
            identifiers: Identifiers::default(),
        };
        let message = CredentialRequest::deserialize(&request).ok().context("a request")?;
        let (rng, record) = (&mut Older(rng), Some(ServerRegistration::finish(upload)));
        let started = ServerLogin::start(rng, setup, record, message, &name, parameters);
        anyhow::Ok(started.ok().context("an answer")?.message.serialize().to_vec())
    };
    let true_answer = answer(&context, &mut rng)?;
    let (finalization, export) =
        client.finish(&true_answer, &mut rng)?.context("the PIN is the one")?;
    let good = of_a_card(Vector::new("login", "pin", "LOCK-9", "a card's PIN: KE1, KE2, KE3"))
        .hex("randomness", randomness)
        .hex("request", &request)
        .hex("finalization", finalization)
        .hex("lock_secret", lock_secret(export.bytes())?)
        .item(&true_answer);
    writer.put(&good)?;
    let wrong = |name, about| good.spoilt(name, "OPEN-1", "wrong_words_or_handle", about);
    let vector = wrong("another-pin", "one digit is another");
    writer.put(&vector.with("pin", "481708").without("request"))?;
    let words = format!("{PROTOCOL} words context");
    let vector = wrong("of-words", "what was answered to six words");
    writer.put(&vector.item(answer(&words, &mut rng)?))
}

fn stretch(writer: &mut Writer, rng: &mut ChaCha20Rng) -> Result<()> {
    let input: [u8; 64] = draw(rng);
    let mut output = [0; 64];
    let params = Params::new(65_536, 3, 1, Some(64)).ok().context("section 6.2's costs")?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(&input, &[0; 16], &mut output)
        .ok()
        .context("Argon2id stretches")?;
    let about = "Argon2id, 64 MiB, 3 passes, 1 lane: no message carries a cost";
    let vector = Vector::new("stretch", "constants", "LOCK-4", about).hex("input", input);
    writer.put(&vector.hex("output", output))
}

fn registration(
    writer: &mut Writer,
    words: &SixWords,
    setup: &ServerSetup<Server>,
    rng: &mut ChaCha20Rng,
) -> Result<Vec<u8>> {
    let randomness: [u8; 256] = peek(rng);
    let (client, request) = Registration::start(words.password(), rng)?;
    let message = RegistrationRequest::deserialize(&request).ok().context("a request")?;
    let answer = ServerRegistration::start(setup, message, b"plump-otter-4711");
    let answer = answer.ok().context("an answer")?.message.serialize().to_vec();
    let (record, _) = client.finish(&answer, rng)?;
    let good = Vector::new("registration", "six-words", "LOCK-3", "request, answer, record")
        .with("words", words.show().join(" "))
        .hex("randomness", randomness)
        .hex("request", request)
        .hex("record", &record)
        .item(answer);
    writer.put(&good)?;
    let short = good.spoilt("truncated", "LOCK-3", "unreadable", "an answer that ends early");
    writer.put(&short.change(cut))?;
    let reflected = good.spoilt("no-element", "LOCK-3", "unreadable", "zeros are no group element");
    writer.put(&reflected.change(|bytes| bytes[..32].fill(0)))?;
    Ok(record)
}

fn login(
    writer: &mut Writer,
    words: &SixWords,
    setup: &ServerSetup<Server>,
    record: &[u8],
    rng: &mut ChaCha20Rng,
) -> Result<()> {
    let randomness: [u8; 256] = peek(rng);
    let (client, request) = Login::start(words.password(), rng)?;
    let context = format!("{PROTOCOL} words context");
    let answer = |setup: &ServerSetup<Server>, record: Option<&[u8]>, rng: &mut ChaCha20Rng| {
        let record = record
            .map(RegistrationUpload::<Server>::deserialize)
            .transpose()
            .ok()
            .context("a record")?
            .map(ServerRegistration::finish);
        let parameters = ServerLoginParameters {
            context: Some(context.as_bytes()),
            identifiers: Identifiers::default(),
        };
        let message = CredentialRequest::deserialize(&request).ok().context("a request")?;
        let started = ServerLogin::start(
            &mut Older(rng),
            setup,
            record,
            message,
            b"plump-otter-4711",
            parameters,
        );
        anyhow::Ok(started.ok().context("an answer")?.message.serialize().to_vec())
    };
    let true_answer = answer(setup, Some(record), rng)?;
    let (finalization, _) = client.finish(&true_answer, rng)?.context("the words are the ones")?;
    let good = Vector::new("login", "six-words", "LOCK-3", "KE1, KE2, KE3 of RFC 9807")
        .with("words", words.show().join(" "))
        .hex("randomness", randomness)
        .hex("request", &request)
        .hex("finalization", finalization)
        .item(&true_answer);
    writer.put(&good)?;
    let wrong = |name, about| good.spoilt(name, "OPEN-1", "wrong_words_or_handle", about);
    writer.put(&wrong("another-evaluation", "the OPRF of another handle or key").item({
        let other = ServerSetup::<Server>::new(&mut Older(rng));
        answer(&other, Some(record), rng)?
    }))?;
    let nobody = wrong("nobody", "a handle that does not exist: same size, same failure");
    writer.put(&nobody.item(answer(setup, None, rng)?))?;
    let vector = wrong("another-envelope", "one bit of the masked envelope");
    writer.put(&vector.change(flip(100)))?;
    let vector = wrong("another-mac", "one bit of the server's MAC");
    writer.put(&vector.change(flip_last))?;
    let mut others = words.show().to_vec();
    others.swap(0, 1);
    let vector = wrong("words-in-another-order", "the order is part of the words");
    writer.put(&vector.with("words", others.join(" ")).without("request"))?;
    Ok(())
}
