//! One life played under one setting. Nothing is drawn here: the fate holds all chance, so that the same fate under two
//! settings differs by their rules.

use crate::{
    assume::Assumptions,
    chance::{Luck, Question},
    fate::{END, Event, Fate, What},
    guardians::Guardians,
    owner::Owner,
    setting::{AFTER_STOP_DAYS, AFTER_STOP_WAIT_DAYS, Setting},
};

/// What a life came to.
#[expect(clippy::struct_excessive_bools, reason = "each is counted by itself")]
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) lost: Option<Loss>,
    /// By guardians, copies of shares, or deceived guardians.
    pub(crate) taken: Option<Taking>,
    /// Somebody came in with a sheet that they found or took: no guardian could have changed that.
    pub(crate) entered_by_sheet: bool,
    /// An attempt that the owner stopped.
    pub(crate) alarm: bool,
    /// Times that the owner stood outside.
    pub(crate) outside: u32,
    /// Times that guardians brought the owner back, and the days until then, all together.
    pub(crate) came_back: u32,
    pub(crate) days_until_back: f64,
    /// A partner on the owner's phone stopped an honest coming back.
    pub(crate) stopped_falsely: bool,
    /// And the owner came back by the request that cannot be stopped.
    pub(crate) back_after_stop: bool,
    pub(crate) lost_after_stop: bool,
    pub(crate) splits: u32,
}

/// Why a safe was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    NoGuardians,
    TooFewLeft,
    GaveUp,
}

/// How a safe was taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taking {
    FullWait,
    ShortWait,
    /// The owner stopped it, and the next request could not be stopped.
    AfterStop,
}

/// Plays a life to its end, or until the safe is lost.
pub(crate) fn play(fate: &Fate, setting: &Setting, assume: &Assumptions) -> Outcome {
    let mut life = Life {
        owner: Owner::begin(setting.ways, fate.luck, assume),
        guardians: Guardians::begin(setting, fate.partner_until > 0.0, fate.luck, assume),
        fate,
        setting,
        assume,
        partner_holds_phone: false,
        outside_since: None,
        opening: None,
        stopped: None,
        outcome: Outcome::default(),
    };
    for event in &fate.events {
        life.opens_if_due(event.day);
        life.meets(event);
        if life.outcome.lost.is_some() {
            return life.outcome;
        }
    }
    life.opens_if_due(END);
    life.outcome
}

struct Life<'a> {
    fate: &'a Fate,
    setting: &'a Setting,
    assume: &'a Assumptions,
    owner: Owner,
    guardians: Guardians,
    /// A phone that is still signed in.
    partner_holds_phone: bool,
    outside_since: Option<f64>,
    opening: Option<Opening>,
    /// The day of the last stop of the owner's own request.
    stopped: Option<f64>,
    outcome: Outcome,
}

/// A coming back that only waits.
struct Opening {
    day: f64,
    after_stop: bool,
    luck: Luck,
}

