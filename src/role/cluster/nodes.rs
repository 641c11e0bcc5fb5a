//! cluster members: who is in the cluster.

use crate::adapter::host;
use crate::cli::asking::{Asking, Format};
use crate::cli::cluster::nodes as form;
use crate::error::{Exit, Failure};
use crate::role::client::everybody::Everybody;
use crate::role::client::{asker, print, unasked};

pub(super) async fn members(asking: &Asking) -> Result<Exit, Failure> {
    let inside = asker(asking).await?;
    let everybody = Everybody::ask(&inside).await;
    let everybody =
        everybody.map_err(|error| unasked("cannot learn who is in the cluster", &error))?;
    print(&match asking.format {
        Format::Text => form::text(&everybody.entries, host::now_ms()),
        Format::Json => format!("{:#}\n", form::document(&everybody.entries)),
    })?;
    Ok(Exit::DONE)
}
