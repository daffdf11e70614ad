//! Overruling: a thief of the root who changes it first does not win, and neither does whoever was dismissed long ago.
//!
//! Models PROTOCOL 16.2 and 16.3: root and guardians' keys sign generations, of which there are four; configurations, oldest
//! first; returns, which devices stop. The owner's guardians begin within half a month, again when a return was ended, and
//! enter when they may; an owner who has the safe still may name guardians again, at once. The thief's guardians enter when
//! they may. Whoever else is there does what they like. Guardians whom the owner dismissed have put their key together with
//! a server's help. The server is honest, also about time, in steps of half a month. Leaves out: the values (symbolic model
//! `returning`), who vouches (`returns`), what a generation opens.

use stateright::{Model, Property};

use super::About;

pub(super) const ABOUT: About = About {
    name: "overruling",
    rules: "GUARD-7, GUARD-8, BACK-3, BACK-5",
    supports: "Whoever learns the root and changes it first does not win for 30 days: guardians overrule it.",
    variants: &[
        "",
        "without overruling",
        "without keeping what a return needs",
        "without keeping it while a later return goes on",
        "without reopening those before whoever signed",
        "without another return after one that ended",
        "without the order of configurations",
        "without the end of the time",
        "without the strict return",
        "without strictness of their own stops only",
        "without returns that outlast naming",
        "without time for a second return",
        "without generations that are the guardians'",
        "without the last generation for the oldest",
        "with guardians of whom all are needed",
        "with somebody who spends the tries of every PIN",
        "with an owner who names guardians again later",
        "with a thief's guardians who wait",
        "with guardians who take their time",
        "with guardians whom the owner dismissed lately",
    ],
    model: |variant| Box::new(Overruling(variant)),
};

/// In half months: a return begins so long after a configuration ended, or a return did; and the longest wait.
const MONTH: u8 = 2;
/// How long a return lasts.
const LASTS: u8 = 4;
/// How long after its end a configuration's key signs.
const SIGNS: u8 = 12;
/// Until then everything is tried.
const END: u8 = 14;
/// The last generation that a root begins; a key, while an older one may overrule; a key.
const ROOTS: u8 = 2;
const YOUNGER: u8 = 3;
const OLDEST: u8 = 4;

