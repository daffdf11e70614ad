//! Returns: values leave when enough people of different places have vouched, and time has passed.
//!
//! Models PROTOCOL 16.2 as an honest server counts: guardians are two structures, three friends and a paper, two are
//! needed. Who vouches, in which order, and whom they met is anybody's choice; some work together, in a guardian or
//! elsewhere. Leaves out: to whom values are sealed (symbolic model `vouching`), what a hostile server gives out at once,
//! returns beside this one (`beside`), whether owners hear of it (`marks`), what comes after it (`overruling`).

use stateright::{Model, Property};

use super::About;

pub(super) const ABOUT: About = About {
    name: "returns",
    rules: "BACK-3, BACK-5, GUARD-1",
    supports: "a wait, which the server keeps; alerts on every device, which stop it; one guardian more after that",
    variants: &[
        "",
        "without people of one place as one",
        "without places that are no guardians",
        "without places as they were at the vouch",
        "without one vouch for each account",
        "without papers fewer than needed",
        "without counting",
        "without the wait",
        "without a structure for the short wait",
        "without face to face for the short wait",
        "without one more after a stop",
        "without the longer wait after a stop",
        "with people who left before they vouched",
        "with a friend who works in two places",
        "with somebody who does not wait",
    ],
    model: |variant| Box::new(Returns(variant)),
};

/// Places: two structures that are guardians, and one that is none.
const A: u8 = 1;
const B: u8 = 2;
const OTHER: u8 = 4;
/// Where each account works at first.
const WORKS: [u8; 6] = [A, B, A, OTHER, OTHER, A | B];
/// Guardians: structures `A` and `B`, friends, papers; and the accounts that may vouch for each.
const WHO: [&[usize]; 7] = [&[0, 2], &[1, 5], &[2], &[3], &[4], &[], &[]];
const STRUCTURES: usize = 2;
const PAPERS: usize = 5;
const NEEDED: usize = 2;
/// In days of which there are few: the short wait, the wait, and the one after a stop.
const SHORT: u8 = 1;
const WAIT: u8 = 2;
const LONG: u8 = 3;

