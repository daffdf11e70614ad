//! Counts of lives, and how sure a count is.

use crate::{
    assume::Assumptions,
    fate::Fate,
    life::{Loss, Outcome, Taking, play},
    setting::Setting,
};

/// People for whom a table is told.
const PEOPLE: f64 = 100_000.0;

/// What many lives under one setting came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tally {
    pub(crate) lives: u32,
    pub(crate) lost: u32,
    pub(crate) too_few_left: u32,
    pub(crate) gave_up: u32,
    pub(crate) taken: u32,
    pub(crate) taken_short: u32,
    pub(crate) taken_after_stop: u32,
    pub(crate) entered_by_sheet: u32,
    pub(crate) alarms: u32,
    pub(crate) stopped_falsely: u32,
    pub(crate) back_after_stop: u32,
    pub(crate) lost_after_stop: u32,
    pub(crate) stood_outside: u32,
    outside: u32,
    came_back: u32,
    days_until_back: f64,
    splits: u32,
    lost_lives: Vec<u32>,
    taken_lives: Vec<u32>,
}

impl Tally {
    /// The same lives under each setting, in the order of the settings.
    pub(crate) fn play(
        seed: u64,
        lives: u32,
        settings: &[Setting],
        assume: &Assumptions,
    ) -> Vec<Self> {
        let mut tallies = vec![Self::default(); settings.len()];
        let places = settings.iter().map(|setting| setting.guardians.len()).max().unwrap_or(0);
        for life in 0..lives {
            let fate = Fate::draw(seed, u64::from(life), places, assume);
            for (tally, setting) in tallies.iter_mut().zip(settings) {
                tally.add(&play(&fate, setting, assume));
            }
        }
        tallies
    }

    fn add(&mut self, outcome: &Outcome) {
        let life = self.lives;
        self.lives += 1;
        self.lost_lives.extend(outcome.lost.map(|_| life));
        self.taken_lives.extend(outcome.taken.map(|_| life));
        self.lost += u32::from(outcome.lost.is_some());
        self.too_few_left += u32::from(outcome.lost == Some(Loss::TooFewLeft));
        self.gave_up += u32::from(outcome.lost == Some(Loss::GaveUp));
        self.taken += u32::from(outcome.taken.is_some());
        self.taken_short += u32::from(outcome.taken == Some(Taking::ShortWait));
        self.taken_after_stop += u32::from(outcome.taken == Some(Taking::AfterStop));
        self.entered_by_sheet += u32::from(outcome.entered_by_sheet);
        self.alarms += u32::from(outcome.alarm);
        self.stopped_falsely += u32::from(outcome.stopped_falsely);
        self.back_after_stop += u32::from(outcome.back_after_stop);
        self.lost_after_stop += u32::from(outcome.lost_after_stop);
        self.stood_outside += u32::from(outcome.outside > 0);
        self.outside += outcome.outside;
        self.came_back += outcome.came_back;
        self.days_until_back += outcome.days_until_back;
        self.splits += outcome.splits;
    }

    /// Lives, as they would be among 100,000, with their interval.
    pub(crate) fn cell(&self, count: u32) -> String {
        let (low, high) = wilson(count, self.lives);
        format!("{:.0} ({:.0}-{:.0})", self.per_people(count), low * PEOPLE, high * PEOPLE)
    }

    pub(crate) fn per_people(&self, count: u32) -> f64 {
        f64::from(count) / f64::from(self.lives) * PEOPLE
    }

    /// Mean days outside of those whom guardians brought back.
    pub(crate) fn days_until_back(&self) -> f64 {
        self.days_until_back / f64::from(self.came_back.max(1))
    }

    /// Of the times that somebody stood outside, how many ended inside.
    pub(crate) fn share_back(&self) -> f64 {
        f64::from(self.came_back) / f64::from(self.outside.max(1))
    }

    /// New splits in one life.
    pub(crate) fn splits(&self) -> f64 {
        f64::from(self.splits) / f64::from(self.lives)
    }

