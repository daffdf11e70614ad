//! What the page is shown, as JSON. The names are those of the page's intents.

use reconnect_core::{
    document::{Card, DocumentKind},
    error::Error,
    vault::{Entry, GivenGrant, GrantState, Opening, Sentence, Vault},
};
use reconnect_format::{
    id::{DocumentId, StructureId},
    lock::LockKind,
    structure::StructureChain,
};
use serde::Serialize;
use serde_json::{Value, json};

pub(crate) fn kind_text(kind: DocumentKind) -> &'static str {
    match kind {
        DocumentKind::Photo => "photo",
        DocumentKind::Pdf => "pdf",
        DocumentKind::Other => "other",
    }
}

pub(crate) fn kind_of(text: &str) -> DocumentKind {
    match text {
        "photo" => DocumentKind::Photo,
        "pdf" => DocumentKind::Pdf,
        _ => DocumentKind::Other,
    }
}

/// A document of one's own or one that was received; a card that does not open shows as damaged.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DocumentView {
    id: String,
    state: &'static str,
    title: String,
    kind: &'static str,
    media_type: String,
    size_bytes: u64,
    page_count: u32,
    version: u32,
    added_at: u64,
    has_thumbnail: bool,
    grant_ids: Vec<String>,
}

pub(crate) fn document(
    id: DocumentId,
    card: Option<&Card>,
    version: u32,
    has_thumbnail: bool,
) -> DocumentView {
    DocumentView {
        id: id.to_string(),
        state: if card.is_some() { "kept" } else { "damaged" },
        title: card.map(Card::title).unwrap_or_default().to_owned(),
        kind: kind_text(card.map_or(DocumentKind::Other, Card::kind)),
        media_type: card.map(Card::media_type).unwrap_or_default().to_owned(),
        size_bytes: card.map(Card::true_bytes).unwrap_or_default(),
        page_count: card.map(Card::page_count).unwrap_or_default(),
        version,
        added_at: card.map(Card::added_at).unwrap_or_default(),
        has_thumbnail,
        grant_ids: Vec::new(),
    }
}

/// The safe. Drafts and limits are added by the worker, which holds them.
pub(crate) fn safe(vault: &Vault, now: u64) -> Value {
    let documents: Vec<_> = vault
        .papers()
        .into_iter()
        .map(|paper| {
            let mut view = document(
                paper.document_id,
                paper.card.ok(),
                paper.record.content.version,
                paper.record.thumbnail.is_some(),
            );
            view.grant_ids = vault
                .manifest()
                .grants()
                .filter(|terms| Some(terms.grant_id) != own_grant(vault))
                .filter(|terms| terms.ends_at > now && terms.scope.covers(paper.document_id))
                .map(|terms| terms.grant_id.to_string())
                .collect();
            view
        })
        .collect();
    let ways_back: Vec<_> = vault
        .manifest()
        .locks()
        .map(|(_, lock)| match lock.access.kind() {
            LockKind::Words => "words",
            LockKind::Sheet => "sheet",
        })
        .collect();
    json!({
        "handle": vault.handle(),
        "documents": documents,
        "usedBytes": vault.used_bytes(),
        "waysBack": ways_back,
        "kept": vault.is_kept(),
        "accountId": vault.account_id().to_string(),
    })
}

