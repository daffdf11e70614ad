//! The guardians of one owner as the years go by: who is left, who would join an attack, and whose old share still
//! opens something.

use crate::{
    assume::Assumptions,
    chance::{Luck, Question},
    setting::{Guardian, Kind, MOST, Papers, Setting, houses},
};

/// Who guards one owner's safe, by place.
pub(crate) struct Guardians {
    seats: Vec<Seat>,
    /// Decides who is honest, for the first at a place and for each who follows.
    luck: Luck,
    worker_left: bool,
}

/// One guardian's place.
#[derive(Clone, Copy, Debug)]
struct Seat {
    guardian: Guardian,
    presence: Presence,
    character: Character,
    /// Attackers hold this place's share as it is since the last split, without holding the place.
    copied: bool,
    is_suspect: bool,
    /// How many held the place before.
    before: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Character {
    Honest,
    Dishonest,
    /// The owner's violent partner.
    Partner,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    Here,
    /// Gone, and the safe tells the owner.
    Told,
    /// Gone, and only the owner could notice.
    Untold,
}

/// Those who act together against an owner on one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Coalition {
    /// Shares that count, two of one house as one.
    pub(crate) shares: usize,
    /// Structures that would say that they saw the person.
    pub(crate) structures: usize,
    /// Whether one of them can begin: a paper or an old copy cannot.
    pub(crate) can_begin: bool,
}

/// One guardian's answer to an owner who came to a desk.
#[derive(Clone, Copy, Debug)]
struct Answer {
    after_days: f64,
    house: usize,
    /// A structure that saw the person.
    face_to_face: bool,
}

/// The answers to one request, by their days.
pub(crate) struct Answers(Vec<Answer>);

impl Guardians {
    pub(crate) fn begin(
        setting: &Setting,
        has_partner: bool,
        luck: Luck,
        assume: &Assumptions,
    ) -> Self {
        let seats = setting.guardians.iter().map(|guardian| Seat {
            guardian: *guardian,
            presence: Presence::Here,
            character: Character::Honest,
            copied: false,
            is_suspect: false,
            before: 0,
        });
        let mut all = Self { seats: seats.collect(), luck, worker_left: false };
        for place in 0..all.seats.len() {
            all.seats[place].character = all.character(place, assume);
        }
        let named = luck.says(Question::PartnerIsGuardian, 0, assume.partner_is_guardian);
        let first = all.seats.iter_mut().find(|seat| seat.guardian.kind == Kind::Person);
        if let Some(seat) = first.filter(|_| has_partner && named) {
            seat.character = Character::Partner;
        }
        all
    }

    /// Guardians who could still answer the owner, two of one house as one.
    pub(crate) fn left(&self) -> usize {
        let left = self.seats.iter().filter(|seat| seat.would_answer());
        houses(left.map(|seat| seat.guardian.house))
    }

    pub(crate) fn closes(&mut self, place: usize) {
        self.leaves(place, Kind::Structure, Presence::Told);
    }

    pub(crate) fn person_silent(&mut self, place: usize) {
        self.leaves(place, Kind::Person, Presence::Untold);
    }

    pub(crate) fn person_gone(&mut self, place: usize) {
        self.leaves(place, Kind::Person, Presence::Told);
    }

    pub(crate) fn paper_lost(&mut self, place: usize, luck: Luck, assume: &Assumptions) {
        let Some(seat) = self.holding(place, Kind::Paper) else { return };
        seat.copied |= luck.says(Question::PaperFound, 0, assume.paper_found);
        self.leaves(place, Kind::Paper, Presence::Untold);
    }

    pub(crate) fn worker_leaves(&mut self, place: usize, luck: Luck, assume: &Assumptions) {
        let Some(seat) = self.holding(place, Kind::Structure) else { return };
        seat.copied |= luck.says(Question::KeptCopy, 0, assume.leaver_keeps_copy);
        self.worker_left = true;
    }