/// The variant is what differs.
#[derive(Clone)]
struct Returns(&'static str);

#[derive(Clone, Debug, Hash, PartialEq)]
struct State {
    /// Whether it begins soon after another was stopped.
    strict: bool,
    age: u8,
    vouches: [Option<Vouch>; 7],
    /// Who left the places where they worked.
    left: [bool; 6],
    /// What was counted before the newest vouch, and with it.
    counted: (usize, usize),
    out: bool,
}

#[derive(Clone, Debug, Hash, PartialEq)]
struct Vouch {
    by: Option<usize>,
    places: u8,
    met: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Action {
    Day,
    Vouch { guardian: usize, by: Option<usize>, met: bool },
    Leave(usize),
    GiveOut,
}

/// Guardians that count as one.
#[derive(Clone, Copy)]
struct Group {
    places: u8,
    met: bool,
}

impl Returns {
    fn works(&self, who: usize) -> u8 {
        let two = self.0 == "with a friend who works in two places" && who == 4;
        if two { A | OTHER } else { WORKS[who] }
    }

    /// Where an account counts as working now.
    fn places(&self, left: [bool; 6], who: usize) -> u8 {
        let there = if left[who] { 0 } else { self.works(who) };
        let known =
            if self.0 == "without places that are no guardians" { A | B } else { A | B | OTHER };
        there & known
    }

    /// Those who vouched, with the people of one place as one, and those whom somebody joins.
    fn groups(&self, state: &State) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        for (guardian, vouch) in state.vouches[..PAPERS].iter().enumerate() {
            let Some(vouch) = vouch else { continue };
            let now = vouch.by.map_or(0, |who| self.places(state.left, who));
            let places = match self.0 {
                "without people of one place as one" => 0,
                "without places as they were at the vouch" => now,
                _ => vouch.places,
            };
            let seen = vouch.met || self.0 == "without face to face for the short wait";
            let structure =
                guardian < STRUCTURES || self.0 == "without a structure for the short wait";
            let mut group = Group { places, met: seen && structure };
            groups.retain(|it| {
                let apart = it.places & group.places == 0;
                if !apart {
                    group = Group { places: it.places | group.places, met: it.met || group.met };
                }
                apart
            });
            groups.push(group);
        }
        groups
    }

    fn papers(state: &State) -> usize {
        state.vouches[PAPERS..].iter().flatten().count()
    }

    fn is_ready(&self, state: &State) -> bool {
        let groups = self.groups(state);
        let two_met = groups.iter().filter(|it| it.met).count() >= 2;
        let counted = groups.len() + Self::papers(state);
        let more = state.strict && !two_met && self.0 != "without one more after a stop";
        let enough = counted >= NEEDED + usize::from(more);
        let longer = state.strict && self.0 != "without the longer wait after a stop";
        let wait = if longer {
            LONG
        } else if two_met {
            SHORT
        } else {
            WAIT
        };
        (enough || self.0 == "without counting")
            && (state.age >= wait || self.0 == "without the wait")
    }
}

/// Accounts that vouched, and the guardian for whom.
fn people(state: &State) -> impl Iterator<Item = (usize, usize, bool)> {
    let vouches = state.vouches.iter().enumerate();
    vouches.filter_map(|(guardian, it)| {
        let it = it.as_ref()?;
        Some((guardian, it.by?, it.met))
    })
}

/// Whether some of these never worked where the others did.
fn are_apart(who: &[usize]) -> bool {
    [A, B, OTHER].iter().all(|place| who.iter().any(|who| WORKS[*who] & place == 0))
}

/// Whether two structures met the person, by people who never worked in one place.
fn two_met(state: &State) -> bool {
    let met: Vec<_> = people(state)
        .filter(|(guardian, _, met)| *guardian < STRUCTURES && *met)
        .map(|(_, who, _)| who)
        .collect();
    met.len() == 2 && are_apart(&met)
}

impl Model for Returns {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let state = |strict| State {
            strict,
            age: 0,
            vouches: [const { None }; 7],
            left: [false; 6],
            counted: (0, 0),
            out: false,
        };
        vec![state(false), state(true)]
    }

    fn actions(&self, _: &State, actions: &mut Vec<Action>) {
        actions.extend([Action::Day, Action::GiveOut]);
        for (guardian, who) in WHO.iter().enumerate() {
            for by in who.iter().map(|it| Some(*it)) {
                actions.push(Action::Vouch { guardian, by, met: true });
                // From afar differs where a structure vouches.
                let afar =
                    (guardian < STRUCTURES).then_some(Action::Vouch { guardian, by, met: false });
                actions.extend(afar);
            }
            if who.is_empty() {
                actions.push(Action::Vouch { guardian, by: None, met: false });
            }
        }
        actions.extend((0..WORKS.len()).map(Action::Leave));
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        (!state.out).then_some(())?;
        let mut next = state.clone();
        next.counted = (0, 0);
        match action {
            Action::Day => {
                let last = if self.0 == "with somebody who does not wait" { SHORT } else { LONG };
                (state.age < last).then_some(())?;
                next.age += 1;
            }
            Action::Vouch { guardian, by, met } => {
                state.vouches[guardian].is_none().then_some(())?;
                // A structure's vouch is of somebody who works there.
                let outside = by.is_some_and(|who| guardian < STRUCTURES && state.left[who]);
                let again = people(state).any(|(_, who, _)| by == Some(who));
                let once = !again || self.0 == "without one vouch for each account";
                // Configurations with more papers are refused.
                let more = guardian >= PAPERS && Self::papers(state) + 1 >= NEEDED;
                let few = !more || self.0 == "without papers fewer than needed";
                (!outside && once && few).then_some(())?;
                let before = self.groups(state).len() + Self::papers(state);
                let places = by.map_or(0, |who| self.places(state.left, who));
                next.vouches[guardian] = Some(Vouch { by, places, met });
                next.counted = (before, self.groups(&next).len() + Self::papers(&next));
            }
            Action::Leave(who) => {
                // Who leaves has vouched, but for one variant.
                let before = self.0 == "with people who left before they vouched";
                let vouched = people(state).any(|(_, it, _)| it == who);
                (!state.left[who] && (vouched || before)).then_some(())?;
                next.left[who] = true;
            }
            Action::GiveOut => {
                self.is_ready(state).then_some(())?;
                next.out = true;
            }
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("people of one place do not get in", |_, state: &State| {
                let who: Vec<_> = people(state).map(|(_, who, _)| who).collect();
                !state.out || Self::papers(state) > 0 || are_apart(&who)
            }),
            Property::always("nobody gets in alone", |_, state: &State| {
                let mut who: Vec<_> = people(state).map(|(_, who, _)| who).collect();
                who.sort_unstable();
                who.dedup();
                !state.out || who.len() + Self::papers(state) >= NEEDED
            }),
            Property::always("papers alone do not get in", |_, state: &State| {
                !state.out || people(state).next().is_some()
            }),
            Property::always(
                "before the wait only whom two structures met gets in",
                |_, state: &State| {
                    !state.out || state.age >= WAIT || (state.age >= SHORT && two_met(state))
                },
            ),
            Property::always(
                "after a stop it takes one more, or two structures, and longer",
                |_, state: &State| {
                    let vouches = state.vouches.iter().flatten().count();
                    let enough = vouches > NEEDED || two_met(state);
                    !(state.out && state.strict) || (enough && state.age >= LONG)
                },
            ),
            Property::always("a vouch takes nothing from what was counted", |_, state: &State| {
                state.counted.1 >= state.counted.0
            }),
            Property::sometimes("a structure and a friend get somebody in", |_, state: &State| {
                let two = state.vouches.iter().flatten().count() == 2;
                let friends = state.vouches[STRUCTURES..PAPERS].iter().flatten().count();
                state.out && !state.strict && two && friends == 1 && Self::papers(state) == 0
            }),
        ]
    }
}