    /// Whether this is clearly better in losses, takeovers or days outside, and clearly worse in none.
    pub(crate) fn beats(&self, other: &Self) -> bool {
        let is_better = |one: &Self, other: &Self| {
            clearly_fewer(&one.lost_lives, &other.lost_lives)
                || clearly_fewer(&one.taken_lives, &other.taken_lives)
                || one.days_until_back() < other.days_until_back() - DAY
        };
        is_better(self, other) && !is_better(other, self)
    }
}

/// Days outside that differ by less are the same.
const DAY: f64 = 1.0;
/// The normal distribution's 97.5 %.
const Z: f64 = 1.959_963_984_540_054;

/// Whether a setting has so few in a pair of the same lives that chance is no explanation, at 95 %: only lives that end
/// differently under the two say anything (the test of `McNemar`). Both lists are in order.
fn clearly_fewer(one: &[u32], other: &[u32]) -> bool {
    let shared = one.iter().filter(|life| other.binary_search(life).is_ok()).count();
    let only = |lives: &[u32]| f64::from(u32::try_from(lives.len() - shared).unwrap_or(u32::MAX));
    let (one, other) = (only(one), only(other));
    other - one > Z * (one + other).sqrt()
}

/// Wilson's interval of 95 % for a share.
pub(crate) fn wilson(count: u32, of: u32) -> (f64, f64) {
    let (count, of) = (f64::from(count), f64::from(of));
    let share = count / of;
    let middle = share + Z * Z / (2.0 * of);
    let half = Z * (share * (1.0 - share) / of + Z * Z / (4.0 * of * of)).sqrt();
    let whole = 1.0 + Z * Z / of;
    (((middle - half) / whole).max(0.0), ((middle + half) / whole).min(1.0))
}

#[cfg(test)]
mod tests {
    use anyhow::Result;

    use super::*;
    use crate::setting::{AfterStop, Ways};

    fn play_one(setting: &Setting, lives: u32, assume: &Assumptions) -> Tally {
        Tally::play(7, lives, std::slice::from_ref(setting), assume).remove(0)
    }

    /// Attackers are common, so that few lives show what many would.
    fn rough_times() -> Assumptions {
        Assumptions {
            structure_dishonest: 0.3,
            person_dishonest: 0.3,
            structure_deceived: 0.1,
            partner_share: 0.5,
            ..Assumptions::default()
        }
    }

    fn nothing_is_lost() -> Assumptions {
        Assumptions {
            theft_rough: 0.0,
            theft_other: 0.0,
            upheaval: 0.0,
            phone_lost: 0.0,
            card_lost: 0.0,
            sheet_lost: 0.0,
            words_forgotten: 0.0,
            pin_forgotten: 0.0,
            partner_share: 0.0,
            ..Assumptions::default()
        }
    }

    fn everybody_is_honest() -> Assumptions {
        Assumptions {
            structure_dishonest: 0.0,
            person_dishonest: 0.0,
            leaver_keeps_copy: 0.0,
            paper_found: 0.0,
            partner_share: 0.0,
            // Nobody sends an impostor, so that nobody is there to be taken for the owner.
            structure_deceived: 0.5,
            ..Assumptions::default()
        }
    }

    #[test]
    fn only_lives_that_end_differently_tell_two_settings_apart() {
        let all: Vec<u32> = (0..1000).collect();
        assert!(clearly_fewer(&all[4..], &all));
        assert!(!clearly_fewer(&all[3..], &all));
        assert!(!clearly_fewer(&all, &all[4..]));
        assert!(!clearly_fewer(&all[..500], &all[500..]));
    }

    #[test]
    fn the_same_seed_gives_the_same_lives_whatever_else_is_played() -> Result<()> {
        let assume = rough_times();
        let setting = Setting::new(2, "ssp")?;
        let alone = play_one(&setting, 2000, &assume);
        let beside = [Setting::new(4, "ssspdsss")?, setting.clone()];
        assert_eq!(Some(&alone), Tally::play(7, 2000, &beside, &assume).get(1));
        assert_ne!(alone, Tally::play(8, 2000, &[setting], &assume).remove(0));
        Ok(())
    }

