//! Chance that can be repeated: the same seed, life and purpose give the same numbers, whatever else was drawn.
//!
//! The generator is `SplitMix64` (Steele, Lea and Flood, 2014). It is written out because a table must come out the same
//! when a dependency changes. It is not for secrets.

/// Numbers of one process in one life, such as the days on which a phone is lost.
pub(crate) struct Stream(u64);

impl Stream {
    /// A process's numbers do not move when another process draws more or fewer: that keeps lives comparable between
    /// assumptions.
    pub(crate) fn of(seed: u64, life: u64, process: u64) -> Self {
        Self(mix(seed ^ mix(life ^ mix(process))))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    pub(crate) fn unit(&mut self) -> f64 {
        unit(self.next())
    }

    /// What a moment's decisions are drawn from.
    pub(crate) fn luck(&mut self) -> Luck {
        Luck(self.next())
    }
}

/// The luck of one moment. Each question has its own answer, and asking one changes no other: two settings that
/// meet the same moment meet the same luck.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Luck(u64);

impl Luck {
    /// Whether what has this chance happens.
    pub(crate) fn says(self, question: Question, number: usize, chance: f64) -> bool {
        chance > 0.0 && self.unit(question, number) <= chance
    }

    /// Days until something that takes so many on average, without memory.
    pub(crate) fn days(self, question: Question, number: usize, mean: f64) -> f64 {
        -self.unit(question, number).ln() * mean
    }

    /// Luck of another moment, for what is tried again on the same day.
    pub(crate) fn again(self) -> Self {
        Self(mix(self.0))
    }

    pub(crate) fn unit(self, question: Question, number: usize) -> f64 {
        let place = (question as u64) << 32 | number as u64;
        unit(mix(self.0 ^ mix(place.wrapping_mul(STEP))))
    }
}

/// What is asked of one moment's luck.
#[derive(Clone, Copy, Debug)]
#[repr(u64)]
pub(crate) enum Question {
    Kit = 1,
    WhichTwo,
    HasPhone,
    Passkey,
    Honest,
    PartnerIsGuardian,
    TakesPhone,
    TakesCard,
    TakesSheet,
    AnotherPhone,
    SheetUsed,
    ReplacesWay,
    SignsIn,
    Cancels,
    ReplacesGuardian,
    PutsPaper,
    Answers,
    AnswersAfter,
    FaceToFace,
    KeptCopy,
    PaperFound,
    Deceived,
    Understands,
    LooksAfter,
    PartnerStops,
    PartnerStopsAfter,
    PartnerTakes,
    PartnerFinds,
    PartnerBegins,
}

/// Above 0, at most 1, so that a chance of 0 never happens, a chance of 1 always does, and the logarithm exists.
#[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
fn unit(bits: u64) -> f64 {
    ((bits >> 11) + 1) as f64 / (1_u64 << 53) as f64
}

fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_gives_its_published_numbers() {
        let mut stream = Stream(1_234_567);
        assert_eq!(
            [stream.next(), stream.next(), stream.next()],
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn a_chance_happens_as_often_as_it_says() {
        let mut stream = Stream::of(1, 2, 3);
        let often = (0..100_000).filter(|_| stream.luck().says(Question::Answers, 2, 0.3)).count();
        assert!((29_500..30_500).contains(&often), "{often}");
        let never = (0..100_000).filter(|_| stream.luck().says(Question::Answers, 2, 0.0));
        assert_eq!(never.count(), 0);
    }
}
