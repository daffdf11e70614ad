//! What ranges are read, where their pieces are, and when a download looks again.

use anyhow::{Context as _, ensure};
use clap::Parser as _;
use reconnect_format::{
    Suite, encode,
    envelope::{CHUNK_BYTES, EnvelopeKind, padded_content_bytes},
    id::{AccountId, DeviceId},
};

use super::*;
use crate::{Clock, Config, blob::Part};

#[derive(clap::Parser)]
struct Command {
    #[command(flatten)]
    config: Config,
}

async fn on(folder: &tempfile::TempDir) -> anyhow::Result<App> {
    let data = folder.path().to_str().context("text")?;
    let config = Command::try_parse_from(["reconnect", "--data", data])?.config;
    App::open(config, Clock::manual(1_000_000)).await
}

const PREFIX: u64 = PREFIX_BYTES as u64;

/// A content of several parts, of which no byte is stored.
fn content() -> Result<Content> {
    let header = EnvelopeHeader {
        suite: Suite::V1,
        kind: EnvelopeKind::Content,
        owner: AccountId([1; 32]),
        document_id: DocumentId([2; DocumentId::SIZE_BYTES]),
        version: 1,
        salt: [5; 32],
        chunk_bytes: CHUNK_BYTES,
        padded_bytes: padded_content_bytes(9_000_000),
    };
    let mut prefix = encode(&header);
    prefix.resize(PREFIX_BYTES, 7);
    Content::new(EnvelopeId([3; EnvelopeId::SIZE_BYTES]), prefix)
}

/// Somebody without a session.
fn nobody() -> Access {
    let device_id = DeviceId([4; DeviceId::SIZE_BYTES]);
    let caller = Caller { account_id: AccountId([1; 32]), device_id, token_hash: [0; 32] };
    Access::Owner { caller, document_id: DocumentId([2; DocumentId::SIZE_BYTES]) }
}

#[test]
fn a_single_range_is_read_and_everything_else_is_the_whole_or_nothing() {
    for (text, asked) in [
        ("bytes=0-0", Asked::Part(0..1)),
        ("bytes=10-", Asked::Part(10..100)),
        ("bytes=10-19", Asked::Part(10..20)),
        ("bytes=90-1000", Asked::Part(90..100)),
        ("bytes=-5", Asked::Part(95..100)),
        ("bytes=-500", Asked::Part(0..100)),
        ("bytes=-0", Asked::Nothing),
        ("bytes=100-", Asked::Nothing),
        ("bytes=5-3", Asked::Whole),
        ("bytes=0-1,4-5", Asked::Whole),
        ("bytes=a-b", Asked::Whole),
        ("bytes=+1-2", Asked::Whole),
        // Numbers that are none.
        ("bytes=1-99999999999999999999", Asked::Whole),
        ("bytes=99999999999999999999-5", Asked::Whole),
        ("lines=1-2", Asked::Whole),
        ("", Asked::Whole),
    ] {
        assert_eq!(parse_range(text, 100), asked, "{text}");
    }
    assert_eq!(parse_range("bytes=0-18446744073709551615", 100), Asked::Part(0..100));
}

#[test]
fn every_byte_of_a_range_is_in_exactly_one_piece() -> anyhow::Result<()> {
    let content = content()?;
    let total = content.header.sealed_bytes();
    let part = content.header.part_bytes(0);
    ensure!(content.header.part_count() > 2 && part > PIECE_BYTES);
    let last = content.header.part_count() - 1;
    for (from, to) in [
        (0, total),
        (0, 1),
        (PREFIX - 1, PREFIX + 1),
        (PREFIX, PREFIX + 1),
        (PREFIX + 5, PREFIX + 9),
        (PREFIX + part - 1, PREFIX + part + 1),
        (PREFIX + part, PREFIX + part + PIECE_BYTES + 3),
        (total - 1, total),
    ] {
        let mut at = from..to;
        while !at.is_empty() {
            let bytes = match content.place(&at)? {
                Piece::Prefix(bytes) => {
                    ensure!(at.start < PREFIX, "{at:?} is behind the prefix");
                    bytes.len() as u64
                }
                Piece::Part { part: number, start, count } => {
                    ensure!(PREFIX + u64::from(number) * part + start == at.start, "{at:?}");
                    ensure!(count <= PIECE_BYTES && number <= last, "{at:?}");
                    ensure!(start + count <= content.header.part_bytes(number), "{at:?}");
                    count
                }
            };
            ensure!(bytes > 0 && at.start + bytes <= to, "{at:?}: {bytes}");
            at.start += bytes;
        }
    }
    ensure!(content.place(&(total..total + 1)).is_err(), "behind the end");
    Ok(())
}

