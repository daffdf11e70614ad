//! Marks: what an honest guardian seals for, the owner's devices find in the log, whatever the server tells them.
//!
//! Models PROTOCOL 16.2: a hostile guardian signs returns with any number, and a server at their side writes anything into
//! the log, numbers going up (LOG-2), and tells the owner's devices of any. Guardians look before they seal, devices on
//! each visit, in a checkpoint that may be a day old. Witnesses are believed (model `witnesses`). A mark has the
//! sequence 5. Leaves out: a server that does not answer, which the page says; stopping what was found (`overruling`,
//! `beside`).

use stateright::{Model, Property};

use super::About;

pub(super) const ABOUT: About = About {
    name: "marks",
    rules: "BACK-2, BACK-4, LOG-2",
    supports: "nothing is sealed before the log has the return, where the owner's devices look",
    variants: &[
        "",
        "without the log",
        "without earlier marks",
        "without looking up what was told",
        "without looking up the next one",
        "without guardians of before",
        "without the mark's sequence",
        "with a server that does not log",
    ],
    model: |variant| Box::new(Marks(variant)),
};

/// Returns that the guardian signed: the number of each. Two have one number.
const COUNTS: [usize; 3] = [1, 1, 2];
const PLACES: usize = 3;

/// The variant is what differs.
#[derive(Clone)]
struct Marks(&'static str);

/// What the log has at the guardian's marks.
type Log = [Option<Mark>; PLACES];

#[derive(Clone, Copy, Debug, Hash, PartialEq)]
struct Mark {
    which: usize,
    /// Whether it was written over another, with a higher sequence.
    again: bool,
}

#[derive(Clone, Debug, Hash, PartialEq)]
struct State {
    log: Log,
    /// What it had a day ago.
    before: Log,
    /// What honest guardians sealed for, now and a day ago.
    sealed: [bool; 3],
    sealed_before: [bool; 3],
    /// Whether a device just looked, and knew nothing of something that was sealed for a day ago, or at all.
    missed: bool,
    missed_new: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Action {
    Day,
    Write {
        place: usize,
        which: usize,
    },
    Seal(usize),
    /// The server tells a device of these, and shows it the newest log or the one of a day ago.
    Visit {
        told: [bool; 3],
        old: bool,
    },
}

impl Marks {
    /// Whether a guardian finds it.
    fn is_logged(&self, log: &Log, which: usize) -> bool {
        let count = COUNTS[which];
        let sequence = self.0 == "without the mark's sequence";
        let there = log[count - 1].is_some_and(|it| it.which == which && (!it.again || sequence));
        let earlier = self.0 == "without earlier marks";
        let all = earlier || log[..count].iter().all(Option::is_some);
        self.0 == "without the log" || (there && all)
    }

    /// Whether a device finds something that it was not told of.
    fn has_another(&self, log: &Log, told: [bool; 3]) -> bool {
        if self.0 == "without guardians of before" {
            return false;
        }
        let is_told = |which: &usize| told[*which];
        let newest = (0..3).filter(is_told).map(|it| COUNTS[it]).max().unwrap_or(0);
        let first = if self.0 == "without looking up what was told" { newest + 1 } else { 1 };
        let last = if self.0 == "without looking up the next one" { newest } else { newest + 1 };
        (first..=last).any(|count| {
            let told = (0..3).find(|it| told[*it] && COUNTS[*it] == count);
            let sequence = self.0 != "without the mark's sequence";
            log[count - 1].is_some_and(|it| Some(it.which) != told || (it.again && sequence))
        })
    }
}

impl Model for Marks {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let nothing = [None; PLACES];
        let none = [false; 3];
        vec![State {
            log: nothing,
            before: nothing,
            sealed: none,
            sealed_before: none,
            missed: false,
            missed_new: false,
        }]
    }

    fn actions(&self, _: &State, actions: &mut Vec<Action>) {
        actions.push(Action::Day);
        for which in 0..3 {
            actions.push(Action::Seal(which));
            actions.extend((0..PLACES).map(|place| Action::Write { place, which }));
        }
        for bits in 0..8 {
            let told = [0, 1, 2].map(|it| bits >> it & 1 == 1);
            actions.extend([true, false].map(|old| Action::Visit { told, old }));
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = state.clone();
        (next.missed, next.missed_new) = (false, false);
        match action {
            Action::Day => {
                next.before = state.log;
                next.sealed_before = state.sealed;
            }
            Action::Write { place, which } => {
                (self.0 != "with a server that does not log").then_some(())?;
                let again = state.log[place].is_some();
                next.log[place] = Some(Mark { which, again });
            }
            Action::Seal(which) => {
                self.is_logged(&state.log, which).then_some(())?;
                next.sealed[which] = true;
            }
            Action::Visit { told, old } => {
                let log = if old { &state.before } else { &state.log };
                let found = self.has_another(log, told);
                let misses = |sealed: &[bool; 3]| {
                    !found && sealed.iter().zip(told).any(|(sealed, told)| *sealed && !told)
                };
                next.missed = misses(&state.sealed_before);
                next.missed_new = misses(&state.sealed);
            }
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(
                "what was sealed for a day ago does not escape a visit",
                |_, state: &State| !state.missed,
            ),
            Property::always("what was sealed for does not escape a visit", |_, state: &State| {
                !state.missed_new
            }),
            Property::sometimes("a guardian seals for the second return", |_, state: &State| {
                state.sealed[2]
            }),
        ]
    }
}
