//! Giving: comparing a structure's code, granting, seeing who may read, taking back.

use rand_core::CryptoRng;
use reconnect_format::{
    Signed, Sorted,
    api::{Call, GrantWraps, StructureEntry, StructureFace, StructureList, Submission},
    check,
    grant::{GrantTerms, SCOPE_MAX, Scope},
    id::{Base64, DocumentId, GrantId, StructureId},
    manifest::GRANTS_MAX,
    statement::Body,
    structure::StructureChain,
};
use reconnect_log::Carried;

use super::{
    Attach, Vault, bare,
    papers::wrap_one,
    trace::{Opening, to_structure},
};
use crate::{
    document::draw_id,
    error::{Error, ServerMisbehaved},
    grant::{GrantSecret, seal_for_owner, wrap_for_recipient},
    world::{World, ask},
};

/// What somebody typed or scanned to say which structure they mean.
pub enum Comparison<'a> {
    /// Twenty letters, as typed.
    Letters(&'a str),
    /// The whole id, as a QR holds it, with the checkpoint that it carries.
    Scanned(StructureId, Option<Carried>),
}

impl<'a> Comparison<'a> {
    /// Reads either: a QR holds an id, a person types letters.
    pub fn read(text: &'a str) -> Self {
        let (id, carried) = Carried::split(text);
        id.trim().parse().map_or(Self::Letters(text), |id| Self::Scanned(id, carried))
    }

    fn check(&self, structure_id: StructureId) -> Result<(), Error> {
        match self {
            _ if !check!(Code) => Ok(()),
            Self::Scanned(scanned, _) if *scanned == structure_id => Ok(()),
            Self::Scanned(..) => Err(Error::CodeDiffers),
            Self::Letters(typed) => match structure_id.has_code(typed) {
                Some(true) => Ok(()),
                Some(false) => Err(Error::CodeDiffers),
                None => Err(Error::CodeMisread),
            },
        }
    }
}

/// What is given, until when, and in which words.
pub struct Gift {
    /// To whom.
    pub structure_id: StructureId,
    /// What.
    pub document_ids: Vec<DocumentId>,
    /// Seconds since 1970.
    pub ends_at: u64,
    /// By what name the structure knows the owner.
    pub signed_as: String,
    /// Why.
    pub purpose: String,
}

impl Gift {
    /// All of it: what differs in a word is another gift.
    fn wish(&self) -> String {
        let ids = self.document_ids.iter().map(ToString::to_string).collect::<Vec<_>>().concat();
        let Self { structure_id, ends_at, signed_as, purpose, .. } = self;
        format!("give {structure_id} {ids} {ends_at} {signed_as}\n{purpose}")
    }
}

/// Whether a grant can still be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantState {
    /// Its recipient may read.
    Live,
    /// Its end date has passed.
    Ended,
    /// Its structure has closed: nobody reads under it. GRANT-10.
    Closed,
    /// It was taken back.
    TakenBack,
}

/// A grant as its owner sees it.
pub struct GivenGrant {
    /// What was said.
    pub terms: GrantTerms,
    /// To which structure.
    pub structure_id: StructureId,
    /// Grants that this one goes on with, under earlier keys.
    pub earlier: Vec<GrantId>,
    /// Seconds since 1970, when it was first given.
    pub given_at: u64,
    /// Seconds since 1970, when its key was last changed because somebody left the structure.
    pub renewed_at: Option<u64>,
    /// Name and purpose that the owner wrote; `None` once it was taken back.
    pub words: Option<(String, String)>,
    /// Whether it can still be used.
    pub state: GrantState,
    /// What was opened under it, as far as the server shows.
    pub opened: Vec<Opening>,
}

impl Vault {
    /// Looks for structures that the operator accepted.
    pub async fn find_structures(
        &self,
        world: &impl World,
        search: &str,
    ) -> Result<Vec<StructureEntry>, Error> {
        let search: String = search.chars().filter(|c| c.is_alphanumeric() || *c == ' ').collect();
        let path = format!("/v1/structures?search={}", percent_encode(&search));
        ask::<StructureList>(world, Call::read(path).open(), None).await.map(|list| list.structures)
    }

    /// A structure's chain, verified, and compared with the log whenever it has grown. LOG-10.
    pub async fn structure(
        &mut self,
        world: &impl World,
        structure_id: StructureId,
    ) -> Result<&StructureChain, Error> {
        self.fetch_structure(world, structure_id).await?;
        if !self.is_witnessed(structure_id) {
            // Boxed: it is seldom needed, and would make every journey's future larger.
            Box::pin(self.witness(world, structure_id)).await?;
        }
        self.notice_structure(world, structure_id).await?;
        self.chains.get(&structure_id).ok_or(Error::NotFound)
    }

