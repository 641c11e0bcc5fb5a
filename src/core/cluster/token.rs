//! Join tokens: what a machine shows to be let into the cluster, and what the cluster keeps of it.
//!
//! - The cluster keeps a salted hash of the secret and never the secret. The secret is 128 random
//!   bits, so one round of SHA-256 is as good as a slow hash: there is nothing to guess from.
//! - A token pins the cluster's authority by the SHA-256 of its certificate, so that the machine
//!   knows before it shows the secret that it talks to the cluster it was made for.
//! - Times are milliseconds since the epoch, by the clock of the member that is asked. They decide
//!   about a convenience for people; nothing that is replicated depends on them.

use std::fmt;
use std::fmt::Write as _;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Where the tokens stand, each by its id.
pub const PREFIX: &str = "/coracle/cluster/token/";

/// What every token begins with; the number rises with the form.
const FORM: &str = "coracle1";
/// What stands for the pin where the cluster has no authority.
const NO_PIN: &str = "plain";
const ID_DIGITS: usize = 16;
const SECRET_DIGITS: usize = 32;
const PIN_DIGITS: usize = 64;

/// A token as it is printed: `coracle1.ID.SECRET.PIN`.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    pub id: String,
    pub secret: String,
    /// The SHA-256 of the authority's certificate, in hexadecimal; none of a cluster without TLS.
    pub pin: Option<String>,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it is no token: one looks like {FORM}.ID.SECRET.PIN, as `coracle cluster token create` \
         prints it"
)]
pub struct TokenFormError;

/// What the cluster keeps of a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRecord {
    pub id: String,
    pub salt: String,
    pub hash: String,
    pub created_ms: u64,
    pub expires_ms: u64,
    /// How many machines may still join by it; none: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses_left: Option<u32>,
    /// How many have.
    pub used: u32,
}

/// Why a token lets nobody in. The same words for an unknown id and a wrong secret: who guesses
/// learns nothing of which tokens there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("the token is not one of this cluster's: it was revoked, or is mistyped")]
    Unknown,
    #[error("the token has expired")]
    Expired,
    #[error("the token was for a number of machines, and all of them have joined")]
    UsedUp,
}

impl Token {
    /// A token from 64 and 128 random bits.
    pub fn of_random(id: u64, secret: u128, pin: Option<String>) -> Self {
        Self {
            id: format!("{id:0ID_DIGITS$x}"),
            secret: format!("{secret:0SECRET_DIGITS$x}"),
            pin,
        }
    }

    pub fn key(&self) -> String {
        key(&self.id)
    }
}

/// The key of the record of token `id`.
pub fn key(id: &str) -> String {
    format!("{PREFIX}{id}")
}

/// What a token pins an authority by, given its certificate in DER.
pub fn pin(certificate: &[u8]) -> String {
    hexadecimal(&Sha256::digest(certificate))
}

impl TokenRecord {
    pub fn new(token: &Token, salt: u128, now_ms: u64, ttl_ms: u64, uses: Option<u32>) -> Self {
        let salt = format!("{salt:032x}");
        Self {
            hash: hash(&salt, &token.secret),
            id: token.id.clone(),
            salt,
            created_ms: now_ms,
            expires_ms: now_ms.saturating_add(ttl_ms),
            uses_left: uses,
            used: 0,
        }
    }

    /// Whether whoever shows `secret` may do so, for a machine that joined by this token before
    /// (`again`) or for one that does so now.
    pub fn check(&self, secret: &str, now_ms: u64, again: bool) -> Result<(), TokenError> {
        if !same(&hash(&self.salt, secret), &self.hash) {
            return Err(TokenError::Unknown);
        }
        if self.has_expired(now_ms) {
            return Err(TokenError::Expired);
        }
        match self.uses_left {
            Some(0) if !again => Err(TokenError::UsedUp),
            _ => Ok(()),
        }
    }

    pub fn has_expired(&self, now_ms: u64) -> bool {
        now_ms >= self.expires_ms
    }

