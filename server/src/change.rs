//! Commits of a structure's group: admitting somebody, taking somebody's place away, letting another
//! device of a member in.
//!
//! The order of an MLS group's commits is decided here, by compare-and-swap on its epoch; what a
//! commit says is for the members to judge.

use axum::{extract::State, http::StatusCode};
use reconnect_format::{
    api::{Admitted, Answered, Code, GroupChange, Joining, Problem},
    decode,
    id::{AccountId, DeviceId, StructureId},
    structure::{
        AuthenticatedJoin, Certificate, EpochTerms, LeafRequest, Link, RosterTerms, StructureBody,
        StructureChain, verify_certificate, verify_leaf_request,
    },
};
use sqlx::AnyConnection;

use crate::{
    again,
    app::App,
    caller::Caller,
    chains,
    db::transaction,
    effect::role_row,
    error::Result,
    leaf, log,
    member::{joined, learn},
    structure, turn,
    wire::{Named, Sent, to_row},
};

/// Takes a commit in with everything that goes with it, in one transaction: statements, history,
/// and who joins or who leaves. Who leaves is refused from the answer on. Members who do not manage
/// may let a member's device in, and take leaves of their own away.
#[utoipa::path(
    post, path = "/v1/structures/{structure_id}/commits",
    params(("structure_id" = String, Path)), request_body = GroupChange,
    responses((status = 204), (status = "default", body = Problem))
)]
pub(crate) async fn change(
    caller: Caller,
    State(app): State<App>,
    Named(structure_id): Named<StructureId>,
    Sent(change): Sent<GroupChange>,
) -> Result<StatusCode> {
    let now = app.clock.now();
    // Somebody must be able to lose their place when the disk is full.
    let last = change.statements.last().and_then(|it| Link::claim(&it.0).ok());
    if !last.is_some_and(|it| matches!(it.body, StructureBody::Epoch(_))) {
        app.disk.check_room(0)?;
    }
    learn(structure_id, caller, &app).await?;
    transaction!(app.db, "change::change", |tx| {
        let chain = joined(structure_id, caller, &app, tx).await?;
        let manages = chain.is_manager(caller.account_id);
        if is_stored(structure_id, &change, tx).await? {
            return Ok(());
        }
        let welcome = match &change.joining {
            Some(Joining::Admitted(admitted)) => &admitted.welcome,
            Some(Joining::Answered(answered)) => &answered.welcome,
            None => &change.commit,
        };
        let sealed = [&change.commit, &change.history, &change.recovery, welcome];
        structure::check_sizes(structure_id, &sealed, tx).await?;
        let checked = Checked::new(&change, chain, now)?;
        checked.commit(&change, tx).await?;
        again::keep((structure_id, caller), change.mls_epoch + 1, &change.recovery, tx).await?;
        match (&change.joining, &checked.said) {
            (Some(Joining::Admitted(admitted)), Said::Joined(certificate)) if manages => {
                // CERT-2: a number is one person's.
                if structure::was_certified(structure_id, certificate.number, tx).await? {
                    return Err(Code::Refused.into());
                }
                structure::insert_certificate(certificate, &admitted.certificate.0, tx).await?;
                let device_id = checked.use_invitation(certificate, admitted, tx).await?;
                checked.confirm(certificate, tx).await?;
                let asker = (certificate.account_id, device_id);
                leaf::welcome(checked.joined(asker), &admitted.welcome.0, tx).await?;
            }
            (Some(Joining::Answered(answered)), Said::Answered(request)) => {
                let asker = (request.account_id, request.device_id);
                leaf::use_up((structure_id, asker), &answered.request.0, tx).await?;
                leaf::welcome(checked.joined(asker), &answered.welcome.0, tx).await?;
            }
            (None, Said::Left(terms)) => checked.put_out(terms, tx).await?,
            (None, Said::Retired) => {}
            _ => return Err(Code::Refused.into()),
        }
        // Last: what is refused is not counted.
        turn::take(&checked.chain, caller.account_id, &change.statements, (app.clock.now(), tx))
            .await
    })?;
    if change.joining.is_none() {
        app.taken_away();
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn is_stored(
    structure_id: StructureId,
    change: &GroupChange,
    tx: &mut AnyConnection,
) -> Result<bool> {
    let stored: Option<Vec<u8>> = sqlx::query_scalar(
        "-- change::is_stored
        select bytes from mls_commit where structure_id = $1 and mls_epoch = $2",
    )
    .bind(structure_id.as_bytes())
    .bind(to_row(change.mls_epoch))
    .fetch_optional(&mut *tx)
    .await?;
    match stored {
        None => Ok(false),
        Some(stored) if stored == change.commit.0 => Ok(true),
        Some(_) => Err(Code::Conflict.into()),
    }
}

/// What a change says.
enum Said {
    Joined(Certificate),
    Answered(Box<LeafRequest>),
    Left(EpochTerms),
    /// Leaves of the committer's own devices went.
    Retired,
}

/// A change that was verified against the structure's chain.
struct Checked {
    /// After it.
    chain: StructureChain,
    before: u64,
    said: Said,
}

impl Checked {
    fn new(change: &GroupChange, mut chain: StructureChain, now: u64) -> Result<Self> {
        let (before, _) = chain.head();
        let group = chain.roster.as_ref().map(|roster| roster.group);
        let last = change.statements.last().ok_or(Code::Refused)?;
        let first = change.statements.first().ok_or(Code::Refused)?;
        // Another change was faster: read again and repeat.
        if Link::claim(&first.0)?.sequence <= before {
            return Err(Code::Conflict.into());
        }
        for link in &change.statements {
            chain.append(&link.0)?;
        }
        let sound = !change.commit.0.is_empty() && !change.recovery.0.is_empty();
        let follows = |roster: &RosterTerms| {
            sound
                && Some(roster.group) == group
                && change.mls_epoch.checked_add(1) == Some(roster.mls_epoch)
        };
        chains::check_room(&chain, &last.0)?;
        let claim = Link::claim(&last.0)?;
        let named = (claim.sequence, claim.made_at);
        let said = match (claim.body, &change.joining) {
            (StructureBody::Roster { terms, .. }, _)
                if !follows(&terms) || change.statements.len() != 1 =>
            {
                return Err(Code::Refused.into());
            }
            (StructureBody::Roster { answers: None, .. }, None) => Said::Retired,
            (StructureBody::Roster { answers, .. }, Some(Joining::Answered(answered)))
                if !answered.welcome.0.is_empty() =>
            {
                let request = verify_leaf_request(&answered.request.0, chain.structure_id, named)?;
                if answers != Some(request.hash()) {
                    return Err(Code::Refused.into());
                }
                Said::Answered(Box::new(request.into_body()))
            }
            (StructureBody::Roster { answers: None, .. }, Some(Joining::Admitted(admitted)))
                if !admitted.welcome.0.is_empty() =>
            {
                let certificate = verify_certificate(&admitted.certificate.0, &chain)?.into_body();
                if certificate.ends_at <= now || chain.is_revoked(certificate.number) {
                    return Err(Code::Refused.into());
                }
                Said::Joined(certificate)
            }
            (StructureBody::Epoch(terms), None)
                if follows(&terms.roster) && !terms.revoked.is_empty() =>
            {
                Said::Left(terms)
            }
            _ => return Err(Code::Refused.into()),
        };
        Ok(Self { chain, before, said })
    }

    fn structure_id(&self) -> StructureId {
        self.chain.structure_id
    }

    /// Takes the group from its epoch to the next, unless somebody was faster.
    async fn commit(&self, change: &GroupChange, tx: &mut AnyConnection) -> Result<()> {
        let moved = sqlx::query(
            "-- Checked::commit
            update structure set mls_epoch = mls_epoch + 1, history = $1, sequence = $2
            where structure_id = $3 and mls_epoch = $4 and sequence = $5",
        )
        .bind(change.history.0.clone())
        .bind(to_row(self.chain.head().0))
        .bind(self.structure_id().as_bytes())
        .bind(to_row(change.mls_epoch))
        .bind(to_row(self.before))
        .execute(&mut *tx)
        .await?;
        if moved.rows_affected() != 1 {
            return Err(Code::Conflict.into());
        }
        let request = match &change.joining {
            Some(Joining::Answered(Answered { request, .. })) => Some(request.0.clone()),
            _ => None,
        };
        sqlx::query(
            "-- Checked::commit
            insert into mls_commit (structure_id, mls_epoch, bytes, request)
            values ($1, $2, $3, $4)",
        )
        .bind(self.structure_id().as_bytes())
        .bind(to_row(change.mls_epoch))
        .bind(change.commit.0.clone())
        .bind(request)
        .execute(&mut *tx)
        .await?;
        for (sequence, statement) in (self.before + 1..).zip(&change.statements) {
            structure::insert_statement(self.structure_id(), sequence, &statement.0, tx).await?;
        }
        log::entry(self.structure_id(), self.chain.head(), tx).await
    }

    /// Who comes in with it, and the epoch after.
    fn joined(&self, asker: (AccountId, DeviceId)) -> leaf::Joined {
        let epoch = self.chain.roster.as_ref().map_or(0, |roster| roster.mls_epoch);
        leaf::Joined { structure_id: self.structure_id(), asker, epoch }
    }

    /// Uses the invitation up, which the certified account must have answered, and gives the device
    /// at which it did.
    async fn use_invitation(
        &self,
        certificate: &Certificate,
        admitted: &Admitted,
        tx: &mut AnyConnection,
    ) -> Result<DeviceId> {
        let answer: Option<Vec<u8>> = sqlx::query_scalar(
            "-- Checked::use_invitation
            update invitation set used = 1
            where invitation_id = $1 and structure_id = $2 and used = 0 and joiner = $3
              and role = $4
            returning answer",
        )
        .bind(admitted.invitation_id.as_bytes())
        .bind(self.structure_id().as_bytes())
        .bind(certificate.account_id.as_bytes())
        .bind(role_row(certificate.role))
        .fetch_optional(&mut *tx)
        .await?;
        let answer: AuthenticatedJoin = decode(&answer.ok_or(Code::Refused)?)?;
        Ok(answer.request.device_id)
    }

    async fn confirm(&self, certificate: &Certificate, tx: &mut AnyConnection) -> Result<()> {
        let confirmed = sqlx::query(
            "-- Checked::confirm
            update member set confirmed = 1, serial = $1, number = $2, ends_at = $3
            where structure_id = $4 and account_id = $5 and confirmed = 0",
        )
        .bind(to_row(certificate.serial))
        .bind(i64::from(certificate.number))
        .bind(to_row(certificate.ends_at))
        .bind(self.structure_id().as_bytes())
        .bind(certificate.account_id.as_bytes())
        .execute(&mut *tx)
        .await?;
        if confirmed.rows_affected() == 1 { Ok(()) } else { Err(Code::Refused.into()) }
    }

    /// GROUP-12: two managers, or the root, say first that somebody manages no more.
    async fn check_no_manager(&self, number: u32, tx: &mut AnyConnection) -> Result<()> {
        let stored: Vec<Vec<u8>> = sqlx::query_scalar(
            "-- Checked::check_no_manager
            select bytes from certificate where structure_id = $1 and number = $2",
        )
        .bind(self.structure_id().as_bytes())
        .bind(i64::from(number))
        .fetch_all(&mut *tx)
        .await?;
        for certificate in stored {
            let certificate = verify_certificate(&certificate, &self.chain)?;
            if self.chain.is_manager(certificate.body().account_id) {
                return Err(Code::Refused.into());
            }
        }
        Ok(())
    }

    /// Whoever left has no place any more, and owners give to the new epoch.
    async fn put_out(&self, terms: &EpochTerms, tx: &mut AnyConnection) -> Result<()> {
        for number in &terms.revoked {
            self.check_no_manager(*number, tx).await?;
            let sealed = "-- Checked::put_out
                delete from recovery where structure_id = $1 and number = $2";
            let sealed = sqlx::query(sealed).bind(self.structure_id().as_bytes());
            sealed.bind(i64::from(*number)).execute(&mut *tx).await?;
            let gone = sqlx::query(
                "-- Checked::put_out
                delete from member where structure_id = $1 and number = $2 and confirmed = 1",
            )
            .bind(self.structure_id().as_bytes())
            .bind(i64::from(*number))
            .execute(&mut *tx)
            .await?;
            // Who closed their safe is gone already.
            if gone.rows_affected() != 1
                && !structure::was_certified(self.structure_id(), *number, tx).await?
            {
                return Err(Code::Refused.into());
            }
        }
        sqlx::query(
            "-- Checked::put_out
            update structure set epoch = $1, key_id = $2 where structure_id = $3",
        )
        .bind(to_row(terms.epoch))
        .bind(terms.recipient.id().as_slice())
        .bind(self.structure_id().as_bytes())
        .execute(&mut *tx)
        .await?;
        Ok(())
    }
}