    /// Fetches a structure's chain and verifies it from its founding, and against what this safe
    /// has seen of it. STRUCT-6, STRUCT-7.
    pub(super) async fn fetch_structure(
        &mut self,
        world: &impl World,
        structure_id: StructureId,
    ) -> Result<(), Error> {
        let call = Call::read(format!("/v1/structures/{structure_id}"));
        let face: StructureFace = self.read(world, call).await?;
        let statements = face.statements.iter().map(|it| it.0.as_slice());
        let chain = StructureChain::verify(structure_id, statements)?;
        if let Some(seen) = self.manifest.admitted(structure_id) {
            chain.extends(seen.sequence, &seen.head)?;
        }
        if let Some(known) = self.chains.get(&structure_id) {
            let (sequence, head) = known.head();
            chain.extends(sequence, &head)?;
        }
        if face.acceptance.is_some() {
            self.accepted.add(structure_id);
        }
        self.chains.insert(structure_id, chain);
        Ok(())
    }

    /// Whether the server showed the operator's acceptance. Admits nobody to any key: what a
    /// structure is, its chain says.
    pub fn is_accepted(&self, structure_id: StructureId) -> bool {
        self.accepted.contains(&structure_id)
    }

    /// A structure whose chain was fetched and verified in this session.
    pub fn known_structure(&self, structure_id: StructureId) -> Option<&StructureChain> {
        self.chains.get(&structure_id)
    }

    /// Compares a structure's code with what the desk shows, and writes down that it was compared:
    /// from then on another chain for it is refused, on every device of this safe.
    pub async fn compare_structure(
        &mut self,
        world: &impl World,
        structure_id: StructureId,
        comparison: Comparison<'_>,
    ) -> Result<(), Error> {
        comparison.check(structure_id)?;
        if let Comparison::Scanned(_, Some(carried)) = comparison {
            self.heed(world, carried).await?;
        }
        self.structure(world, structure_id).await?;
        self.note(world, structure_id, None).await
    }

    /// Gives documents to a structure whose code was compared, or for which one that was compared
    /// stands in now, until a date. The grant key is
    /// wrapped once, whatever the number of people; each document key once. GRANT-2, GRANT-5.
    pub async fn give(&mut self, world: &impl World, gift: &Gift) -> Result<GrantId, Error> {
        let bounded = gift.ends_at > self.time(world)
            && !gift.document_ids.is_empty()
            && gift.document_ids.len() <= SCOPE_MAX;
        if !bounded {
            return Err(Error::BadInput);
        }
        self.check_safe(world).await?;
        self.fetch_structure(world, gift.structure_id).await?;
        // LOG-6: looked up for each gift, however long the page has been open.
        Box::pin(self.witness(world, gift.structure_id)).await?;
        self.recipient(gift.structure_id)?;
        let introducer = self.manifest.introducer(gift.structure_id);
        if let Some(introducer) = introducer {
            self.vouched(world, gift.structure_id, introducer).await?;
        }
        self.note(world, gift.structure_id, introducer).await?;
        self.make_room_for_grant(world).await?;
        let statement = self
            .write(world, &gift.wish(), &|vault, rng| {
                let (terms, attach) = vault.grant_of(gift, rng)?;
                Ok((Body::Grant(terms), attach))
            })
            .await?;
        let Body::Grant(terms) = statement.into_body().body else {
            return Err(ServerMisbehaved::Forged.into());
        };
        self.sync(world).await?;
        Ok(terms.grant_id)
    }

