//! Readers: whoever was given something is not shown a state of it that is over.
//!
//! Models PROTOCOL 9.3, 10.1 and 15.4 from the side of an honest reader, who keeps nothing between sessions: an owner writes
//! versions and takes the grant back; the server goes on showing what it kept. With the place of the safe in its grants a
//! reader asks the log, as the owner's devices do (model `rollback`). Leaves out: forged statements (`wrap`), dates.

use stateright::{Model, Property};

use super::About;

pub(super) const ABOUT: About = About {
    name: "readers",
    rules: "SYNC-3, GRANT-8, LOG-6, FRESH-1",
    supports: "**Show a worker what was so a day ago**",
    variants: &[
        "",
        "without the safe's place in the grant",
        "without the session's memory",
        "with a server that does not answer",
    ],
    model: |variant| Box::new(Readers(variant)),
};

/// States of the safe: two versions under the grant, then one in which it is taken back.
const TAKEN_BACK: u8 = 3;

/// The variant is what differs.
#[derive(Clone)]
struct Readers(&'static str);

#[derive(Clone, Debug, Hash, PartialEq)]
struct State {
    /// The newest state of the safe.
    made: u8,
    logged: u8,
    logged_before: u8,
    /// What this session was shown.
    session: u8,
    shown: Option<(u8, u8)>,
}

#[derive(Clone, Debug, PartialEq)]
enum Action {
    Write,
    Log,
    Day,
    NewSession,
    Read { version: u8, named: u8 },
}

impl Model for Readers {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State { made: 1, logged: 1, logged_before: 1, session: 0, shown: None }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        actions.extend([Action::Write, Action::Log, Action::Day, Action::NewSession]);
        if self.0 != "with a server that does not answer" {
            for version in 1..=state.made {
                actions.extend((1..=state.logged).map(|named| Action::Read { version, named }));
            }
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = state.clone();
        next.shown = None;
        match action {
            Action::Write => {
                (state.made < TAKEN_BACK).then_some(())?;
                next.made += 1;
            }
            Action::Log => next.logged = state.made,
            Action::Day => next.logged_before = state.logged,
            Action::NewSession => next.session = 0,
            Action::Read { version, named } => {
                let live = version < TAKEN_BACK;
                let forward = self.0 == "without the session's memory" || version >= state.session;
                let newest = self.0 == "without the safe's place in the grant"
                    || (named <= version && named >= state.logged_before);
                (live && forward && newest).then_some(())?;
                next.session = version;
                next.shown = Some((version, state.session));
            }
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("no session goes back to an older version", |_, state: &State| {
                state.shown.is_none_or(|(version, before)| version >= before)
            }),
            Property::always(
                "a version that was replaced a day ago is not shown",
                |_, state: &State| {
                    state.shown.is_none_or(|(version, _)| version >= state.logged_before)
                },
            ),
            Property::always("what was taken back a day ago is not shown", |_, state: &State| {
                state.shown.is_none() || state.logged_before < TAKEN_BACK
            }),
            Property::sometimes(
                "the second version is read in a new session",
                |_, state: &State| state.shown == Some((2, 0)),
            ),
        ]
    }
}
