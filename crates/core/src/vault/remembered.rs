//! What a device of one's own remembers of a safe: the newest head that it saw.

use reconnect_format::{Signed, check, id::AccountId, statement::Statement};

use super::{continued, log};
use crate::error::{Error, ServerMisbehaved, Told};

pub(crate) fn head_name(account_id: AccountId) -> String {
    format!("head/{account_id}")
}

/// The number of the newest statement that this device saw; 0 where it saw none.
pub(crate) fn remembered_number(remembered: Option<&[u8]>) -> u64 {
    let number = remembered.and_then(|bytes| bytes.first_chunk::<8>());
    number.map_or(0, |number| u64::from_be_bytes(*number))
}

/// Checks that a chain contains the head that this device saw, or went on from a backup without it, which whoever
/// comes in must know. SYNC-2, SYNC-5.
pub(crate) fn check_remembered(
    remembered: Option<&[u8]>,
    statements: &[Signed<Statement>],
    knows: Option<Told>,
) -> Result<(), Error> {
    let Some(head) = remembered.and_then(|bytes| bytes.get(8..)) else { return Ok(()) };
    let number = remembered_number(remembered);
    match log::numbered(statements, number) {
        _ if !check!(RememberedHead) => Ok(()),
        Some(statement) if statement.hash() == head => Ok(()),
        Some(_) => Err(ServerMisbehaved::Fork.into()),
        None => match continued::passed_over(statements, number) {
            Some((before, next)) => {
                let told = Told::WentOn { until: before.made_at, at: next.made_at };
                if knows == Some(told) { Ok(()) } else { Err(Error::Missing(told)) }
            }
            None => Err(ServerMisbehaved::Rollback.into()),
        },
    }
}