    /// Terms under a fresh key, for the structure's newest verified epoch, and what goes with their
    /// statement: each document key once, the secret once for either side.
    pub(super) fn grant_of(
        &self,
        gift: &Gift,
        mut rng: &mut dyn CryptoRng,
    ) -> Result<(GrantTerms, Attach), Error> {
        let recipient = self.recipient(gift.structure_id)?;
        let secret = GrantSecret::generate(&gift.signed_as, &gift.purpose, &self.place, &mut rng)?;
        let grant_id = GrantId(draw_id(&mut rng));
        let key = secret.key();
        let mut document_ids = gift.document_ids.clone();
        document_ids.sort_unstable();
        document_ids.dedup();
        let mut wraps = Vec::new();
        for document_id in &document_ids {
            let record = self.manifest.document(*document_id).ok_or(Error::NotFound)?;
            for named in record.envelopes() {
                let document_key = self.document_key(*document_id, named)?;
                wraps.push(wrap_one(&key, grant_id, *document_id, named, &document_key));
            }
        }
        let owner_wrap = Base64(seal_for_owner(&secret, grant_id, &self.secrets.vault));
        let terms = GrantTerms {
            grant_id,
            recipient: recipient.name().clone(),
            scope: Scope::Documents { document_ids },
            ends_at: gift.ends_at,
            face_hash: secret.face_hash(),
            commitment: secret.commitment(grant_id),
        };
        let attach: Attach = Box::new(move |statement, mut rng| {
            let wrapped = wrap_for_recipient(&secret, statement.hash(), &recipient, &mut rng)?;
            let grant = GrantWraps { owner_wrap, recipient_wrap: Base64(wrapped) };
            Ok(Submission { wraps, grant: Some(grant), ..Submission::default() })
        });
        Ok((terms, attach))
    }

    /// A grant that has ended still counts: when there are too many, the oldest of them goes. STMT-9.
    async fn make_room_for_grant(&mut self, world: &impl World) -> Result<(), Error> {
        if self.manifest.grants().count() < GRANTS_MAX {
            return Ok(());
        }
        let ended = self.manifest.grants().filter(|terms| terms.ends_at <= self.time(world));
        match ended.min_by_key(|terms| terms.ends_at).map(|terms| terms.grant_id) {
            Some(grant_id) => self.take_back(world, grant_id).await,
            None => Ok(()),
        }
    }

    /// Takes a grant back, under whatever key it goes on by now. From the answer on, the server gives
    /// its recipient nothing.
    pub async fn take_back(&mut self, world: &impl World, grant_id: GrantId) -> Result<(), Error> {
        self.write(world, &format!("revoke {grant_id}"), &|vault, _| {
            let grant_id = vault.newest_of(grant_id);
            vault.manifest.grant(grant_id).ok_or(Error::GrantEnded)?;
            Ok((Body::Revoke { grant_id }, bare()))
        })
        .await?;
        self.owner_wraps.remove(&self.newest_of(grant_id));
        self.sync(world).await
    }

    /// All grants to structures that were ever made in this safe, newest first: one that goes on
    /// under other keys is one.
    pub fn grants(&self, now: u64) -> Vec<GivenGrant> {
        let mut grants = Vec::<GivenGrant>::new();
        let mut place = Sorted::<GrantId, usize>::default();
        for statement in self.statements.iter().map(Signed::body) {
            let Some(terms) = statement.body.grant_terms() else { continue };
            let Some((structure_id, epoch)) = to_structure(terms) else { continue };
            let before = match &statement.body {
                Body::Regrant { grant_id, .. } => place.get(grant_id).copied(),
                _ => None,
            };
            place.insert(terms.grant_id, before.unwrap_or(grants.len()));
            match before.and_then(|before| grants.get_mut(before)) {
                Some(grant) => {
                    grant.earlier.push(grant.terms.grant_id);
                    if to_structure(&grant.terms).is_some_and(|(_, before)| before < epoch) {
                        grant.renewed_at = Some(statement.made_at);
                    }
                    grant.terms = terms.clone();
                }
                None => grants.push(GivenGrant {
                    terms: terms.clone(),
                    structure_id,
                    earlier: Vec::new(),
                    given_at: statement.made_at,
                    renewed_at: None,
                    words: None,
                    state: GrantState::Live,
                    opened: Vec::new(),
                }),
            }
        }
        for opening in self.openings() {
            if let Some(place) = place.get(&opening.grant_id)
                && let Some(grant) = grants.get_mut(*place)
            {
                grant.opened.push(opening);
            }
        }
        for grant in &mut grants {
            grant.state = match self.manifest.grant(grant.terms.grant_id) {
                None => GrantState::TakenBack,
                Some(terms) if terms.ends_at <= now => GrantState::Ended,
                Some(_) if self.is_closed(grant.structure_id) => GrantState::Closed,
                Some(_) => GrantState::Live,
            };
            let secret = self.grant_secret(&grant.terms).ok();
            grant.words =
                secret.map(|it| (it.face().signed_as().to_owned(), it.face().purpose().to_owned()));
        }
        grants.reverse();
        grants
    }
}

/// Percent-encodes a query value (RFC 3986 section 2.1).
fn percent_encode(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() {
            encoded.push(byte.into());
        } else {
            // Writing into a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}
