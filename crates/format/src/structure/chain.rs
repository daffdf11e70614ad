//! A structure's chain: who may say what, verified from the founding on.

use tls_codec::{TlsDeserializeBytes, TlsSerialize, TlsSize};

use super::{
    EpochTerms, Founding, Introduction, MotionAbout, RosterTerms, StructureBody,
    StructureStatement, is_showable, managers::Manager, verify_certificate,
};
use crate::{
    DecodeError, PublicKey, Signed, Unverified,
    account::RecipientPublicKey,
    check, decode, encode,
    id::{AccountId, DeviceId, StructureId},
    statement::Attested,
};

/// One statement of a chain as it travels, with what shows who signed it. STRUCT-3.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
#[repr(u8)]
pub enum Link {
    /// Signed by the structure's root.
    #[tls_codec(discriminant = 1)]
    Root {
        /// The statement, encoded and signed.
        statement: Vec<u8>,
    },
    /// Signed by a manager's device.
    #[tls_codec(discriminant = 2)]
    Manager {
        /// The statement.
        statement: Attested,
    },
    /// Signed by a member's device.
    #[tls_codec(discriminant = 3)]
    Member {
        /// The statement.
        statement: Attested,
        /// The member's certificate.
        certificate: Attested,
    },
}

impl Link {
    /// The bytes that travel and are stored.
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// What an encoded link says, believed by nobody.
    pub fn claim(bytes: &[u8]) -> Result<StructureStatement, DecodeError> {
        let link: Self = decode(bytes)?;
        let object = match &link {
            Self::Root { statement } => statement,
            Self::Manager { statement } | Self::Member { statement, .. } => &statement.object,
        };
        Unverified::<StructureStatement>::decode(object).map(|it| it.claim().clone())
    }
}

/// Who signed a statement, as far as the chain knows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaker {
    Root,
    Manager(AccountId),
    Member,
}

/// A statement, who says it, and whose device signed it.
type Heard = (Signed<StructureStatement>, Speaker, Option<(AccountId, DeviceId)>);

/// Why a structure's chain was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// A statement does not decode or verify.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The chain does not start at the founding that the id names, or a link is missing.
    #[error("another chain")]
    OtherChain,
    /// A statement was signed by somebody who may not say it.
    #[error("signed by somebody who may not")]
    WrongSigner,
    /// The chain does not contain the statement that was seen before.
    #[error("rolled back")]
    Rollback,
}

/// What one statement said of the group.
#[derive(Clone, Debug)]
struct Stated {
    sequence: u64,
    made_at: u64,
    epoch: usize,
    roster: RosterTerms,
    answers: Option<[u8; 32]>,
}

/// A structure whose chain was verified from its founding. STRUCT-6.
#[derive(Clone, Debug)]
pub struct StructureChain {
    /// Which.
    pub structure_id: StructureId,
    /// What it said when it began.
    pub founding: Founding,
    /// Verifies what its paper signs.
    pub root: PublicKey,
    /// What the history is sealed to for its paper.
    pub recovery: Box<RecipientPublicKey>,
    /// The newest recipient epoch, once there is one.
    pub epoch: Option<EpochTerms>,
    /// What names the recipient key of each epoch, the first first.
    pub key_ids: Vec<[u8; 32]>,
    /// The newest roster, once there is one.
    pub roster: Option<RosterTerms>,
    /// When the newest statement was made, by its signer's clock: seconds since 1970.
    pub made_at: u64,
    /// Whether it has ended.
    pub closed: bool,
    /// Hashes of all statements, in order.
    pub hashes: Vec<[u8; 32]>,
    /// Whose device signed each of them; none where the root did.
    pub signers: Vec<Option<(AccountId, DeviceId)>>,
    pub(super) introductions: Vec<Introduction>,
    pub(super) managers: Vec<Manager>,
    /// Numbers, and the sequence number of the statement that revoked them.
    revoked: Vec<(u32, u64)>,
    stated: Vec<Stated>,
}

