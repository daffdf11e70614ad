//! The journal: on another disk, what the server took in since the newest backup, whole and synced before
//! it is acknowledged. After a restore the same requests are made again (PROTOCOL.md section 17), so that nothing
//! that was taken away comes back, and nothing that was acknowledged is missing.
//!
//! It holds sealed and signed bodies, as a backup does, and is kept no longer than until the next one. BACKUP-2.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Seek as _, SeekFrom, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    body::Bytes,
    extract::{MatchedPath, Request},
    http::Method,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use reconnect_format::{
    api::Code,
    id::{AccountId, DeviceId},
    tree,
};
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

use crate::{
    app::App,
    caller::Caller,
    clock::Clock,
    error::{Error, Result, is_full, stop_without_ack},
    fault::{self, Mutant},
    secret::{make_folder, sync_folder},
};

/// Requests that change nothing which a backup brings back: sessions end with a restore, and tries, links
/// and what is handed to the log have their own ways.
const PASSED_OVER: &[&str] = &[
    "/v1/words/registration",
    "/v1/pin/registration",
    "/v1/unlock/words",
    "/v1/unlock/pin",
    "/v1/unlock/finish",
    "/v1/unlock/held",
    "/v1/unlock/rest",
    "/v1/links",
    "/v1/links/{link_id}",
    "/v1/sessions/this",
    "/v1/received/faces",
    "/v1/received/{grant_id}/fresh",
    "/v1/log/cosignatures",
];
/// The one route whose body is no longer there when it is answered: it is a blob.
const PART: &str = "/v1/envelopes/{envelope_id}/parts/{index}";
/// The operator's acceptance of a structure, which no route takes.
pub(crate) const ACCEPTED: &str = "accepted";
/// A file is begun again after so long: a backup removes those that ended before it.
pub(crate) const SEGMENT_SECONDS: u64 = 600;
/// Records that one sync makes durable.
const BATCH: usize = 256;
/// What ends the name of a file of records.
const ENDING: &str = ".journal";

/// One request that was taken in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// When, in seconds.
    pub(crate) at: u64,
    /// Of whom; none where no session was needed.
    pub(crate) caller: Option<(AccountId, DeviceId)>,
    /// Its method, or [`ACCEPTED`].
    pub(crate) method: String,
    /// Its path.
    pub(crate) path: String,
    /// Its body.
    #[serde(skip)]
    pub(crate) body: Bytes,
}

/// What the server learns of a request while it answers it.
#[derive(Clone, Default)]
pub(crate) struct Noted(Arc<Mutex<Note>>);

#[derive(Clone, Default)]
struct Note {
    caller: Option<Caller>,
    body: Bytes,
    changes_nothing: bool,
}

impl Noted {
    pub(crate) fn caller(&self, caller: Caller) {
        self.lock().caller = Some(caller);
    }

    pub(crate) fn body(&self, body: &Bytes) {
        self.lock().body = body.clone();
    }

    /// There is nothing to make again. For what anybody may ask as often as they like: who asks for what is not
    /// there must not fill the disk.
    pub(crate) fn changes_nothing(&self) {
        self.lock().changes_nothing = true;
    }

    fn lock(&self) -> MutexGuard<'_, Note> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A record on its way to the disk, and who waits for it.
struct Entry {
    record: Vec<u8>,
    written: oneshot::Sender<io::Result<()>>,
}

/// The way to the one thread that writes.
#[derive(Clone, Debug)]
pub(crate) struct Journal {
    line: mpsc::Sender<Entry>,
    parts: PathBuf,
}

impl Journal {
    /// Opens the journal in a folder, which is made.
    pub(crate) fn open(folder: &Path, clock: &Clock) -> anyhow::Result<Self> {
        let parts = folder.join("parts");
        make_folder(folder)?;
        make_folder(&parts)?;
        let (line, entries) = mpsc::channel(4 * BATCH);
        let (folder, clock) = (folder.to_path_buf(), clock.clone());
        std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || write_forever(&folder, &clock, entries))?;
        Ok(Self { line, parts })
    }

    /// Writes a record; it is durable when this ends.
    pub(crate) async fn keep(&self, record: &Record) -> Result<()> {
        let (written, wait) = oneshot::channel();
        let entry = Entry { record: encode(record)?, written };
        let gone = Error::Broken("the journal has ended");
        if self.line.send(entry).await.is_err() {
            return Err(gone);
        }
        wait.await.map_err(|_| gone)?.map_err(Error::from)
    }

