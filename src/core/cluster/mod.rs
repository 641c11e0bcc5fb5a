//! Who the members of a cluster are.

pub mod comparison;
pub mod founding;
pub mod membership;
pub mod restoring;
pub mod survey;
