//! What is sent to each route: words that people of the scene said, or ones that are nobody's.

use anyhow::{Context as _, Result};
use reconnect_core::{held::Pin, lock::Registration, words::PaperSecret, world::World as _};
use reconnect_format::{
    PublicKey, Suite,
    account::RecipientPublicKey,
    api::{
        AnswerLink, CallBody, FacesOf, FreshAsked, HandIn, PakeFinish, PinRegistrationStart,
        PutLink, Renewal, UnlockRest,
    },
    encode,
    id::{Base64, LockId, UnlockId},
    link::{DeviceKind, LINK_ANSWER_BYTES, LinkOffer},
};
use reconnect_tests::browser::Exchange;

use super::{cast::Cast, scene::Scene, table::Row};

/// Ends of paths to which nothing is sent.
const BODILESS: [&str; 4] = ["/resign", "/cancel", "{return_id}/open", "/generation"];

/// Of keys that are nobody's.
pub(super) fn offer(seed: u8) -> LinkOffer {
    let recipient = Box::new(RecipientPublicKey([seed; 1216]));
    let (suite, kind, signing) = (Suite::V1, DeviceKind::Computer, PublicKey([6; 32]));
    LinkOffer { suite, kind, recipient, signing, leaf: signing }
}

impl Scene {
    pub(super) fn body(&self, row: &Row, principal: &str) -> Result<CallBody> {
        let prefix = self.prefixes.get(principal).or_else(|| self.prefixes.get("owner"));
        match (row.method, row.path) {
            ("PUT", path) if path.ends_with("/parts/{index}") => {
                return Ok(CallBody::Bytes(self.part.clone()));
            }
            ("PUT", _) => return Ok(CallBody::Bytes(prefix.context("no prefix")?.clone())),
            ("POST", "/v1/log/cosignatures") => {
                let note = if row.object == "nobodys" { &self.checkpoint } else { "nothing" };
                let sent = HandIn { note: note.to_owned() };
                return Ok(CallBody::Json(serde_json::to_string(&sent)?));
            }
            // Nobody's is due: the journeys on renewals show what is taken.
            ("POST", path) if path.ends_with("/certificates") => {
                let asked = Renewal { certificate: Base64(vec![7; 64]) };
                return Ok(CallBody::Json(serde_json::to_string(&asked)?));
            }
            ("POST", "/v1/received/faces") => {
                let live = self.object("grant_id", "live", principal)?;
                let asked = FacesOf { grant_ids: vec![live.parse()?] };
                return Ok(CallBody::Json(serde_json::to_string(&asked)?));
            }
            ("POST", "/v1/received/{grant_id}/fresh") => {
                let asked = FreshAsked { leaves: Base64(vec![7; 32]) };
                return Ok(CallBody::Json(serde_json::to_string(&asked)?));
            }
            ("POST", "/v1/pin/registration") => {
                let lock_id = match row.object {
                    "taken" => self.object("lock_id", "taken", principal)?.parse()?,
                    _ => LockId([7; 16]),
                };
                let (card, pin) =
                    (PaperSecret::card(&mut self.browser.rng()).held(), Pin::parse("481709")?);
                let (_, request) =
                    Registration::start(pin.password(&card), &mut self.browser.rng())?;
                let start = PinRegistrationStart { lock_id, request: Base64(request) };
                return Ok(CallBody::Json(serde_json::to_string(&start)?));
            }
            ("POST", "/v1/links") => {
                let bytes = if row.object == "open" { encode(&offer(5)) } else { vec![7] };
                let put = PutLink { offer: Base64(bytes) };
                return Ok(CallBody::Json(serde_json::to_string(&put)?));
            }
            ("POST", "/v1/links/{link_id}") => {
                let answer = AnswerLink { answer: Base64(vec![7; LINK_ANSWER_BYTES]) };
                return Ok(CallBody::Json(serde_json::to_string(&answer)?));
            }
            ("POST", "/v1/unlock/finish") => {
                let finalization = Base64(vec![7; 64]);
                let finish = PakeFinish { unlock_id: UnlockId([7; 16]), finalization };
                return Ok(CallBody::Json(serde_json::to_string(&finish)?));
            }
            ("POST", "/v1/unlock/rest") => {
                let asked = UnlockRest { rest: UnlockId([7; 16]), statements_after: 0 };
                return Ok(CallBody::Json(serde_json::to_string(&asked)?));
            }
            // Of the last two nothing was given out: the journeys on coming back show what opens.
            ("POST", path) if BODILESS.iter().any(|end| path.ends_with(end)) => {
                return Ok(CallBody::Empty);
            }
            ("POST", _) => {}
            _ => return Ok(CallBody::Empty),
        }
        // One's own words where one has said them, somebody else's where not.
        let object = self.sent.get(&format!("{} {}", row.object, row.path));
        let own = object.or_else(|| self.sent.get(&format!("{principal} {}", row.path)));
        let any = self.sent.get(row.path);
        let said = own.or(any).with_context(|| format!("nothing sent: {row:?}"))?;
        // Each time for another handle: the tries of one would be over soon.
        let mut said: serde_json::Value = serde_json::from_str(said)?;
        if let Some(handle) = said.get_mut("handle") {
            *handle = format!("nobody-here-{}", self.browser.shipped()).into();
        }
        Ok(CallBody::Json(said.to_string()))
    }