fn own_grant(vault: &Vault) -> Option<reconnect_format::id::GrantId> {
    vault.manifest().owner_grant().map(|terms| terms.grant_id)
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A structure whose chain was verified.
pub(crate) fn structure(chain: &StructureChain, compared: bool) -> Value {
    json!({
        "id": chain.structure_id.to_string(),
        "name": text(&chain.founding.name),
        "place": text(&chain.founding.place),
        "code": chain.structure_id.code(),
        "workerCount": chain.roster.as_ref().map_or(0, |roster| roster.roster_size),
        "compared": compared,
    })
}

fn structure_name(vault: &Vault, structure_id: StructureId) -> String {
    let chain = vault.known_structure(structure_id);
    chain.map(|chain| text(&chain.founding.name)).unwrap_or_default()
}

fn opening(vault: &Vault, opening: &Opening) -> Value {
    json!({
        "documentId": opening.document_id.map(|id| id.to_string()),
        "structureName": structure_name(vault, opening.structure_id),
        "workerNumber": opening.worker_number,
        "at": opening.at,
    })
}

/// A grant. Looking at the list is in the trace; here only documents that were opened are shown.
pub(crate) fn grant(vault: &Vault, grant: &GivenGrant) -> Value {
    let document_ids = match &grant.terms.scope {
        reconnect_format::grant::Scope::Documents { document_ids } => {
            document_ids.iter().map(ToString::to_string).collect()
        }
        reconnect_format::grant::Scope::Safe => Vec::new(),
    };
    let opened: Vec<_> = grant
        .opened
        .iter()
        .filter(|it| it.document_id.is_some())
        .map(|it| opening(vault, it))
        .collect();
    json!({
        "id": grant.terms.grant_id.to_string(),
        "structureId": grant.structure_id.to_string(),
        "structureName": structure_name(vault, grant.structure_id),
        "documentIds": document_ids,
        "givenAt": grant.given_at,
        "endsAt": grant.terms.ends_at,
        "state": match grant.state {
            GrantState::Live => "live",
            GrantState::Ended => "ended",
            GrantState::TakenBack => "taken_back",
        },
        "opened": opened,
    })
}

fn title(vault: &Vault, document_id: DocumentId) -> Option<String> {
    let papers = vault.papers();
    let paper = papers.iter().find(|paper| paper.document_id == document_id)?;
    paper.card.ok().map(|card| card.title().to_owned())
}

/// One line of the trace; `None` for what says nothing to a person.
pub(crate) fn entry(vault: &Vault, entry: &Entry) -> Option<Value> {
    let mut line = json!({ "at": entry.at });
    let mut say = |kind: &str, fields: Value| {
        if let (Value::Object(line), Value::Object(fields)) = (&mut line, fields) {
            line.insert("kind".to_owned(), kind.into());
            line.extend(fields);
        }
    };
    let of = |id: &DocumentId| json!({ "documentId": id.to_string(), "title": title(vault, *id) });
    match &entry.sentence {
        Sentence::OpenedSafe => say("opened_safe", json!({})),
        Sentence::Added(id) => say("added", of(id)),
        Sentence::Replaced(id) => say("replaced", of(id)),
        Sentence::Renamed(id) => say("renamed", of(id)),
        Sentence::Removed(id) => say("removed", of(id)),
        Sentence::Given { structure_id, ends_at, document_ids, .. } => {
            let titles: Vec<_> = document_ids.iter().filter_map(|id| title(vault, *id)).collect();
            let name = structure_name(vault, *structure_id);
            say(
                "given",
                json!({ "structureName": name, "endsAt": ends_at, "title": titles.join(" · ") }),
            );
        }
        Sentence::TakenBack { structure_id, .. } => {
            let name = structure_id.map(|id| structure_name(vault, id));
            say("taken_back", json!({ "structureName": name }));
        }
        Sentence::Opened(opening) => {
            let kind = if opening.document_id.is_some() { "seen" } else { "listed" };
            let mut fields = opening.document_id.as_ref().map_or_else(|| json!({}), of);
            if let Value::Object(fields) = &mut fields {
                let name = structure_name(vault, opening.structure_id);
                fields.insert("structureName".to_owned(), name.into());
                fields.insert("workerNumber".to_owned(), opening.worker_number.into());
            }
            say(kind, fields);
        }
        Sentence::Compared(_) => return None,
        Sentence::DeviceAdded(id) => {
            say("device_added", json!({ "thisDevice": *id == vault.device_id() }));
        }
        Sentence::DeviceRetired(_) => say("device_retired", json!({})),
        Sentence::LockSet(_) => say("lock_set", json!({})),
        Sentence::LockRetired => say("lock_retired", json!({})),
    }
    Some(line)
}

/// What is thrown at the page: a code, when to try again, and what its words need.
pub(crate) fn refusal(error: &Error) -> Value {
    let mut detail = json!({});
    let mut retry_after = None;
    if let Value::Object(detail) = &mut detail {
        match error {
            Error::Refused(problem) => {
                retry_after = problem.retry_after_seconds;
                if let Some(limit) = problem.limit_bytes {
                    detail.insert("limit".to_owned(), limit.into());
                }
            }
            Error::WordsMisread(index) => {
                detail.insert("place".to_owned(), (*index).into());
            }
            _ => {}
        }
    }
    json!({ "code": error.code(), "retryAfter": retry_after, "detail": detail })
}