    /// A violent partner looks for papers.
    pub(crate) fn partner_searches(&mut self, luck: Luck, assume: &Assumptions) {
        for (place, seat) in self.seats.iter_mut().enumerate() {
            let is_there = seat.guardian.kind == Kind::Paper && seat.presence == Presence::Here;
            seat.copied |=
                is_there && luck.says(Question::PartnerFinds, place, assume.partner_finds);
        }
    }

    /// Whether a dishonest guardian holds this place and may begin a coming back.
    pub(crate) fn would_begin(&self, place: usize) -> bool {
        self.seats.get(place).is_some_and(|seat| {
            seat.character == Character::Dishonest && seat.presence == Presence::Here
        })
    }

    /// Everybody who would join, and the honest who are deceived today. Whoever is dishonest is taken to know all the
    /// others: the worst case.
    pub(crate) fn against(
        &self,
        partner_acts: bool,
        luck: Luck,
        assume: &Assumptions,
    ) -> Coalition {
        let mut joined = [false; MOST];
        let mut acting = [false; MOST];
        for (place, seat) in self.seats.iter().enumerate() {
            acting[place] = seat.acts_against(partner_acts, place, luck, assume);
            joined[place] = acting[place] || seat.copied;
        }
        let of = |chosen: [bool; MOST], kind: Option<Kind>| {
            let seats = self.seats.iter().zip(chosen).filter(|(_, chosen)| *chosen);
            let seats =
                seats.filter(|(seat, _)| kind.is_none_or(|kind| seat.guardian.kind == kind));
            houses(seats.map(|(seat, _)| seat.guardian.house))
        };
        Coalition {
            shares: of(joined, None),
            structures: of(acting, Some(Kind::Structure)),
            can_begin: acting.contains(&true),
        }
    }

    /// An attempt was seen: those who took part under their own name are known.
    pub(crate) fn seen(&mut self, partner_acts: bool, luck: Luck, assume: &Assumptions) {
        for (place, seat) in self.seats.iter_mut().enumerate() {
            seat.is_suspect |= seat.acts_against(partner_acts, place, luck, assume);
        }
    }

    /// A visit that gets in. Gives whether the secret was split anew.
    pub(crate) fn owner_visits(
        &mut self,
        setting: &Setting,
        luck: Luck,
        assume: &Assumptions,
    ) -> bool {
        let mut new = [false; MOST];
        for (place, is_new) in new.iter_mut().enumerate().take(self.seats.len()) {
            let chance = self.seats[place].chance_of_replacing(assume);
            if luck.says(Question::ReplacesGuardian, place, chance) {
                *is_new = true;
                self.replace(place, assume);
            }
        }
        let splits = new.contains(&true) || (self.worker_left && setting.splits_after_leaving);
        if splits {
            self.split(setting.papers, new, luck, assume);
        }
        splits
    }

    /// Splits anew among all who are here, as after a coming back at a desk.
    pub(crate) fn split_all(&mut self, papers: Papers, luck: Luck, assume: &Assumptions) {
        self.split(papers, [false; MOST], luck, assume);
    }

    /// What the guardians answer to a request of the owner.
    pub(crate) fn answers(&self, luck: Luck, assume: &Assumptions) -> Answers {
        let here = self.seats.iter().enumerate().filter(|(_, seat)| seat.would_answer());
        let answers = here.filter_map(|(place, seat)| {
            let kind = seat.guardian.kind;
            let (chance, mean) = match kind {
                Kind::Structure => (assume.structure_answers, assume.structure_days),
                Kind::Person => (assume.person_answers, assume.person_days),
                Kind::Paper => (assume.paper_answers, assume.paper_days),
            };
            let seen = luck.says(Question::FaceToFace, place, assume.face_to_face);
            luck.says(Question::Answers, place, chance).then(|| Answer {
                after_days: luck.days(Question::AnswersAfter, place, mean),
                house: seat.guardian.house,
                face_to_face: kind == Kind::Structure && seen,
            })
        });
        let mut answers: Vec<_> = answers.collect();
        answers.sort_by(|one, other| one.after_days.total_cmp(&other.after_days));
        Answers(answers)
    }

