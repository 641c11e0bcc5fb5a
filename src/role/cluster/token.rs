//! cluster token: tokens are ordinary keys, changed by whoever may write them.

use crate::adapter::host;
use crate::adapter::rpc::inside::{Change, Found, Guard, Inside};
use crate::cli::Matches;
use crate::cli::asking::{Asking, Format};
use crate::cli::cluster::token as form;
use crate::core::cluster::node::AUTHORITY_KEY;
use crate::core::cluster::token::{self, Token, TokenRecord, pin};
use crate::error::{Exit, Failure};
use crate::role::client::{asker, print, unasked};

pub(super) async fn run(asking: &Asking, matches: &Matches) -> Result<Exit, Failure> {
    let inside = asker(asking).await?;
    let (verb, matches) = matches.subcommand().expect("clap requires a verb");
    match verb {
        "create" => create(asking, &inside, form::create(matches)).await,
        "list" => list(asking, &inside).await,
        "revoke" => revoke(&inside, form::revoked(matches)).await,
        verb => unreachable!("the command line has {verb}, which has no role"),
    }
}

async fn create(asking: &Asking, inside: &Inside, what_for: form::Create) -> Result<Exit, Failure> {
    let what = "cannot make a token";
    let authority = inside.get(AUTHORITY_KEY).await;
    let authority = authority.map_err(|error| unasked(what, &error))?;
    let pin = authority.map(|found| pin(&found.value));
    let wide = || (u128::from(host::random_u64()) << 64) | u128::from(host::random_u64());
    let token = Token::of_random(host::random_u64(), wide(), pin);
    let ttl_ms = u64::try_from(what_for.ttl.as_millis()).unwrap_or(u64::MAX);
    let record = TokenRecord::new(&token, wide(), host::now_ms(), ttl_ms, what_for.uses);
    let guard = Guard {
        key: token.key(),
        mod_revision: 0,
    };
    let put = Change::Put {
        key: token.key(),
        value: record.encode(),
        lease: 0,
    };
    let made = inside.change(&[guard], vec![put]).await;
    match made.map_err(|error| unasked(what, &error))? {
        true => {}
        false => {
            return Err(Failure::new(
                Exit::CONFLICT,
                what,
                "its id is taken: try again",
            ));
        }
    }
    print(&match asking.format {
        Format::Text => format!("{token}\n"),
        Format::Json => format!("{:#}\n", form::created(&token, &record)),
    })?;
    Ok(Exit::DONE)
}

async fn list(asking: &Asking, inside: &Inside) -> Result<Exit, Failure> {
    let found = inside.list(token::PREFIX).await;
    let found = found.map_err(|error| unasked("cannot list the tokens", &error))?;
    let record = |found: &Found| TokenRecord::decode(&found.value).ok();
    let records: Vec<TokenRecord> = found.iter().filter_map(record).collect();
    let now_ms = host::now_ms();
    print(&match asking.format {
        Format::Text => form::text(&records, now_ms),
        Format::Json => format!("{:#}\n", form::document(&records, now_ms)),
    })?;
    Ok(Exit::DONE)
}

async fn revoke(inside: &Inside, id: &str) -> Result<Exit, Failure> {
    let what = "cannot revoke the token";
    // Who pastes the whole token means its id.
    let id = id
        .parse()
        .map_or_else(|_| id.to_owned(), |token: Token| token.id);
    let key = token::key(&id);
    let found = inside.get(&key).await;
    let found = found.map_err(|error| unasked(what, &error))?;
    if found.is_none() {
        return Err(
            Failure::new(Exit::NO, what, format!("there is no token {id:?}"))
                .hint("see which there are with `coracle cluster token list`"),
        );
    }
    let deleted = inside.change(&[], vec![Change::Delete { key }]).await;
    deleted.map_err(|error| unasked(what, &error))?;
    Ok(Exit::DONE)
}
