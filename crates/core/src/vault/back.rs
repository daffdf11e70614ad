//! The safe as whoever comes back has it: without a session, and as far as the generation of their guardians opens
//! it. Nothing is done in it but to begin a new generation. PROTOCOL.md sections 16.2 and 16.3.

use reconnect_format::{
    api::{Call, OpenReturn, OwnerWrap, ReturnOpened, Wrap},
    decode,
    grant::{GrantTerms, RecipientName},
    id::{AccountId, Base64, LockId, ReturnId},
    lock::{LockKind, RootWrap},
    manifest::Manifest,
    statement::{Body, Signer},
};

use super::{
    Vault, check_remembered,
    entry::{Known, NewDevice},
    generation::named_keys,
    head_name,
    log::check_head,
    unlock::newest_of,
};
use crate::{
    error::{Damaged, Error, ServerMisbehaved, Unchecked},
    grant,
    held::HeldSecret,
    key::AccountSecrets,
    lock::unwrap_root,
    log::Watch,
    place::LogPlace,
    world::{World, ask},
};

/// How somebody came back.
pub(super) struct Back {
    key: HeldSecret,
    lock_id: LockId,
    return_id: ReturnId,
    /// The owner's own grant of the guardians' generation.
    pub(super) own: GrantTerms,
}

impl Back {
    /// Who signs the generation that is begun.
    pub(super) fn signer(&self) -> Signer {
        Signer::Guardians { lock_id: self.lock_id }
    }

    /// With which key.
    pub(super) fn key(&self) -> &HeldSecret {
        &self.key
    }

    /// Where it is taken in.
    pub(super) fn path(&self) -> String {
        format!("/v1/returns/{}/generation", self.return_id)
    }
}

/// What a lock of guardians gave, in several answers.
struct Given {
    root_wrap: Base64,
    log_place: Base64,
    earlier_roots: Option<Base64>,
    statements: Vec<Base64>,
    owner_wraps: Vec<OwnerWrap>,
    wraps: Vec<Wrap>,
}

impl Given {
    /// SYNC-4.
    async fn ask(world: &impl World, key: &HeldSecret, return_id: ReturnId) -> Result<Self, Error> {
        let (mut given, mut records_after): (Option<Self>, u64) = (None, 0);
        loop {
            let held_use = Base64(key.sign_use(world.now(), Vec::new(), &mut world.rng()));
            let statements_after = newest_of(given.as_ref().map_or(&[][..], |it| &it.statements))?;
            let asked = OpenReturn { held_use, statements_after, records_after };
            let call = Call::send(format!("/v1/returns/{return_id}/open"), &asked).open();
            let page: ReturnOpened = ask(world, call, None).await?;
            let brings = !page.statements.is_empty() || page.records_until > records_after;
            if page.more && !brings {
                return Err(Error::Unreadable);
            }
            records_after = page.records_until;
            let more = page.more;
            match &mut given {
                Some(given) => {
                    given.statements.extend(page.statements);
                    given.owner_wraps.extend(page.owner_wraps);
                    given.wraps.extend(page.wraps);
                }
                None => given = Some(Self::begin(page)),
            }
            if let Some(given) = given.take_if(|_| !more) {
                return Ok(given);
            }
        }
    }

    fn begin(page: ReturnOpened) -> Self {
        Self {
            root_wrap: page.root_wrap,
            log_place: page.log_place,
            earlier_roots: page.earlier_roots,
            statements: page.statements,
            owner_wraps: page.owner_wraps,
            wraps: page.wraps,
        }
    }
}