    fn holding(&mut self, place: usize, kind: Kind) -> Option<&mut Seat> {
        let seat = self.seats.get_mut(place)?;
        (seat.guardian.kind == kind && seat.presence == Presence::Here).then_some(seat)
    }

    fn leaves(&mut self, place: usize, kind: Kind, presence: Presence) {
        let Some(seat) = self.holding(place, kind) else { return };
        // Who was dishonest keeps the share that they had, and no longer acts for the place.
        seat.copied |= seat.character != Character::Honest;
        seat.presence = presence;
    }

    fn replace(&mut self, place: usize, assume: &Assumptions) {
        self.seats[place].before += 1;
        let character = self.character(place, assume);
        let seat = &mut self.seats[place];
        seat.presence = Presence::Here;
        seat.character = character;
        seat.is_suspect = false;
    }

    fn split(&mut self, papers: Papers, new: [bool; MOST], luck: Luck, assume: &Assumptions) {
        self.worker_left = false;
        for (place, seat) in self.seats.iter_mut().enumerate() {
            if seat.guardian.kind != Kind::Paper || new[place] {
                seat.copied = false;
                continue;
            }
            if papers == Papers::Kept {
                continue;
            }
            seat.copied = false;
            let is_put = luck.says(Question::PutsPaper, place, assume.puts_new_paper);
            if seat.presence == Presence::Here && !is_put {
                seat.presence = Presence::Told;
            }
        }
    }

    fn character(&self, place: usize, assume: &Assumptions) -> Character {
        let seat = &self.seats[place];
        let chance = match seat.guardian.kind {
            Kind::Structure => assume.structure_dishonest,
            Kind::Person => assume.person_dishonest,
            Kind::Paper => 0.0,
        };
        let is_dishonest = self.luck.says(Question::Honest, place + MOST * seat.before, chance);
        if is_dishonest { Character::Dishonest } else { Character::Honest }
    }
}

impl Seat {
    fn would_answer(&self) -> bool {
        self.presence == Presence::Here && self.character != Character::Partner
    }

    fn acts_against(
        &self,
        partner_acts: bool,
        place: usize,
        luck: Luck,
        assume: &Assumptions,
    ) -> bool {
        let chance = match self.guardian.kind {
            Kind::Structure => assume.structure_deceived,
            Kind::Person => assume.person_deceived,
            Kind::Paper => return false,
        };
        let joins = match self.character {
            Character::Honest => false,
            Character::Dishonest => true,
            Character::Partner => partner_acts,
        };
        let is_here = self.presence == Presence::Here;
        is_here && (joins || luck.says(Question::Deceived, place, chance))
    }

    fn chance_of_replacing(&self, assume: &Assumptions) -> f64 {
        match self.presence {
            Presence::Told => assume.replaces_told,
            Presence::Untold => assume.replaces_untold,
            Presence::Here if self.is_suspect => assume.replaces_suspect,
            Presence::Here if self.character == Character::Partner => assume.partner_removed,
            Presence::Here => 0.0,
        }
    }
}

