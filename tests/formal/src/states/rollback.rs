//! Rollback: an old safe is not shown as the newest, on a device of one's own or on a fresh one.
//!
//! Models PROTOCOL 9.3, 15.2 and 15.4: statements are a number that grows; the server shows any shorter chain that it
//! likes, and any checkpoint that was once cosigned. Devices remember what they saw until they are lost. Witnesses are
//! believed (model `witnesses`). Leaves out: forks, which signatures and hashes stop (`revoke`), and what a page does that
//! could not look the log up: it says so, and gives nothing.

use stateright::{Model, Property};

use super::About;

pub(super) const ABOUT: About = About {
    name: "rollback",
    rules: "SYNC-2, LOG-6, LOG-8, LOG-11, LOG-12",
    supports: "a device of one's own remembers the newest head and the newest checkpoint of the log",
    variants: &[
        "",
        "without the device's memory",
        "without the log",
        "without the checkpoint's age",
        "without witnesses",
        "with a server that does not answer",
    ],
    model: |variant| Box::new(Rollback(variant)),
};

/// Statements that are made at most.
const WRITES: u8 = 3;
const DEVICES: usize = 2;

/// The variant is what differs.
#[derive(Clone)]
struct Rollback(&'static str);

#[derive(Clone, Debug, Hash, PartialEq)]
struct State {
    /// Statements that were made.
    made: u8,
    /// The newest that the log's map names.
    logged: u8,
    /// The newest that it named a day ago.
    logged_before: u8,
    /// The newest that each device has seen. Nothing on a fresh one.
    seen: [u8; DEVICES],
    /// What a device showed last, as checked.
    shown: Option<Shown>,
}

#[derive(Clone, Debug, Hash, PartialEq)]
struct Shown {
    count: u8,
    /// What this device had seen before.
    seen: u8,
}

#[derive(Clone, Debug, PartialEq)]
enum Action {
    Write(usize),
    /// The log takes the newest statement in, and the witnesses cosign.
    Log,
    /// A day goes by.
    Day,
    /// A device is lost, or its browser cleared; it, or another in its place, knows nothing.
    Lose(usize),
    /// The server shows a device a chain, and a checkpoint whose map names `named`.
    Open {
        device: usize,
        chain: u8,
        named: u8,
    },
}

impl Model for Rollback {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State { made: 1, logged: 1, logged_before: 1, seen: [1, 0], shown: None }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        actions.extend([Action::Log, Action::Day]);
        let answers = u8::from(self.0 != "with a server that does not answer");
        for device in 0..DEVICES {
            actions.extend([Action::Write(device), Action::Lose(device)]);
            for chain in 1..=state.made * answers {
                let named = 1..=state.logged;
                actions.extend(named.map(|named| Action::Open { device, chain, named }));
            }
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = state.clone();
        next.shown = None;
        match action {
            Action::Write(device) => {
                // The server orders: it takes a statement only behind the newest.
                (state.made < WRITES && state.seen[device] == state.made).then_some(())?;
                next.made += 1;
                next.seen[device] = next.made;
            }
            Action::Log => next.logged = state.made,
            Action::Day => next.logged_before = state.logged,
            Action::Lose(device) => next.seen[device] = 0,
            Action::Open { device, chain, named } => {
                let seen = state.seen[device];
                let remembers = self.0 == "without the device's memory" || chain >= seen;
                // A log without witnesses signs whatever map it likes, with today's time.
                let old = ["without the checkpoint's age", "without witnesses"].contains(&self.0);
                let young = old || named >= state.logged_before;
                let in_log = self.0 == "without the log" || (named <= chain && young);
                (remembers && in_log).then_some(())?;
                next.seen[device] = chain;
                next.shown = Some(Shown { count: chain, seen });
            }
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("no device goes back behind what it has seen", |_, state: &State| {
                state.shown.as_ref().is_none_or(|it| it.count >= it.seen)
            }),
            Property::always(
                "what was in the log for a day is in every safe that is shown",
                |_, state: &State| {
                    state.shown.as_ref().is_none_or(|it| it.count >= state.logged_before)
                },
            ),
            Property::always(
                "what is in the log is at once in every safe that is shown",
                |_, state: &State| state.shown.as_ref().is_none_or(|it| it.count >= state.logged),
            ),
            Property::sometimes("a fresh device is shown the newest safe", |_, state: &State| {
                state.shown.as_ref().is_some_and(|it| it.seen == 0 && it.count == WRITES)
            }),
        ]
    }
}
