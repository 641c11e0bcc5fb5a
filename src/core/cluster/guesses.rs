//! How often somebody may show a wrong token: wrong ones are counted by the id that they name.
//!
//! Who does not know an id spends the count of the unknown ones and keeps nobody out who has a
//! token. Times are milliseconds of any clock that does not run backwards.

use std::collections::BTreeMap;

/// Wrong tokens in one window before no more are looked at.
pub const WRONG_MAX: u32 = 10;
/// How long a count lasts.
pub const WINDOW_MS: u64 = 60_000;
/// Ids that are counted at a time. There are as many as there are tokens; the bound is for a
/// cluster whose tokens nobody ever revokes.
const IDS_MAX: usize = 1_024;

/// The wrong tokens of late.
#[derive(Debug, Default)]
pub struct Guesses {
    of: BTreeMap<Whom, Count>,
}

/// Whose count it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Whom {
    Unknown,
    Token(String),
}

#[derive(Clone, Copy, Debug)]
struct Count {
    since_ms: u64,
    wrong: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many wrong tokens were shown: try again in {} s", wait_ms.div_ceil(1_000))]
pub struct TooManyGuesses {
    pub wait_ms: u64,
}

impl Guesses {
    /// Whether a token may be looked at now.
    pub fn admit(&mut self, whom: &Whom, now_ms: u64) -> Result<(), TooManyGuesses> {
        self.of
            .retain(|_, count| now_ms < count.since_ms.saturating_add(WINDOW_MS));
        match self.of.get(whom) {
            Some(count) if count.wrong >= WRONG_MAX => Err(TooManyGuesses {
                wait_ms: count.since_ms + WINDOW_MS - now_ms,
            }),
            _ => Ok(()),
        }
    }

    pub fn note_wrong(&mut self, whom: Whom, now_ms: u64) {
        let full = self.of.len() >= IDS_MAX && !self.of.contains_key(&whom);
        let whom = if full { Whom::Unknown } else { whom };
        let count = self.of.entry(whom).or_insert(Count {
            since_ms: now_ms,
            wrong: 0,
        });
        count.wrong = count.wrong.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_tokens_are_looked_at_until_there_are_too_many_and_again_after_a_while() {
        let mut guesses = Guesses::default();
        let whom = Whom::Token("a".to_owned());
        for _ in 0..WRONG_MAX {
            assert_eq!(guesses.admit(&whom, 5), Ok(()));
            guesses.note_wrong(whom.clone(), 5);
        }
        let refused = guesses.admit(&whom, 6).expect_err("too many");
        assert_eq!(refused.wait_ms, WINDOW_MS - 1);
        assert!(refused.to_string().ends_with("60 s"), "{refused}");
        assert_eq!(guesses.admit(&whom, 5 + WINDOW_MS), Ok(()));
    }

    #[test]
    fn who_guesses_ids_keeps_nobody_out() {
        let mut guesses = Guesses::default();
        (0..2 * WRONG_MAX).for_each(|_| guesses.note_wrong(Whom::Unknown, 1));
        assert!(guesses.admit(&Whom::Unknown, 1).is_err());
        assert_eq!(guesses.admit(&Whom::Token("a".to_owned()), 1), Ok(()));
    }
}
