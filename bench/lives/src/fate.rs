//! What happens to one person whatever guardians they have: the days on which things are lost, people leave and
//! somebody acts. A fate is drawn once and played under every setting, so that settings differ by their rules and not
//! by chance.

use crate::{
    assume::Assumptions,
    chance::{Luck, Stream},
};

/// The last day of the lives that are told: five years.
pub(crate) const END: f64 = 5.0 * DAYS_A_YEAR;
const DAYS_A_YEAR: f64 = 365.25;

/// Guardians have places. What happens at a place happens to whoever holds it, the first or a later one: all rates are
/// without memory.
#[derive(Clone, Copy, Debug)]
pub(crate) enum What {
    Visit,
    Theft,
    Upheaval,
    PhoneLost,
    CardLost,
    SheetLost,
    WordsForgotten,
    PinForgotten,
    StructureCloses(usize),
    WorkerLeaves(usize),
    PersonSilent(usize),
    PersonSafeLost(usize),
    PersonResigns(usize),
    PaperLost(usize),
    /// A dishonest guardian at this place begins; nothing, if there is an honest one.
    Acts(usize),
    PartnerActs,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    pub(crate) day: f64,
    pub(crate) what: What,
    pub(crate) luck: Luck,
}

/// One life's events in order of time.
pub(crate) struct Fate {
    pub(crate) events: Vec<Event>,
    absences: Vec<(f64, f64)>,
    /// Luck of the beginning: what the owner is given, and who is honest.
    pub(crate) luck: Luck,
    /// Until when a violent partner is near; 0 if there is none.
    pub(crate) partner_until: f64,
}

impl Fate {
    /// `places`: how many guardians any setting has that this life is played under. More of them change nothing else.
    pub(crate) fn draw(seed: u64, life: u64, places: usize, assume: &Assumptions) -> Self {
        let stream = |process| Stream::of(seed, life, process);
        let mut first = stream(0);
        let luck = first.luck();
        let rough = first.unit() <= assume.rough_share;
        let has_partner = first.unit() <= assume.partner_share;
        let near = -first.unit().ln() * assume.partner_days;
        let mut fate = Self {
            events: Vec::with_capacity(256),
            absences: absences(stream(1), assume),
            luck,
            partner_until: if has_partner { near } else { 0.0 },
        };
        let (theft, visits) = if rough {
            (assume.theft_rough, assume.visits_rough)
        } else {
            (assume.theft_other, assume.visits_other)
        };
        let own = [
            (What::Visit, visits),
            (What::Theft, theft),
            (What::Upheaval, assume.upheaval),
            (What::PhoneLost, assume.phone_lost),
            (What::CardLost, assume.card_lost),
            (What::SheetLost, assume.sheet_lost),
            (What::WordsForgotten, assume.words_forgotten),
            (What::PinForgotten, assume.pin_forgotten),
            (What::PartnerActs, if has_partner { assume.partner_acts } else { 0.0 }),
        ];
        for (process, (what, rate)) in (2..).zip(own) {
            fate.happens(stream(process), what, rate);
        }
        for place in 0..places {
            for (process, (what, rate)) in (0..).zip(guardian(place, assume)) {
                fate.happens(stream(100 + 10 * place as u64 + process), what, rate);
            }
        }
        fate.drop_what_cannot_be();
        fate.events.sort_by(|one, other| one.day.total_cmp(&other.day));
        fate
    }

    pub(crate) fn is_absent(&self, day: f64) -> bool {
        self.absences.iter().any(|(from, until)| (*from..*until).contains(&day))
    }

    /// Whether the owner opens the safe, if they can, in this time.
    pub(crate) fn visits_between(&self, from: f64, until: f64) -> bool {
        let first = self.events.partition_point(|event| event.day <= from);
        let mut later = self.events.iter().skip(first).take_while(|event| event.day <= until);
        later.any(|event| matches!(event.what, What::Visit))
    }

    fn happens(&mut self, mut stream: Stream, what: What, rate: f64) {
        if rate <= 0.0 {
            return;
        }
        let mut day = 0.0;
        loop {
            day += -stream.unit().ln() / rate * DAYS_A_YEAR;
            if day > END {
                return;
            }
            self.events.push(Event { day, what, luck: stream.luck() });
        }
    }

    fn drop_what_cannot_be(&mut self) {
        let mut events = std::mem::take(&mut self.events);
        events.retain(|event| match event.what {
            What::Visit => !self.is_absent(event.day),
            What::PartnerActs => event.day < self.partner_until,
            _ => true,
        });
        self.events = events;
    }
}

/// What happens at a guardian's place; a place has one kind under each setting, and the others' events pass by.
fn guardian(place: usize, assume: &Assumptions) -> [(What, f64); 7] {
    [
        (What::StructureCloses(place), assume.structure_closes),
        (What::WorkerLeaves(place), assume.workers * assume.worker_leaves),
        (What::PersonSilent(place), assume.person_silent),
        (What::PersonSafeLost(place), assume.person_safe_lost),
        (What::PersonResigns(place), assume.person_resigns),
        (What::PaperLost(place), assume.paper_lost),
        (What::Acts(place), assume.acts),
    ]
}

fn absences(mut stream: Stream, assume: &Assumptions) -> Vec<(f64, f64)> {
    let mut found = Vec::new();
    let mut day = 0.0;
    while assume.absence > 0.0 && day < END {
        day += -stream.unit().ln() / assume.absence * DAYS_A_YEAR;
        let until = day - stream.unit().ln() * assume.absence_days;
        found.push((day, until));
        day = until;
    }
    found
}
