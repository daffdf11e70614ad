//! What the page is shown, as JSON. The names are those of the page's intents.

use reconnect_core::{
    document::{Card, DocumentKind},
    error::{Error, Told, Unchecked},
    vault::{Entry, GivenGrant, GrantState, Opening, Sentence, Vault},
    world::World,
};
#[cfg(feature = "structure")]
use reconnect_format::structure::Introduction;
use reconnect_format::{
    grant::{GrantTerms, RecipientName, Scope},
    id::{DocumentId, GrantId, StructureId},
    lock::LockKind,
    structure::StructureChain,
};
use serde::Serialize;

/// The text of a view.
pub(crate) fn shown(view: &impl Serialize) -> String {
    // Invariant: views hold strings, numbers, lists and one another, which always encode.
    serde_json::to_string(view).expect("views always encode")
}

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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) unchecked: Option<&'static str>,
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
        unchecked: None,
    }
}

/// The safe. Drafts and limits are added by the worker, which holds them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "the page shows each by itself")]
pub(crate) struct SafeView {
    handle: String,
    documents: Vec<DocumentView>,
    used_bytes: u64,
    wrong_pins: u32,
    offers_keys: bool,
    kept: bool,
    account_id: String,
    /// What a worker reads who wants to give a paper, and the square that they scan.
    address: String,
    address_qr: String,
    /// How many papers of others wait.
    deposits: u32,
    /// Whether something was signed in this device's name, and not by it.
    copied: bool,
    /// Whether the log names the newest statement.
    safe: bool,
    /// Why the log could not be compared with it.
    unchecked: Option<&'static str>,
    /// Whether nobody but the operator vouches for the log.
    operators_word: bool,
}

pub(crate) fn safe(vault: &Vault, world: &impl World) -> SafeView {
    let now = vault.time(world);
    let documents = vault
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
                .filter(|terms| !goes_nowhere(vault, terms))
                .map(|terms| terms.grant_id.to_string())
                .collect();
            view
        })
        .collect();
    SafeView {
        handle: vault.handle(),
        documents,
        used_bytes: vault.used_bytes(),
        wrong_pins: vault.wrong_pins(),
        offers_keys: vault.offers_generation(),
        kept: vault.is_kept(),
        account_id: vault.account_id().to_string(),
        address: vault.account_id().deposit_address(),
        address_qr: vault.square(&vault.account_id().deposit_address()),
        deposits: vault.deposits_waiting(),
        copied: vault.is_copied(),
        safe: vault.is_safe(),
        unchecked: vault.unchecked().map(Unchecked::code),
        operators_word: world.release().is_one_operators_word(),
    }
}

fn own_grant(vault: &Vault) -> Option<GrantId> {
    vault.manifest().owner_grant().map(|terms| terms.grant_id)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A structure that the operator accepted, as the server lists it.
#[derive(Serialize)]
pub(crate) struct FoundView {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) place: String,
    pub(crate) compared: bool,
}

/// A structure whose chain was verified.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VerifiedView {
    id: String,
    name: String,
    place: String,
    code: String,
    worker_count: u32,
    compared: bool,
    /// Name of the structure whose word stands for it, where its code was not compared.
    introduced_by: String,
}

pub(crate) fn verified(vault: &Vault, chain: &StructureChain) -> VerifiedView {
    let introducer = vault.manifest().introducer(chain.structure_id);
    VerifiedView {
        id: chain.structure_id.to_string(),
        name: text(&chain.founding.name),
        place: text(&chain.founding.place),
        code: chain.structure_id.code(),
        worker_count: chain.roster.as_ref().map_or(0, |roster| roster.roster_size),
        compared: vault.manifest().compared(chain.structure_id).is_some(),
        introduced_by: introducer.map(|id| structure_name(vault, id)).unwrap_or_default(),
    }
}

/// Who introduces a structure, and what it says itself that it is: what the server lists it as may be
/// another's name.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IntroducersView {
    structure: Option<VerifiedView>,
    by: Vec<VerifiedView>,
}

