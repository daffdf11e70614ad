//! Ways in: drawing a safe, opening it, unlocking it, and its locks.

use js_sys::Uint8Array;
use reconnect_core::{
    error::{Error, Told},
    held::{HeldSecret, Pin, passkey_input},
    log::{Carried, newest},
    vault::{Coming, Drawn, LockSeen, Returning, Sentence, Vault, Ways},
    words::{Paper, PaperSecret, SixWords, draw_handle},
    world::World as _,
};
use reconnect_format::{
    api::{Code, SessionState},
    id::Base64,
    lock::LockKind,
};
use serde::Serialize;
use wasm_bindgen::prelude::*;
use zeroize::Zeroizing;

use crate::{Client, id, refused, shown, thrown, whole};

fn pin_of(typed: String) -> Result<Pin, JsValue> {
    Pin::parse(&Zeroizing::new(typed)).map_err(|it| thrown(&it))
}

fn paper_of(letters: String) -> Result<PaperSecret, JsValue> {
    PaperSecret::parse(&Zeroizing::new(letters)).map_err(|it| thrown(&it))
}

fn drawn_paper(drawn: &PaperSecret, carried: Option<&Carried>) -> PaperView {
    let groups = drawn.groups();
    let square = Carried::beside(&groups.concat(), carried);
    paper(groups, square)
}

/// What a person was told is missing.
fn told_of(told: Option<&[f64]>) -> Option<Told> {
    match told? {
        [until, missing] => {
            Some(Told::FromBackup { until: whole(*until), missing: whole(*missing) })
        }
        [until, _, at] => Some(Told::WentOn { until: whole(*until), at: whole(*at) }),
        _ => None,
    }
}

/// A way in, with what it takes.
enum Way {
    Words(String, SixWords),
    Sheet(PaperSecret),
    Card(PaperSecret, Pin),
    /// Another PIN for a card.
    CardPin(PaperSecret, Pin),
    Here(Pin),
    Passkey(HeldSecret),
}

impl Way {
    fn read(way: &str, held: String, known: String) -> Result<Self, Error> {
        let (held, known) = (Zeroizing::new(held), Zeroizing::new(known));
        Ok(match way {
            "words" => Self::Words(held.to_string(), SixWords::parse(&known)?),
            "sheet" => Self::Sheet(PaperSecret::parse(&held)?),
            "card" => Self::Card(PaperSecret::parse(&held)?, Pin::parse(&known)?),
            "pin" => Self::CardPin(PaperSecret::parse(&held)?, Pin::parse(&known)?),
            "device" => Self::Here(Pin::parse(&known)?),
            "passkey" => {
                let given = Base64::try_from(held.to_string()).map_err(|_| Error::BadInput)?;
                Self::Passkey(HeldSecret::of_passkey(&Zeroizing::new(given.0))?)
            }
            _ => return Err(Error::BadInput),
        })
    }
}

#[wasm_bindgen]
impl Client {
    /// Draws a safe: handle, words, sheet and card; again, the same for the one that is open, of which a
    /// secret became known.
    pub async fn draw(&self, again: bool) -> Result<String, JsValue> {
        let carried = newest(&self.world).await;
        let rng = &mut self.world.rng();
        let drawn = if again {
            let vault = self.lent()?;
            let drawn = Drawn::draw_again(&vault, rng);
            self.vault.replace(Some(vault));
            drawn
        } else {
            Drawn::draw(rng)
        };
        let view = shown(&DrawnView {
            handle: drawn.handle(),
            words: drawn.words(),
            sheet: drawn_paper(drawn.paper(), carried.as_ref()),
            card: drawn_paper(drawn.card(), carried.as_ref()),
        });
        self.drawn.replace(Some(drawn));
        Ok(view)
    }