    #[test]
    fn needing_more_guardians_loses_more_safes_and_gives_fewer_away() -> Result<()> {
        let settings = [2, 3, 4, 5].map(|needed| Setting::new(needed, "ssspp"));
        let settings = settings.into_iter().collect::<Result<Vec<_>>>()?;
        let tallies = Tally::play(7, 5000, &settings, &rough_times());
        for pair in tallies.windows(2) {
            assert!(pair[0].lost < pair[1].lost, "{pair:?}");
            assert!(pair[0].taken > pair[1].taken, "{pair:?}");
        }
        Ok(())
    }

    #[test]
    fn waiting_longer_helps_whoever_hears_by_phone_or_at_a_desk() -> Result<()> {
        // Two structures that lie are enough after a stop: what the wait does shows where it may be stopped again.
        let setting = Setting { after_stop: AfterStop::MayBeStopped, ..Setting::new(2, "sss")? };
        let waits = [2.0, 7.0, 14.0, 30.0];
        let settings =
            waits.map(|wait_days| Setting { wait_days, short_days: None, ..setting.clone() });
        let phone = Assumptions { visits_rough: 0.0, visits_other: 0.0, ..rough_times() };
        let desk = Assumptions { has_phone: 0.0, ..rough_times() };
        for assume in [phone, desk] {
            let tallies = Tally::play(7, 5000, &settings, &assume);
            let taken: Vec<_> = tallies.iter().map(|tally| tally.taken).collect();
            assert!(taken.is_sorted_by(|short, long| short > long), "{taken:?}");
        }
        Ok(())
    }

    #[test]
    fn who_loses_nothing_never_stands_outside() {
        let setting = Setting::alone(Ways::All);
        assert_eq!(play_one(&setting, 2000, &nothing_is_lost()).stood_outside, 0);
    }

    #[test]
    fn any_one_way_of_ones_own_is_enough() {
        let all = Assumptions {
            words_forgotten: 0.9,
            sheet_lost: 0.9,
            card_lost: 0.9,
            phone_lost: 0.9,
            replaces_way: 0.0,
            has_phone: 1.0,
            signs_in_phone: 0.0,
            three_kinds: 1.0,
            ..nothing_is_lost()
        };
        let lost = |assume: &Assumptions| play_one(&Setting::alone(Ways::All), 1000, assume).lost;
        assert!(lost(&all) > 500);
        assert_eq!(lost(&Assumptions { words_forgotten: 0.0, ..all.clone() }), 0);
        assert_eq!(lost(&Assumptions { sheet_lost: 0.0, ..all.clone() }), 0);
        assert_eq!(lost(&Assumptions { card_lost: 0.0, ..all.clone() }), 0);
        assert_eq!(lost(&Assumptions { phone_lost: 0.0, ..all.clone() }), 0);
        // A card is worth what its PIN is.
        assert!(lost(&Assumptions { card_lost: 0.0, pin_forgotten: 0.9, ..all }) > 500);
    }

    #[test]
    fn old_copies_begin_nothing_without_a_guardian() -> Result<()> {
        let assume = Assumptions {
            leaver_keeps_copy: 1.0,
            partner_share: 1.0,
            partner_is_guardian: 0.0,
            structure_deceived: 0.0,
            ..everybody_is_honest()
        };
        let setting = Setting { splits_after_leaving: false, ..Setting::new(2, "sss")? };
        assert_eq!(play_one(&setting, 1000, &assume).taken, 0);
        let deceived = Assumptions { structure_deceived: 0.1, ..assume };
        assert!(play_one(&setting, 1000, &deceived).taken > 0);
        Ok(())
    }

