//! Linking a computer: the computer's side, which shows a code and waits; and the side of the device
//! on which the safe is open, which lets it in.

use reconnect_format::{
    Suite,
    api::{AnswerLink, Call, Code, LinkLooked, LinkShown, PutLink, Sync},
    check, decode, encode,
    id::{Base64, DeviceId},
    link::{DeviceKind, LinkOffer},
    manifest::Manifest,
    statement::Body,
};

use super::{
    Vault, bare, check_remembered,
    entry::{Known, NewDevice, open_session},
    head_name,
    unlock::newest_of,
};
use crate::{
    error::{Error, ServerMisbehaved},
    held::draw_marked,
    key::{AccountSecrets, DeviceSecrets, RecipientKey},
    link::{LinkCode, LinkSecret},
    log::{Watch, newest},
    secret::DeviceSeed,
    world::{ShipError, World, ask},
};
use reconnect_log::Carried;

/// A computer that asks to be let in. Dropped, it has forgotten everything. LINK-1.
pub struct Linking {
    offer: LinkOffer,
    key: RecipientKey,
    seed: DeviceSeed,
    kept: bool,
    carried: Option<Carried>,
    answer: Option<LinkSecret>,
}

impl Linking {
    /// Draws keys for one offer, on a computer of one's own or on somebody else's.
    pub async fn draw<W: World>(world: &W, kept: bool) -> Self {
        let carried = newest(world).await;
        let mut rng = world.rng();
        let (key, seed) = (RecipientKey::generate(&mut rng), DeviceSeed::generate(&mut rng));
        let device = DeviceSecrets::derive(DeviceSeed::from_bytes(*seed.expose()));
        let kind = match (kept, world.mark()) {
            (false, _) => DeviceKind::Shared,
            (true, 1) => DeviceKind::Phone,
            (true, 2) => DeviceKind::Tablet,
            (true, _) => DeviceKind::Computer,
        };
        let recipient = Box::new(key.public().clone());
        let (signing, leaf) = (device.signing.public(), device.leaf.public());
        let offer = LinkOffer { suite: Suite::V1, kind, recipient, signing, leaf };
        Self { offer, key, seed, kept, carried, answer: None }
    }

    /// What is typed where there is no camera: six groups of four letters.
    pub fn groups(&self) -> Vec<String> {
        LinkCode::of(&self.offer).groups()
    }

    /// What the square holds. LOG-16.
    pub fn square(&self) -> String {
        Carried::beside(&self.groups().concat(), self.carried.as_ref())
    }

    /// Has the offer wait, or wait on; once somebody has answered, the picture that their screen
    /// must show. LINK-5, LINK-6.
    pub async fn look(&mut self, world: &impl World) -> Result<Option<u8>, Error> {
        let put = PutLink { offer: Base64(encode(&self.offer)) };
        let looked: LinkLooked = ask(world, Call::send("/v1/links", &put).open(), None).await?;
        let Some(answer) = looked.answer else { return Ok(None) };
        let secret = LinkSecret::open(&answer.0, &self.offer, &self.key)?;
        let picture = secret.picture();
        self.answer = Some(secret);
        Ok(Some(picture))
    }

    /// Opens the safe that was answered with, once its person has said that both pictures are one. It
    /// can be tried again. LINK-4.
    pub async fn enter(&self, world: &impl World) -> Result<Vault, Error> {
        let secret = self.answer.as_ref().ok_or(Error::NotFound)?;
        let ((account_id, device_id), (root, generation)) = (secret.named(), secret.root());
        let seed = DeviceSeed::from_bytes(*self.seed.expose());
        let device = NewDevice { id: device_id, secrets: DeviceSecrets::derive(seed) };
        let token = open_session(world, account_id, &device, (None, None)).await?;
        let chain = chain_of(world, &token).await?;
        let (manifest, statements) = Manifest::replay(chain.iter().map(|it| it.0.as_slice()))?;
        let secrets = AccountSecrets::derive(root, generation);
        let ours = manifest.keys() == &secrets.public() && manifest.account_id() == account_id;
        if !ours {
            return Err(ServerMisbehaved::Forged.into());
        }
        // Nothing that was answered with is newer: an older chain, or another, does not have it.
        let there = manifest.device(device_id);
        let is_this = there.is_some_and(|known| known.signing == device.secrets.signing.public());
        if !check!(LinkedDevice, is_this) {
            return Err(ServerMisbehaved::Rollback.into());
        }
        let remembered = world.kept(&head_name(account_id)).await;
        check_remembered(remembered.as_deref(), &statements, None)?;
        let known = (secrets, secret.place()?, manifest, statements);
        let known = Known::of_chain(world, known, Watch::carrying(self.carried), self.kept).await?;
        known.inside(world, device, token, self.kept).await
    }
}