pub(crate) fn introducers(
    vault: &Vault,
    structure_id: StructureId,
    by: &[StructureId],
) -> IntroducersView {
    let known = |id: &StructureId| vault.known_structure(*id).map(|chain| verified(vault, chain));
    let structure = known(&structure_id).filter(|_| !by.is_empty());
    IntroducersView { structure, by: by.iter().filter_map(known).collect() }
}

/// Another structure that one's own introduces.
#[cfg(feature = "structure")]
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IntroductionView {
    id: String,
    name: String,
    place: String,
    made_at: u64,
}

#[cfg(feature = "structure")]
pub(crate) fn introduction(vault: &Vault, said: &Introduction) -> IntroductionView {
    let founding = vault.known_structure(said.structure_id).map(|chain| &chain.founding);
    IntroductionView {
        id: said.structure_id.to_string(),
        name: founding.map(|it| text(&it.name)).unwrap_or_default(),
        place: founding.map(|it| text(&it.place)).unwrap_or_default(),
        made_at: said.made_at,
    }
}

pub(crate) fn structure_name(vault: &Vault, structure_id: StructureId) -> String {
    let chain = vault.known_structure(structure_id);
    chain.map(|chain| text(&chain.founding.name)).unwrap_or_default()
}

/// One opening of a document.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OpenedView {
    document_id: String,
    structure_name: String,
    worker_number: u32,
    at: u64,
}

/// Looking at the list is in the trace; beside a grant only documents that were opened are shown.
fn opened(vault: &Vault, opening: &Opening) -> Option<OpenedView> {
    Some(OpenedView {
        document_id: opening.document_id?.to_string(),
        structure_name: structure_name(vault, opening.structure_id),
        worker_number: opening.worker_number,
        at: opening.at,
    })
}

/// A grant.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GrantView {
    id: String,
    earlier: Vec<String>,
    structure_id: String,
    structure_name: String,
    document_ids: Vec<String>,
    signed_as: String,
    purpose: String,
    given_at: u64,
    renewed_at: Option<u64>,
    ends_at: u64,
    state: &'static str,
    opened: Vec<OpenedView>,
}

pub(crate) fn grant(vault: &Vault, grant: &GivenGrant) -> GrantView {
    let (signed_as, purpose) = grant.words.clone().unwrap_or_default();
    GrantView {
        id: grant.terms.grant_id.to_string(),
        earlier: grant.earlier.iter().map(ToString::to_string).collect(),
        structure_id: grant.structure_id.to_string(),
        structure_name: structure_name(vault, grant.structure_id),
        document_ids: match &grant.terms.scope {
            Scope::Documents { document_ids } => {
                document_ids.iter().map(ToString::to_string).collect()
            }
            Scope::Safe => Vec::new(),
        },
        signed_as,
        purpose,
        given_at: grant.given_at,
        renewed_at: grant.renewed_at,
        ends_at: grant.terms.ends_at,
        state: match grant.state {
            GrantState::Live => "live",
            GrantState::Ended => "ended",
            GrantState::Closed => "closed",
            GrantState::TakenBack => "taken_back",
        },
        opened: grant.opened.iter().filter_map(|it| opened(vault, it)).collect(),
    }
}

/// One line of the trace: what does not belong to its kind is left out.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EntryView {
    at: u64,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    document_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    structure_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    worker_number: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ends_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    this_device: Option<bool>,
}

fn title(vault: &Vault, document_id: DocumentId) -> Option<String> {
    let papers = vault.papers();
    let paper = papers.iter().find(|paper| paper.document_id == document_id)?;
    paper.card.ok().map(|card| card.title().to_owned())
}