impl Life<'_> {
    fn meets(&mut self, event: &Event) {
        let Event { day, what, luck } = *event;
        match what {
            What::Visit => self.visits(day, luck),
            What::Theft => {
                let assume = self.assume;
                let takes =
                    (assume.theft_takes_phone, assume.theft_takes_card, assume.theft_takes_sheet);
                self.loses(day, luck, takes);
            }
            What::Upheaval => {
                let takes = self.assume.upheaval_takes;
                self.loses(day, luck, (takes, takes, takes));
            }
            What::PhoneLost => self.loses(day, luck, (1.0, 0.0, 0.0)),
            What::CardLost => self.owner.loses_card(),
            What::SheetLost => self.loses(day, luck, (0.0, 0.0, 1.0)),
            What::WordsForgotten => self.owner.forgets_words(),
            What::PinForgotten => self.owner.forgets_pin(),
            What::StructureCloses(place) => self.guardians.closes(place),
            What::WorkerLeaves(place) => self.guardians.worker_leaves(place, luck, self.assume),
            What::PersonSilent(place) => self.guardians.person_silent(place),
            What::PersonSafeLost(place) | What::PersonResigns(place) => {
                self.guardians.person_gone(place);
            }
            What::PaperLost(place) => self.guardians.paper_lost(place, luck, self.assume),
            What::Acts(place) if self.guardians.would_begin(place) => {
                self.is_attacked(day, false, luck);
            }
            What::Acts(_) => {}
            What::PartnerActs => self.partner_acts(day, luck),
        }
    }

    /// Phone, card and sheet, each by its chance.
    fn loses(&mut self, day: f64, luck: Luck, (phone, card, sheet): (f64, f64, f64)) {
        if luck.says(Question::TakesPhone, 0, phone) {
            self.owner.loses_phone(day, luck, self.assume);
        }
        if luck.says(Question::TakesCard, 0, card) {
            self.owner.loses_card();
        }
        if luck.says(Question::TakesSheet, 0, sheet) && self.owner.loses_sheet() {
            self.outcome.entered_by_sheet |=
                luck.says(Question::SheetUsed, 0, self.assume.sheet_used);
        }
    }

    fn partner_acts(&mut self, day: f64, luck: Luck) {
        if luck.says(Question::PartnerTakes, 0, self.assume.partner_takes) {
            self.partner_holds_phone |= self.owner.loses_phone(day, luck, self.assume);
            self.owner.loses_card();
            let finds = luck.says(Question::TakesSheet, 0, self.assume.theft_takes_sheet);
            // Whoever takes it from a partner knows what it opens.
            self.outcome.entered_by_sheet |= finds && self.owner.loses_sheet();
        }
        self.guardians.partner_searches(luck, self.assume);
        if luck.says(Question::PartnerBegins, 0, self.assume.partner_begins) {
            self.is_attacked(day, true, luck);
        }
    }

    fn visits(&mut self, day: f64, luck: Luck) {
        if self.opening.is_some() {
            return;
        }
        if !self.owner.has_way_in() {
            return self.stands_outside(day, luck);
        }
        if luck.says(Question::Cancels, 0, self.assume.cancels_phone) {
            self.partner_holds_phone = false;
        }
        self.owner.replaces(day, luck, self.assume);
        self.outcome.splits +=
            u32::from(self.guardians.owner_visits(self.setting, luck, self.assume));
    }

    fn stands_outside(&mut self, day: f64, luck: Luck) {
        if self.outside_since.is_none() {
            self.outcome.outside += 1;
        }
        let since = *self.outside_since.get_or_insert(day);
        let loss = if self.setting.guardians.is_empty() {
            Some(Loss::NoGuardians)
        } else if self.guardians.left() < self.setting.needed {
            Some(Loss::TooFewLeft)
        } else {
            (day - since > self.assume.gives_up_days).then_some(Loss::GaveUp)
        };
        if loss.is_some() {
            self.outcome.lost = loss;
            self.outcome.lost_after_stop = self.stopped.is_some();
            return;
        }
        let was_stopped = self.stopped.is_some_and(|stopped| day - stopped <= AFTER_STOP_DAYS);
        if was_stopped && !self.setting.after_stop().is_empty() {
            self.asks_after_stop(day, luck);
        } else {
            self.asks(day, luck);
        }
    }

    /// A request at a desk. The wait runs from the last answer that is needed.
    fn asks(&mut self, day: f64, luck: Luck) {
        let answers = self.guardians.answers(luck, self.assume);
        let needed = self.setting.needed;
        let Some(complete) = answers.complete(needed, 0) else { return };
        let full = complete + self.setting.wait_days;
        let short = self.setting.short_days.zip(answers.complete(needed, 2));
        let wait = short.map_or(full, |(short, complete)| full.min(complete + short));
        let stops_after = luck.days(Question::PartnerStopsAfter, 0, self.assume.partner_looks_days);
        let stops = self.partner_holds_phone
            && day < self.fate.partner_until
            && stops_after < wait
            && luck.says(Question::PartnerStops, 0, self.assume.partner_stops);
        if stops {
            self.outcome.stopped_falsely = true;
            self.stopped = Some(day + stops_after);
            self.asks_after_stop(day + stops_after, luck.again());
            return;
        }
        self.opening = Some(Opening { day: day + wait, after_stop: false, luck });
    }

    /// The request that nobody stops: more guardians or two structures face to face, and a long wait.
    fn asks_after_stop(&mut self, day: f64, luck: Luck) {
        let answers = self.guardians.answers(luck, self.assume);
        let ways = self.setting.after_stop().into_iter();
        let complete = ways.filter_map(|(needed, seen)| answers.complete(needed, seen));
        let complete = complete.min_by(f64::total_cmp);
        self.opening = complete.map(|complete| Opening {
            day: day + complete + AFTER_STOP_WAIT_DAYS,
            after_stop: true,
            luck,
        });
    }

    fn opens_if_due(&mut self, today: f64) {
        let Some(Opening { day, after_stop, luck }) =
            self.opening.take_if(|opening| opening.day <= today)
        else {
            return;
        };
        let since = self.outside_since.take().unwrap_or(day);
        self.outcome.came_back += 1;
        self.outcome.days_until_back += day - since;
        self.outcome.back_after_stop |= after_stop;
        self.stopped = None;
        self.partner_holds_phone = false;
        self.owner.starts_again(day, luck, self.assume);
        self.guardians.split_all(self.setting.papers, luck, self.assume);
        self.outcome.splits += 1;
    }

    /// Somebody begins a coming back in the owner's name, with all who would join.
    fn is_attacked(&mut self, day: f64, partner_acts: bool, luck: Luck) {
        let coalition = self.guardians.against(partner_acts, luck, self.assume);
        if self.outcome.taken.is_some() || !coalition.can_begin {
            return;
        }
        let short = self.setting.short_days.filter(|_| coalition.structures >= 2);
        let wait = short.unwrap_or(self.setting.wait_days).min(self.setting.wait_days);
        let is_stopped = self.hears(day, wait, luck);
        let suffices = coalition.shares >= self.setting.needed;
        let suffices_after_stop = self
            .setting
            .after_stop()
            .into_iter()
            .any(|(needed, seen)| coalition.shares >= needed && coalition.structures >= seen);
        self.outcome.taken = match (is_stopped, short) {
            (false, Some(_)) if suffices => Some(Taking::ShortWait),
            (false, None) if suffices => Some(Taking::FullWait),
            (true, _) if suffices_after_stop => Some(Taking::AfterStop),
            _ => None,
        };
        if is_stopped {
            self.outcome.alarm = true;
            self.guardians.seen(partner_acts, luck, self.assume);
        }
    }

    /// Whether the owner sees the alert in time and stops it: on a phone, or at a visit that gets in.
    fn hears(&self, day: f64, wait: f64, luck: Luck) -> bool {
        let looks_after = luck.days(Question::LooksAfter, 0, self.assume.looks_days);
        let on_phone = self.owner.is_signed_in() && !self.fate.is_absent(day) && looks_after < wait;
        let sees =
            on_phone || (self.owner.has_way_in() && self.fate.visits_between(day, day + wait));
        sees && luck.says(Question::Understands, 0, self.assume.understands)
    }
}
