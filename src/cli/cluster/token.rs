//! `coracle cluster token`: its command line, and tokens written for people and for scripts.

use std::time::Duration;

use clap::{Arg, Command, value_parser};
use serde_json::{Value, json};

use crate::cli::Matches;
use crate::cli::columns::columns;
use crate::core::cluster::token::{Token, TokenRecord};
use crate::core::units::{self, Span};

/// What a new token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Create {
    pub ttl: Duration,
    /// None: any number of machines.
    pub uses: Option<u32>,
}

pub fn command() -> Command {
    Command::new("token")
        .about("Makes, lists and revokes the tokens by which machines join")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("create")
                .about("Makes a token and prints it; it is shown this once")
                .arg(
                    Arg::new("ttl")
                        .long("ttl")
                        .value_name("TIME")
                        .default_value("24h")
                        .value_parser(ttl)
                        .help("How long machines can join by it"),
                )
                .arg(
                    Arg::new("uses")
                        .long("uses")
                        .value_name("N")
                        .value_parser(value_parser!(u32).range(1..))
                        .help("How many machines can join by it [default: any number]"),
                ),
        )
        .subcommand(Command::new("list").about("Lists the tokens, without what opens"))
        .subcommand(
            Command::new("revoke")
                .about("Ends a token; machines that joined by it stay")
                .arg(
                    Arg::new("id")
                        .value_name("ID")
                        .required(true)
                        .help("The token's id, as `list` shows it"),
                ),
        )
}

fn ttl(text: &str) -> Result<Duration, String> {
    match units::duration(text) {
        Ok(ttl) if ttl.is_zero() => Err("it would never be valid: write 1m or more".to_owned()),
        Ok(ttl) => Ok(ttl),
        Err(error) => Err(error.to_string()),
    }
}

/// Reads what `create` takes.
pub fn create(matches: &Matches) -> Create {
    Create {
        ttl: *matches.get_one("ttl").expect("it has a default"),
        uses: matches.get_one("uses").copied(),
    }
}

/// Reads what `revoke` takes.
pub fn revoked(matches: &Matches) -> &str {
    matches.get_one::<String>("id").expect("clap requires it")
}

/// A new token for scripts; people get the token alone.
pub fn created(token: &Token, record: &TokenRecord) -> Value {
    json!({
        "token": token.to_string(),
        "id": token.id,
        "expires_ms": record.expires_ms,
        "uses": record.uses_left,
    })
}

/// A table with a line for each token.
pub fn text(records: &[TokenRecord], now_ms: u64) -> String {
    let heading = ["ID", "VALID FOR", "JOINED", "USES LEFT"];
    let heading = heading.map(str::to_owned).to_vec();
    let rows = records.iter().map(|record| {
        let left = Duration::from_millis(record.expires_ms.saturating_sub(now_ms));
        vec![
            record.id.clone(),
            match record.has_expired(now_ms) {
                true => "expired".to_owned(),
                false => Span(Duration::from_secs(left.as_secs())).to_string(),
            },
            record.used.to_string(),
            record
                .uses_left
                .map_or("any".to_owned(), |left| left.to_string()),
        ]
    });
    columns(&[heading].into_iter().chain(rows).collect::<Vec<_>>())
}

/// The same for scripts.
pub fn document(records: &[TokenRecord], now_ms: u64) -> Value {
    let tokens = records.iter().map(|record| {
        json!({
            "id": record.id,
            "created_ms": record.created_ms,
            "expires_ms": record.expires_ms,
            "expired": record.has_expired(now_ms),
            "used": record.used,
            "uses_left": record.uses_left,
        })
    });
    json!({ "tokens": tokens.collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_lasts_a_day_unless_somebody_says_otherwise() {
        let read = |line: &[&str]| {
            let line = ["token", "create"].iter().chain(line);
            let matches = command().try_get_matches_from(line).ok()?;
            matches.subcommand().map(|(_, matches)| create(matches))
        };
        let day = Duration::from_secs(86_400);
        assert_eq!(
            read(&[]),
            Some(Create {
                ttl: day,
                uses: None
            })
        );
        let given = read(&["--ttl", "5m", "--uses", "1"]);
        let ttl = Duration::from_secs(300);
        assert_eq!(given, Some(Create { ttl, uses: Some(1) }));
        assert_eq!(read(&["--uses", "0"]), None);
        assert_eq!(read(&["--ttl", "0s"]), None);
    }

    #[test]
    fn what_opens_is_in_no_list() {
        let token = Token::of_random(7, 9, None);
        let record = TokenRecord::new(&token, 3, 0, 60_000, Some(2));
        let text = text(std::slice::from_ref(&record), 0);
        let document = document(std::slice::from_ref(&record), 60_000);
        for shown in [&text, &document.to_string()] {
            assert!(shown.contains(&token.id));
            assert!(!shown.contains(&token.secret) && !shown.contains(&record.hash));
        }
        assert!(text.contains("1m"), "{text}");
        assert_eq!(document["tokens"][0]["expired"], true);
        assert!(
            created(&token, &record)["token"]
                .as_str()
                .is_some_and(|it| it.contains(&token.secret))
        );
    }
}
