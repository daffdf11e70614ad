//! What shows somebody else which keys an account has, and that a device is its own: the statements
//! of its chain that say so.

use tls_codec::{TlsDeserializeBytes, TlsSerialize, TlsSize};

use crate::{
    DecodeError, PublicKey, Unverified,
    account::{AccountKeys, GENERATIONS_BY_ROOT_MAX},
    check, decode, encode,
    guardian::OVERRULE_SECONDS,
    id::{AccountId, DeviceId, LockId},
    record::RecordKey,
    sign::Signable,
    statement::{Body, Signer, Statement},
};

/// What shows an account's keys: the chain's first statement, whose keys hash to the account's id, and
/// each new generation up to these keys; before one that guardians signed, the statement that named them. ACC-4.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct KeysProof {
    /// The first statement, encoded and signed.
    pub opening: Vec<u8>,
    /// The statements of new generations, and of guardians who began one, encoded and signed, the oldest first.
    #[tls_codec(with = "few")]
    pub generations: Vec<Vec<u8>>,
}

/// A list of statements that is no longer than a path of keys can be. CODEC-4.
mod few {
    use tls_codec::{DeserializeBytes as _, Error, Serialize as _, Size as _, TlsVarInt};

    use crate::account::GENERATIONS_MAX;

    pub(super) fn tls_serialized_len(list: &Vec<Vec<u8>>) -> usize {
        list.tls_serialized_len()
    }

    pub(super) fn tls_serialize<W: std::io::Write>(
        list: &Vec<Vec<u8>>,
        writer: &mut W,
    ) -> Result<usize, Error> {
        list.tls_serialize(writer)
    }

    pub(super) fn tls_deserialize_bytes(bytes: &[u8]) -> Result<(Vec<Vec<u8>>, &[u8]), Error> {
        let (length, rest) = TlsVarInt::tls_deserialize_bytes(bytes)?;
        let length = usize::try_from(length.value()).map_err(|_| Error::EndOfStream)?;
        let (mut left, rest) = rest.split_at_checked(length).ok_or(Error::EndOfStream)?;
        let mut list = Vec::new();
        while !left.is_empty() {
            // Each generation, and before it the statement that named who began it.
            if list.len() == 2 * GENERATIONS_MAX as usize {
                return Err(Error::InvalidVectorLength);
            }
            let (statement, after) = Vec::tls_deserialize_bytes(left)?;
            list.push(statement);
            left = after;
        }
        Ok((list, rest))
    }
}

/// What shows that a device belongs to an account: its keys, and the statement under them that added
/// the device. DEV-2.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct DeviceProof {
    /// The account's keys when the device was added.
    pub keys: KeysProof,
    /// The statement that added the device, encoded and signed.
    pub device: Vec<u8>,
}

/// The keys of an account that were verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// Whose.
    pub account_id: AccountId,
    /// Of the newest generation that was shown.
    pub keys: AccountKeys,
    /// When the account was opened, by the clock of whoever did. Seconds since 1970.
    pub opened_at: u64,
    /// Sequence number of the statement that named the keys.
    pub since: u64,
    /// What verifies what each root signed, the first one's first. FRESH-6.
    pub roots: Vec<PublicKey>,
    /// Numbers of the statements that named the keys of each generation, and the latest times until then.
    begun: Vec<(u64, u64)>,
    /// Numbers between which whoever was named is overruled.
    overruled: Vec<(u64, u64)>,
}

impl Proven {
    /// What verifies a statement of the root of this generation with this number: whoever was named by it is not
    /// overruled, as far as the proof says. GUARD-3.
    pub fn root_at(&self, generation: u32, sequence: u64) -> Option<&PublicKey> {
        let place = usize::try_from(generation).ok()?.checked_sub(1)?;
        let begun = self.begun.get(place).is_some_and(|(since, _)| sequence > *since);
        let over = self.begun.get(place + 1).is_some_and(|(since, _)| sequence >= *since);
        let overruled = self.overruled.iter().any(|(from, to)| (*from..*to).contains(&sequence));
        let may = begun && !over && check!(OverruleOrder, !overruled);
        self.roots.get(place).filter(|_| may)
    }

    /// When a generation went over to another, by the clocks of its account; `None` for the newest. Seconds since 1970.
    pub fn over_at(&self, generation: u32) -> Option<u64> {
        Some(self.begun.get(usize::try_from(generation).ok()?)?.1)
    }
}

