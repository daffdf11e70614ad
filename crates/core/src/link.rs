//! Linking: the code on a computer's screen, and what lets that computer in, sealed to its offer.

use rand_core::CryptoRng;
use reconnect_format::{
    Label, Suite,
    grant::PLACE_BYTES,
    guardian::ReturnOffer,
    id::{AccountId, DeviceId, LinkId},
    link::{LINK_SECRET_BYTES, LinkOffer},
};
use reconnect_log::Carried;
use tls_codec::{DeserializeBytes, Serialize, TlsDeserializeBytes, TlsSerialize, TlsSize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{
    error::{Damaged, Error},
    held::MARKS,
    key::{RecipientKey, wrap_to},
    place::LogPlace,
    secret::Root,
    words::{in_groups, read_letters},
};

/// What a computer shows, and a phone scans: how its offer is found, and what it must hash to.
#[derive(Clone, Copy, Debug)]
pub struct LinkCode {
    pub(crate) link_id: LinkId,
    pub(crate) carried: Option<Carried>,
}

impl LinkCode {
    /// Of an offer.
    pub fn of(offer: &LinkOffer) -> Self {
        Self { link_id: offer.link_id(), carried: None }
    }

    /// Of what somebody offers who comes back. BACK-1.
    pub fn of_return(offer: &ReturnOffer) -> Self {
        Self { link_id: offer.code(), carried: None }
    }

    /// Reads letters as a person types them or as a square holds them. LINK-2.
    pub fn parse(typed: &str) -> Result<Self, Error> {
        let (typed, carried) = Carried::split(typed);
        let link_id = read_letters(typed).ok_or(Error::LinkMisread)?;
        Ok(Self { link_id: LinkId(link_id), carried })
    }

    /// 24 letters in six groups.
    pub fn groups(&self) -> Vec<String> {
        in_groups(self.link_id.as_bytes(), "")
    }
}

/// What lets a computer in. Wiped when dropped. LINK-4.
#[derive(Zeroize, ZeroizeOnDrop, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct LinkSecret {
    #[zeroize(skip)]
    suite: Suite,
    #[zeroize(skip)]
    account_id: AccountId,
    #[zeroize(skip)]
    device_id: DeviceId,
    generation: u32,
    root: [u8; 32],
    place: [u8; PLACE_BYTES],
    picture: u8,
}

impl LinkSecret {
    /// For a device that the chain has by now. The picture is drawn: nobody else knows which. LINK-5.
    pub fn draw(
        (account_id, device_id): (AccountId, DeviceId),
        (root, generation): (&Root, u32),
        place: &LogPlace,
        rng: &mut impl CryptoRng,
    ) -> Self {
        let mut drawn = [0];
        rng.fill_bytes(&mut drawn);
        Self {
            suite: Suite::V1,
            account_id,
            device_id,
            generation,
            root: *root.expose(),
            place: *place.encode(),
            picture: drawn[0] % MARKS,
        }
    }

    /// Which picture both screens show.
    pub fn picture(&self) -> u8 {
        self.picture
    }

    /// Whose safe, and as which device.
    pub fn named(&self) -> (AccountId, DeviceId) {
        (self.account_id, self.device_id)
    }

    /// Everything else is derived from it, and from its generation.
    pub fn root(&self) -> (Root, u32) {
        (Root::from_bytes(self.root), self.generation)
    }

    /// Where the log has the safe.
    pub(crate) fn place(&self) -> Result<LogPlace, Damaged> {
        LogPlace::decode(&self.place)
    }

    /// Seals it to a computer's offer.
    pub fn seal(&self, offer: &LinkOffer, rng: &mut impl CryptoRng) -> Result<Vec<u8>, Damaged> {
        let plain = Zeroizing::new(self.tls_serialize_detached().map_err(|_| Damaged)?);
        wrap_to(&offer.recipient, &info(offer), &[&plain], rng)
    }

    /// Opens it as that computer; one error for everything. LINK-4.
    pub fn open(answer: &[u8], offer: &LinkOffer, key: &RecipientKey) -> Result<Self, Damaged> {
        let plain = key.unwrap(&info(offer), answer)?;
        let (secret, rest) = Self::tls_deserialize_bytes(&plain).map_err(|_| Damaged)?;
        let whole = rest.is_empty() && plain.len() == LINK_SECRET_BYTES;
        if whole && secret.picture < MARKS { Ok(secret) } else { Err(Damaged) }
    }
}

fn info(offer: &LinkOffer) -> Vec<u8> {
    Label::LinkAnswer.with(&offer.hash())
}
