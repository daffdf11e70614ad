//! A new generation: what a safe begins when a secret of it became known. Other keys, other ways in, and
//! every device of before is out; documents stay where they are. ACC-4, ACC-5.

use reconnect_format::{
    Signed, Unverified,
    account::AccountKeys,
    api::{BeginGeneration, Call, Code, GrantWraps, OwnerWrap, Submission, Wrap, Written},
    encode,
    grant::{DOCUMENT_WRAP_BYTES, RecipientName},
    id::{Base64, GrantId},
    manifest::Manifest,
    statement::{Body, DeviceProof, KeysProof, Signer, Statement},
};
use zeroize::Zeroizing;

use super::{
    RACES_MAX, Stayed, Vault,
    drawn::{Drawn, OwnGrant, Ways, say_first},
    entry::{Known, NewDevice},
    locks::{KEPT_LOCK, kept_lock},
    log_value,
    papers::wrap_one,
    says_nothing,
};
use crate::{
    document::draw_id,
    error::{Damaged, Error, ServerMisbehaved},
    grant::seal_for_owner,
    held::SHARED_MARK,
    key::{AccountSecrets, RecipientKey},
    place::MarkOf,
    secret::GrantKey,
    world::World,
};

/// A generation that was signed, and perhaps not taken in.
pub(super) struct Begun {
    /// What its person asked for.
    wish: Zeroizing<Vec<u8>>,
    secrets: AccountSecrets,
    device: NewDevice,
    manifest: Manifest,
    statements: Vec<Signed<Statement>>,
    call: BeginGeneration,
}

impl Begun {
    fn is_for(&self, drawn: &Drawn, ways: &Ways, sequence: u64) -> bool {
        let first = self.statements.first().map(|it| it.body().sequence);
        first == Some(sequence) && self.wish == drawn.wish(ways)
    }
}

impl Drawn {
    /// What tells one wish from another: what was drawn, the ways, and the PIN.
    fn wish(&self, ways: &Ways) -> Zeroizing<Vec<u8>> {
        let mut wish = Zeroizing::new(encode(&self.secrets.signing.public()));
        wish.extend([ways.words, ways.sheet].map(u8::from));
        if let Some((pin, mark)) = &ways.card {
            wish.push(*mark);
            wish.extend_from_slice(&pin.password(&self.card().held()).bytes);
        }
        wish
    }
}

impl Vault {
    /// Begins the generation that was drawn, with these ways back: one request says all of it. From the
    /// answer on, no device, lock or session of before counts, and this safe goes on under other keys.
    ///
    /// It can be tried again: when the answer was lost, the safe is unlocked in the ways that were drawn.
    pub async fn begin_generation<W: World>(
        mut self,
        world: &W,
        drawn: &Drawn,
        ways: &Ways,
    ) -> Result<Self, Stayed> {
        let here = kept_lock(world).await.is_some_and(|(lock_id, _)| self.has_lock(lock_id));
        match self.go_over(world, drawn, ways).await {
            Ok(mut vault) => {
                if here {
                    world.forget(KEPT_LOCK).await;
                }
                // GUARD-5: what guardians hold opens the generation before. Where that cannot be done now, the
                // next session does it.
                let _ = Box::pin(vault.split_again(world)).await;
                Ok(vault)
            }
            Err(error) => Err(Stayed { vault: Box::new(self), error }),
        }
    }

    /// The secrets of all generations, the newest first. ACC-5.
    pub(crate) fn generations(&self) -> impl Iterator<Item = &AccountSecrets> {
        std::iter::once(&self.secrets).chain(self.earlier.iter().flatten())
    }

    /// The account's own recipient key of whatever generation that is named so.
    pub(super) fn recipient_key(&self, key_id: [u8; 32]) -> Option<&RecipientKey> {
        let mut keys = self.generations().map(|it| &it.recipient);
        keys.find(|key| key.public().id() == key_id)
    }

    /// What shows others that this device belongs to this account. DEV-2.
    pub fn device_proof(&self) -> DeviceProof {
        let added = self.statements.iter().find(|statement| {
            matches!(statement.body().body, Body::AddDevice { device_id, .. } if device_id == self.device_id)
        });
        // A live device is of the newest generation.
        let mut generations = Vec::new();
        for it in &self.statements {
            if !matches!(it.body().body, Body::NewGeneration { .. }) {
                continue;
            }
            if let Signer::Guardians { lock_id } = it.body().signer {
                let set = |it: &&Signed<Statement>| matches!(it.body().body, Body::SetLock { lock_id: set, .. } if set == lock_id);
                generations.extend(self.statements.iter().find(set).map(Signed::encode));
            }
            generations.push(it.encode());
        }
        let opening = self.statements.first().map(Signed::encode).unwrap_or_default();
        let keys = KeysProof { opening, generations };
        DeviceProof { keys, device: added.map(Signed::encode).unwrap_or_default() }
    }

