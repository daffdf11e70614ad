//! Witnesses: a log that shows one tree to some and another to others finds too few who cosign both.
//!
//! Models PROTOCOL 15.2: a hostile log has two trees that do not go on from each other; four witnesses, one of them hostile,
//! cosign; two clients each ask for three. An honest witness cosigns what goes on from what it cosigned before. What holds
//! for three of four with one hostile holds whenever twice the number required is more than all witnesses and the
//! hostile ones together. Leaves out: the map, which witnesses replay, and time (model `rollback`).

use stateright::{Model, Property};

use super::About;

pub(super) const ABOUT: About = About {
    name: "witnesses",
    rules: "LOG-5, LOG-7, LOG-8",
    supports: "all witnesses and the hostile ones together",
    variants: &[
        "",
        "without the third cosignature",
        "without a witness's consistency check",
        "without counting each witness once",
        "with a second hostile witness",
        "with a second hostile witness and no memory",
        "with two honest witnesses away",
    ],
    model: |variant| Box::new(Witnesses(variant)),
};

const COUNT: usize = 4;
const CLIENTS: usize = 2;
/// Two trees that are not consistent with each other.
const TREES: u8 = 2;

/// The variant is what differs.
#[derive(Clone)]
struct Witnesses(&'static str);

#[derive(Clone, Debug, Hash, PartialEq)]
struct State {
    /// How often each witness cosigned each tree.
    signed: [[u8; TREES as usize]; COUNT],
    /// Which trees each client believed.
    believed: [[bool; TREES as usize]; CLIENTS],
}

#[derive(Clone, Debug, PartialEq)]
enum Action {
    Cosign { witness: usize, tree: usize },
    Show { client: usize, tree: usize },
}

impl Witnesses {
    /// The first so many are hostile: they cosign everything.
    fn hostile(&self) -> usize {
        if self.0.starts_with("with a second hostile witness") { 2 } else { 1 }
    }

    fn required(&self) -> usize {
        if self.0 == "without the third cosignature" { 2 } else { 3 }
    }
}

impl Model for Witnesses {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let (signed, believed) = ([[0; 2]; COUNT], [[false; 2]; CLIENTS]);
        vec![State { signed, believed }]
    }

    fn actions(&self, _: &State, actions: &mut Vec<Action>) {
        let away = if self.0 == "with two honest witnesses away" { 2 } else { 0 };
        for tree in 0..usize::from(TREES) {
            actions.extend((0..COUNT - away).map(|witness| Action::Cosign { witness, tree }));
            actions.extend((0..CLIENTS).map(|client| Action::Show { client, tree }));
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = state.clone();
        match action {
            Action::Cosign { witness, tree } => {
                let honest = witness >= self.hostile();
                let torn = state.signed[witness][1 - tree] > 0;
                // The same text is signed again, with a new time.
                let again = state.signed[witness][tree] < 2;
                (again && !(honest && torn && self.0 != "without a witness's consistency check"))
                    .then_some(())?;
                next.signed[witness][tree] += 1;
            }
            Action::Show { client, tree } => {
                let each_once = self.0 != "without counting each witness once";
                let counts = state.signed.iter().map(|of| usize::from(of[tree]));
                let signatures: usize =
                    counts.map(|count| if each_once { count.min(1) } else { count }).sum();
                let torn = state.believed[client][1 - tree];
                let memory = self.0 != "with a second hostile witness and no memory";
                (signatures >= self.required() && !(torn && memory)).then_some(())?;
                next.believed[client][tree] = true;
            }
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("no two clients believe trees that differ", |_, state: &State| {
                let any = |tree: usize| state.believed.iter().any(|of| of[tree]);
                !(any(0) && any(1))
            }),
            Property::always("no client believes one tree after the other", |_, state: &State| {
                !state.believed.iter().any(|of| of[0] && of[1])
            }),
            Property::sometimes(
                "a client believes an honest tree",
                |model: &Self, state: &State| {
                    let honest = state.signed.iter().skip(model.hostile()).all(|of| of[1] == 0);
                    honest && state.believed.iter().any(|of| of[0])
                },
            ),
        ]
    }
}