impl Answers {
    /// Days until so many have answered, so many structures face to face among them.
    pub(crate) fn complete(&self, needed: usize, face_to_face: usize) -> Option<f64> {
        let so_far = |number: usize| self.0.iter().take(number);
        let enough = (1..=self.0.len()).find(|number| {
            let seen = so_far(*number).filter(|answer| answer.face_to_face);
            houses(so_far(*number).map(|answer| answer.house)) >= needed
                && houses(seen.map(|answer| answer.house)) >= face_to_face
        })?;
        so_far(enough).next_back().map(|answer| answer.after_days)
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Result;

    use super::*;

    fn assume() -> Assumptions {
        Assumptions {
            structure_dishonest: 0.0,
            person_dishonest: 0.0,
            structure_deceived: 0.0,
            person_deceived: 0.0,
            leaver_keeps_copy: 1.0,
            paper_found: 1.0,
            replaces_told: 0.0,
            replaces_untold: 0.0,
            puts_new_paper: 1.0,
            structure_answers: 1.0,
            person_answers: 1.0,
            paper_answers: 1.0,
            face_to_face: 1.0,
            ..Assumptions::default()
        }
    }

    fn begin(setting: &Setting, assume: &Assumptions) -> Guardians {
        Guardians::begin(setting, false, Luck::default(), assume)
    }

    fn shares(guardians: &Guardians) -> usize {
        guardians.against(false, Luck::default(), &assume()).shares
    }

    #[test]
    fn a_copy_is_worthless_after_a_new_split() -> Result<()> {
        let setting = Setting::new(2, "ssp")?;
        let keeps = Setting { splits_after_leaving: false, ..setting.clone() };
        for (setting, after) in [(&setting, 0), (&keeps, 2)] {
            let mut guardians = begin(setting, &assume());
            guardians.worker_leaves(0, Luck::default(), &assume());
            guardians.worker_leaves(1, Luck::default(), &assume());
            assert_eq!(shares(&guardians), 2);
            guardians.owner_visits(setting, Luck::default(), &assume());
            assert_eq!(shares(&guardians), after);
        }
        Ok(())
    }

    #[test]
    fn a_found_paper_is_worthless_after_a_new_split_unless_papers_are_kept() -> Result<()> {
        for (papers, after) in [(Papers::Anew, 0), (Papers::Kept, 1)] {
            let setting = Setting { papers, ..Setting::new(2, "ssd")? };
            let mut guardians = begin(&setting, &assume());
            guardians.paper_lost(2, Luck::default(), &assume());
            guardians.worker_leaves(0, Luck::default(), &assume());
            assert_eq!(shares(&guardians), 2);
            assert!(guardians.owner_visits(&setting, Luck::default(), &assume()));
            assert_eq!(shares(&guardians), after);
        }
        Ok(())
    }

    #[test]
    fn a_guardian_who_is_gone_is_replaced_and_counts_again() -> Result<()> {
        let setting = Setting::new(2, "ssp")?;
        let mut guardians = begin(&setting, &assume());
        guardians.closes(0);
        guardians.person_silent(2);
        assert_eq!(guardians.left(), 1);
        let told = Assumptions { replaces_told: 1.0, ..assume() };
        assert!(guardians.owner_visits(&setting, Luck::default(), &told));
        assert_eq!(guardians.left(), 2);
        let noticed = Assumptions { replaces_untold: 1.0, ..assume() };
        assert!(guardians.owner_visits(&setting, Luck::default(), &noticed));
        assert_eq!(guardians.left(), 3);
        Ok(())
    }

    #[test]
    fn two_of_one_structure_count_once() -> Result<()> {
        let setting = Setting::new(2, "1s1sp")?;
        let dishonest = Assumptions { structure_dishonest: 1.0, ..assume() };
        let against = begin(&setting, &dishonest).against(false, Luck::default(), &dishonest);
        assert_eq!(against, Coalition { shares: 1, structures: 1, can_begin: true });
        let mut guardians = begin(&setting, &assume());
        assert_eq!(guardians.left(), 2);
        assert!(guardians.answers(Luck::default(), &assume()).complete(2, 0).is_some());
        assert!(guardians.answers(Luck::default(), &assume()).complete(2, 2).is_none());
        guardians.person_gone(2);
        assert_eq!(guardians.left(), 1);
        assert!(guardians.answers(Luck::default(), &assume()).complete(2, 0).is_none());
        Ok(())
    }

    #[test]
    fn a_request_is_complete_with_the_last_answer_that_it_needs() -> Result<()> {
        let guardians = begin(&Setting::new(2, "sspd")?, &assume());
        let answers = guardians.answers(Luck::default(), &assume());
        let days: Vec<_> = answers.0.iter().map(|answer| answer.after_days).collect();
        for needed in 1..=4 {
            assert_eq!(answers.complete(needed, 0), days.get(needed - 1).copied());
        }
        assert_eq!(answers.complete(5, 0), None);
        Ok(())
    }
}
