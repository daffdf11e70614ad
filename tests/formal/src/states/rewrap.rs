//! Re-wrap: access survives a member who wraps garbage, and the old wrap goes.
//!
//! Models re-wrapping: after somebody left a member wraps the grant's secret to the new epoch, another opens it, or a week
//! goes by, and an honest server deletes the old wrap. One member is hostile: they wrap garbage, say that they opened what
//! does not open, and never say that anything is wrong. Somebody honest looks at least once a week. Leaves out: what the
//! wraps hold (symbolic model `rewrap`); the owner, who can always give again.

use stateright::{Model, Property};

use super::About;

pub(super) const ABOUT: About = About {
    name: "rewrap-deletion",
    rules: "GRANT-4, REWRAP-3, REWRAP-5, REWRAP-6",
    supports: "open anything given or sealed after they lost access",
    variants: &[
        "",
        "without the second opener",
        "without the week",
        "with nobody honest for a week",
        "with two hostile members",
    ],
    model: |variant| Box::new(Rewrap(variant)),
};

const MEMBERS: usize = 3;
/// A week, in steps of a few days.
const WEEK: u8 = 2;

/// The variant is what differs.
#[derive(Clone)]
struct Rewrap(&'static str);

#[derive(Clone, Debug, Hash, PartialEq)]
struct State {
    old: bool,
    new: Option<New>,
    /// Whether somebody honest looked since the new wrap came.
    looked: bool,
}

#[derive(Clone, Debug, Hash, PartialEq)]
struct New {
    by: usize,
    good: bool,
    /// Whether another member said that it opened.
    confirmed: bool,
    age: u8,
}

#[derive(Clone, Debug, PartialEq)]
enum Action {
    Wrap(usize),
    Look(usize),
    Days,
    Delete,
}

impl Rewrap {
    /// The first so many members are hostile.
    fn hostile(&self) -> usize {
        if self.0 == "with two hostile members" { 2 } else { 1 }
    }
}

impl Model for Rewrap {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State { old: true, new: None, looked: false }]
    }

    fn actions(&self, _: &State, actions: &mut Vec<Action>) {
        actions.extend([Action::Days, Action::Delete]);
        actions
            .extend((0..MEMBERS).flat_map(|member| [Action::Wrap(member), Action::Look(member)]));
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = state.clone();
        match action {
            Action::Wrap(member) => {
                // Whoever wraps opens the old wrap, which the commitment checks.
                (state.old && state.new.is_none()).then_some(())?;
                let good = member >= self.hostile();
                next.new = Some(New {
                    by: member,
                    good,
                    confirmed: self.0 == "without the second opener",
                    age: 0,
                });
                next.looked = false;
            }
            Action::Look(member) => {
                let new = next.new.as_mut().filter(|new| new.by != member)?;
                if member < self.hostile() {
                    new.confirmed = true;
                } else if new.good {
                    new.confirmed = true;
                    next.looked = true;
                } else {
                    // The signature says whose it is: it is thrown away, and made again.
                    state.old.then_some(())?;
                    next.new = None;
                }
            }
            Action::Days => {
                let new = next.new.as_mut().filter(|new| new.age < WEEK)?;
                // Before the week is over somebody honest has looked, and garbage is gone.
                let over = new.age + 1 == WEEK;
                let looks = self.0 != "with nobody honest for a week";
                (!over || !looks || new.good).then_some(())?;
                new.age += 1;
            }
            Action::Delete => {
                let new = state.new.as_ref().filter(|_| state.old)?;
                let due = new.confirmed || (self.0 != "without the week" && new.age == WEEK);
                due.then_some(())?;
                next.old = false;
            }
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("there is a wrap that opens", |_, state: &State| {
                state.old || state.new.as_ref().is_some_and(|new| new.good)
            }),
            Property::sometimes(
                "the old wrap goes when nobody says that the new one opens",
                |_, state: &State| {
                    !state.old && state.new.as_ref().is_some_and(|new| !new.confirmed && new.good)
                },
            ),
        ]
    }
}
