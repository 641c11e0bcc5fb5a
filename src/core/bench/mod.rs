//! What a load generator computes: its inputs from a seed, its figures from what happened.

pub mod input;
pub mod result;