impl StructureChain {
    /// Starts at the first link, whose founding must hash to `structure_id`. STRUCT-1.
    pub fn begin(structure_id: StructureId, first: &[u8]) -> Result<Self, ChainError> {
        let Link::Root { statement } = decode::<Link>(first)? else {
            return Err(ChainError::OtherChain);
        };
        let first = Unverified::<StructureStatement>::decode(&statement)?;
        let StructureBody::Found(founding) = first.claim().body.clone() else {
            return Err(ChainError::OtherChain);
        };
        let statement = first.verify(&founding.root)?;
        let body = statement.body();
        let begins = body.sequence == 1
            && body.previous == [0; 32]
            && body.structure_id == structure_id
            && check!(Founding, founding.structure_id() == structure_id)
            && is_showable(&founding.name)
            && is_showable(&founding.place);
        if !begins {
            return Err(ChainError::OtherChain);
        }
        Ok(Self {
            structure_id,
            root: founding.root,
            recovery: founding.recovery.clone(),
            managers: vec![Manager { account_id: founding.founder, since: 1, until: None }],
            made_at: body.made_at,
            founding,
            epoch: None,
            key_ids: Vec::new(),
            roster: None,
            closed: false,
            hashes: vec![statement.hash()],
            signers: vec![None],
            introductions: Vec::new(),
            revoked: Vec::new(),
            stated: Vec::new(),
        })
    }

    /// Verifies a whole chain of encoded [`Link`]s.
    pub fn verify<'a>(
        structure_id: StructureId,
        links: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Self, ChainError> {
        let mut links = links.into_iter();
        let mut chain = Self::begin(structure_id, links.next().ok_or(ChainError::OtherChain)?)?;
        for link in links {
            chain.append(link)?;
        }
        Ok(chain)
    }

    /// Whether the member with this number has left: their certificates are revoked.
    pub fn is_revoked(&self, number: u32) -> bool {
        self.revoked.iter().any(|(revoked, _)| *revoked == number)
    }

    /// The numbers that the newest statement revokes.
    pub fn just_revoked(&self) -> impl Iterator<Item = u32> {
        self.revoked.iter().filter(|(_, at)| *at == self.head().0).map(|(number, _)| *number)
    }

    /// Verifies and takes in the next link. STRUCT-3. On an error the chain stays as it was.
    pub fn append(&mut self, link: &[u8]) -> Result<(), ChainError> {
        let (statement, speaker, signer) = self.hear(link)?;
        let body = statement.body();
        let follows = !self.closed
            && body.structure_id == self.structure_id
            && body.sequence == self.hashes.len() as u64 + 1
            && self.hashes.last() == Some(&body.previous);
        if !follows {
            return Err(ChainError::OtherChain);
        }
        self.take_in(body, speaker)?;
        self.made_at = body.made_at;
        self.hashes.push(statement.hash());
        self.signers.push(signer);
        Ok(())
    }

    /// Who says this, verified, and by which device.
    fn hear(&self, link: &[u8]) -> Result<Heard, ChainError> {
        match decode::<Link>(link)? {
            Link::Root { statement } => {
                let statement = Unverified::<StructureStatement>::decode(&statement)?;
                Ok((statement.verify(&self.root)?, Speaker::Root, None))
            }
            Link::Manager { statement } => {
                let (statement, signer) = statement.verify::<StructureStatement>()?;
                if check!(StructureSigner) && !self.is_manager(signer.account_id) {
                    return Err(ChainError::WrongSigner);
                }
                let device = (signer.account_id, signer.device_id);
                Ok((statement, Speaker::Manager(signer.account_id), Some(device)))
            }
            Link::Member { statement, certificate } => {
                let (statement, signer) = statement.verify::<StructureStatement>()?;
                let certificate = verify_certificate(&certificate.encode(), self)?.into_body();
                let stands = certificate.account_id == signer.account_id
                    && certificate.ends_at > statement.body().made_at
                    && !self.is_revoked(certificate.number);
                if !stands {
                    return Err(ChainError::WrongSigner);
                }
                Ok((statement, Speaker::Member, Some((signer.account_id, signer.device_id))))
            }
        }
    }

