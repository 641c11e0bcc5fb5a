//! The tour of one member: what the store can do.

use crate::error::Failure;
use crate::role::demo::screen::{Screen, say};

/// Every step is a command that a person could type, and is shown as such.
pub(super) async fn tour(screen: &Screen) -> Result<(), Failure> {
    say("\n# a member is up: an etcd v3 store, durable, on this machine only")?;
    screen.kvctl(&["put", "greeting", "hello"]).await?;
    screen.kvctl(&["get", "greeting"]).await?;

    say(
        "\n# a watch hears of every change, in order; each change is a revision of the store, and",
    )?;
    say("# `--rev 3` begins with the one after that put (an empty store has revision 1)")?;
    let mut watch = screen.watch(&["watch", "--rev", "3", "greeting"])?;
    screen.kvctl(&["put", "greeting", "hello again"]).await?;
    watch.show(&["PUT", "greeting", "hello again"]).await?;
    screen.kvctl(&["del", "greeting"]).await?;
    watch.show(&["DELETE", "greeting"]).await?;

    say("\n# a key on a lease goes when nobody renews the lease; `--rev 1` hears of the past too")?;
    let mut watch = screen.watch(&["watch", "--rev", "1", "session"])?;
    screen
        .kvctl(&["put", "--ttl", "2s", "session", "alive"])
        .await?;
    watch.show(&["PUT", "session", "alive"]).await?;
    watch.show(&["DELETE", "session"]).await?;

    say("\n# this key stays")?;
    screen.kvctl(&["put", "farewell", "see you soon"]).await?;

    say("\n# and the member says how it is")?;
    screen.kvctl(&["endpoint", "status", "-w", "table"]).await
}
