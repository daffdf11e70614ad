//! Safes that come from a backup, and go on without what the log names further (PROTOCOL.md section 17.1).

use reconnect_format::{
    api::{Code, Continued},
    id::AccountId,
    statement::Body,
};
use reconnect_log::Newest;
use sqlx::AnyConnection;

use crate::{
    app::App,
    comeback,
    error::{Error, Result},
    grant, log, restore, session,
    statement::{Next, Place, place},
};

/// A statement with which a safe goes on, verified, and not yet written.
pub(crate) struct Going {
    pub(crate) next: Box<Next>,
    log_value: [u8; 32],
}

/// Verifies a statement that goes on from a backup, which the root has signed: it must name what the log names.
/// `None` when it is written already. BACKUP-10.
pub(crate) async fn check(
    account_id: AccountId,
    asked: &Continued,
    app: &App,
) -> Result<Option<Going>> {
    let next = match place(account_id, asked.statement.0.clone(), app).await? {
        Place::Written(_) => return Ok(None),
        Place::Next(next) => next,
    };
    let Body::Continue { sequence, value, .. } = next.statement.body().body else {
        return Err(Code::Refused.into());
    };
    check_named(account_id, Newest { sequence, value }, app).await?;
    Ok(Some(Going { next, log_value: log::value(&asked.log_value)? }))
}

/// Whether a restore makes requests again: the log has gone on since, and what is behind is not known yet.
fn is_made_again(app: &App) -> bool {
    restore::check_finished(&app.config.data).is_err()
}

/// It must be what the log names of a safe. Where the newest is not shown yet, it is worth waiting.
async fn check_named(account_id: AccountId, named: Newest, app: &App) -> Result<()> {
    let index: Vec<u8> = sqlx::query_scalar(
        "-- continued::check_named
        select log_index from account where account_id = $1",
    )
    .bind(account_id.as_bytes())
    .fetch_one(app.db.reader())
    .await?;
    match app.log.newest(&index)? {
        Some(newest) if newest == named || is_made_again(app) => Ok(()),
        Some(newest) if newest.sequence > named.sequence => Err(Error::Wait(Code::Unavailable, 60)),
        _ => Err(Code::Refused.into()),
    }
}

/// Whether a safe is behind the log: nothing of it is given out, and nothing is said in it but that it goes on.
pub(crate) async fn is_behind(account_id: AccountId, tx: &mut AnyConnection) -> Result<bool> {
    let behind: Option<i64> = sqlx::query_scalar(
        "-- continued::is_behind
        select 1 from behind where account_id = $1",
    )
    .bind(account_id.as_bytes())
    .fetch_optional(&mut *tx)
    .await?;
    Ok(behind.is_some())
}

/// Refuses what nobody may do in a safe that is behind the log.
pub(crate) async fn check_not_behind(account_id: AccountId, tx: &mut AnyConnection) -> Result<()> {
    if is_behind(account_id, tx).await? { Err(Code::FromBackup.into()) } else { Ok(()) }
}

impl Going {
    /// Writes it: the safe is behind no more, and nothing of what was given is left.
    pub(crate) async fn write(&self, app: &App, tx: &mut AnyConnection) -> Result<()> {
        let Next { before, after, .. } = self.next.as_ref();
        let account_id = after.account_id();
        let was_behind = sqlx::query(
            "-- continued::write
            delete from behind where account_id = $1",
        )
        .bind(account_id.as_bytes())
        .execute(&mut *tx)
        .await?;
        if was_behind.rows_affected() != 1 && !is_made_again(app) {
            // Another device was faster, or there is nothing to go on from.
            return Err(Code::Conflict.into());
        }
        self.next.write(&self.log_value, app.clock.now(), tx).await?;
        for (device_id, _) in before.devices().filter(|(it, _)| after.device(*it).is_none()) {
            session::retire_device(account_id, device_id, tx).await?;
        }
        for grant_id in before.given().filter(|it| after.grant(*it).is_none()) {
            grant::revoke(account_id, grant_id, tx).await?;
        }
        // That its owner stopped one is not known either.
        comeback::end_all(account_id, app.clock.now(), tx).await?;
        Ok(())
    }
}