/// The variant is what differs.
#[derive(Clone)]
struct Overruling(&'static str);

#[derive(Clone, Copy, Debug, Hash, PartialEq)]
enum Party {
    /// Guardians whom the owner dismissed; hostile.
    Dismissed,
    Owner,
    Thief,
}
use Party::{Dismissed, Owner, Thief};

#[derive(Clone, Debug, Hash, PartialEq)]
struct State {
    now: u8,
    generation: u8,
    /// Who has the newest root.
    owner: bool,
    thief: bool,
    /// Guardians, by when they were named.
    named: Vec<Configuration>,
    /// Whether the tries of a PIN were spent.
    spent: bool,
    /// What a key just overruled, if one did.
    overruled: Option<Overruled>,
}

#[derive(Clone, Debug, Hash, PartialEq)]
struct Overruled {
    by: Party,
    /// How long ago the key's configuration ended.
    ended: u8,
    /// Whether older guardians of the owner's had begun a generation before.
    after_owner: bool,
}

#[derive(Clone, Debug, Hash, PartialEq)]
struct Configuration {
    party: Party,
    ended: Option<u8>,
    /// Overruled: it never signs.
    voided: bool,
    /// What a return needs is deleted.
    gone: bool,
    open: Option<Return>,
    /// When a return under it last ended, was stopped, and when one that was set later signed: in the last month.
    last: Option<u8>,
    stopped: Option<u8>,
    reopened: Option<u8>,
    signed: bool,
}

impl Configuration {
    fn new(party: Party, ended: Option<u8>) -> Self {
        let (last, stopped, reopened) = (None, None, None);
        let (voided, gone, signed) = (false, false, false);
        Self { party, ended, voided, gone, open: None, last, stopped, reopened, signed }
    }

    /// Ends the return that is open.
    fn close(&mut self, now: u8) {
        if self.open.take().is_some() {
            self.last = Some(now);
        }
    }
}

#[derive(Clone, Debug, Hash, PartialEq)]
struct Return {
    began: u8,
    strict: bool,
    /// Strict, though only returns under those who were named later were stopped.
    for_others: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Action {
    HalfMonth,
    Name(Party),
    /// The thief's root begins a generation.
    PutOut,
    Begin(usize),
    Stop(usize),
    SpendTries(usize),
    Overrule(usize),
}

fn within(now: u8, since: Option<u8>, time: u8) -> bool {
    since.is_some_and(|since| now - since <= time)
}

impl State {
    /// Nobody is named any more.
    fn end(&mut self, returns_stay: bool) {
        let now = self.now;
        for it in &mut self.named {
            it.ended = it.ended.or(Some(now));
            if !returns_stay {
                it.close(now);
            }
        }
    }

    fn is_overruled(&self, how: impl Fn(&Overruled) -> bool) -> bool {
        self.overruled.as_ref().is_some_and(how)
    }

    /// Whether the owner has a safe and named guardians again, and so leaves nothing to those of before.
    fn is_content(&self) -> bool {
        self.owner && self.named.last().is_some_and(|it| it.party == Owner && it.ended.is_none())
    }
}

impl Overruling {
    /// Whether this configuration is in its time.
    fn in_time(&self, state: &State, which: usize) -> bool {
        let it = &state.named[which];
        let signs = if self.0 == "without time for a second return" { 8 } else { SIGNS };
        let unending = self.0 == "without the end of the time";
        !it.voided && (it.ended.is_none() || unending || within(state.now, it.ended, signs))
    }

    fn can_begin(&self, state: &State, which: usize) -> bool {
        let it = &state.named[which];
        let now = state.now;
        let last = if self.0 == "without another return after one that ended" {
            it.stopped
        } else {
            it.last
        };
        let kept = self.0 != "without keeping what a return needs"
            && [it.ended, last, it.reopened].iter().any(|since| within(now, *since, MONTH));
        self.in_time(state, which)
            && it.open.is_none()
            && !it.gone
            && it.party != Dismissed
            && (it.ended.is_none() || kept)
    }

    /// Whether a generation is left for this configuration's key.
    fn has_generation(&self, state: &State, which: usize) -> bool {
        let older = (0..which).any(|older| self.in_time(state, older));
        let left = self.0 != "without the last generation for the oldest";
        state.generation < if older && left { YOUNGER } else { OLDEST }
    }

    /// Whether this configuration's key may sign, and somebody has it.
    fn can_overrule(&self, state: &State, which: usize) -> bool {
        let it = &state.named[which];
        // Nobody comes back to a safe that they are in.
        let outside = !(it.party == Owner && state.owner && it.ended.is_none());
        // The owner's wait is the longest, the thief's half a month.
        let wait = if it.party == Owner { MONTH } else { 1 };
        let ready = it.open.as_ref().is_some_and(|open| state.now - open.began >= wait);
        self.0 != "without overruling"
            && self.in_time(state, which)
            // Whom the owner dismissed is tried where nothing else happens.
            && if it.party == Dismissed { !state.thief } else { ready }
            && outside
            && self.has_generation(state, which)
    }

    /// This configuration's key begins a generation.
    fn overrule(&self, next: &mut State, which: usize) {
        let it = &next.named[which];
        let is_owner = |it: &Configuration| it.party == Owner && it.signed;
        next.overruled = Some(Overruled {
            by: it.party,
            ended: it.ended.map_or(0, |ended| next.now - ended),
            after_owner: next.named[..which].iter().any(is_owner),
        });
        (next.owner, next.thief) = (it.party == Owner, it.party == Thief);
        let now = next.now;
        next.end(true);
        next.generation += 1;
        next.named[which].signed = true;
        next.named[which].close(now);
        if self.0 != "without the order of configurations" {
            for it in &mut next.named[which + 1..] {
                it.voided = true;
                it.close(now);
            }
        }
        if self.0 != "without reopening those before whoever signed" {
            next.named[..which].iter_mut().for_each(|it| it.reopened = Some(now));
        }
    }

    /// Whether somebody wants a return.
    fn is_wanted(state: &State, which: usize) -> bool {
        let it = &state.named[which];
        // Nobody but the thief's own guardians returns to a safe from which nobody was put out.
        it.party == Thief || (it.ended.is_some() && state.thief && !state.is_content())
    }

    fn begin(&self, next: &mut State, which: usize) -> Option<()> {
        (Self::is_wanted(next, which) && self.can_begin(next, which)).then_some(())?;
        let never = self.0 == "with guardians of whom all are needed"
            || self.0 == "without the strict return";
        let stopped = |it: &[Configuration]| it.iter().any(|it| it.stopped.is_some());
        let own = stopped(&next.named[..=which]);
        let any = self.0 == "without strictness of their own stops only";
        let others = any && !own && stopped(&next.named);
        let strict = !never && (own || others);
        next.named[which].open = Some(Return { began: next.now, strict, for_others: others });
        Some(())
    }

    /// Whether this is what the owner or guardians do before more time goes by.
    fn is_urgent(&self, state: &State, which: usize) -> bool {
        let it = &state.named[which];
        let now = state.now;
        if it.party == Thief {
            let waits = self.0 == "with a thief's guardians who wait";
            // An owner's device is told of a return before anybody can enter it.
            return it.open.as_ref().is_some_and(|it| state.owner && !it.strict)
                || (!waits && self.can_overrule(state, which));
        }
        if it.party == Dismissed || !Self::is_wanted(state, which) {
            return false;
        }
        if self.0 == "with guardians who take their time" {
            let mut later = state.clone();
            later.now += 1;
            let last = it.open.as_ref().is_some_and(|it| later.now - it.began >= LASTS);
            return (self.can_begin(state, which) && !self.can_begin(&later, which))
                || (last && self.can_overrule(state, which));
        }
        let since = it.ended.max(it.last);
        let since = since.filter(|since| now - since <= MONTH).or(it.reopened);
        (self.can_begin(state, which) && !within(now, since, 0)) || self.can_overrule(state, which)
    }

    /// Half a month goes by: returns end, and what nobody needs is deleted.
    fn pass(&self, next: &mut State) {
        next.now += 1;
        let now = next.now;
        for it in &mut next.named {
            if it.open.as_ref().is_some_and(|open| now - open.began >= LASTS) {
                it.close(now);
            }
            for since in [&mut it.last, &mut it.stopped, &mut it.reopened] {
                *since = since.filter(|since| now - since <= MONTH);
            }
        }
        let returns = |it: &Configuration| it.open.is_some() || it.last.is_some();
        for which in 0..next.named.len() {
            let own = self.0 == "without keeping it while a later return goes on";
            let until = if own { which + 1 } else { next.named.len() };
            let needed = next.named[which..until].iter().any(returns);
            let it = &mut next.named[which];
            let new = it.reopened.is_some() || within(now, it.ended, MONTH);
            it.gone |= it.ended.is_some() && !new && !needed;
        }
    }
}

impl Model for Overruling {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let dismissed = Configuration::new(Dismissed, Some(0));
        let owners = Configuration::new(Owner, None);
        let state = |thief, named| State {
            now: 0,
            generation: 1,
            owner: true,
            thief,
            named,
            spent: false,
            overruled: None,
        };
        let nobody = state(false, vec![dismissed.clone(), owners.clone()]);
        let lately = self.0 == "with guardians whom the owner dismissed lately";
        let before = if lately { vec![dismissed, owners] } else { vec![owners] };
        vec![nobody, state(true, before)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        actions.extend([Action::HalfMonth, Action::PutOut]);
        actions.extend([Owner, Thief].map(Action::Name));
        for which in 0..state.named.len() {
            actions.extend([Action::Begin(which), Action::Stop(which)]);
            actions.extend([Action::Overrule(which), Action::SpendTries(which)]);
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = state.clone();
        next.overruled = None;
        let thiefs = state.named.iter().position(|it| it.party == Thief);
        let again = thiefs.is_some_and(|it| state.named.len() > it + 1);
        match action {
            Action::HalfMonth => {
                let urgent = (0..state.named.len()).any(|it| self.is_urgent(state, it));
                // Time counts from the end of the owner's guardians.
                let counts = !state.thief
                    || state.named.iter().all(|it| it.party != Owner || it.ended.is_some())
                    || again;
                (state.now < END && !urgent && counts).then_some(())?;
                self.pass(&mut next);
            }
            Action::Name(Thief) => {
                state.thief.then_some(())?;
                if thiefs.is_none() {
                    next.end(self.0 != "without returns that outlast naming");
                    next.named.push(Configuration::new(Thief, None));
                } else {
                    // The same guardians again: that ends returns, if anything.
                    let ends = self.0 == "without returns that outlast naming";
                    (ends && !again && state.named[0].open.is_some()).then_some(())?;
                    next.end(false);
                }
            }
            Action::Name(_) => {
                let now =
                    state.named.iter().rev().nth(1).and_then(|it| it.ended) == Some(state.now);
                let later = self.0 == "with an owner who names guardians again later";
                let has = state.owner && state.thief && thiefs.is_some() && !again;
                (has && (now || later)).then_some(())?;
                next.end(true);
                next.named.push(Configuration::new(Owner, None));
            }
            Action::PutOut => {
                let roots = self.0 == "without generations that are the guardians'";
                let last = if roots { OLDEST } else { ROOTS };
                (state.thief && state.generation < last).then_some(())?;
                next.owner = false;
                next.generation += 1;
                next.end(true);
            }
            Action::Begin(which) => self.begin(&mut next, which)?,
            Action::Stop(which) => {
                let it = &mut next.named[which];
                let device = if it.party == Owner { state.thief } else { state.owner };
                it.open.as_ref().filter(|open| !open.strict && device)?;
                it.close(state.now);
                it.stopped = Some(state.now);
            }
            Action::SpendTries(which) => {
                let it = &mut next.named[which];
                let each = self.0 == "with somebody who spends the tries of every PIN";
                let once = !state.spent && !again;
                (it.open.is_some() && it.party == Owner && (each || once)).then_some(())?;
                it.close(state.now);
                next.spent = true;
            }
            Action::Overrule(which) => {
                self.can_overrule(state, which).then_some(())?;
                self.overrule(&mut next, which);
            }
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(
                "the thief does not keep the owner's guardians out",
                |model: &Self, state: &State| {
                    let comes = |which: usize| {
                        let returns =
                            state.named[which].open.is_some() || model.can_begin(state, which);
                        state.named[which].party == Owner
                            && returns
                            && model.in_time(state, which)
                            && model.has_generation(state, which)
                            && model.0 != "without overruling"
                    };
                    let won = state.thief && !state.owner;
                    !won || (0..state.named.len()).any(comes)
                },
            ),
            Property::always(
                "the thief's guardians do not overrule the owner's older ones",
                |_, state: &State| !state.is_overruled(|it| it.by == Thief && it.after_owner),
            ),
            Property::always(
                "a stop of the thief's return asks no more of the owner's guardians",
                |_, state: &State| {
                    let more =
                        |it: &Configuration| it.open.as_ref().is_some_and(|it| it.for_others);
                    !state.named.iter().any(|it| it.party == Owner && more(it))
                },
            ),
            Property::always(
                "who was dismissed half a year ago does not overrule",
                |_, state: &State| !state.is_overruled(|it| it.by == Dismissed && it.ended > SIGNS),
            ),
            Property::always("who was dismissed does not overrule", |_, state: &State| {
                !state.is_overruled(|it| it.by == Dismissed)
            }),
            Property::sometimes("the owner's guardians overrule the thief", |_, state: &State| {
                state.is_overruled(|it| it.by == Owner)
            }),
        ]
    }
}
