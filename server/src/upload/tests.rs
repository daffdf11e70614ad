//! What of an upload is taken in, what a statement may name of it, and what the folder then holds.

use anyhow::{Context as _, ensure};
use axum::body::Body;
use bytes::Bytes;
use clap::Parser as _;
use reconnect_format::{Suite, encode, id::DeviceId};

use super::*;
use crate::{Clock, Config};

#[derive(clap::Parser)]
struct Command {
    #[command(flatten)]
    config: Config,
}

const OWNER: AccountId = AccountId([1; 32]);
const DOCUMENT: DocumentId = DocumentId([2; DocumentId::SIZE_BYTES]);
const ENVELOPE: EnvelopeId = EnvelopeId([3; EnvelopeId::SIZE_BYTES]);

async fn on(folder: &tempfile::TempDir) -> anyhow::Result<App> {
    let data = folder.path().to_str().context("text")?;
    let config = Command::try_parse_from(["reconnect", "--data", data])?.config;
    let app = App::open(config, Clock::manual(1_000_000)).await?;
    transaction!(app.db, "test", |tx| {
        for account_id in [OWNER, AccountId([9; 32])] {
            sqlx::query(
                "insert into account (account_id, sequence, head, used_bytes, receipt_count,
                  log_index, log_place)
                values ($1, 1, $1, 0, 0, $1, $1)",
            )
            .bind(account_id.as_bytes())
            .execute(&mut *tx)
            .await?;
        }
        Ok(())
    })?;
    Ok(app)
}

fn header() -> EnvelopeHeader {
    EnvelopeHeader {
        suite: Suite::V1,
        kind: EnvelopeKind::Content,
        owner: OWNER,
        document_id: DOCUMENT,
        version: 1,
        salt: [5; 32],
        chunk_bytes: CHUNK_BYTES,
        padded_bytes: padded_content_bytes(1),
    }
}

/// Its prefix, the hashes of its chunks, and what a statement says of it.
fn uploaded() -> anyhow::Result<(Vec<u8>, Vec<u8>, EnvelopeRef)> {
    let header = header();
    let mut prefix = encode(&header);
    prefix.resize(PREFIX_BYTES, 7);
    let leaves: Vec<_> =
        (0..header.chunk_count()).map(|at| [u8::try_from(at).unwrap_or(0); 32]).collect();
    let hashes: Vec<_> =
        std::iter::once(tree::leaf_hash(&prefix)).chain(leaves.iter().copied()).collect();
    let named = EnvelopeRef {
        envelope_id: ENVELOPE,
        kind: header.kind,
        version: header.version,
        header_hash: header.hash(),
        tree_root: tree::root(&hashes),
        sealed_bytes: header.sealed_bytes(),
    };
    ensure!(header.part_count() == 1, "one part");
    Ok((prefix, leaves.concat(), named))
}

#[tokio::test]
async fn a_statement_names_exactly_what_arrived_whole() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let app = on(&folder).await?;
    let (prefix, leaves, named) = uploaded()?;
    transaction!(app.db, "test", |tx| {
        insert(ENVELOPE, OWNER, (&header(), &prefix), &app, tx).await
    })?;
    let tied = async |named: &EnvelopeRef, (account_id, owner), document_id| {
        transaction!(app.db, "test", |tx| {
            tie((account_id, owner), document_id, named, 2, tx).await
        })
    };
    let refused = |done: Result<()>, what: &str| {
        ensure!(matches!(done, Err(Error::Code(Code::Refused))), "{what}: {done:?}");
        anyhow::Ok(())
    };
    let own = (OWNER, OWNER);
    refused(tied(&named, own, DOCUMENT).await, "nothing arrived")?;
    let put = async |leaves: &[u8]| {
        transaction!(app.db, "test", |tx| {
            sqlx::query(
                "insert into part (envelope_id, part_index, leaves) values ($1, 0, $2)
                on conflict (envelope_id, part_index) do update set leaves = $2",
            )
            .bind(ENVELOPE.as_bytes())
            .bind(leaves)
            .execute(&mut *tx)
            .await?;
            Ok(())
        })
    };
    put(&leaves[32..]).await?;
    refused(tied(&named, own, DOCUMENT).await, "a chunk is missing")?;
    put(&[leaves.clone(), vec![0; 32]].concat()).await?;
    refused(tied(&named, own, DOCUMENT).await, "a chunk too many")?;
    put(&leaves).await?;
    let off = |change: fn(&mut EnvelopeRef)| {
        let mut named = named.clone();
        change(&mut named);
        named
    };
    for (what, named) in [
        ("id", off(|it| it.envelope_id.0[0] ^= 1)),
        ("kind", off(|it| it.kind = EnvelopeKind::Card)),
        ("version", off(|it| it.version += 1)),
        ("header", off(|it| it.header_hash[0] ^= 1)),
        ("root", off(|it| it.tree_root[0] ^= 1)),
        ("bytes", off(|it| it.sealed_bytes += 1)),
    ] {
        refused(tied(&named, own, DOCUMENT).await, what)?;
    }
    let other = AccountId([9; 32]);
    refused(tied(&named, (other, OWNER), DOCUMENT).await, "somebody else sent it")?;
    refused(tied(&named, (OWNER, other), DOCUMENT).await, "it is somebody else's")?;
    refused(
        tied(&named, own, DocumentId([8; DocumentId::SIZE_BYTES])).await,
        "of another document",
    )?;
    tied(&named, own, DOCUMENT).await?;
    refused(tied(&named, own, DOCUMENT).await, "it is named already")
}