#[tokio::test]
async fn only_a_part_of_it_is_answered_as_one() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let app = on(&folder).await?;
    let total = content()?.header.sealed_bytes();
    let answered = async |range: &str| {
        let range = HeaderValue::try_from(range).map_err(|_| OUTSIDE)?;
        let headers = HeaderMap::from_iter([(header::RANGE, range)]);
        answer(content()?, nobody(), &headers, app.clone()).await
    };
    let response = answered("bytes=3-9").await?;
    ensure!(response.status() == StatusCode::PARTIAL_CONTENT);
    ensure!(response.headers()[header::CONTENT_RANGE] == format!("bytes 3-9/{total}"));
    ensure!(response.headers()[header::CONTENT_LENGTH] == "7");
    // The prefix is in the row; of what is behind it nothing is there, and that is said at once.
    let prefix = format!("bytes=0-{}", PREFIX - 1);
    ensure!(answered(&prefix).await?.headers()[header::CONTENT_LENGTH] == PREFIX.to_string());
    let more = format!("bytes=0-{PREFIX}");
    ensure!(answered(&more).await.is_err());
    ensure!(answered("bytes=0-").await.is_err());
    let response = answered("bytes=99999999999-").await?;
    ensure!(response.status() == StatusCode::RANGE_NOT_SATISFIABLE);
    ensure!(response.headers()[header::CONTENT_RANGE] == format!("bytes */{total}"));
    Ok(())
}

#[tokio::test]
async fn a_download_looks_again_when_something_was_taken_away_and_after_a_second()
-> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let app = on(&folder).await?;
    let next = async |seconds: u64, is_taken: bool| {
        let mut taken = app.taken.subscribe();
        if is_taken {
            taken.mark_changed();
        }
        let looked = Instant::now().checked_sub(Duration::from_secs(seconds)).context("an age")?;
        let (content, access, app) = (content()?, nobody(), app.clone());
        let at = 0..PREFIX;
        let running =
            Running { content, access, app, taken, looked, at, opened: None, ahead: None };
        anyhow::Ok(running.next().await)
    };
    let is_cut = |next: Result<_>| matches!(next, Err(Error::Code(Code::NotFound)));
    ensure!(next(0, false).await?.is_ok(), "it looked a moment ago");
    ensure!(is_cut(next(2, false).await?.map(drop)), "it does not look again");
    ensure!(is_cut(next(0, true).await?.map(drop)), "it goes on though something was taken away");
    Ok(())
}

#[tokio::test]
async fn a_download_goes_on_from_one_part_into_the_next() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let app = on(&folder).await?;
    let content = content()?;
    let part = content.header.part_bytes(0);
    app.blobs.begin(content.envelope_id).await?;
    for index in 0..2 {
        let bytes: Vec<u8> = (0..part).map(|at| u8::try_from(at % 251).unwrap_or(0)).collect();
        let bytes: Vec<u8> =
            bytes.iter().map(|byte| byte ^ u8::try_from(index).unwrap_or(0)).collect();
        let mut arriving = app.blobs.arrive(content.envelope_id, index).await?;
        arriving.push(bytes.into()).await?;
        arriving.finish(Part { envelope_id: content.envelope_id, index, name: None }).await?;
    }
    let last = part - PIECE_BYTES - 1;
    let mut running = Running {
        content,
        access: nobody(),
        app: app.clone(),
        taken: app.taken.subscribe(),
        looked: Instant::now() + Duration::from_mins(1),
        at: PREFIX + last..PREFIX + part + PIECE_BYTES + 1,
        opened: None,
        ahead: None,
    };
    let mut at = last;
    while let Some((bytes, next)) = running.next().await? {
        for byte in bytes {
            let expected = u8::try_from(at % part % 251)? ^ u8::from(at >= part);
            ensure!(byte == expected, "{at}: {byte}");
            at += 1;
        }
        running = next;
    }
    ensure!(at == part + PIECE_BYTES + 1, "it ended at {at}");
    Ok(())
}