    /// Copies the blob of a part, durably.
    async fn keep_part(&self, path: &str, app: &App) -> Result<()> {
        let Some(place) = part_of(path) else { return Ok(()) };
        let (from, to) = (app.config.data.join("blobs").join(&place), self.part(&place));
        let copied = tokio::task::spawn_blocking(move || match copy_durably(&from, &to) {
            // The upload was given up meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            copied => copied,
        });
        let copied = copied.await.map_err(|_| Error::Broken("a part could not be journaled"))?;
        copied.or_else(failed)
    }

    fn part(&self, place: &str) -> PathBuf {
        self.parts.join(place.replace('/', "-"))
    }
}

/// Answers a request, and keeps it when it was taken in and is one that a restore makes again.
pub(crate) async fn through(app: App, mut request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("", MatchedPath::as_str).to_owned();
    let writes = [Method::POST, Method::PUT, Method::DELETE].contains(request.method());
    let is_kept = writes && !PASSED_OVER.contains(&route.as_str());
    let Some(journal) = app.journal.clone().filter(|_| is_kept) else {
        return next.run(request).await;
    };
    let noted = Noted::default();
    request.extensions_mut().insert(noted.clone());
    let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
    // From here on a caller who hangs up changes nothing: what others go on from is in the journal.
    let answered = tokio::spawn(async move {
        let response = next.run(request).await;
        let Note { caller, body, changes_nothing } = noted.lock().clone();
        if changes_nothing || !response.status().is_success() {
            return response;
        }
        let caller = caller.map(|caller| (caller.account_id, caller.device_id));
        let record = Record { at: app.clock.now(), caller, method, path, body };
        let kept = async {
            if route == PART {
                journal.keep_part(&record.path, &app).await?;
            }
            journal.keep(&record).await
        };
        match kept.await {
            Ok(()) => response,
            Err(error) => error.into_response(),
        }
    });
    answered.await.unwrap_or_else(|_| Error::Broken("a request did not end").into_response())
}

/// The place of a part's blob, as its path says.
pub(crate) fn part_of(path: &str) -> Option<String> {
    let (envelope_id, index) = path.strip_prefix("/v1/envelopes/")?.split_once("/parts/")?;
    let is_plain = |text: &str| {
        !text.is_empty() && text.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_".contains(&it))
    };
    (is_plain(envelope_id) && is_plain(index)).then(|| format!("{envelope_id}/{index}"))
}

/// Writes one record from another process than the server's.
pub(crate) fn keep_beside(folder: &Path, record: &Record) -> anyhow::Result<()> {
    make_folder(folder)?;
    let mut segment = Segment::begin(folder, record.at)?;
    let record = encode(record).map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(segment.append(&[record])?)
}

fn encode(record: &Record) -> Result<Vec<u8>> {
    let head = serde_json::to_vec(record).map_err(|_| Error::Broken("a record has no JSON"))?;
    let (whole, part) = (
        u32::try_from(2 + head.len() + record.body.len()).map_err(|_| Code::BadRequest)?,
        u16::try_from(head.len()).map_err(|_| Code::BadRequest)?,
    );
    let payload = [&part.to_be_bytes()[..], &head, &record.body].concat();
    Ok([&whole.to_be_bytes()[..], &tree::leaf_hash(&payload), &payload].concat())
}

/// The next record, and what follows it; none where the bytes end, or were never acknowledged.
fn decode(bytes: &[u8]) -> Option<(Record, &[u8])> {
    let (whole, rest) = bytes.split_first_chunk::<4>()?;
    let (hash, rest) = rest.split_first_chunk::<32>()?;
    let whole = usize::try_from(u32::from_be_bytes(*whole)).ok()?;
    let (payload, rest) = rest.split_at_checked(whole)?;
    if tree::leaf_hash(payload) != *hash {
        return None;
    }
    let (head, body) = payload.split_first_chunk::<2>()?;
    let (head, body) = body.split_at_checked(u16::from_be_bytes(*head).into())?;
    let record: Record = serde_json::from_slice(head).ok()?;
    Some((Record { body: Bytes::copy_from_slice(body), ..record }, rest))
}