    /// The record after one more machine has joined.
    #[must_use]
    pub fn after_use(mut self) -> Self {
        self.uses_left = self.uses_left.map(|left| left.saturating_sub(1));
        self.used = self.used.saturating_add(1);
        self
    }

    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts and numbers encode")
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }
}

fn hash(salt: &str, secret: &str) -> String {
    let mut digest = Sha256::new();
    digest.update(salt.as_bytes());
    digest.update(b".");
    digest.update(secret.as_bytes());
    hexadecimal(&digest.finalize())
}

/// Lower-case digits, as tokens have them.
fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a text takes what is written to it");
        text
    })
}

/// Compares in a time that does not tell how much is alike.
fn same(one: &str, other: &str) -> bool {
    let differs = one
        .bytes()
        .zip(other.bytes())
        .fold(0, |differs, (one, other)| {
            std::hint::black_box(differs | (one ^ other))
        });
    one.len() == other.len() && differs == 0
}

impl FromStr for Token {
    type Err = TokenFormError;

    fn from_str(text: &str) -> Result<Self, TokenFormError> {
        let parts: Vec<&str> = text.trim().split('.').collect();
        let [FORM, id, secret, pin] = parts[..] else {
            return Err(TokenFormError);
        };
        let digits = |text: &str, count| {
            let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
            text.len() == count && text.bytes().all(is_digit)
        };
        let pinned = pin == NO_PIN || digits(pin, PIN_DIGITS);
        if !digits(id, ID_DIGITS) || !digits(secret, SECRET_DIGITS) || !pinned {
            return Err(TokenFormError);
        }
        Ok(Self {
            id: id.to_owned(),
            secret: secret.to_owned(),
            pin: (pin != NO_PIN).then(|| pin.to_owned()),
        })
    }
}

/// As it is read.
impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pin = self.pin.as_deref().unwrap_or(NO_PIN);
        write!(f, "{FORM}.{}.{}.{pin}", self.id, self.secret)
    }
}

/// For logs: without the secret.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "token {}", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: u64 = 3_600_000;

    fn token() -> Token {
        Token::of_random(7, 9, Some("ab".repeat(32)))
    }

    #[test]
    fn a_token_reads_as_it_is_printed() {
        for token in [token(), Token::of_random(1, 2, None)] {
            assert!(token.to_string().parse() == Ok(token));
        }
        assert!(!format!("{:?}", token()).contains(&token().secret));
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let whole = token().to_string();
        for text in [
            "",
            "abc",
            &whole[1..],
            &whole[..whole.len() - 1],
            &whole.to_uppercase(),
        ] {
            assert!(text.parse::<Token>() == Err(TokenFormError), "{text}");
        }
    }

    #[test]
    fn only_the_secret_opens_and_only_in_time() {
        let record = TokenRecord::new(&token(), 5, 1_000, HOUR_MS, None);
        let wrong = Token::of_random(7, 10, None).secret;
        assert!(!String::from_utf8_lossy(&record.encode()).contains(&token().secret));
        assert_eq!(record.check(&token().secret, 1_000, false), Ok(()));
        assert_eq!(record.check(&wrong, 1_000, true), Err(TokenError::Unknown));
        assert_eq!(record.check("", 1_000, false), Err(TokenError::Unknown));
        let late = record.check(&token().secret, 1_000 + HOUR_MS, false);
        assert_eq!(late, Err(TokenError::Expired));
        let decoded = TokenRecord::decode(&record.encode()).expect("reads");
        assert_eq!(decoded, record);
    }

    #[test]
    fn a_token_for_one_machine_lets_that_one_in_again_and_no_other() {
        let record = TokenRecord::new(&token(), 5, 0, HOUR_MS, Some(1)).after_use();
        assert_eq!((record.uses_left, record.used), (Some(0), 1));
        assert_eq!(record.check(&token().secret, 1, true), Ok(()));
        let other = record.check(&token().secret, 1, false);
        assert_eq!(other, Err(TokenError::UsedUp));
    }
}
