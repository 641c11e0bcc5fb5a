//! Who the members of a cluster are that is made from a snapshot.

use std::collections::BTreeMap;

use crate::core::cluster::founding::Founders;
use crate::core::kv::restore::Advance;
use crate::core::kv::snapshot::DigestCheck;

/// What one member is made of a snapshot with; all founders are told the same, but for the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub name: String,
    /// None: this member alone, with identities that nobody ever had.
    pub founders: Option<Founders>,
    pub token: String,
    pub check: DigestCheck,
    pub advance: Advance,
}

/// A cluster as one of its founders finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Founded {
    pub cluster_id: u64,
    pub own: u64,
    /// Name and peer URLs by id.
    pub members: BTreeMap<u64, (String, Vec<String>)>,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PlanError {
    #[error("--initial-cluster does not name this member, {name:?}: set --name, or add it")]
    Absent { name: String },
    #[error(
        "--initial-cluster says that {name:?} is reached at {}, and --initial-advertise-peer-urls \
         says {}", told.join(","), own.join(",")
    )]
    Elsewhere {
        name: String,
        told: Vec<String>,
        own: Vec<String>,
    },
    #[error("--bump-revision and --mark-compacted go together: give both or neither")]
    Half,
}

impl Plan {
    /// Holds what was said against itself; `own` is where the member says that it is reached.
    pub fn check(&self, own: &[String]) -> Result<(), PlanError> {
        let Advance {
            revisions,
            compacts,
        } = self.advance;
        if (revisions > 0) != compacts {
            return Err(PlanError::Half);
        }
        let Some(founders) = &self.founders else {
            return Ok(());
        };
        let name = self.name.clone();
        let Some(told) = founders.0.get(&name) else {
            return Err(PlanError::Absent { name });
        };
        let (mut told, mut own) = (told.clone(), own.to_vec());
        told.sort_unstable();
        own.sort_unstable();
        if !own.is_empty() && told != own {
            return Err(PlanError::Elsewhere { name, told, own });
        }
        Ok(())
    }

    /// The cluster, given the token of what is restored; nothing if the member is alone.
    pub fn founded(&self, token: &str) -> Option<Founded> {
        let founders = self.founders.as_ref()?;
        let own = founders.0.get(&self.name)?;
        let members = founders.members(token);
        Some(Founded {
            cluster_id: founders.cluster_id(token),
            own: Founders::member_id(own, token),
            members: members
                .map(|(id, name, urls)| (id, (name.to_owned(), urls.to_vec())))
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(name: &str, founders: &str) -> Plan {
        Plan {
            name: name.to_owned(),
            founders: Some(Founders::read(founders).expect("founders")),
            token: "t".to_owned(),
            check: DigestCheck::Required,
            advance: Advance::default(),
        }
    }

    const BOTH: &str = "a=http://h:1,b=http://h:2";

    #[test]
    fn founders_find_the_same_members_and_each_itself() {
        let [a, b] = ["a", "b"].map(|name| plan(name, BOTH).founded("t").expect("founders"));
        assert_eq!((a.cluster_id, &a.members), (b.cluster_id, &b.members));
        assert_eq!(a.members[&a.own].0, "a");
        assert_eq!(b.members[&b.own].0, "b");
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let url = |at: &str| [format!("http://h:{at}")];
        assert_eq!(plan("a", BOTH).check(&url("1")), Ok(()));
        assert_eq!(plan("a", BOTH).check(&[]), Ok(()));
        let elsewhere = plan("a", BOTH).check(&url("3")).expect_err("elsewhere");
        assert!(matches!(elsewhere, PlanError::Elsewhere { .. }));
        let absent = plan("c", BOTH).check(&[]).expect_err("no founder");
        assert!(matches!(absent, PlanError::Absent { .. }));
        for (revisions, compacts) in [(1, false), (0, true)] {
            let advance = Advance {
                revisions,
                compacts,
            };
            let half = Plan {
                advance,
                ..plan("a", BOTH)
            };
            assert_eq!(half.check(&[]), Err(PlanError::Half));
        }
    }
}
