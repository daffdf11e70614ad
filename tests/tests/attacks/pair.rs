//! One attack, played twice: as things are, and without what stops it.

use anyhow::{Result, ensure};
use reconnect_core::error::Error;
use reconnect_format::switch::Check;

/// What came of an attack.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// A journey stopped with an error that the page turns into words.
    Stopped(Error),
    /// What the attacker sent was passed over, and everything went on.
    PassedOver,
    /// The attacker got what they wanted.
    Succeeded,
}

/// What stands between an attacker and success.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Defence {
    /// Checks; an attack that several stop succeeds only without all of them.
    Checks(&'static [Check]),
    /// Something that the attacker does not have, or that no code does: in the other play it is so.
    Lacking(&'static str),
}

/// An attack with its two tests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair {
    /// Where its two tests are.
    pub(crate) name: &'static str,
    /// The code of the error with which it is stopped; nothing where it is passed over.
    pub(crate) says: Option<&'static str>,
    /// What stops it.
    pub(crate) defence: Defence,
}

impl Pair {
    /// Without the name of the suite.
    pub(crate) fn short_name(&self) -> &'static str {
        self.name.split_once("::").map_or(self.name, |(_, name)| name)
    }

    /// In what the second play differs, in a few words.
    pub(crate) fn without(&self) -> String {
        match self.defence {
            Defence::Checks(checks) => {
                let names: Vec<_> = checks.iter().map(|check| format!("{check:?}")).collect();
                names.join(", ")
            }
            Defence::Lacking(what) => format!("given {what}"),
        }
    }

    /// The attack was played as things are.
    pub(crate) fn must_be_stopped(&self, outcome: &Outcome) -> Result<()> {
        let as_said = match (outcome, self.says) {
            (Outcome::Stopped(error), Some(code)) => error.code() == code,
            (Outcome::PassedOver, None) => true,
            _ => false,
        };
        ensure!(as_said, "{}: {outcome:?} instead of {:?}", self.name, self.says);
        Ok(())
    }

    /// The attack was played with one of the checks alone.
    pub(crate) fn must_not_succeed(&self, left: Check, outcome: &Outcome) -> Result<()> {
        let stopped = !matches!(outcome, Outcome::Succeeded);
        ensure!(stopped, "{}: {left:?} alone does not stop it", self.name);
        Ok(())
    }

    /// The attack was played without what stops it.
    pub(crate) fn must_succeed(&self, outcome: &Outcome) -> Result<()> {
        let succeeded = matches!(outcome, Outcome::Succeeded);
        ensure!(succeeded, "{} without {:?}: {outcome:?}", self.name, self.defence);
        Ok(())
    }
}

/// Makes two tests of each attack, and what the table knows of them.
///
/// `without` names checks, which are turned off around the second play; `given` names what the
/// second play hands to the attacker, and the attack is told whether it has it.
macro_rules! pairs {
    ($($attack:ident: $says:tt $how:ident $what:tt;)*) => {
        /// All pairs of this file.
        pub(crate) const ALL: &[crate::pair::Pair] = &[$($attack::PAIR),*];
        $(
        pub(crate) mod $attack {
            use crate::pair::{Defence, Pair};

            pub(crate) const PAIR: Pair = Pair {
                name: concat!(module_path!()),
                says: $crate::pair::says!($says),
                defence: $crate::pair::defence!($how $what),
            };

            #[tokio::test]
            async fn is_stopped() -> anyhow::Result<()> {
                PAIR.must_be_stopped(&$crate::pair::play!($how, super::$attack, false))?;
                // Of several checks each is one: any of them stops it without the others.
                let Defence::Checks(checks) = PAIR.defence else { return Ok(()) };
                for left in checks.iter().copied().filter(|_| checks.len() > 1) {
                    let others: Vec<_> = checks.iter().copied().filter(|it| *it != left).collect();
                    let _off = reconnect_format::switch::without(&others);
                    let outcome = $crate::pair::play!($how, super::$attack, false);
                    PAIR.must_not_succeed(left, &outcome)?;
                }
                Ok(())
            }

            #[tokio::test]
            async fn succeeds_undefended() -> anyhow::Result<()> {
                let Defence::Checks(checks) = PAIR.defence else {
                    return PAIR.must_succeed(&$crate::pair::play!($how, super::$attack, true));
                };
                let _off = reconnect_format::switch::without(checks);
                PAIR.must_succeed(&$crate::pair::play!($how, super::$attack, true))
            }
        }
        )*
    };
}

macro_rules! says {
    (passed_over) => {
        None
    };
    ($code:literal) => {
        Some($code)
    };
}

macro_rules! defence {
    (without [$($check:expr),*]) => {{
        #[allow(unused_imports, reason = "a list may name one check")]
        use reconnect_format::{Label, switch::Check::*};
        Defence::Checks(&[$($check),*])
    }};
    (given $what:literal) => {
        Defence::Lacking($what)
    };
}

macro_rules! play {
    (without, $attack:path, $undefended:literal) => {
        Box::pin($attack()).await?
    };
    (given, $attack:path, $undefended:literal) => {
        Box::pin($attack($undefended)).await?
    };
}

pub(crate) use {defence, pairs, play, says};
