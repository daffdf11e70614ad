//! What anyone may read of the log, and what witnesses hand in.

use axum::{
    Json,
    extract::State,
    http::{HeaderName, StatusCode, header},
};
use reconnect_format::{
    api::{BESIDE, Code, HandIn, LogAnswer, LogAsked, Problem},
    id::Base64,
};
use reconnect_log::{
    Lookup, Note,
    tile::{HEIGHT, TilePath, WIDTH, decode_entries, encode_entries},
};

use super::{
    follow, shared,
    state::{HeadsAt, leaf_of},
};
use crate::{
    app::App,
    error::{Error, Result},
    wire::{Asked, Named, Sent},
};

/// The longest tile of leaves.
const TILE_BYTES: u64 = WIDTH * 77;

type Bytes = ([(HeaderName, &'static str); 1], Vec<u8>);

fn bytes(bytes: Vec<u8>) -> Bytes {
    ([(header::CONTENT_TYPE, "application/octet-stream")], bytes)
}

/// The newest checkpoint, with the cosignatures that it has.
#[utoipa::path(
    get, path = "/v1/log/checkpoint",
    responses((status = 200, body = String), (status = "default", body = Problem))
)]
pub(crate) async fn checkpoint(State(app): State<App>) -> Result<String> {
    follow(&app).await?;
    let state = app.log.read();
    Ok(state.newest.as_ref().ok_or(Code::NotFound)?.note.to_string())
}

/// A tile of hashes, `<L>/<N>[.p/<W>]`, or of leaves, `entries/<N>[.p/<W>]`.
#[utoipa::path(
    get, path = "/v1/log/tile/{*tile}", params(("tile" = String, Path)),
    responses((status = 200, body = Vec<u8>), (status = "default", body = Problem))
)]
pub(crate) async fn tile(State(app): State<App>, Named(path): Named<String>) -> Result<Bytes> {
    let tile: TilePath = path.parse().map_err(|_| Code::NotFound)?;
    let width = usize::from(tile.width);
    follow(&app).await?;
    let start = {
        let state = app.log.read();
        let levels = tile.level.map_or(0, |level| usize::from(level) * HEIGHT);
        let there = state.published().checked_shr(u32::try_from(levels).unwrap_or(u32::MAX));
        if tile.first().saturating_add(u64::from(tile.width)) > there.unwrap_or(0) {
            return Err(Code::NotFound.into());
        }
        if tile.level.is_some() {
            let row = state.replay.tree().row(levels, tile.first(), u64::from(tile.width));
            return Ok(bytes(row.ok_or(Code::NotFound)?.concat()));
        }
        let number = usize::try_from(tile.number).map_err(|_| Code::NotFound)?;
        *state.tiles.get(number).ok_or(Code::NotFound)?
    };
    let read = part(&app, "leaves", start, TILE_BYTES).await?;
    Ok(bytes(cut(&read, width)?))
}

/// The first leaves of what was read, which may end within one.
fn cut(read: &[u8], width: usize) -> Result<Vec<u8>> {
    let mut end = 0;
    for _ in 0..width {
        let length = read.get(end..).and_then(<[u8]>::first_chunk);
        let length = length.ok_or(Error::Broken("a published leaf is not there"))?;
        end += 2 + usize::from(u16::from_be_bytes(*length));
    }
    let whole = read.get(..end).ok_or(Error::Broken("a published leaf is not there"))?;
    let leaves = decode_entries(whole).map_err(|_| Error::Broken("leaves do not decode"))?;
    Ok(encode_entries(leaves))
}

