//! Commits of a structure's group: admitting somebody, and taking somebody's place away.
//!
//! The order of an MLS group's commits is decided here, by compare-and-swap on its epoch; what a
//! commit says is for the members to judge.

use axum::{extract::State, http::StatusCode};
use reconnect_format::{
    api::{Admitted, Code, GroupChange, Problem},
    id::StructureId,
    structure::{
        Certificate, EpochTerms, Link, RosterTerms, StructureBody, StructureChain,
        verify_certificate,
    },
};
use sqlx::AnyConnection;

use crate::{
    app::App,
    caller::Caller,
    db::transaction,
    effect::role_row,
    error::Result,
    log,
    member::managed,
    structure,
    wire::{Named, Sent, to_row},
};

/// Takes a commit in with everything that goes with it, in one transaction: statements, history,
/// and who joins or who leaves. Who leaves is refused from the answer on.
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
    if change.admitted.is_some() {
        app.disk.check_room(0)?;
    }
    transaction!(app.db, "change::change", |tx| {
        let chain = managed(structure_id, caller, tx).await?;
        if is_stored(structure_id, &change, tx).await? {
            return Ok(());
        }
        let checked = Checked::new(&change, chain, now)?;
        checked.commit(&change, tx).await?;
        match (&change.admitted, &checked.said) {
            (Some(admitted), Said::Joined(certificate)) => {
                structure::insert_certificate(certificate, &admitted.certificate.0, tx).await?;
                checked.use_invitation(certificate, admitted, tx).await?;
                checked.confirm(certificate, admitted, tx).await
            }
            (None, Said::Left(terms)) => checked.put_out(terms, tx).await,
            _ => Err(Code::Refused.into()),
        }
    })?;
    if change.admitted.is_none() {
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
    Left(EpochTerms),
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
        let said = match (Link::claim(&last.0)?.body, &change.admitted) {
            (StructureBody::Roster(roster), Some(admitted))
                if follows(&roster)
                    && change.statements.len() == 1
                    && !admitted.welcome.0.is_empty() =>
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
            update structure set mls_epoch = mls_epoch + 1, history = $1, recovery = $2,
              sequence = $3
            where structure_id = $4 and mls_epoch = $5 and sequence = $6",
        )
        .bind(change.history.0.clone())
        .bind(change.recovery.0.clone())
        .bind(to_row(self.chain.head().0))
        .bind(self.structure_id().as_bytes())
        .bind(to_row(change.mls_epoch))
        .bind(to_row(self.before))
        .execute(&mut *tx)
        .await?;
        if moved.rows_affected() != 1 {
            return Err(Code::Conflict.into());
        }
        sqlx::query(
            "-- Checked::commit
            insert into mls_commit (structure_id, mls_epoch, bytes) values ($1, $2, $3)",
        )
        .bind(self.structure_id().as_bytes())
        .bind(to_row(change.mls_epoch))
        .bind(change.commit.0.clone())
        .execute(&mut *tx)
        .await?;
        for (sequence, statement) in (self.before + 1..).zip(&change.statements) {
            structure::insert_statement(self.structure_id(), sequence, &statement.0, tx).await?;
        }
        log::entry(self.structure_id(), self.chain.head(), tx).await
    }

    /// Uses the invitation up, which the certified account must have answered.
    async fn use_invitation(
        &self,
        certificate: &Certificate,
        admitted: &Admitted,
        tx: &mut AnyConnection,
    ) -> Result<()> {
        let used = sqlx::query(
            "-- Checked::use_invitation
            update invitation set used = 1
            where invitation_id = $1 and structure_id = $2 and used = 0 and joiner = $3
              and role = $4",
        )
        .bind(admitted.invitation_id.as_bytes())
        .bind(self.structure_id().as_bytes())
        .bind(certificate.account_id.as_bytes())
        .bind(role_row(certificate.role))
        .execute(&mut *tx)
        .await?;
        if used.rows_affected() == 1 { Ok(()) } else { Err(Code::Refused.into()) }
    }

    async fn confirm(
        &self,
        certificate: &Certificate,
        admitted: &Admitted,
        tx: &mut AnyConnection,
    ) -> Result<()> {
        let joined_epoch = self.chain.roster.as_ref().map_or(0, |roster| roster.mls_epoch);
        let confirmed = sqlx::query(
            "-- Checked::confirm
            update member set confirmed = 1, serial = $1, number = $2, ends_at = $3,
              joined_epoch = $4, welcome = $5
            where structure_id = $6 and account_id = $7 and confirmed = 0",
        )
        .bind(to_row(certificate.serial))
        .bind(i64::from(certificate.number))
        .bind(to_row(certificate.ends_at))
        .bind(to_row(joined_epoch))
        .bind(admitted.welcome.0.clone())
        .bind(self.structure_id().as_bytes())
        .bind(certificate.account_id.as_bytes())
        .execute(&mut *tx)
        .await?;
        if confirmed.rows_affected() == 1 { Ok(()) } else { Err(Code::Refused.into()) }
    }

    /// Whoever left has no place any more, and owners give to the new epoch.
    async fn put_out(&self, terms: &EpochTerms, tx: &mut AnyConnection) -> Result<()> {
        for number in &terms.revoked {
            let gone = sqlx::query(
                "-- Checked::put_out
                delete from member where structure_id = $1 and number = $2 and confirmed = 1",
            )
            .bind(self.structure_id().as_bytes())
            .bind(i64::from(*number))
            .execute(&mut *tx)
            .await?;
            if gone.rows_affected() != 1 {
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