    /// Takes in the roots of earlier generations, which come with the first answer. ACC-5.
    pub(super) fn open_earlier(&mut self, sealed: &Base64) -> Result<(), Error> {
        let named = named_keys(&self.statements);
        self.earlier = Some(self.secrets.open_earlier(self.account_id(), sealed, &named)?);
        Ok(())
    }

    /// Whether this is the first device of its person's own that opens a safe which somebody else's made:
    /// that one had the root for a moment.
    pub fn offers_generation(&self) -> bool {
        let new = |it: &&Signed<Statement>| matches!(it.body().body, Body::NewGeneration { .. });
        let since = self.statements.iter().rfind(new).map_or(0, |it| it.body().sequence);
        let mut others = self.statements.iter().filter(|it| it.body().sequence > since).filter_map(
            |statement| match statement.body().body {
                Body::AddDevice { device_id, .. } => Some(device_id),
                _ => None,
            },
        );
        self.kept
            && self.is_new_here
            && others.all(|id| id == self.device_id || self.device_mark(id) == SHARED_MARK)
    }

    async fn go_over<W: World>(
        &mut self,
        world: &W,
        drawn: &Drawn,
        ways: &Ways,
    ) -> Result<Self, Error> {
        let mut first = true;
        for _ in 0..RACES_MAX {
            // Whoever comes back has just read all of it.
            if self.back.is_none() || !std::mem::take(&mut first) {
                match self.come_back_again(world).await {
                    Err(Error::Refused(problem)) if problem.code == Code::SessionEnded => {
                        let ended = Error::Refused(problem);
                        return drawn.unlock_or(world, ways, self.kept, ended).await;
                    }
                    other => other?,
                }
            }
            // STMT-8: the same bytes where the same is asked for, and the place is free.
            let next = self.manifest.sequence() + 1;
            let begun = self.begun.take().filter(|begun| begun.is_for(drawn, ways, next));
            let begun = match begun {
                Some(begun) => begun,
                None => Box::new(Box::pin(self.sign_generation(world, drawn, ways)).await?),
            };
            let path = self.back.as_ref().map(|back| back.path());
            let path = path.unwrap_or_else(|| "/v1/generations".into());
            match self.read::<Written>(world, Call::send(path, &begun.call)).await {
                Ok(_) => return Box::pin(self.enter_generation(world, *begun)).await,
                Err(Error::Refused(problem)) if problem.code == Code::Conflict => {
                    // STMT-7: no second signature for a place that nobody else has taken.
                    let before = self.manifest.sequence();
                    self.come_back_again(world).await?;
                    first = true;
                    if self.manifest.sequence() == before {
                        return Err(ServerMisbehaved::Fork.into());
                    }
                }
                // A return is over once its person is back: the answer that said so was lost.
                Err(error) if says_nothing(&error) || is_over(&error) => {
                    self.begun = Some(begun);
                    return drawn.unlock_or(world, ways, self.kept, error).await;
                }
                Err(error) => return Err(error),
            }
        }
        Err(Error::Offline)
    }

