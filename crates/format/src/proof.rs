//! What shows somebody else which keys an account has, and that a device is its own: the statements
//! of its chain that say so.

use tls_codec::{TlsDeserializeBytes, TlsSerialize, TlsSize};

use crate::{
    DecodeError, PublicKey, Unverified,
    account::AccountKeys,
    decode, encode,
    id::{AccountId, DeviceId},
    record::RecordKey,
    sign::Signable,
    statement::{Body, Signer, Statement},
};

/// What shows an account's keys: the chain's first statement, whose keys hash to the account's id, and
/// each new generation up to these keys. ACC-4.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct KeysProof {
    /// The first statement, encoded and signed.
    pub opening: Vec<u8>,
    /// The statements of new generations, encoded and signed, the oldest first.
    pub generations: Vec<Vec<u8>>,
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

impl AccountKeys {
    /// The keys of all generations to which signed statements lead from these, the first, the oldest
    /// first; and the number of the last statement. ACC-4.
    pub fn follow<'a>(
        self,
        account_id: AccountId,
        generations: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<(Vec<Self>, u64), DecodeError> {
        let (mut all, mut known, mut since) = (Vec::new(), self, 1);
        for bytes in generations {
            let statement = Unverified::<Statement>::decode(bytes)?.verify(&known.signing)?;
            let statement = statement.into_body();
            let by_root = statement.signer == Signer::Root { generation: known.generation };
            let follows = statement.account_id == account_id && statement.sequence > since;
            match statement.body {
                Body::NewGeneration { keys } if by_root && follows && keys.succeed(&known) => {
                    all.push(std::mem::replace(&mut known, keys));
                    since = statement.sequence;
                }
                _ => return Err(DecodeError::BadSignature),
            }
        }
        all.push(known);
        Ok((all, since))
    }
}

impl KeysProof {
    /// Of an account's first keys.
    pub fn of_first(opening: Vec<u8>) -> Self {
        Self { opening, generations: Vec::new() }
    }

    /// Checks that the statements belong together, and each was signed by the root before. ACC-2, ACC-4.
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
        let (mut all, since) = keys.follow(account_id, generations)?;
        let roots = all.iter().map(|keys| keys.signing).collect();
        let keys = all.pop().ok_or(DecodeError::BadSignature)?;
        Ok(Proven { account_id, keys, opened_at: opening.made_at, since, roots })
    }
}

impl DeviceProof {
    /// Checks the keys, and that their root added the device. DEV-2.
    pub fn verify(&self) -> Result<Device, DecodeError> {
        let Proven { account_id, keys, opened_at, since, roots } = self.keys.verify()?;
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
