//! Who the machines and the members of a cluster are, and who lets them in.

pub mod appointment;
pub mod comparison;
pub mod founding;
pub mod guesses;
pub mod machine;
pub mod membership;
pub mod node;
pub mod restoring;
pub mod roll;
pub mod seat;
pub mod spread;
pub mod survey;
pub mod token;
pub mod trust;