/// A device whose proof was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Whose.
    pub account_id: AccountId,
    /// Which.
    pub device_id: DeviceId,
    /// Verifies what it signs.
    pub signing: PublicKey,
    /// Verifies what it signs in MLS groups.
    pub leaf: PublicKey,
    /// Its account's public keys, of the generation that added it.
    pub keys: AccountKeys,
    /// What verifies what each root up to that one signed, the first one's first. FRESH-6.
    pub roots: Vec<PublicKey>,
    /// When the account was opened, by the clock of whoever did. Seconds since 1970.
    pub opened_at: u64,
    /// Sequence number of the statement that added it.
    pub added: u64,
    /// The leaf of its record, which stands in the manifest for as long as it is live. FRESH-2.
    pub leaf_in_manifest: [u8; 32],
}

/// One generation of a path.
#[derive(Clone)]
struct Step {
    keys: AccountKeys,
    /// Number of the statement that named them.
    since: u64,
    /// The latest time until then.
    time: u64,
    /// Content hashes of the statements that named who may overrule it.
    overrulers: Vec<[u8; 32]>,
}

/// Guardians whose statement was shown.
struct Named {
    lock_id: LockId,
    signing: PublicKey,
    sequence: u64,
    generation: u32,
    content_hash: [u8; 32],
}

/// Keys that a path of statements has led to so far. ACC-4, GUARD-7.
struct Path {
    account_id: AccountId,
    steps: Vec<Step>,
    /// Those that were shown last, and have signed nothing yet.
    named: Option<Named>,
    /// Numbers between which those who were named were overruled.
    overruled: Vec<(u64, u64)>,
}

impl Path {
    fn walk<'a>(
        first: AccountKeys,
        account_id: AccountId,
        generations: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Self, DecodeError> {
        let first = Step { keys: first, since: 1, time: 0, overrulers: Vec::new() };
        let mut path = Self { account_id, steps: vec![first], named: None, overruled: Vec::new() };
        for bytes in generations {
            path.step(bytes)?;
        }
        // What leads nowhere is no part of a path.
        if path.named.is_some() { Err(DecodeError::BadSignature) } else { Ok(path) }
    }

    fn newest(&self) -> Result<&Step, DecodeError> {
        self.steps.last().ok_or(DecodeError::BadSignature)
    }

    /// A generation, by its number.
    fn of(&self, generation: u32) -> Option<&Step> {
        self.steps.get(usize::try_from(generation).ok()?.checked_sub(1)?)
    }

    fn step(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let statement = Unverified::<Statement>::decode(bytes)?;
        let claim = statement.claim();
        let key = match (&claim.body, claim.signer) {
            (Body::NewGeneration { .. }, Signer::Guardians { lock_id }) => {
                self.guardians_key(lock_id, claim)?
            }
            (_, Signer::Root { generation }) => {
                self.of(generation).ok_or(DecodeError::BadSignature)?.keys.signing
            }
            _ => return Err(DecodeError::BadSignature),
        };
        let statement = statement.verify(&key)?.into_body();
        if statement.account_id != self.account_id {
            return Err(DecodeError::BadSignature);
        }
        match (&statement.body, statement.signer) {
            (
                Body::SetLock { lock_id, generation, access, .. },
                Signer::Root { generation: by },
            ) if by == *generation => {
                self.named = Some(Named {
                    lock_id: *lock_id,
                    signing: access.guardians().ok_or(DecodeError::BadSignature)?.held.signing,
                    sequence: statement.sequence,
                    generation: *generation,
                    content_hash: statement.head().content_hash,
                });
                Ok(())
            }
            (Body::NewGeneration { keys, overrulers }, signer) => {
                self.succeed(keys, overrulers, signer, &statement)
            }
            _ => Err(DecodeError::BadSignature),
        }
    }

    /// The key of guardians who overrule. Where their generation is over, whoever ended it has named them: a root of
    /// before names nobody afterwards.
    fn guardians_key(&self, lock_id: LockId, claim: &Statement) -> Result<PublicKey, DecodeError> {
        let named = self.named.as_ref().ok_or(DecodeError::BadSignature)?;
        let begun = self.of(named.generation).is_some_and(|it| named.sequence > it.since);
        let now = claim.made_at.max(self.newest()?.time);
        let over = self.of(named.generation + 1);
        let named_then = over.is_none_or(|it| {
            named.sequence < it.since && it.overrulers.contains(&named.content_hash)
        });
        let in_time = over.is_none_or(|it| now <= it.time.saturating_add(OVERRULE_SECONDS));
        let mut overruled = self.overruled.iter();
        let overruled = overruled.any(|(from, to)| (*from..*to).contains(&named.sequence));
        let may = named.lock_id == lock_id
            && begun
            && named.sequence < claim.sequence
            && named_then
            && check!(OverruleTime, in_time)
            && check!(OverruleOrder, !overruled);
        may.then_some(named.signing).ok_or(DecodeError::BadSignature)
    }

