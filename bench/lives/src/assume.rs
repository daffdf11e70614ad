//! Everything that is assumed about people, in one place, each with its unit and with why: a fact with its source, or a
//! guess that says so. The tables print this list; `vary` marks what the sensitivity table halves and doubles.

use Basis::{Fact, Guess};
use Unit::{Chance, Days, Number, PerYear};

/// One assumption as the table prints it.
pub(crate) struct Assumption {
    pub(crate) name: &'static str,
    pub(crate) unit: Unit,
    pub(crate) basis: Basis,
    pub(crate) vary: bool,
    pub(crate) why: &'static str,
    pub(crate) field: fn(&mut Assumptions) -> &mut f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    PerYear,
    Chance,
    Days,
    Number,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Basis {
    Fact,
    Guess,
}

/// The name, value, unit, basis, whether it is varied, and why: once, for the struct, its default and the table.
macro_rules! assumptions {
    ($($name:ident = $value:literal, $unit:ident, $basis:ident, $vary:literal, $why:literal;)*) => {
        /// What is assumed about people, structures and those who attack.
        #[derive(Clone, Debug)]
        pub(crate) struct Assumptions {
            $(pub(crate) $name: f64,)*
        }

        impl Default for Assumptions {
            fn default() -> Self {
                Self { $($name: $value,)* }
            }
        }

        /// Every assumption, in the order of the table.
        pub(crate) const ALL: &[Assumption] = &[
            $(Assumption {
                name: stringify!($name),
                unit: $unit,
                basis: $basis,
                vary: $vary,
                why: $why,
                field: |all| &mut all.$name,
            },)*
        ];
    };
}

assumptions! {
    rough_share = 0.3, Chance, Guess, false, "Owners who sleep rough or move from place to place.";
    has_phone = 0.72, Chance, Fact, true, "72 % of older homeless adults had or could use a mobile phone (Raven and others, JMIR 2018, Oakland).";
    phone_opens_without_pin = 0.5, Chance, Guess, false, "A passkey or the phone's own lock, so that a forgotten PIN does not close it.";
    three_kinds = 0.4, Chance, Guess, false, "Owners who begin with words, sheet and card; the others with two of them.";
    visits_rough = 6.0, PerYear, Guess, true, "Openings of the safe by those who sleep rough; domiciliation asks for one contact in three months.";
    visits_other = 12.0, PerYear, Guess, true, "Openings of the safe by the others.";
    absence = 0.1, PerYear, Guess, false, "Prison, hospital, another town: nobody opens the safe or looks at a phone.";
    absence_days = 120.0, Days, Guess, false, "Mean length of an absence.";
    theft_rough = 0.27, PerYear, Fact, false, "42 % of people who slept outside were robbed in two years (INSEE, homeless survey of 2012).";
    theft_other = 0.13, PerYear, Fact, false, "26 % of all homeless people in two years (the same survey), less those who slept outside.";
    theft_takes_phone = 0.8, Chance, Guess, false, "Carried most of the time.";
    theft_takes_card = 0.6, Chance, Guess, false, "Carried more often than not.";
    theft_takes_sheet = 0.3, Chance, Guess, false, "Kept somewhere else more often than not.";
    upheaval = 0.1, PerYear, Guess, false, "Flight, eviction, a camp that is cleared, fire: several things go at once.";
    upheaval_takes = 0.7, Chance, Guess, false, "Each of phone, card and sheet, in an upheaval.";
    phone_lost = 0.3, PerYear, Fact, false, "With thefts of the bag about one phone in three is gone within a year; the field says 'one in three' without a period.";
    phone_again_days = 45.0, Days, Guess, false, "Mean time until another phone.";
    card_lost = 0.25, PerYear, Guess, false, "Lost alone, besides theft and upheaval.";
    sheet_lost = 0.25, PerYear, Guess, false, "Lost, wet or thrown away, besides theft and upheaval.";
    words_forgotten = 0.9, PerYear, Fact, true, "77 % still knew their stories after 102 days of rehearsals (Blocki and others, 2014); six words here are rehearsed less.";
    pin_forgotten = 0.25, PerYear, Guess, false, "Or entered wrongly ten times.";
    replaces_way = 0.4, Chance, Guess, true, "Each way of one's own that is gone, at each visit that gets in.";
    signs_in_phone = 0.7, Chance, Guess, false, "A new phone, at a visit that gets in.";
    cancels_phone = 0.7, Chance, Guess, false, "A phone that was taken, at a visit that gets in.";
    sheet_used = 0.01, Chance, Guess, false, "A lost sheet is found by somebody who uses it.";
    structure_closes = 0.04, PerYear, Fact, true, "30,000 to 60,000 of 1.4 million associations end in a year (Recherches et Solidarites, 2019).";
    workers = 6.0, Number, Guess, false, "Workers of a structure who can open what it was given.";
    worker_leaves = 0.2, PerYear, Fact, true, "10 to 20 % a year in one large foundation, 6 % in three months across the sector (2021).";
    person_silent = 0.15, PerYear, Guess, true, "A person-guardian and the owner lose touch; the service cannot know.";
    person_safe_lost = 0.03, PerYear, Guess, false, "A person-guardian's own safe is lost, and the share with it.";
    person_resigns = 0.03, PerYear, Guess, false, "Says so, and the owner is told.";
    paper_lost = 0.25, PerYear, Guess, false, "As a sheet; nobody is told.";
    replaces_told = 0.3, Chance, Guess, true, "Each guardian whom the safe knows to be gone, at each visit that gets in.";
    replaces_untold = 0.05, Chance, Guess, false, "Each guardian who is gone and whom only the owner could know about, at each visit.";
    puts_new_paper = 0.6, Chance, Guess, false, "After a new split: the new paper gets to its place, at each such visit.";
    structure_answers = 0.95, Chance, Guess, true, "To one request, within its time.";
    person_answers = 0.8, Chance, Guess, false, "To one request, within its time.";
    paper_answers = 0.9, Chance, Guess, false, "The owner can get to it.";
    structure_days = 3.0, Days, Guess, false, "Mean time until a structure has checked and sealed.";
    person_days = 5.0, Days, Guess, false, "Mean time until a person has.";
    paper_days = 2.0, Days, Guess, false, "Mean time until the paper is fetched.";
    face_to_face = 0.5, Chance, Guess, true, "A structure's check is made face to face.";
    gives_up_days = 180.0, Days, Guess, false, "After so long outside the papers have been made anew; the safe counts as lost.";
    structure_dishonest = 0.01, Chance, Guess, true, "Somebody in the team would misuse its share.";
    person_dishonest = 0.03, Chance, Guess, true, "A person-guardian other than a violent partner would.";
    leaver_keeps_copy = 0.01, Chance, Guess, true, "A worker who leaves kept the share and would misuse it.";
    paper_found = 0.02, Chance, Guess, false, "A lost paper is found by somebody who joins the others.";
    acts = 0.5, PerYear, Guess, true, "Each dishonest guardian begins a coming back in the owner's name.";
    structure_deceived = 0.01, Chance, Guess, true, "An honest structure seals its share for an impostor, at each attempt.";
    person_deceived = 0.03, Chance, Guess, false, "An honest person does, or is pressed to.";
    looks_days = 3.0, Days, Guess, true, "Mean time until the owner looks at a phone that is signed in; free Wi-Fi comes in bursts.";
    understands = 0.8, Chance, Guess, true, "An owner who sees the alert knows what it says, and stops it.";
    replaces_suspect = 0.7, Chance, Guess, false, "Those who were seen to take part in an attempt, at each visit after it was stopped.";
    partner_share = 0.1, Chance, Guess, true, "Owners with a violent partner; 223,000 women in France report such violence in a year (CVS survey, 2010-2015), about 1 %, and this public has more.";
    partner_days = 730.0, Days, Guess, false, "Mean time for which the partner is near.";
    partner_acts = 2.0, PerYear, Guess, true, "The partner does something against the safe.";
    partner_is_guardian = 0.3, Chance, Guess, false, "The owner named the partner as first person-guardian.";
    partner_takes = 0.3, Chance, Guess, false, "Takes phone, card and what else is there, at each act.";
    partner_finds = 0.1, Chance, Guess, false, "Finds a paper and copies it, at each act.";
    partner_begins = 0.3, Chance, Guess, false, "Sends an impostor to the guardians, or begins as a guardian, at each act.";
    partner_stops = 0.9, Chance, Guess, false, "Holding a phone that is signed in, stops the owner's own coming back.";
    partner_looks_days = 1.0, Days, Guess, false, "Mean time until the partner looks at that phone.";
    partner_removed = 0.1, Chance, Guess, false, "The owner takes the partner out of the guardians, at each visit.";
}

impl Assumptions {
    /// One assumption times a factor; a chance by its odds, so that it stays a chance.
    pub(crate) fn with(&self, assumption: &Assumption, factor: f64) -> Self {
        let mut varied = self.clone();
        let value = (assumption.field)(&mut varied);
        *value = match assumption.unit {
            Chance => {
                let odds = factor * *value / (1.0 - *value);
                odds / (1.0 + odds)
            }
            PerYear | Days | Number => *value * factor,
        };
        varied
    }

    pub(crate) fn value(&self, assumption: &Assumption) -> f64 {
        *(assumption.field)(&mut self.clone())
    }
}
