//! Command lines as data and rendering for people; no behaviour.
