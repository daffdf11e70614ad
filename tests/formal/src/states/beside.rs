//! Beside: whoever begins a return for somebody else holds nobody up, and a stop ends what it names.
//!
//! Models PROTOCOL 16.2 with an honest server: two guardians, one of them hostile, begin returns under one lock; the owner's
//! device, or whoever has it, stops. Marks stand in the log. Leaves out: what is counted (model `returns`), a server that
//! keeps a return from its owner (`marks`), what comes after a stop (`overruling`). Of eight returns in a generation there
//! are three.

use stateright::{Model, Property};

use super::About;

pub(super) const ABOUT: About = About {
    name: "beside",
    rules: "BACK-3, BACK-4, BACK-9",
    supports: "holds nobody up: others begin beside it",
    variants: &[
        "",
        "without returns beside each other",
        "without one return for each guardian",
        "without an end to their number",
        "without a count for each guardian",
        "without the guardian in the mark",
        "without the guardian in the index",
        "without the return in the stop",
        "without the guardian in the end",
    ],
    model: |variant| Box::new(Beside(variant)),
};

const HOSTILE: usize = 0;
const HONEST: usize = 1;
/// Returns that a guardian begins in a generation at most.
const MOST: u8 = 3;

/// The variant is what differs.
#[derive(Clone)]
struct Beside(&'static str);

#[derive(Clone, Debug, Hash, PartialEq)]
struct State {
    /// Returns that each guardian has open, and began.
    open: [u8; 2],
    began: [u8; 2],
    /// Whether somebody else's value stands where the honest guardian's first return belongs.
    taken: bool,
    /// Whether the log has the honest guardian's return.
    logged: bool,
    /// Whether the honest guardian's return ended, though nobody stopped it and they did not end it.
    lost: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Action {
    Begin(usize),
    /// The hostile guardian has another value written to the log, as of their next return.
    Post,
    /// A stop that names a return of this guardian's.
    Stop(usize),
    /// The hostile guardian ends a return of this guardian's.
    End(usize),
}

impl Beside {
    fn takes(&self, state: &State, who: usize) -> bool {
        let free = match self.0 {
            "without returns beside each other" => state.open == [0; 2],
            "without one return for each guardian" => true,
            _ => state.open[who] == 0,
        };
        let began = match self.0 {
            "without a count for each guardian" => state.began.iter().sum(),
            "without an end to their number" => 0,
            _ => state.began[who],
        };
        free && began < MOST
    }
}

impl Model for Beside {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State { open: [0; 2], began: [0; 2], taken: false, logged: false, lost: false }]
    }

    fn actions(&self, _: &State, actions: &mut Vec<Action>) {
        actions.push(Action::Post);
        for who in [HOSTILE, HONEST] {
            actions.extend([Action::Begin(who), Action::Stop(who), Action::End(who)]);
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = state.clone();
        match action {
            Action::Begin(who) => {
                // There is nothing to see in more.
                (self.takes(state, who) && state.began[who] <= MOST).then_some(())?;
                (who == HOSTILE || state.began[HONEST] == 0).then_some(())?;
                next.open[who] += 1;
                next.began[who] += 1;
                next.logged |= who == HONEST && !state.taken;
            }
            Action::Post => {
                // Their own place, but where places are shared, or chosen by whoever posts.
                let shared =
                    ["without the guardian in the mark", "without the guardian in the index"];
                (!state.logged && shared.contains(&self.0)).then_some(())?;
                next.taken = true;
            }
            Action::Stop(who) => {
                (state.open[who] > 0).then_some(())?;
                next.open[who] -= 1;
                if who == HOSTILE && self.0 == "without the return in the stop" {
                    next.lost |= state.open[HONEST] > 0;
                    next.open[HONEST] = 0;
                }
            }
            Action::End(who) => {
                let may = who == HOSTILE || self.0 == "without the guardian in the end";
                (may && state.open[who] > 0).then_some(())?;
                next.open[who] -= 1;
                next.lost |= who == HONEST;
            }
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("an honest guardian begins", |model: &Self, state: &State| {
                state.began[HONEST] > 0 || model.takes(state, HONEST)
            }),
            Property::always("what an honest guardian began is in the log", |_, state: &State| {
                state.began[HONEST] == 0 || state.logged
            }),
            Property::always("nothing else ends what they began", |_, state: &State| !state.lost),
            Property::always("a guardian has one return open", |_, state: &State| {
                state.open.iter().all(|it| *it <= 1)
            }),
            Property::always("an owner hears of so many returns at most", |_, state: &State| {
                state.began.iter().all(|it| *it <= MOST)
            }),
            Property::sometimes("two are open beside each other", |_, state: &State| {
                state.open == [1, 1]
            }),
        ]
    }
}
