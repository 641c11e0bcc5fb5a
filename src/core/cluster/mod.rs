//! Who the members of a cluster are.

pub mod founding;
pub mod membership;
pub mod survey;
