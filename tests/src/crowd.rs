//! Owners by the thousand, as the database has them once each has given a paper to a structure: signed,
//! sealed and wrapped as their own pages do, and written down beside the server. No lock of theirs is
//! made, which costs a third of a second each, and no envelope. Handles by the thousand, of one safe.

use anyhow::{Context as _, Result};
use getrandom::SysRng;
use rand_core::{Rng as _, UnwrapErr};
use reconnect::Config;
use reconnect_core::{
    grant::{GrantSecret, seal_for_owner, wrap_for_recipient},
    key::{AccountSecrets, DeviceSecrets, RecipientKey},
    place::LogPlace,
    recipient::Recipient,
    secret::{DeviceSeed, Root},
};
use reconnect_format::{
    Signed, Suite, Unverified,
    grant::{GrantTerms, Scope},
    id::{DeviceId, DocumentId, GrantId, StructureId},
    manifest::Manifest,
    statement::{Body, Signer, Statement},
};
use sqlx::AnyConnection;

use crate::{dump, team::Member};

/// For so long each gives.
const SECONDS: u64 = 90 * 86_400;

/// Lets so many owners have given something to the newest epoch of a member's structure.
pub async fn gives(config: &Config, member: &Member, owners: usize, now: u64) -> Result<()> {
    let kept = member.desk.keep_everything(&member.person.vault)?;
    let epoch = member.desk.recipient_epoch();
    let newest = member.desk.held_epochs().iter().position(|held| *held == epoch);
    let key = kept.recipient_keys.get(newest.context("no seed")?).context("no key")?;
    let mut connection = dump::connect(config).await?;
    sqlx::query("begin").execute(&mut connection).await?;
    for _ in 0..owners {
        one(&mut connection, (member.desk.structure_id(), epoch, key), now).await?;
    }
    sqlx::query("commit").execute(&mut connection).await?;
    Ok(())
}

async fn one(
    connection: &mut AnyConnection,
    (structure_id, epoch, key): (StructureId, u64, &RecipientKey),
    now: u64,
) -> Result<()> {
    let rng = &mut UnwrapErr(SysRng);
    let secrets = AccountSecrets::derive(Root::generate(rng), 1);
    let device = DeviceSecrets::derive(DeviceSeed::generate(rng));
    let device_id = DeviceId(draw());
    let root = Signer::Root { generation: 1 };
    let keys = secrets.public();
    let open = Manifest::before(keys.clone()).next(root, Body::Open { keys }, now, draw());
    let opening = secrets.signing.sign(open);
    let (manifest, _) = Manifest::begin(Unverified::decode(&opening.encode())?)?;
    let account_id = manifest.account_id();
    let (signing, leaf) = (device.signing.public(), device.leaf.public());
    let add = Body::AddDevice { device_id, signing, leaf };
    let added = secrets.signing.sign(manifest.next(root, add, now, draw()));
    let (place, _) = LogPlace::generate(account_id, rng);
    let secret = GrantSecret::generate("Aminata D.", "Demande de logement", &place, rng)?;
    let recipient = Recipient::of_own_epoch(structure_id, epoch, key);
    let document_id = DocumentId(draw());
    let grant_id = GrantId(draw());
    let terms = GrantTerms {
        grant_id,
        recipient: recipient.name().clone(),
        scope: Scope::Documents { document_ids: vec![document_id] },
        ends_at: now + SECONDS,
        face_hash: secret.face_hash(),
        commitment: secret.commitment(grant_id),
    };
    let given = device.signing.sign(Statement {
        suite: Suite::V1,
        account_id,
        sequence: 3,
        previous: added.hash(),
        made_at: now,
        salt: draw(),
        signer: Signer::Device { device_id },
        manifest_root: draw(),
        body: Body::Grant(terms),
    });
    let wrap = wrap_for_recipient(&secret, given.hash(), &recipient, rng)?;
    write_safe(connection, (&place, &given), [(&opening, None), (&added, None), (&given, Some(2))])
        .await?;
    sqlx::query(
        "insert into granted (grant_id, account_id, structure_id, ends_at, sequence, received_at,
          owner_wrap, recipient_wrap, epoch)
        values ($1, $2, $3, $4, 3, $5, $6, $7, $8)",
    )
    .bind(grant_id.as_bytes())
    .bind(account_id.as_bytes())
    .bind(structure_id.as_bytes())
    .bind(i64::try_from(now + SECONDS)?)
    .bind(i64::try_from(now)?)
    .bind(seal_for_owner(&secret, grant_id, &secrets.vault))
    .bind(wrap)
    .bind(i64::try_from(epoch)?)
    .execute(&mut *connection)
    .await?;
    sqlx::query("insert into granted_document (grant_id, document_id) values ($1, $2)")
        .bind(grant_id.as_bytes())
        .bind(document_id.as_bytes())
        .execute(&mut *connection)
        .await?;
    Ok(())
}

/// Lets so many more handles open the safe of `handle`, as far as a server can tell: known ones.
pub async fn handles(config: &Config, handle: &str, more: &[String]) -> Result<()> {
    let mut connection = dump::connect(config).await?;
    sqlx::query("begin").execute(&mut connection).await?;
    for another in more {
        sqlx::query(
            "insert into lock (lock_id, account_id, sequence, handle, record, root_wrap)
            select $1, account_id, sequence, $2, record, root_wrap from lock where handle = $3",
        )
        .bind(draw::<16>().as_slice())
        .bind(another)
        .bind(handle)
        .execute(&mut connection)
        .await?;
    }
    sqlx::query("commit").execute(&mut connection).await?;
    Ok(())
}

/// A safe's row and its chain.
async fn write_safe(
    connection: &mut AnyConnection,
    (place, head): (&LogPlace, &Signed<Statement>),
    said: [(&Signed<Statement>, Option<i64>); 3],
) -> Result<()> {
    let account_id = head.body().account_id;
    sqlx::query(
        "insert into account (account_id, sequence, head, used_bytes, receipt_count, log_index, log_place)
        values ($1, 3, $2, 0, 0, $3, $4)",
    )
    .bind(account_id.as_bytes())
    .bind(head.hash().as_slice())
    .bind(place.index().as_slice())
    .bind(draw::<114>().as_slice())
    .execute(&mut *connection)
    .await?;
    for (sequence, (statement, proof)) in (1_i64..).zip(said) {
        sqlx::query(
            "insert into statement (account_id, sequence, proof_sequence, bytes) values ($1, $2, $3, $4)",
        )
        .bind(account_id.as_bytes())
        .bind(sequence)
        .bind(proof)
        .bind(statement.encode())
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

fn draw<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    UnwrapErr(SysRng).fill_bytes(&mut bytes);
    bytes
}