/// The hashes of the chunks of `frames`, and whether that many bytes were awaited.
async fn received(frames: Vec<Vec<u8>>, part_bytes: usize) -> Result<Vec<u8>> {
    let frames = frames.into_iter().map(|frame| Ok::<_, std::io::Error>(Bytes::from(frame)));
    let body = Body::from_stream(futures_util::stream::iter(frames));
    receive(body, part_bytes as u64, &mut None).await
}

#[tokio::test]
async fn a_part_is_hashed_by_its_chunks_however_it_was_cut_on_its_way() -> anyhow::Result<()> {
    let part: Vec<_> =
        (0..2 * SEALED_CHUNK + 100).map(|at| u8::try_from(at % 251).unwrap_or(0)).collect();
    let hashes: Vec<_> = part.chunks(SEALED_CHUNK).flat_map(tree::leaf_hash).collect();
    for cut in [1000, SEALED_CHUNK - 1, SEALED_CHUNK, SEALED_CHUNK + 1, part.len()] {
        let frames = || part.chunks(cut).map(<[u8]>::to_vec).collect::<Vec<_>>();
        ensure!(received(frames(), part.len()).await.ok() == Some(hashes.clone()), "{cut}");
        ensure!(received(frames(), part.len() - 1).await.is_err(), "a byte more than was said");
        ensure!(received(frames(), part.len() + 1).await.is_err(), "a byte fewer");
    }
    Ok(())
}

#[tokio::test]
async fn a_folder_holds_parts_whole_and_only_what_was_not_removed() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let app = on(&folder).await?;
    let blobs = &app.blobs;
    let other = EnvelopeId([4; EnvelopeId::SIZE_BYTES]);
    let part = |envelope_id, index| Part { envelope_id, index, name: None };
    let listed = async || {
        let mut listed = blobs.list().await?;
        listed.sort();
        for (_, parts) in &mut listed {
            parts.sort_unstable();
        }
        Ok::<_, Error>(listed)
    };
    for _ in 0..2 {
        blobs.begin(ENVELOPE).await?;
        blobs.begin(other).await?;
    }
    ensure!(listed().await? == [(ENVELOPE, vec![]), (other, vec![])]);
    for (envelope_id, index) in [(ENVELOPE, 0), (ENVELOPE, 1), (other, 0)] {
        let mut arriving = blobs.arrive(envelope_id, index).await?;
        arriving.push(Bytes::from_static(b"begun")).await?;
        ensure!(
            listed().await?.iter().all(|(id, parts)| *id != envelope_id || !parts.contains(&index))
        );
        arriving.finish(part(envelope_id, index)).await?;
    }
    // What a crash leaves, and what is none of ours.
    let blob = folder.path().join("blobs");
    std::fs::write(blob.join(ENVELOPE.to_string()).join("2#1"), b"half")?;
    std::fs::write(blob.join("a file"), b"strange")?;
    crate::blob::Blobs::open(&app.config)?;
    ensure!(!blob.join(ENVELOPE.to_string()).join("2#1").exists(), "half a part stays");
    ensure!(listed().await? == [(ENVELOPE, vec![0, 1]), (other, vec![0])]);
    for _ in 0..2 {
        blobs.remove_part(part(ENVELOPE, 1)).await?;
        ensure!(listed().await? == [(ENVELOPE, vec![0]), (other, vec![0])]);
    }
    for _ in 0..2 {
        blobs.remove(ENVELOPE).await?;
        ensure!(listed().await? == [(other, vec![0])]);
    }
    ensure!(blobs.open_part(part(ENVELOPE, 0), 0..5).await.is_err());
    let reading = blobs.open_part(part(other, 0), 1..5).await?;
    let (reading, bytes) = reading.ahead(3).read().await?;
    ensure!(bytes == b"egu"[..]);
    let (_, bytes) = reading.ahead(1).read().await?;
    ensure!(bytes == b"n"[..], "the next are those behind");
    Ok(())
}