    /// Makes the safe that was drawn, or begins its new generation, with these ways back; a card has a PIN and a
    /// picture. When that fails, what was drawn is still there: the person has it on paper by now.
    pub async fn open(
        &self,
        words: bool,
        sheet: bool,
        pin: Option<String>,
        mark: u8,
        kept: bool,
    ) -> Result<String, JsValue> {
        let card = pin.map(pin_of).transpose()?.map(|pin| (pin, mark));
        let drawn = self.drawn.take().ok_or_else(|| thrown(&Error::BadInput))?;
        let ways = Ways { words, sheet, card };
        let opened = if drawn.is_again() {
            let Some(vault) = self.vault.take() else {
                self.drawn.replace(Some(drawn));
                return Err(thrown(&refused(401, Code::SessionEnded)));
            };
            let begun = Box::pin(vault.begin_generation(&self.world, &drawn, &ways)).await;
            begun.map_err(|stayed| {
                self.vault.replace(Some(*stayed.vault));
                stayed.error
            })
        } else {
            Box::pin(drawn.open(&self.world, &ways, kept)).await
        };
        match opened {
            Ok(vault) => Ok(self.enter(vault)),
            Err(error) => {
                self.drawn.replace(Some(drawn));
                Err(thrown(&error))
            }
        }
    }

    /// Unlocks a safe: by what is typed or held, and by what only its person knows; and what they were told is missing:
    /// `[until, missing]` where it comes from a backup, `[until, 0, at]` where it went on from one. One call for all ways, and one
    /// for all changes: each that the page can wait for weighs two kilobytes.
    pub async fn unlock(
        &self,
        way: String,
        held: String,
        known: String,
        kept: bool,
        told: Option<Vec<f64>>,
    ) -> Result<String, JsValue> {
        let way = Way::read(&way, held, known).map_err(|it| thrown(&it))?;
        let (world, coming) = (&self.world, Coming { kept, knows: told_of(told.as_deref()) });
        let unlocked = match &way {
            Way::Words(handle, words) => {
                Box::pin(Vault::unlock_with_words(world, handle, words, coming)).await
            }
            Way::Sheet(sheet) => Box::pin(Vault::unlock_with_paper(world, sheet, coming)).await,
            Way::Card(card, pin) | Way::CardPin(card, pin) => {
                Box::pin(Vault::unlock_with_card(world, card, pin, coming)).await
            }
            Way::Here(pin) => Box::pin(Vault::unlock_here(world, pin, coming.knows)).await,
            Way::Passkey(given) => Box::pin(Vault::unlock_with_passkey(world, given, coming)).await,
        };
        unlocked.map(|vault| self.enter(vault)).map_err(|it| thrown(&it))
    }

    /// Sets a way in: in place of the words or the sheet, or of the same card, browser or passkey.
    pub async fn set_way(
        &self,
        way: String,
        held: String,
        known: String,
        mark: u8,
    ) -> Result<(), JsValue> {
        let way = Way::read(&way, held, known).map_err(|it| thrown(&it))?;
        self.with(async |vault, world| match &way {
            Way::Words(handle, words) => vault.replace_words(world, handle, words).await,
            Way::Sheet(sheet) => vault.replace_paper(world, sheet).await,
            Way::Card(card, pin) => vault.set_card(world, card, pin, mark).await,
            Way::CardPin(card, pin) => vault.change_pin(world, card, pin).await,
            Way::Here(pin) => vault.remember_here(world, pin).await,
            Way::Passkey(given) => vault.add_passkey(world, given).await,
        })
        .await
    }

    /// A way in is gone; without a lock, what this browser remembers.
    pub async fn retire_way(&self, lock: Option<String>) -> Result<(), JsValue> {
        self.with(async |vault, world| match &lock {
            Some(lock) => vault.retire_lock(world, id(lock)?).await,
            None => vault.forget_here(world).await,
        })
        .await
    }

    /// Draws new words with a new handle; they count once they were set.
    pub fn draw_words(&self) -> String {
        let words = SixWords::generate(&mut self.world.rng());
        let handle = draw_handle(&mut self.world.rng());
        shown(&WordsView { handle, words: words.show() })
    }