/// One line of the trace; `None` for what says nothing to a person.
pub(crate) fn entry(vault: &Vault, entry: &Entry) -> Option<EntryView> {
    let mut line = EntryView { at: entry.at, ..EntryView::default() };
    let mut of = |id: &DocumentId, kind| {
        line.document_id = Some(id.to_string());
        line.title = title(vault, *id);
        kind
    };
    line.kind = match &entry.sentence {
        Sentence::OpenedSafe => "opened_safe",
        Sentence::Added(id) => of(id, "added"),
        Sentence::Replaced(id) => of(id, "replaced"),
        Sentence::Accepted(id) => of(id, "accepted"),
        Sentence::Refused => "refused",
        Sentence::Renamed(id) => of(id, "renamed"),
        Sentence::Removed(id) => of(id, "removed"),
        Sentence::Given { structure_id, ends_at, document_ids, .. } => {
            let titles: Vec<_> = document_ids.iter().filter_map(|id| title(vault, *id)).collect();
            line.structure_name = Some(structure_name(vault, *structure_id));
            line.ends_at = Some(*ends_at);
            line.title = Some(titles.join(" · "));
            "given"
        }
        Sentence::Renewed(structure_id) => {
            line.structure_name = Some(structure_name(vault, *structure_id));
            "renewed"
        }
        Sentence::Rewrapped(structure_id) => {
            line.structure_name = Some(structure_name(vault, *structure_id));
            "rewrapped"
        }
        Sentence::TakenBack { structure_id, .. } => {
            line.structure_name = structure_id.map(|id| structure_name(vault, id));
            "taken_back"
        }
        Sentence::Opened(opening) => {
            let kind = opening.document_id.as_ref().map_or("listed", |id| of(id, "seen"));
            line.structure_name = Some(structure_name(vault, opening.structure_id));
            line.worker_number = Some(opening.worker_number);
            kind
        }
        Sentence::Compared(_) | Sentence::Introduced(..) => return None,
        Sentence::DeviceAdded(id) => {
            line.this_device = Some(*id == vault.device_id());
            "device_added"
        }
        Sentence::DeviceRetired(_) => "device_retired",
        Sentence::LockSet(LockKind::Guardians) => "guardians_named",
        Sentence::ReturnBegun => "return_begun",
        Sentence::ReturnStopped => "return_stopped",
        Sentence::WentOn => "went_on",
        Sentence::BroughtBack => "brought_back",
        Sentence::LockSet(_) => "lock_set",
        Sentence::LockRetired => "lock_retired",
        Sentence::NewGeneration => "new_generation",
    };
    Some(line)
}

/// What is thrown at the page: a code, when to try again, and what its words need.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RefusalView {
    code: &'static str,
    retry_after: Option<u64>,
    detail: Detail,
}

#[derive(Default, Serialize)]
struct Detail {
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    left: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<u8>,
    /// Seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<u64>,
}

pub(crate) fn refusal(error: &Error) -> RefusalView {
    let mut view = refused(error.code());
    match error {
        Error::Refused(problem) => {
            view.retry_after = problem.retry_after_seconds;
            view.detail.limit = problem.limit_bytes;
        }
        Error::WordsMisread(index) => view.detail.place = Some(*index),
        Error::WrongPin(left) => view.detail.left = Some(*left),
        Error::BadShare(number) => view.detail.number = Some(*number),
        Error::Missing(Told::FromBackup { until, missing }) => {
            (view.detail.until, view.detail.missing) = (Some(*until), Some(*missing));
        }
        Error::Missing(Told::WentOn { until, at }) => {
            (view.detail.until, view.detail.at) = (Some(*until), Some(*at));
        }
        _ => {}
    }
    view
}

/// A refusal of which nothing more is known than its code.
pub(crate) fn refused(code: &'static str) -> RefusalView {
    RefusalView { code, retry_after: None, detail: Detail::default() }
}

/// Whether what a grant was for has closed.
fn goes_nowhere(vault: &Vault, terms: &GrantTerms) -> bool {
    matches!(terms.recipient, RecipientName::Structure { structure_id, .. } if vault.is_closed(structure_id))
}
