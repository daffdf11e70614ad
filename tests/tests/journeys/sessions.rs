//! Opening sessions: at what time, on which device, how many, and never the same one again.

use anyhow::{Result, ensure};
use reconnect_core::{key::DeviceSecrets, secret::DeviceSeed, world::World as _};
use reconnect_format::{
    Suite,
    api::{Call, Code, OpenSession},
    codec::decode,
    id::{Base64, DeviceId},
    lock::SessionOpening,
    statement::{Attested, Body, Signer},
};
use reconnect_tests::{
    dump,
    stage::{DAY, Person, Server},
    wire::Answer,
};

super::on_both_databases! {
    a_session_is_opened_within_thirty_days_of_the_clock,
    a_statement_about_one_device_opens_no_session_on_another,
    an_opening_that_was_used_opens_nothing_again_and_is_forgotten_at_last,
    sessions_are_not_without_end,
}

fn opening(person: &Person, made_at: u64, token: u8) -> Result<OpenSession> {
    let opening = SessionOpening {
        suite: Suite::V1,
        account_id: person.vault.account_id(),
        device_id: person.vault.device_id(),
        token_hash: [token; 32],
        made_at,
    };
    let signed = person.vault.sign_anything(opening);
    let opening = Base64(decode::<Attested>(&signed.0)?.object);
    Ok(OpenSession { opening, statement: None, log_value: Base64::default(), continued: None })
}

async fn open(person: &Person, asked: &OpenSession) -> Result<Answer> {
    Ok(person.browser.send(&Call::send("/v1/sessions", asked).open(), None).await?)
}

async fn a_session_is_opened_within_thirty_days_of_the_clock(server: Server) -> Result<()> {
    let person = server.person().await?;
    let (now, most) = (person.browser.now(), 30 * DAY);
    for (token, made_at) in (1..).zip([now - most, now, now + most]) {
        let answer = open(&person, &opening(&person, made_at, token)?).await?;
        ensure!(answer.status == 201, "{made_at}: {}", answer.status);
    }
    for (token, made_at) in (11..).zip([0, now - most - 1, now + most + 1]) {
        let answer = open(&person, &opening(&person, made_at, token)?).await?;
        ensure!(answer.code() == Some(Code::WrongClock), "{made_at}: {:?}", answer.code());
    }
    Ok(())
}

async fn a_statement_about_one_device_opens_no_session_on_another(server: Server) -> Result<()> {
    let person = server.person().await?;
    let manifest = person.vault.manifest();
    let device = DeviceSecrets::derive(DeviceSeed::generate(&mut person.browser.rng()));
    let body = Body::AddDevice {
        device_id: DeviceId([0x77; 16]),
        signing: device.signing.public(),
        leaf: device.leaf.public(),
    };
    let now = person.browser.now();
    let added = person.vault.sign_as_root(manifest.next(
        Signer::Root { generation: 1 },
        body,
        now,
        [9; 16],
    ));
    let log_value = person.vault.log_value_of(&added).unwrap_or_default();
    let asked =
        OpenSession { statement: Some(Base64(added)), log_value, ..opening(&person, now, 1)? };
    let answer = open(&person, &asked).await?;
    ensure!(answer.code() == Some(Code::SessionEnded), "{:?}", answer.code());
    // Nothing of it was written.
    let mut again = person;
    again.vault.sync(&again.browser).await?;
    ensure!(again.vault.manifest().device(DeviceId([0x77; 16])).is_none());
    Ok(())
}

async fn an_opening_that_was_used_opens_nothing_again_and_is_forgotten_at_last(
    server: Server,
) -> Result<()> {
    let person = server.person().await?;
    let asked = opening(&person, person.browser.now(), 1)?;
    ensure!(open(&person, &asked).await?.status == 201);
    // What was lost on the way is asked for again.
    ensure!(open(&person, &asked).await?.status == 201);
    server.pass(1).await?;
    let answer = open(&person, &asked).await?;
    ensure!(answer.code() == Some(Code::SessionEnded), "{:?}", answer.code());
    server.pass(28).await?;
    ensure!(open(&person, &asked).await?.code() == Some(Code::SessionEnded));
    let mut connection = dump::connect(server.config()).await?;
    let mut kept = async || -> Result<i64> {
        let sql = "select count(*) from session where account_id = $1";
        let account_id = person.vault.account_id();
        let count = sqlx::query_scalar(sql).bind(account_id.as_bytes());
        Ok(count.fetch_one(&mut connection).await?)
    };
    ensure!(kept().await? > 0);
    server.pass(60).await?;
    let left = kept().await?;
    ensure!(left == 0, "{left} sessions are kept for ever");
    Ok(())
}

async fn sessions_are_not_without_end(server: Server) -> Result<()> {
    const MOST: u32 = 5_000;
    let (person, other) = (server.person().await?, server.person().await?);
    let mut connection = dump::connect(server.config()).await?;
    let (account, device) = (person.vault.account_id(), person.vault.device_id());
    let now = i64::try_from(person.browser.now())?;
    let sql = "select count(*) from session where account_id = $1";
    let has: i64 =
        sqlx::query_scalar(sql).bind(account.as_bytes()).fetch_one(&mut connection).await?;
    sqlx::query("begin").execute(&mut connection).await?;
    for number in u32::try_from(has)?..MOST - 1 {
        let mut token = [0xee; 32];
        token[..4].copy_from_slice(&number.to_be_bytes());
        sqlx::query(
            "insert into session (token_hash, account_id, device_id, expires_at, ended, kept_until)
            values ($1, $2, $3, $4, 1, $5)",
        )
        .bind(token.as_slice())
        .bind(account.as_bytes())
        .bind(device.as_bytes())
        .bind(now)
        .bind(now + 1_000_000)
        .execute(&mut connection)
        .await?;
    }
    sqlx::query("commit").execute(&mut connection).await?;
    ensure!(open(&person, &opening(&person, person.browser.now(), 1)?).await?.status == 201);
    let answer = open(&person, &opening(&person, person.browser.now(), 2)?).await?;
    ensure!(answer.code() == Some(Code::TooManyRequests), "{:?}", answer.code());
    ensure!(open(&other, &opening(&other, other.browser.now(), 3)?).await?.status == 201);
    Ok(())
}