    async fn sign_generation<W: World>(
        &self,
        world: &W,
        drawn: &Drawn,
        ways: &Ways,
    ) -> Result<Begun, Error> {
        let mut rng = world.rng();
        // Whoever is overruled may have begun others since it was drawn.
        let (account_id, over) = (self.account_id(), self.manifest.keys().generation);
        let new = &drawn.secrets.again(over + 1);
        let device = NewDevice::draw(world, new, self.kept);
        let locks = drawn.locks(world, ways, device.id, &mut rng).await?;
        let mark = Base64(self.place.mark(MarkOf::Generation(over)).to_vec());
        let mut said = vec![
            (
                Body::NewGeneration { keys: new.public(), overrulers: self.manifest.overrulers() },
                Submission { mark, ..Submission::default() },
            ),
            (device.added(), Submission::default()),
        ];
        for lock in &locks {
            let (body, material) = lock.wrap(new, account_id, &mut rng);
            said.push((body, Submission { lock: Some(material), ..Submission::default() }));
        }
        let before = self.manifest.owner_grant().ok_or(Damaged)?.grant_id;
        let own = OwnGrant::draw(&self.place, &mut rng)?;
        let owner_wrap = Base64(seal_for_owner(&own.secret, own.grant_id, &new.vault));
        let grant = GrantWraps { owner_wrap, recipient_wrap: Base64::default() };
        let wraps = self.wraps_again(own.grant_id, &own.secret.key());
        said.push((
            Body::Regrant { grant_id: before, terms: own.terms(new) },
            Submission { wraps, grant: Some(grant), ..Submission::default() },
        ));
        let (mut manifest, mut statements, mut submissions) =
            (self.manifest.clone(), Vec::new(), Vec::new());
        let now = self.time(world);
        for (body, submission) in said {
            // What ends the old generation is the last word of its root, or that of guardians.
            let statement = match (statements.is_empty(), &self.back) {
                (true, Some(back)) => {
                    let next = manifest.next(back.signer(), body, now, draw_id(&mut rng));
                    back.key().signing().sign(next)
                }
                (true, None) => say_first(&self.secrets, &device, &manifest, body, now, &mut rng),
                (false, _) => say_first(new, &device, &manifest, body, now, &mut rng),
            };
            manifest.append(Unverified::decode(&statement.encode())?)?;
            submissions.push(Submission {
                statement: Base64(statement.encode()),
                log_value: log_value(&self.place, &statement),
                ..submission
            });
            statements.push(statement);
        }
        // DEV-3: the device signs the last one.
        statements.last().into_iter().for_each(|statement| self.fresh.add(statement));
        let call = BeginGeneration {
            submissions,
            owner_wraps: self.owner_wraps_again(new),
            log_place: Base64(self.place.seal(&new.vault, account_id, &mut rng)),
            earlier_roots: Base64(new.seal_earlier(account_id, self.generations(), &mut rng)),
        };
        let secrets = new.copy();
        Ok(Begun { wish: drawn.wish(ways), secrets, device, manifest, statements, call })
    }

    /// The key of every document, under another key of the owner's. What did not open before opens no
    /// more now.
    fn wraps_again(&self, grant_id: GrantId, key: &GrantKey) -> Vec<Wrap> {
        let mut wraps = Vec::new();
        for (document_id, record) in self.manifest.documents() {
            for named in record.envelopes() {
                let again = self.document_key(document_id, named);
                let again = again.map(|it| wrap_one(key, grant_id, document_id, named, &it));
                wraps.push(again.unwrap_or_else(|Damaged| Wrap {
                    grant_id,
                    envelope_id: named.envelope_id,
                    wrap: Base64(vec![0; DOCUMENT_WRAP_BYTES]),
                }));
            }
        }
        wraps
    }

    /// The owner's copies of what was given to others.
    fn owner_wraps_again(&self, new: &AccountSecrets) -> Vec<OwnerWrap> {
        let given = self.manifest.grants();
        let given = given.filter(|it| matches!(it.recipient, RecipientName::Structure { .. }));
        // What ended is swept: of that there is none.
        let secrets = given.filter_map(|it| Some((it.grant_id, self.grant_secret(it).ok()?)));
        secrets
            .map(|(grant_id, secret)| {
                let wrap = Base64(seal_for_owner(&secret, grant_id, &new.vault));
                OwnerWrap { grant_id, wrap }
            })
            .collect()
    }

    async fn enter_generation<W: World>(&mut self, world: &W, begun: Begun) -> Result<Self, Error> {
        let mut statements = self.statements.clone();
        statements.extend(begun.statements);
        let known = Known {
            secrets: begun.secrets,
            place: self.place.copy(),
            watch: std::mem::take(&mut self.watch),
            head: self.head,
            manifest: begun.manifest,
            statements,
            lost: None,
        };
        known.enter(world, begun.device, (None, None), self.kept).await
    }
}

fn is_over(error: &Error) -> bool {
    matches!(error, Error::Refused(problem) if problem.code == Code::ReturnOver)
}

/// The keys of all generations of a chain, the oldest first.
pub(super) fn named_keys(statements: &[Signed<Statement>]) -> Vec<&AccountKeys> {
    let named = statements.iter().filter_map(|statement| match &statement.body().body {
        Body::Open { keys } | Body::NewGeneration { keys, .. } => Some(keys),
        _ => None,
    });
    named.collect()
}