/// The heads that a map leaf names.
#[utoipa::path(
    get, path = "/v1/log/heads/{leaf}", params(("leaf" = u64, Path)),
    responses((status = 200, body = Vec<u8>), (status = "default", body = Problem))
)]
pub(crate) async fn heads(State(app): State<App>, Named(leaf): Named<u64>) -> Result<Bytes> {
    follow(&app).await?;
    let HeadsAt { start, length, .. } = {
        let state = app.log.read();
        let found = state.heads.binary_search_by_key(&leaf, |it| it.leaf).ok();
        let found = found.and_then(|at| state.heads.get(at)).copied();
        found.filter(|_| leaf < state.published()).ok_or(Code::NotFound)?
    };
    Ok(bytes(part(&app, "heads", start, length).await?))
}

async fn part(app: &App, name: &'static str, start: u64, length: u64) -> Result<Vec<u8>> {
    let app = app.clone();
    let read = tokio::task::spawn_blocking(move || app.log.store.part(name, start, length));
    Ok(read.await.map_err(|_| Error::Broken("the log could not be read"))??)
}

/// What the map says of an index, with every proof. LOG-9 says how it is verified.
#[utoipa::path(
    get, path = "/v1/log/lookup", params(LogAsked),
    responses((status = 200, body = LogAnswer), (status = "default", body = Problem))
)]
pub(crate) async fn look_up(
    State(app): State<App>,
    Asked(asked): Asked<LogAsked>,
) -> Result<Json<LogAnswer>> {
    let (beside, []) = asked.beside.0.as_chunks::<32>() else {
        return Err(Code::BadRequest.into());
    };
    if beside.len() > BESIDE {
        return Err(Code::BadRequest.into());
    }
    follow(&app).await?;
    // Who looks up a structure waits for no batch; safes do, because batches hide them.
    if super::queue::waits(&asked.index.0, &app).await? {
        super::step(&app).await?;
    }
    let (mut lookup, number, start) = {
        let state = app.log.read();
        let standing = state.shown(asked.from).ok_or(Code::NotFound)?;
        let size = standing.note.claim().size;
        let tree = state.replay.tree();
        let number = size.saturating_sub(1);
        let (map_proof, newest) = standing.map.prove(&asked.index.0);
        let lookup = Lookup {
            checkpoint: standing.note.to_string().into_bytes(),
            // Who has seen a longer log is shown that this one went back.
            consistency: tree.consistency(asked.from, size).unwrap_or_default(),
            map_leaf: Vec::new(),
            inclusion: tree.inclusion(number, size).ok_or(Code::NotFound)?,
            map_proof,
            newest,
            beside: beside.iter().map(|index| standing.map.prove(index).into()).collect(),
        };
        let tile = usize::try_from(number / WIDTH).ok().and_then(|it| state.tiles.get(it));
        (lookup, number, *tile.ok_or(Code::NotFound)?)
    };
    let place = usize::try_from(number % WIDTH).unwrap_or(usize::MAX);
    let read = cut(&part(&app, "leaves", start, TILE_BYTES).await?, place.saturating_add(1))?;
    lookup.map_leaf = leaf_of(&read, place).ok_or(Error::Broken("the map's leaf is not there"))?;
    Ok(Json(LogAnswer { lookup: Base64(lookup.encode()) }))
}

/// A witness's cosignature of the newest checkpoint, or of the newest that is cosigned enough.
#[utoipa::path(
    post, path = "/v1/log/cosignatures", request_body = HandIn,
    responses((status = 204), (status = "default", body = Problem))
)]
pub(crate) async fn hand_in(
    State(app): State<App>,
    Sent(sent): Sent<HandIn>,
) -> Result<StatusCode> {
    let note = Note::parse(&sent.note).map_err(|_| Code::BadRequest)?;
    if let Some(bucket) = app.blobs.bucket() {
        shared::hand_in(&note, bucket, &app).await?;
        return Ok(StatusCode::NO_CONTENT);
    }
    let work = tokio::task::spawn_blocking(move || app.log.cosigned(&note));
    work.await.map_err(|_| Error::Broken("a cosignature could not be kept"))??;
    Ok(StatusCode::NO_CONTENT)
}
