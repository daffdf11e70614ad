//! The ways back of one's own: words, sheet, card with PIN, a phone that is signed in.

use crate::{
    assume::Assumptions,
    chance::{Luck, Question},
    setting::Ways,
};

/// What an owner has and knows.
#[expect(clippy::struct_excessive_bools, reason = "each is lost by itself")]
pub(crate) struct Owner {
    /// Words, sheet, card: the kinds that this owner was given.
    kit: [bool; 3],
    words: bool,
    sheet: bool,
    card: bool,
    pin: bool,
    phone: Phone,
    phone_needs_pin: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phone {
    Never,
    /// Until another comes.
    GoneUntil(f64),
    Here {
        signed_in: bool,
    },
}

impl Owner {
    pub(crate) fn begin(ways: Ways, luck: Luck, assume: &Assumptions) -> Self {
        let kit = match ways {
            Ways::WordsAndSheet => [true, true, false],
            Ways::All => kit(luck, assume),
        };
        let [words, sheet, card] = kit;
        let has_phone = ways == Ways::All && luck.says(Question::HasPhone, 0, assume.has_phone);
        let phone = if has_phone { Phone::Here { signed_in: true } } else { Phone::Never };
        let phone_needs_pin = !luck.says(Question::Passkey, 0, assume.phone_opens_without_pin);
        Self { kit, words, sheet, card, pin: true, phone, phone_needs_pin }
    }

    pub(crate) fn has_way_in(&self) -> bool {
        let phone = self.is_signed_in() && (self.pin || !self.phone_needs_pin);
        self.words || self.sheet || (self.card && self.pin) || phone
    }

    /// Whether there is a phone that hears alerts.
    pub(crate) fn is_signed_in(&self) -> bool {
        self.phone == Phone::Here { signed_in: true }
    }

    pub(crate) fn forgets_words(&mut self) {
        self.words = false;
    }

    pub(crate) fn forgets_pin(&mut self) {
        self.pin = false;
    }

    pub(crate) fn loses_card(&mut self) {
        self.card = false;
    }

    /// Gives whether there was one.
    pub(crate) fn loses_sheet(&mut self) -> bool {
        std::mem::take(&mut self.sheet)
    }

    /// Gives whether it was signed in.
    pub(crate) fn loses_phone(&mut self, day: f64, luck: Luck, assume: &Assumptions) -> bool {
        let Phone::Here { signed_in } = self.phone else { return false };
        let another = luck.days(Question::AnotherPhone, 0, assume.phone_again_days);
        self.phone = Phone::GoneUntil(day + another);
        signed_in
    }

    /// A visit that gets in: each way that is gone may be replaced.
    pub(crate) fn replaces(&mut self, day: f64, luck: Luck, assume: &Assumptions) {
        let replaced = |way| luck.says(Question::ReplacesWay, way, assume.replaces_way);
        let [words, sheet, card] = self.kit;
        self.words = self.words || (words && replaced(0));
        self.sheet = self.sheet || (sheet && replaced(1));
        self.card = self.card || (card && replaced(2));
        self.pin = self.pin || replaced(3);
        self.signs_in(day, luck, assume);
    }

    /// Back inside by the guardians, with somebody at a desk: all that was given at the beginning is given again.
    pub(crate) fn starts_again(&mut self, day: f64, luck: Luck, assume: &Assumptions) {
        [self.words, self.sheet, self.card] = self.kit;
        self.pin = true;
        if let Phone::Here { signed_in } = &mut self.phone {
            *signed_in = false;
        }
        self.signs_in(day, luck, assume);
    }

    fn signs_in(&mut self, day: f64, luck: Luck, assume: &Assumptions) {
        if matches!(self.phone, Phone::GoneUntil(until) if until <= day) {
            self.phone = Phone::Here { signed_in: false };
        }
        if let Phone::Here { signed_in } = &mut self.phone {
            *signed_in = *signed_in || luck.says(Question::SignsIn, 0, assume.signs_in_phone);
        }
    }
}

fn kit(luck: Luck, assume: &Assumptions) -> [bool; 3] {
    let mut kit = [true; 3];
    if !luck.says(Question::Kit, 0, assume.three_kinds) {
        let missing = luck.unit(Question::WhichTwo, 0) * 3.0;
        kit[if missing <= 1.0 {
            0
        } else if missing <= 2.0 {
            1
        } else {
            2
        }] = false;
    }
    kit
}
