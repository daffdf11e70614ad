//! What somebody keeps who means to read on after they left a structure: for tests, in no page.

use rand_core::CryptoRng;
use reconnect_format::{
    Signable, Signed, Unverified,
    api::Submission,
    id::{Base64, DeviceId},
    statement::{Attested, Body, DeviceProof, Signer, Statement},
    structure::{Certificate, StructureChain},
};

use super::{
    Vault,
    desk::{Desk, Inner},
};
use crate::{
    error::Error,
    group::{Gate, Group},
    key::{AccountSecrets, DeviceSecrets, RecipientKey},
    place::MarkOf,
    secret::{DeviceSeed, GrantKey, Root},
    world::World,
};

/// Every secret of one page and its person's account.
pub struct Kept {
    /// Of the account, and of each recipient epoch.
    pub recipient_keys: Vec<RecipientKey>,
    /// Of the grants that were opened.
    pub grant_keys: Vec<GrantKey>,
    group: Group,
}

impl Desk {
    /// Copies every secret that this page holds.
    pub fn keep_everything(&self, vault: &Vault) -> Result<Kept, Error> {
        let Inner::Member(group) = &self.standing else { return Err(Error::NotAMember) };
        let secrets = vault.secrets();
        let root = Root::from_bytes(*secrets.root.expose());
        let own = AccountSecrets::derive(root, secrets.generation).recipient;
        let epochs = self.history.seeds.iter().map(|(_, seed)| RecipientKey::of_epoch(seed));
        Ok(Kept {
            recipient_keys: epochs.chain([own]).collect(),
            grant_keys: self.grant_keys(),
            group: Group::resume(self.structure_id, group.number(), &group.snapshot())?,
        })
    }
}

impl Vault {
    /// Signs whatever a changed client says with this device's key.
    pub fn sign_anything<T: Signable>(&self, body: T) -> Base64 {
        self.attest(body)
    }

    /// The same with the account's root.
    pub fn sign_as_root<T: Signable>(&self, body: T) -> Vec<u8> {
        self.secrets().signing.sign(body).encode()
    }

    /// What the log is to say after a statement, whoever made it.
    pub fn log_value_of(&self, statement: &[u8]) -> Option<Base64> {
        let statement = Unverified::<Statement>::decode(statement).ok()?;
        let value = self.place.value(statement.claim().sequence, &statement.hash());
        Some(Base64(value.to_vec()))
    }

    /// What would say in the log that a generation is over.
    pub fn generation_mark(&self, generation: u32) -> [u8; 32] {
        self.place.mark(MarkOf::Generation(generation))
    }

    /// Retires a device, and says in the log what would say that a generation is over.
    pub async fn retire_under_a_generations_mark(
        &mut self,
        world: &impl World,
        device_id: DeviceId,
        generation: u32,
    ) -> Result<(), Error> {
        self.write(world, "spoil", &|vault, _| {
            let mark = Base64(vault.generation_mark(generation).to_vec());
            let marked = Submission { mark, ..Submission::default() };
            Ok((Body::RetireDevice { device_id }, Box::new(|_, _| Ok(marked))))
        })
        .await
        .map(drop)
    }

    /// What whoever has this safe's root signs for a generation of their own, and a version by its device: the
    /// proof of that device, and the statement.
    pub fn invent_generation(
        &self,
        version: Statement,
        rng: &mut impl CryptoRng,
    ) -> Result<Attested, Error> {
        let (root, seed) = (Root::generate(rng), DeviceSeed::generate(rng));
        let next = AccountSecrets::derive(root, self.secrets().generation + 1);
        let device = DeviceSecrets::derive(seed);
        let overrulers = self.manifest().overrulers();
        let begun = Body::NewGeneration { keys: next.public(), overrulers };
        let signer = Signer::Root { generation: self.secrets().generation };
        let salt = [1; 16];
        let begun = self.manifest().next(signer, begun, version.made_at, salt);
        let begun = self.secrets().signing.sign(begun);
        let mut manifest = self.manifest().clone();
        manifest.append(Unverified::decode(&begun.encode())?)?;
        let device_id = DeviceId([7; 16]);
        let (signing, leaf) = (device.signing.public(), device.leaf.public());
        let added = Body::AddDevice { device_id, signing, leaf };
        let signer = Signer::Root { generation: next.generation };
        let mut added = manifest.next(signer, added, version.made_at, salt);
        // Behind whatever the log names, as the version is.
        added.sequence = version.sequence - 1;
        let mut keys = self.device_proof().keys;
        keys.generations.push(begun.encode());
        let proof = DeviceProof { keys, device: next.signing.sign(added).encode() };
        let version = Statement { signer: Signer::Device { device_id }, ..version };
        Ok(Attested { object: device.signing.sign(version).encode(), proof })
    }
}

impl Kept {
    /// Whether a sealed history opens, with the group's state as it was kept or after any of these
    /// commits: then with the seeds in it.
    pub fn open_history(
        &mut self,
        sealed: &[u8],
        commits: &[Vec<u8>],
        (chain, certificates): (&StructureChain, &[Signed<Certificate>]),
    ) -> bool {
        let gate = Gate { chain, certificates, now: chain.made_at };
        let mut tries = std::iter::once(None).chain(commits.iter().map(Some));
        tries.any(|commit| {
            if let Some(commit) = commit {
                // Whatever comes of it: the next look says.
                let _ = self.group.take_in(commit, None, &gate);
            }
            let Ok(history) = self.group.open_history(sealed) else { return false };
            let keys = history.seeds.iter().map(|(_, seed)| RecipientKey::of_epoch(seed));
            self.recipient_keys.extend(keys);
            true
        })
    }
}