    /// Checks what a statement says against what is so, and by whom, and makes it so.
    fn take_in(&mut self, said: &StructureStatement, by: Speaker) -> Result<(), ChainError> {
        match (&said.body, by) {
            (StructureBody::Epoch(terms), Speaker::Root | Speaker::Manager(_)) => {
                self.begin_epoch(terms, by, said)?;
            }
            (StructureBody::Roster { terms, answers }, Speaker::Manager(_)) => {
                self.move_group(terms, *answers, said)?;
            }
            (StructureBody::Roster { terms, answers }, Speaker::Member) => {
                // GROUP-6: a member brings another device in, never another person.
                let same = self.roster.as_ref().is_some_and(|roster| {
                    roster.roster_hash == terms.roster_hash
                        && roster.roster_size == terms.roster_size
                });
                if !same {
                    return Err(ChainError::WrongSigner);
                }
                self.move_group(terms, *answers, said)?;
            }
            (StructureBody::AddManager { account_id }, Speaker::Root | Speaker::Manager(_)) => {
                if self.is_manager(*account_id) {
                    return Err(ChainError::OtherChain);
                }
                self.managers.push(Manager {
                    account_id: *account_id,
                    since: said.sequence,
                    until: None,
                });
            }
            (StructureBody::RemoveManager { account_id, last_serial, motion }, _) => {
                let about = MotionAbout::RemoveManager(*account_id);
                self.check_agreed(by, about, motion.as_ref(), said.made_at)?;
                self.remove_manager(*account_id, (said.sequence, *last_serial))?;
            }
            (StructureBody::ReplaceRoot { root, recovery }, Speaker::Root) => {
                (self.root, self.recovery) = (*root, recovery.clone());
            }
            (StructureBody::Close { motion }, _) => {
                self.check_agreed(by, MotionAbout::Close, motion.as_ref(), said.made_at)?;
                self.closed = true;
            }
            (StructureBody::Introduce { introduced, sequence, head }, Speaker::Manager(by)) => {
                self.introduce(Introduction {
                    structure_id: *introduced,
                    sequence: *sequence,
                    head: *head,
                    by,
                    made_at: said.made_at,
                })?;
            }
            (StructureBody::Withdraw { introduced }, Speaker::Manager(_)) => {
                self.withdraw(*introduced)?;
            }
            // A second founding is nobody's to say.
            (StructureBody::Found(_), _) => return Err(ChainError::OtherChain),
            _ => return Err(ChainError::WrongSigner),
        }
        Ok(())
    }

    /// STRUCT-4, STRUCT-5: epochs count without gaps; the group goes forward only, or another begins.
    fn begin_epoch(
        &mut self,
        terms: &EpochTerms,
        by: Speaker,
        said: &StructureStatement,
    ) -> Result<(), ChainError> {
        let next = self.epoch.as_ref().map_or(1, |epoch| epoch.epoch + 1);
        let forward = match &self.roster {
            None => terms.roster.group == 1,
            Some(now) if now.group == terms.roster.group => {
                terms.roster.mls_epoch == now.mls_epoch || follows(now, &terms.roster)
            }
            // Whoever begins another leaves everybody else behind: the root says that.
            Some(_) if by != Speaker::Root => return Err(ChainError::WrongSigner),
            Some(now) => now.group.checked_add(1) == Some(terms.roster.group),
        };
        let ascending = terms.revoked.is_sorted_by(|one, other| one < other);
        let again = terms.revoked.iter().any(|number| self.is_revoked(*number));
        if terms.epoch != next || !forward || !ascending || again {
            return Err(ChainError::OtherChain);
        }
        self.revoked.extend(terms.revoked.iter().map(|number| (*number, said.sequence)));
        self.key_ids.push(terms.recipient.id());
        self.epoch = Some(terms.clone());
        self.state(&terms.roster, None, said);
        Ok(())
    }