impl Vault {
    /// Opens a safe with what guardians put together, and believes what the server gives as far as the chain says it:
    /// the keys are those of the lock's generation, and the lock may begin another. BACK-6, GUARD-7.
    pub(super) async fn come_back(
        world: &impl World,
        (account_id, lock_id, return_id): (AccountId, LockId, ReturnId),
        key: HeldSecret,
        mut watch: Watch,
        kept: bool,
    ) -> Result<Self, Error> {
        let given = Given::ask(world, &key, return_id).await?;
        let wrap: RootWrap = decode(&given.root_wrap.0).map_err(|_| Damaged)?;
        let root = unwrap_root(&key.secret(), &wrap)?;
        let (manifest, statements) =
            Manifest::replay(given.statements.iter().map(|it| it.0.as_slice()))?;
        let secrets = AccountSecrets::derive(root, wrap.binding.generation);
        let set = statements.iter().any(|it| {
            matches!(&it.body().body, Body::SetLock { lock_id: set, generation, wrap_hash, .. }
                if *set == lock_id && *generation == secrets.generation && *wrap_hash == wrap.hash())
        });
        let until = usize::try_from(secrets.generation).map_err(|_| Damaged)?;
        let all = named_keys(&statements);
        let named = all.get(..until).ok_or(ServerMisbehaved::Forged)?;
        let ours = manifest.account_id() == account_id
            && named.last().is_some_and(|keys| **keys == secrets.public())
            && wrap.binding.account_id == account_id
            && wrap.binding.lock_id == lock_id
            && wrap.binding.kind == LockKind::Guardians
            && set
            && manifest.guardians_of(lock_id).is_some();
        if !ours {
            return Err(ServerMisbehaved::Forged.into());
        }
        let earlier = match &given.earlier_roots {
            Some(sealed) => Some(secrets.open_earlier(account_id, sealed, named)?),
            None if until == 1 => None,
            None => return Err(Damaged.into()),
        };
        let of_owner = RecipientName::Owner { generation: secrets.generation };
        let mut own = statements.iter().filter_map(|it| it.body().body.grant_terms());
        let own = own.rfind(|terms| terms.recipient == of_owner);
        let own = own.ok_or(ServerMisbehaved::Forged)?.clone();
        let remembered = world.kept(&head_name(account_id)).await;
        check_remembered(remembered.as_deref(), &statements, None)?;
        let place = LogPlace::open(&secrets.vault, account_id, &given.log_place.0)?;
        let device = NewDevice::draw(world, &secrets, kept);
        // Whoever is overruled may have told the log what is not so; nothing but a generation follows.
        let head = match check_head(&mut watch, world, &place, &statements, kept).await {
            Err(Error::Misbehaved(ServerMisbehaved::Withheld)) => Err(Unchecked::Behind),
            head => head?,
        };
        let known = Known { secrets, place, watch, head, manifest, statements, lost: None };
        // No session, and so no token: nothing but a new generation can be asked for.
        let mut vault = known.outside(world, device, String::new(), kept);
        vault.earlier = earlier;
        vault.owner_wraps.extend(given.owner_wraps.into_iter().map(|it| (it.grant_id, it.wrap.0)));
        vault.wraps.extend(given.wraps.into_iter().map(|it| (it.envelope_id, it.wrap.0)));
        let wrap = vault.owner_wraps.get(&own.grant_id).ok_or(Damaged)?;
        vault.own_key = grant::open_as_owner(wrap, &own, &vault.secrets.vault, &vault.place)?.key();
        vault.back = Some(Box::new(Back { key, lock_id, return_id, own }));
        Ok(vault)
    }

    /// The same again, when the chain has grown meanwhile. STMT-7.
    pub(super) async fn come_back_again(&mut self, world: &impl World) -> Result<(), Error> {
        let Some(back) = self.back.as_ref() else { return self.sync(world).await };
        let which = (self.account_id(), back.lock_id, back.return_id);
        let (key, watch) = (back.key.copy(), std::mem::take(&mut self.watch));
        *self = Box::pin(Self::come_back(world, which, key, watch, self.kept)).await?;
        Ok(())
    }

    /// The terms of the owner's own grant, of the generation whose secrets this has.
    pub(super) fn own_terms(&self) -> Option<&GrantTerms> {
        match &self.back {
            Some(back) => Some(&back.own),
            None => self.manifest.owner_grant(),
        }
    }
}