    /// What people said, to be said again by everybody.
    pub(super) fn learn_what_was_sent(&mut self, cast: &Cast) -> Result<()> {
        let owner = format!("{:?}", Some(cast.owner.vault.token()));
        let live = self.object("grant_id", "live", "owner")?;
        let given = self.object("document_id", "given", "owner")?;
        let recording = self.server.recording().borrow();
        let posted = |exchange: &&Exchange| {
            exchange.head.starts_with("POST") && exchange.answer.status < 300
        };
        for exchange in recording.iter().filter(posted) {
            let path = exchange.head.split(' ').nth(1).unwrap_or_default();
            let route = pattern(path);
            let text = String::from_utf8(exchange.sent.clone())?;
            let by = cast.people().into_iter().find(|(_, person)| {
                exchange.head.ends_with(&format!("{:?}", Some(person.vault.token())))
            });
            let about_given =
                path.contains(&live) && (!path.contains("/documents/") || path.contains(&given));
            match (by, route.as_str()) {
                // The first safe is there; the last one was closed.
                (_, it @ "/v1/accounts") => {
                    self.sent.entry(format!("again {it}")).or_insert_with(|| text.clone());
                    self.sent.insert(it.to_owned(), text);
                }
                (_, "/v1/statements") if !exchange.head.ends_with(&owner) => {}
                (Some((who, _)), it) if it.starts_with("/v1/received") => {
                    if about_given {
                        self.sent.insert(format!("{who} {it}"), text.clone());
                        self.sent.insert(it.to_owned(), text);
                    }
                }
                // A request for a leaf is its device's own, and a list its member's.
                (Some((who, _)), it) if it.ends_with("/leaves") || it.contains("/rewraps") => {
                    self.sent.insert(format!("{who} {it}"), text.clone());
                    self.sent.insert(it.to_owned(), text);
                }
                _ => {
                    self.sent.insert(route, text);
                }
            }
        }
        Ok(())
    }
}

/// A path as the server's table writes it.
fn pattern(path: &str) -> String {
    let routes = reconnect::app::ROUTES.iter().map(|route| route.path);
    let fits = |route: &&str| {
        let (mut left, mut right) = (route.split('/'), path.split('/'));
        let same = left.by_ref().zip(right.by_ref()).all(|(a, b)| a == b || a.starts_with('{'));
        same && route.split('/').count() == path.split('/').count()
    };
    routes.into_iter().find(fits).unwrap_or(path).to_owned()
}