/// The chain that a session's account has. SYNC-4.
async fn chain_of(world: &impl World, token: &str) -> Result<Vec<Base64>, Error> {
    let mut chain: Vec<Base64> = Vec::new();
    loop {
        let newest = newest_of(&chain)?;
        let path = format!("/v1/sync?statements_after={newest}&records_after=0&receipts_after=0");
        let page: Sync = ask(world, Call::read(path), Some(token)).await?;
        // Statements come first; what follows them is asked for once they were checked.
        if page.statements.is_empty() {
            return Ok(chain);
        }
        chain.extend(page.statements);
    }
}

impl Vault {
    /// What the computer is whose screen shows this code; it has done nothing yet. LINK-2.
    pub async fn find_link(
        &mut self,
        world: &impl World,
        code: &LinkCode,
    ) -> Result<DeviceKind, Error> {
        if let Some(carried) = code.carried {
            self.heed(world, carried).await?;
        }
        Ok(self.offer(world, code).await?.kind)
    }

    async fn offer(&self, world: &impl World, code: &LinkCode) -> Result<LinkOffer, Error> {
        let path = format!("/v1/links/{}", code.link_id);
        let shown: LinkShown = self.read(world, Call::read(path)).await?;
        let offer: LinkOffer = decode(&shown.offer.0)?;
        if !check!(LinkOffer, offer.link_id() == code.link_id) {
            return Err(ServerMisbehaved::Forged.into());
        }
        if shown.taken { Err(Error::LinkTaken) } else { Ok(offer) }
    }

    /// Lets it in, once its person has said that it stands before them; and the picture that both
    /// screens show. It can be tried again. LINK-3, LINK-5.
    pub async fn link(&mut self, world: &impl World, code: &LinkCode) -> Result<u8, Error> {
        let offer = self.offer(world, code).await?;
        let device_id = self.add_linked(world, &offer).await?;
        let mut rng = world.rng();
        let named = (self.account_id(), device_id);
        let root = (&self.secrets.root, self.secrets.generation);
        let secret = LinkSecret::draw(named, root, &self.place, &mut rng);
        let answer = AnswerLink { answer: Base64(secret.seal(&offer, &mut rng)?) };
        let call = Call::send(format!("/v1/links/{}", code.link_id), &answer);
        // Sent again when the answer was lost, the same bytes.
        let sent = match world.ship(call.clone(), Some(&self.token)).await {
            Err(ShipError::Offline) => world.ship(call, Some(&self.token)).await,
            other => other,
        };
        match sent.map_err(Error::from) {
            Ok(_) => Ok(secret.picture()),
            Err(Error::Refused(problem))
                if matches!(problem.code, Code::Conflict | Code::NotFound) =>
            {
                self.retire_device(world, device_id).await?;
                let taken = problem.code == Code::Conflict;
                Err(if taken { Error::LinkTaken } else { Error::Refused(problem) })
            }
            Err(error) => Err(error),
        }
    }

    /// The device with the offer's keys: one that was added before, when its answer was lost, is that one.
    async fn add_linked(
        &mut self,
        world: &impl World,
        offer: &LinkOffer,
    ) -> Result<DeviceId, Error> {
        let known = self.manifest.devices().find(|(_, it)| it.signing == offer.signing);
        if let Some((device_id, _)) = known {
            return Ok(device_id);
        }
        let mark = offer.kind as u8;
        let device_id = DeviceId(draw_marked(&self.secrets.vault, mark, &mut world.rng()));
        let (signing, leaf) = (offer.signing, offer.leaf);
        let wish = format!("link {}", offer.link_id());
        let make = |_: &Self, _: &mut dyn rand_core::CryptoRng| {
            Ok((Body::AddDevice { device_id, signing, leaf }, bare()))
        };
        match self.write(world, &wish, &make).await?.into_body().body {
            Body::AddDevice { device_id, .. } => Ok(device_id),
            _ => Err(ServerMisbehaved::Forged.into()),
        }
    }
}