fn sender(account_id: AccountId) -> Caller {
    let device_id = DeviceId([4; DeviceId::SIZE_BYTES]);
    Caller { account_id, device_id, token_hash: [0; 32] }
}

#[tokio::test]
async fn a_file_as_large_as_the_limit_is_taken_and_a_larger_one_is_not() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let app = on(&folder).await?;
    let largest = padded_content_bytes(app.config.file_limit_bytes);
    for (padded_bytes, is_taken) in [(padded_content_bytes(2 * largest), false), (largest, true)] {
        let mut prefix = encode(&EnvelopeHeader { padded_bytes, ..header() });
        prefix.resize(PREFIX_BYTES, 7);
        let state = State(app.clone());
        let declared = declare(sender(OWNER), state, Named(ENVELOPE), Taken(prefix.into())).await;
        let is_refused = matches!(declared, Err(Error::Limit(Code::FileTooLarge, _)));
        ensure!(declared.is_ok() == is_taken && is_refused != is_taken, "{declared:?}");
    }
    Ok(())
}

#[tokio::test]
async fn an_upload_of_somebody_else_is_not_there() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let app = on(&folder).await?;
    let (prefix, _, _) = uploaded()?;
    let declared = async |account_id, prefix: &[u8]| {
        transaction!(app.db, "test", |tx| {
            insert(ENVELOPE, account_id, (&header(), prefix), &app, tx).await
        })
    };
    let mut other = prefix.clone();
    *other.last_mut().context("a byte")? ^= 1;
    for _ in 0..2 {
        declared(OWNER, &prefix).await?;
    }
    ensure!(matches!(declared(OWNER, &other).await, Err(Error::Code(Code::Conflict))));
    for prefix in [&prefix, &other] {
        let stranger = declared(AccountId([9; 32]), prefix).await;
        ensure!(matches!(stranger, Err(Error::Code(Code::NotFound))), "{stranger:?}");
    }
    Ok(())
}

#[tokio::test]
async fn one_holds_a_place_at_a_time_and_what_cannot_be_removed_is_told() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let app = on(&folder).await?;
    let place = (ENVELOPE, Some(1));
    let hold = app.blobs.hold(place);
    ensure!(hold.is_some() && app.blobs.hold(place).is_none());
    ensure!(app.blobs.hold((ENVELOPE, None)).is_some());
    drop(hold);
    ensure!(app.blobs.hold(place).is_some(), "it is held for ever");
    // No folder can be removed there.
    std::fs::write(folder.path().join("blobs").join(ENVELOPE.to_string()), b"strange")?;
    ensure!(app.blobs.remove(ENVELOPE).await.is_err());
    Ok(())
}

#[tokio::test]
async fn what_nothing_arrives_for_is_given_up_and_its_room_given_back() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let app = on(&folder).await?;
    let (prefix, _, _) = uploaded()?;
    transaction!(app.db, "test", |tx| {
        insert(ENVELOPE, OWNER, (&header(), &prefix), &app, tx).await
    })?;
    let used = async || {
        let used: (i64, i64) = sqlx::query_as(
            "select used_bytes, (select count(*) from envelope) from account where account_id = $1",
        )
        .bind(OWNER.as_bytes())
        .fetch_one(app.db.reader())
        .await?;
        anyhow::Ok(used)
    };
    let whole = to_row(header().sealed_bytes());
    sweep(1_000_000, &app).await?;
    ensure!(used().await? == (whole, 1), "it arrived just now");
    sweep(1_000_001, &app).await?;
    ensure!(used().await? == (0, 0), "it is kept for ever");
    Ok(())
}

#[tokio::test]
async fn a_statement_names_nothing_that_came_in_more_parts_than_it_has() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let app = on(&folder).await?;
    let (prefix, leaves, named) = uploaded()?;
    let tied = transaction!(app.db, "test", |tx| {
        insert(ENVELOPE, OWNER, (&header(), &prefix), &app, tx).await?;
        for (at, part) in [(0, leaves.as_slice()), (1, &[])] {
            sqlx::query("insert into part (envelope_id, part_index, leaves) values ($1, $2, $3)")
                .bind(ENVELOPE.as_bytes())
                .bind(at)
                .bind(part)
                .execute(&mut *tx)
                .await?;
        }
        tie((OWNER, OWNER), DOCUMENT, &named, 2, tx).await
    });
    ensure!(matches!(tied, Err(Error::Code(Code::Refused))), "{tied:?}");
    Ok(())
}