    #[test]
    fn where_everybody_is_honest_nothing_is_taken_over() -> Result<()> {
        let setting = Setting::new(2, "ssp")?;
        let honest = play_one(&setting, 2000, &everybody_is_honest());
        assert_eq!((honest.taken, honest.alarms), (0, 0));
        let one = Assumptions { person_dishonest: 0.1, ..everybody_is_honest() };
        assert!(play_one(&setting, 2000, &one).taken > 0);
        Ok(())
    }

    #[test]
    fn it_takes_as_many_dishonest_guardians_as_are_needed() -> Result<()> {
        let assume = Assumptions {
            structure_dishonest: 1.0,
            structure_deceived: 0.0,
            person_deceived: 0.0,
            person_dishonest: 0.0,
            acts: 5.0,
            has_phone: 0.0,
            ..everybody_is_honest()
        };
        for (needed, guardians, is_enough) in [
            (2, "ssp", true),
            (2, "spp", false),
            (3, "ssp", false),
            (3, "sssp", true),
            (2, "1s1sp", false),
            (2, "spd", false),
        ] {
            let taken = play_one(&Setting::new(needed, guardians)?, 200, &assume).taken;
            assert_eq!(taken > 100, is_enough, "{needed} of {guardians}: {taken}");
            assert!(is_enough || taken == 0, "{needed} of {guardians}: {taken}");
        }
        Ok(())
    }

    #[test]
    fn after_a_stop_attackers_need_one_more() -> Result<()> {
        // Two of three structures, and an owner who stops everything that they begin.
        let assume = Assumptions {
            structure_dishonest: 1.0,
            structure_deceived: 0.0,
            person_deceived: 0.0,
            understands: 1.0,
            looks_days: 0.0,
            has_phone: 1.0,
            absence: 0.0,
            signs_in_phone: 1.0,
            ..nothing_is_lost()
        };
        let assume = Assumptions { person_dishonest: 0.0, leaver_keeps_copy: 0.0, ..assume };
        let taken = |setting: &Setting| play_one(setting, 200, &assume).taken;
        let setting = Setting::new(2, "ssp")?;
        let as_many =
            Setting { after_stop: AfterStop::CannotBeStopped { more: 0 }, ..setting.clone() };
        let one_more =
            Setting { after_stop: AfterStop::CannotBeStopped { more: 1 }, ..setting.clone() };
        let again = Setting { after_stop: AfterStop::MayBeStopped, ..setting.clone() };
        assert_eq!((taken(&one_more), taken(&again)), (0, 0));
        assert!(taken(&as_many) > 100);
        // Both structures lie: one more would stop them, and is not asked for.
        assert!(taken(&setting) > 100);
        assert_eq!(taken(&Setting::new(2, "spp")?), 0);
        // Of two no more than two can be asked.
        assert!(taken(&Setting::new(2, "ss")?) > 100);
        Ok(())
    }

    #[test]
    fn the_request_that_cannot_be_stopped_brings_owners_back() -> Result<()> {
        let again = Setting { after_stop: AfterStop::MayBeStopped, ..Setting::new(2, "sss")? };
        let settings = [Setting::new(2, "sss")?, again];
        let assume = Assumptions { partner_stops: 1.0, ..rough_times() };
        let tallies = Tally::play(7, 10_000, &settings, &assume);
        let [with, without] = [&tallies[0], &tallies[1]];
        assert!(with.stopped_falsely > 100 && without.stopped_falsely > 100);
        assert!(with.back_after_stop * 2 > with.stopped_falsely, "{with:?}");
        assert_eq!(without.back_after_stop, 0);
        assert!(with.lost_after_stop * 2 < without.lost_after_stop, "{with:?} {without:?}");
        Ok(())
    }

    /// Published: Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
    #[test]
    fn the_interval_is_as_published() {
        for (count, of, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0000, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let (found_low, found_high) = wilson(count, of);
            assert!((found_low - low).abs() < 5e-5, "{count} of {of}: {found_low}");
            assert!((found_high - high).abs() < 5e-5, "{count} of {of}: {found_high}");
        }
    }
}