    fn move_group(
        &mut self,
        terms: &RosterTerms,
        answers: Option<[u8; 32]>,
        said: &StructureStatement,
    ) -> Result<(), ChainError> {
        let forward =
            self.roster.as_ref().is_some_and(|now| now.group == terms.group && follows(now, terms));
        // GROUP-9: a request is answered once.
        let again = answers.is_some() && self.stated.iter().any(|it| it.answers == answers);
        if !forward || again {
            return Err(ChainError::OtherChain);
        }
        self.state(terms, answers, said);
        Ok(())
    }

    /// Hash of the request for a leaf that the newest statement of the group answers. GROUP-9.
    pub fn answers(&self) -> Option<[u8; 32]> {
        self.stated.last().and_then(|it| it.answers)
    }

    fn state(
        &mut self,
        roster: &RosterTerms,
        answers: Option<[u8; 32]>,
        said: &StructureStatement,
    ) {
        self.roster = Some(roster.clone());
        self.stated.push(Stated {
            sequence: said.sequence,
            made_at: said.made_at,
            epoch: self.key_ids.len(),
            roster: roster.clone(),
            answers,
        });
    }

    /// The chain as it was when it first said what this MLS epoch of the group is: by it, who missed
    /// commits judges them. Its newest recipient key is left out. `None` when it never said so.
    pub fn as_of(&self, group: u32, mls_epoch: u64) -> Option<Self> {
        let mut stated = self.stated.iter();
        let then =
            stated.find(|it| it.roster.group == group && it.roster.mls_epoch == mls_epoch)?.clone();
        let mut chain = self.clone();
        chain.hashes.truncate(usize::try_from(then.sequence).ok()?);
        chain.signers.truncate(chain.hashes.len());
        chain.key_ids.truncate(then.epoch);
        chain.stated.retain(|it| it.sequence <= then.sequence);
        chain.revoked.retain(|(_, sequence)| *sequence <= then.sequence);
        chain.managers.retain(|it| it.since <= then.sequence);
        for manager in &mut chain.managers {
            manager.until = manager.until.filter(|(sequence, _)| *sequence <= then.sequence);
        }
        (chain.made_at, chain.roster) = (then.made_at, Some(then.roster));
        (chain.epoch, chain.closed) = (None, false);
        Some(chain)
    }

    /// Checks that the statement seen before is still where it was. STRUCT-7.
    pub fn extends(&self, sequence: u64, head: &[u8; 32]) -> Result<(), ChainError> {
        let index = usize::try_from(sequence.wrapping_sub(1)).map_err(|_| ChainError::Rollback)?;
        match self.hashes.get(index) {
            _ if !check!(StructureSeen) => Ok(()),
            Some(hash) if hash == head => Ok(()),
            Some(_) => Err(ChainError::OtherChain),
            None => Err(ChainError::Rollback),
        }
    }

    /// What names the recipient key of an epoch, counted from 1.
    pub fn key_id(&self, epoch: u64) -> Option<[u8; 32]> {
        let index = usize::try_from(epoch.checked_sub(1)?).ok()?;
        self.key_ids.get(index).copied()
    }

    /// Whose device signed the newest statement; nothing for the root.
    pub fn signer(&self) -> Option<AccountId> {
        self.signers.last().copied().flatten().map(|(account_id, _)| account_id)
    }

    /// Sequence number and hash of the newest statement.
    pub fn head(&self) -> (u64, [u8; 32]) {
        (self.hashes.len() as u64, self.hashes.last().copied().unwrap_or_default())
    }
}

/// Whether one MLS epoch is the one after another: nobody can push the number out of reach.
fn follows(now: &RosterTerms, next: &RosterTerms) -> bool {
    now.mls_epoch.checked_add(1) == Some(next.mls_epoch)
}