    fn succeed(
        &mut self,
        keys: &AccountKeys,
        overrulers: &[[u8; 32]],
        signer: Signer,
        statement: &Statement,
    ) -> Result<(), DecodeError> {
        let known = self.newest()?;
        let may = match signer {
            Signer::Root { generation } => {
                generation == known.keys.generation && keys.generation <= GENERATIONS_BY_ROOT_MAX
            }
            _ => true,
        };
        if !may || statement.sequence <= known.since || !keys.succeed(&known.keys) {
            return Err(DecodeError::BadSignature);
        }
        let time = statement.made_at.max(known.time);
        if let (Signer::Guardians { .. }, Some(named)) = (signer, self.named.take()) {
            self.overruled.push((named.sequence + 1, statement.sequence));
        }
        let (keys, overrulers) = (keys.clone(), overrulers.to_vec());
        self.steps.push(Step { keys, since: statement.sequence, time, overrulers });
        Ok(())
    }
}

impl AccountKeys {
    /// The keys of all generations to which signed statements lead from these, the first, the oldest
    /// first; and the number of the last statement. ACC-4.
    pub fn follow<'a>(
        self,
        account_id: AccountId,
        generations: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<(Vec<Self>, u64), DecodeError> {
        let path = Path::walk(self, account_id, generations)?;
        let since = path.newest()?.since;
        Ok((path.steps.into_iter().map(|it| it.keys).collect(), since))
    }
}

impl KeysProof {
    /// Of an account's first keys.
    pub fn of_first(opening: Vec<u8>) -> Self {
        Self { opening, generations: Vec::new() }
    }

    /// Checks that the statements belong together, and each was signed by the root before, or by guardians. ACC-2, ACC-4.
    pub fn verify(&self) -> Result<Proven, DecodeError> {
        let opening = Unverified::<Statement>::decode(&self.opening)?;
        let Body::Open { keys } = opening.claim().body.clone() else {
            return Err(DecodeError::BadSignature);
        };
        let opening = opening.verify(&keys.signing)?.into_body();
        let account_id = keys.account_id();
        let begins = opening.sequence == 1
            && opening.previous == [0; 32]
            && opening.account_id == account_id
            && opening.signer == Signer::Root { generation: 1 }
            && keys.generation == 1;
        if !begins {
            return Err(DecodeError::BadSignature);
        }
        let generations = self.generations.iter().map(Vec::as_slice);
        let path = Path::walk(keys, account_id, generations)?;
        let roots = path.steps.iter().map(|it| it.keys.signing).collect();
        let begun = path.steps.iter().map(|it| (it.since, it.time)).collect();
        let Step { keys, since, .. } = path.newest()?.clone();
        let (opened_at, overruled) = (opening.made_at, path.overruled);
        Ok(Proven { account_id, keys, opened_at, since, roots, begun, overruled })
    }
}

impl DeviceProof {
    /// Checks the keys, and that their root added the device. DEV-2.
    pub fn verify(&self) -> Result<Device, DecodeError> {
        let Proven { account_id, keys, opened_at, since, roots, .. } = self.keys.verify()?;
        let added = Unverified::<Statement>::decode(&self.device)?.verify(&keys.signing)?;
        let added = added.into_body();
        let belongs = added.account_id == account_id
            && added.signer == Signer::Root { generation: keys.generation }
            && added.sequence > since;
        match added.body {
            Body::AddDevice { device_id, signing, leaf } if belongs => {
                let written = added.leaf(RecordKey::Device(device_id));
                Ok(Device {
                    account_id,
                    device_id,
                    signing,
                    leaf,
                    keys,
                    roots,
                    opened_at,
                    added: added.sequence,
                    leaf_in_manifest: written.ok_or(DecodeError::BadSignature)?,
                })
            }
            _ => Err(DecodeError::BadSignature),
        }
    }
}

/// A signed object with the proof of the device that signed it.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct Attested {
    /// The object, encoded and signed.
    pub object: Vec<u8>,
    /// Of the device that signed it.
    pub proof: DeviceProof,
}

impl Attested {
    /// Reads one, and verifies proof and object.
    pub fn open<T: Signable>(bytes: &[u8]) -> Result<(crate::Signed<T>, Device), DecodeError> {
        decode::<Self>(bytes)?.verify()
    }

    /// Verifies proof and object.
    pub fn verify<T: Signable>(&self) -> Result<(crate::Signed<T>, Device), DecodeError> {
        let device = self.proof.verify()?;
        let object = Unverified::<T>::decode(&self.object)?.verify(&device.signing)?;
        Ok((object, device))
    }

    /// The bytes that travel and are stored.
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }
}