    /// Draws a sheet, a card, a guardian's paper or a return card; it counts once it was set.
    pub async fn draw_paper(&self, kind: String) -> String {
        let (carried, rng) = (newest(&self.world).await, &mut self.world.rng());
        let paper = match kind.as_str() {
            "card" => PaperSecret::card(rng),
            "guardian" => PaperSecret::guardian(rng),
            "return" => Returning::draw_card(&self.world),
            _ => PaperSecret::generate(rng),
        };
        shown(&drawn_paper(&paper, carried.as_ref()))
    }

    /// What a paper says that it is.
    pub fn read_paper(&self, letters: String) -> Result<String, JsValue> {
        let word = match paper_of(letters)?.paper() {
            Paper::Sheet => "sheet",
            Paper::Card => "card",
            Paper::Return => "return",
            Paper::Guardian => "guardian",
        };
        Ok(word.to_owned())
    }

    /// Whether a card opens the safe that is open.
    pub fn has_card(&self, letters: String) -> Result<bool, JsValue> {
        let card = paper_of(letters)?;
        Ok(self.vault.borrow().as_ref().is_some_and(|vault| vault.lock_of(&card).is_some()))
    }

    /// Refuses a PIN that is not six digits, or that is guessed first.
    pub fn check_pin(&self, typed: String) -> Result<(), JsValue> {
        Pin::choose(&Zeroizing::new(typed)).map(drop).map_err(|it| thrown(&it))
    }

    /// What a passkey is asked for its secret with.
    pub fn passkey_input(&self) -> Uint8Array {
        Uint8Array::from(passkey_input().as_slice())
    }

    /// The safe's locks.
    pub async fn locks(&self) -> Result<String, JsValue> {
        self.with(async |vault, world| Ok(shown(&locks(&vault.locks(world).await?)))).await
    }
}

/// What was drawn for a safe that does not exist yet.
#[derive(Serialize)]
struct DrawnView<'a> {
    handle: &'a str,
    words: &'a [String],
    sheet: PaperView,
    card: PaperView,
}

/// A sheet's or a card's letters as printed, and what its QR holds.
#[derive(Serialize)]
pub(crate) struct PaperView {
    groups: Vec<String>,
    qr: String,
}

pub(crate) fn paper(groups: Vec<String>, qr: String) -> PaperView {
    PaperView { groups, qr }
}

/// One lock of the safe.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LockView {
    id: String,
    kind: &'static str,
    picture: u8,
    set_at: u64,
    tries_left: Option<u32>,
    here: bool,
}

fn locks(seen: &[LockSeen]) -> Vec<LockView> {
    let view = |lock: &LockSeen| LockView {
        id: lock.lock_id.to_string(),
        kind: lock_kind(lock.kind),
        picture: lock.mark,
        set_at: lock.set_at,
        tries_left: lock.tries_left,
        here: lock.here,
    };
    seen.iter().map(view).collect()
}

fn lock_kind(kind: LockKind) -> &'static str {
    match kind {
        LockKind::Words => "words",
        LockKind::Sheet => "sheet",
        LockKind::Card => "card",
        LockKind::Device => "device",
        LockKind::Passkey => "passkey",
        LockKind::Guardians => "guardians",
    }
}

/// New words that do not count yet.
#[derive(Serialize)]
struct WordsView<'a> {
    handle: String,
    words: &'a [String],
}

/// One device of the safe.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeviceView {
    id: String,
    added_at: u64,
    this_device: bool,
    picture: u8,
    /// Until when its newest session lasts; null where it has none.
    signed_in_until: Option<u64>,
}

pub(crate) fn devices(vault: &Vault, sessions: &[SessionState]) -> Vec<DeviceView> {
    let entries = vault.trace();
    let devices = vault.manifest().devices().map(|(device_id, _)| {
        let added = entries.iter().find(|it| it.sentence == Sentence::DeviceAdded(device_id));
        DeviceView {
            id: device_id.to_string(),
            added_at: added.map_or(0, |entry| entry.at),
            this_device: device_id == vault.device_id(),
            picture: vault.device_mark(device_id),
            signed_in_until: sessions
                .iter()
                .filter(|it| it.device_id == device_id)
                .map(|it| it.expires_at)
                .max(),
        }
    });
    devices.collect()
}
