//! Which member a machine turns to first: each machine has an order of its own, so that many
//! machines spread over the members, and stays with it while members come and go (rendezvous
//! hashing).

use std::cmp::Reverse;

use sha2::{Digest, Sha256};

/// Sorts members by how near they are to `machine`.
pub fn order<T>(machine: &str, members: &mut [T], id: impl Fn(&T) -> u64) {
    members.sort_by_cached_key(|member| {
        let mut digest = Sha256::new();
        digest.update(machine.as_bytes());
        digest.update(id(member).to_be_bytes());
        Reverse(digest.finalize().to_vec())
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_spread_and_each_keeps_its_order_when_a_member_goes() {
        let mut first = [0; 3];
        for machine in 0..300 {
            let machine = format!("{machine:032x}");
            let mut members = [0, 1, 2];
            order(&machine, &mut members, |id| *id);
            first[members[0] as usize] += 1;
            let mut fewer: Vec<u64> = (0..3).filter(|id| *id != members[1]).collect();
            order(&machine, &mut fewer, |id| *id);
            assert_eq!(fewer, [members[0], members[2]]);
        }
        assert!(
            first.iter().all(|count| (60..140).contains(count)),
            "{first:?}"
        );
    }
}