/// A file of records, named by when it was begun.
struct Segment {
    file: File,
    begun: u64,
    length: u64,
}

impl Segment {
    fn begin(folder: &Path, now: u64) -> io::Result<Self> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let name = format!("{now:012}-{:016x}{ENDING}", u64::from_be_bytes(random));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let file = options.open(folder.join(name))?;
        sync_folder(folder)?;
        Ok(Self { file, begun: now, length: 0 })
    }

    /// Writes behind what is durable, and makes it so. What could not be written whole is cut off again.
    fn append(&mut self, records: &[Vec<u8>]) -> io::Result<()> {
        let bytes = records.concat();
        let sync = || {
            if fault::has(Mutant::NoJournalSync) { Ok(()) } else { self.file.sync_data() }
        };
        let written = (&self.file).write_all(&bytes).and_then(|()| sync());
        if let Err(error) = written {
            if !is_full(&error) {
                return Err(error);
            }
            self.file.set_len(self.length).map_err(io::Error::other)?;
            self.file.seek(SeekFrom::Start(self.length)).map_err(io::Error::other)?;
            return Err(error);
        }
        self.length += bytes.len() as u64;
        Ok(())
    }
}

fn write_forever(folder: &Path, clock: &Clock, mut entries: mpsc::Receiver<Entry>) {
    let mut segment: Option<Segment> = None;
    while let Some(first) = entries.blocking_recv() {
        let (mut records, mut waiting) = (vec![first.record], vec![first.written]);
        while records.len() < BATCH
            && let Ok(next) = entries.try_recv()
        {
            records.push(next.record);
            waiting.push(next.written);
        }
        let now = clock.now();
        let current = segment.take().filter(|it| now.abs_diff(it.begun) < SEGMENT_SECONDS);
        let done = match current.map_or_else(|| Segment::begin(folder, now), Ok) {
            Ok(mut current) => {
                let done = current.append(&records);
                segment = Some(current);
                done
            }
            Err(error) => Err(error),
        };
        let full = match done {
            Ok(()) => false,
            Err(error) if is_full(&error) => true,
            Err(error) => stop_without_ack("journal", &error),
        };
        for waiting in waiting {
            let said = if full { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) };
            // Who asked may be gone.
            drop(waiting.send(said));
        }
    }
}

fn failed(error: io::Error) -> Result<()> {
    if is_full(&error) { Err(error.into()) } else { stop_without_ack("journal", &error) }
}

/// Copies a file beside its place, syncs it, and puts it there.
pub(crate) fn copy_durably(from: &Path, to: &Path) -> io::Result<()> {
    let fresh = to.with_extension("new");
    fs::copy(from, &fresh)?;
    File::open(&fresh)?.sync_all()?;
    fs::rename(&fresh, to)?;
    to.parent().map_or(Ok(()), sync_folder)
}

/// The files of records in a folder, the oldest first, with their lengths.
pub(crate) fn segments(folder: &Path) -> io::Result<Vec<(String, u64)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if let Some(name) = entry.file_name().to_str().filter(|name| name.ends_with(ENDING)) {
            found.push((name.to_owned(), entry.metadata()?.len()));
        }
    }
    found.sort();
    Ok(found)
}

/// When a file of records was begun, as its name says.
pub(crate) fn begun(segment: &str) -> Option<u64> {
    segment.split_once('-')?.0.parse().ok()
}

/// The records of a file behind `start`.
pub(crate) fn records(folder: &Path, segment: &str, start: u64) -> anyhow::Result<Vec<Record>> {
    let bytes = fs::read(folder.join(segment))?;
    let mut rest = bytes.get(usize::try_from(start)?..).unwrap_or_default();
    let mut records = Vec::new();
    while let Some((record, behind)) = decode(rest) {
        records.push(record);
        rest = behind;
    }
    Ok(records)
}

/// The body of a record: of a part, its blob. What a backup has is no longer in the journal, but was restored.
pub(crate) fn body(folder: &Path, record: &Record, blobs: &Path) -> io::Result<Bytes> {
    let Some(place) = part_of(&record.path) else { return Ok(record.body.clone()) };
    let kept = folder.join("parts").join(place.replace('/', "-"));
    fs::read(kept).or_else(|_| fs::read(blobs.join(place))).map(Bytes::from)
}
