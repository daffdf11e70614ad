//! What is chosen when guardians are set up, and what the safe does by rule. A setting is what the tables compare.

use anyhow::{Result, ensure};

/// Guardians an owner may have.
pub(crate) const MOST: usize = 8;
/// Days for which a stop makes the next request one that cannot be stopped.
pub(crate) const AFTER_STOP_DAYS: f64 = 30.0;
/// Days that such a request waits.
pub(crate) const AFTER_STOP_WAIT_DAYS: f64 = 14.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Structure,
    Person,
    Paper,
}

/// One guardian. Those of one house count as one, whether they are its workers or the structure itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Guardian {
    pub(crate) kind: Kind,
    pub(crate) house: usize,
}

/// The owner's next request after a stop, within its days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AfterStop {
    /// It may be stopped like the first.
    MayBeStopped,
    /// Nobody stops it. It waits long, two structures see the person where there are two, and so many more guardians
    /// are needed.
    CannotBeStopped { more: usize },
    /// Nobody stops it. It waits long, and one guardian more is needed unless two structures see the person.
    OneMoreUnlessSeen,
}

/// The ways back of one's own that there are at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ways {
    All,
    WordsAndSheet,
}

/// What happens to papers when the secret is split anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Papers {
    /// Every paper is worthless after a split, and a new one has to get to its place.
    Anew,
    /// The new split is drawn through the papers' old shares, which is possible while there are fewer than needed.
    Kept,
}

/// One setting of social recovery.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) name: String,
    pub(crate) guardians: Vec<Guardian>,
    pub(crate) needed: usize,
    pub(crate) wait_days: f64,
    /// When two structures vouch face to face; `None`: never shorter.
    pub(crate) short_days: Option<f64>,
    pub(crate) after_stop: AfterStop,
    pub(crate) splits_after_leaving: bool,
    pub(crate) papers: Papers,
    pub(crate) ways: Ways,
}

impl Setting {
    /// `s` a structure, `p` a person, `d` a paper; a digit before a letter gives its house: `1s1sp` has two of one.
    pub(crate) fn new(needed: usize, guardians: &str) -> Result<Self> {
        let guardians = read(guardians)?;
        let papers = guardians.iter().filter(|guardian| guardian.kind == Kind::Paper).count();
        let houses = houses(guardians.iter().map(|guardian| guardian.house));
        let number = guardians.len();
        ensure!((2..=number).contains(&needed) && number <= MOST, "2 <= needed <= n <= {MOST}");
        ensure!(papers < needed, "papers alone must not suffice");
        ensure!(needed <= houses, "two of one structure count as one");
        Ok(Self { name: name(needed, &guardians), needed, guardians, ..Self::alone(Ways::All) })
    }

    pub(crate) fn alone(ways: Ways) -> Self {
        Self {
            name: match ways {
                Ways::All => "no guardians".to_owned(),
                Ways::WordsAndSheet => "no guardians, words and sheet only".to_owned(),
            },
            guardians: Vec::new(),
            needed: 0,
            wait_days: 7.0,
            short_days: Some(4.0),
            after_stop: AfterStop::OneMoreUnlessSeen,
            splits_after_leaving: true,
            papers: Papers::Kept,
            ways,
        }
    }

    /// Short enough for a list; who shares a house has its number.
    pub(crate) fn label(&self) -> String {
        if self.guardians.is_empty() {
            return self.name.clone();
        }
        let kinds = self.guardians.iter().map(|guardian| {
            let letter = match guardian.kind {
                Kind::Structure => 's',
                Kind::Person => 'p',
                Kind::Paper => 'd',
            };
            let shared = guardian.house.checked_sub(MOST);
            shared.map_or(letter.to_string(), |house| format!("{letter}{house}"))
        });
        format!("{}/{} {}", self.needed, self.guardians.len(), kinds.collect::<String>())
    }

    /// Structures by house: what can vouch face to face.
    pub(crate) fn structures(&self) -> usize {
        let structures = self.guardians.iter().filter(|one| one.kind == Kind::Structure);
        houses(structures.map(|guardian| guardian.house))
    }

    /// What suffices after a stop, each as guardians and as structures face to face among them; nothing where every
    /// request may be stopped. No more than there are is ever needed.
    pub(crate) fn after_stop(&self) -> Vec<(usize, usize)> {
        let all = houses(self.guardians.iter().map(|guardian| guardian.house));
        let seen = if self.structures() >= 2 { 2 } else { 0 };
        let more = |count: usize| (self.needed + count).min(all);
        match self.after_stop {
            AfterStop::MayBeStopped => Vec::new(),
            AfterStop::CannotBeStopped { more: count } => vec![(more(count), seen)],
            AfterStop::OneMoreUnlessSeen if seen > 0 => vec![(self.needed, seen), (more(1), 0)],
            AfterStop::OneMoreUnlessSeen => vec![(more(1), 0)],
        }
    }
}

/// How many different houses these are.
pub(crate) fn houses(all: impl Iterator<Item = usize>) -> usize {
    all.fold(0_u64, |seen, house| seen | 1 << house).count_ones() as usize
}

fn read(guardians: &str) -> Result<Vec<Guardian>> {
    let mut found = Vec::new();
    let mut shared = None;
    for letter in guardians.chars() {
        let kind = match letter {
            's' => Kind::Structure,
            'p' => Kind::Person,
            'd' => Kind::Paper,
            _ => {
                let digit = letter.to_digit(10);
                ensure!(digit.is_some(), "{letter} is no guardian");
                // Houses that are shared lie above those that are not.
                shared = digit.map(|digit| MOST + digit as usize);
                continue;
            }
        };
        found.push(Guardian { kind, house: shared.take().unwrap_or(found.len()) });
    }
    Ok(found)
}

fn name(needed: usize, guardians: &[Guardian]) -> String {
    let kinds = [Kind::Structure, Kind::Person, Kind::Paper];
    let words = ["structure", "person", "paper"];
    let parts = kinds.iter().zip(words).filter_map(|(kind, word)| {
        let number = guardians.iter().filter(|guardian| guardian.kind == *kind).count();
        let plural = if word == "person" { "people".to_owned() } else { format!("{word}s") };
        match number {
            0 => None,
            1 => Some(word.to_owned()),
            _ => Some(format!("{number} {plural}")),
        }
    });
    format!("{needed} of {}: {}", guardians.len(), parts.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_that_the_rules_forbid_is_refused() {
        for (needed, guardians) in
            [(1, "sss"), (4, "sss"), (2, "sdd"), (2, "1s1s"), (2, "sssssssss")]
        {
            assert!(Setting::new(needed, guardians).is_err(), "{needed} of {guardians}");
        }
        assert!(Setting::new(3, "sdd").is_ok());
    }

    #[test]
    fn after_a_stop_one_more_is_needed_but_not_more_than_there_are() -> Result<()> {
        assert_eq!(Setting::new(2, "sss")?.after_stop(), [(2, 2), (3, 0)]);
        assert_eq!(Setting::new(2, "ss")?.after_stop(), [(2, 2), (2, 0)]);
        assert_eq!(Setting::new(2, "spp")?.after_stop(), [(3, 0)]);
        assert_eq!(Setting::new(2, "1s1sp")?.after_stop(), [(2, 0)]);
        Ok(())
    }
}
