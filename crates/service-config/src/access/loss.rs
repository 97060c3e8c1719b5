//! Who would lose access by a change, of those who were seen.

mod proposal;
mod standing;
mod why;

use std::collections::{BTreeMap, BTreeSet};

use model::{
    AclEntry, AclOperation, KafkaAclEntry, Principal, ResourceType, SeenAt, SeenClaims, SeenUse,
    Timestamp, Username,
};

pub use self::proposal::Proposal;
use self::standing::{Case, Fate};
use self::why::Why;

/// All that decides who may do what with a service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// Aiven's entries.
    pub acl: Vec<AclEntry>,
    /// Kafka-native ones.
    pub kafka_acl: Vec<KafkaAclEntry>,
    /// Service users, who have passwords.
    pub users: BTreeSet<Username>,
    /// Whether passwords are accepted: whether there is a SCRAM mechanism.
    pub passwords: bool,
    /// `kafka_rest_authorization`; off, the REST proxy allows everything to everybody.
    pub rest_authorization: bool,
    /// The claim that is a token's principal (`kafka.sasl_oauthbearer_sub_claim_name`); `None` while
    /// OIDC is off and no token is accepted.
    pub principal_claim: Option<String>,
}

/// Whether values of the claim that becomes the subject are kept, if it is none of
/// [`model::SUBJECT_CLAIMS`], whose are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Watching {
    /// They are not.
    #[default]
    Never,
    /// From now on.
    FromNow,
    /// Since then. A token that was seen before has not been looked at for it.
    Since(Timestamp),
}

/// Something that a principal was seen to do, and would be refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Who, by the present name; `None` for callers without credentials.
    pub principal: Option<Principal>,
    /// Where it was seen; never empty.
    pub seen_at: BTreeSet<SeenAt>,
    /// On what kind of resource.
    pub resource_type: ResourceType,
    /// Its name.
    pub resource_name: String,
    /// What would be refused; never empty.
    pub operations: BTreeSet<AclOperation>,
    /// When one of them was done last.
    pub last: Timestamp,
    /// Whether it is refused however the principal comes. It is not known by which mechanism and from
    /// which address it came.
    pub certain: bool,
    /// Why, in words.
    pub reason: String,
    /// The ACL entries that would give it back. Empty: none can, for the reason that is given.
    pub acls: Vec<Proposal>,
}

/// Uses that are lost for the same reason are one loss.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key<'a> {
    principal: Option<&'a Principal>,
    resource_type: ResourceType,
    resource_name: &'a str,
    fate: Fate,
}

/// What of a loss is gathered.
struct Gathered {
    seen_at: BTreeSet<SeenAt>,
    operations: BTreeSet<AclOperation>,
    last: Timestamp,
}

impl Access {
    /// Whether everybody is allowed everything there.
    fn is_open(&self, at: SeenAt) -> bool {
        at == SeenAt::RestProxy && !self.rest_authorization
    }
}

/// Of what was seen, that which is allowed before a change and not after it, latest first. What
/// tokens of a principal say besides is in `claims`, as far as that was and is kept.
///
/// Topics that a pattern matches are looked up among those that were seen, which are the only ones
/// asked about.
pub fn would_lose(
    before: &Access,
    after: &Access,
    uses: &[(SeenAt, SeenUse)],
    (claims, watching): (&[SeenClaims], Watching),
) -> Vec<Loss> {
    let claims: BTreeMap<&Principal, &SeenClaims> =
        claims.iter().map(|it| (&it.principal, it)).collect();
    let mut of_principal: BTreeMap<Option<&Principal>, Vec<&(SeenAt, SeenUse)>> = BTreeMap::new();
    for it in uses {
        of_principal.entry(it.1.principal.as_ref()).or_default().push(it);
    }
    let mut found: BTreeMap<Key<'_>, Gathered> = BTreeMap::new();
    for (principal, uses) in of_principal {
        let topics = topics(&uses);
        let case = principal.map(|it| {
            let claims = claims.get(it).copied();
            Case::of(before, after, it, (claims, watching), &topics)
        });
        for (at, seen_use) in uses {
            let fate = match &case {
                Some(case) => case.fate(*at, seen_use),
                None => Fate::of_nobody(before.is_open(*at), after.is_open(*at)),
            };
            if let Some(fate) = fate {
                gather(&mut found, principal, *at, seen_use, fate);
            }
        }
    }
    let mut losses: Vec<Loss> = found.into_iter().map(|(key, it)| loss(after, key, it)).collect();
    losses.sort_by_key(|it| std::cmp::Reverse(it.last));
    losses
}

fn topics(uses: &[&(SeenAt, SeenUse)]) -> BTreeSet<String> {
    let topics = uses.iter().filter(|(_, it)| it.resource_type == ResourceType::Topic);
    topics.map(|(_, it)| it.resource_name.clone()).collect()
}

fn gather<'a>(
    found: &mut BTreeMap<Key<'a>, Gathered>,
    principal: Option<&'a Principal>,
    at: SeenAt,
    seen_use: &'a SeenUse,
    fate: Fate,
) {
    let SeenUse { resource_type, ref resource_name, operation, last, .. } = *seen_use;
    let gathered = found
        .entry(Key { principal, resource_type, resource_name, fate })
        .or_insert_with(|| Gathered { seen_at: [].into(), operations: [].into(), last });
    gathered.seen_at.insert(at);
    gathered.operations.insert(operation);
    gathered.last = gathered.last.max(last);
}

fn loss(after: &Access, key: Key<'_>, gathered: Gathered) -> Loss {
    let Key { principal, resource_type, resource_name, fate } = key;
    let Gathered { seen_at, operations, last } = gathered;
    let (mut acls, mut reasons) = (Vec::new(), Vec::new());
    for why in &fate.why {
        reasons.push(why.to_string());
        if let Why::NoAcl { name, .. } = why {
            match proposal::proposals(after, name, (resource_type, resource_name), &operations) {
                Ok(proposals) => acls.extend(proposals),
                Err(no_acl_can) => reasons.push(no_acl_can),
            }
        }
    }
    let mut reason = reasons.join("; ");
    if !fate.kept.is_empty() {
        let kept: Vec<&str> = fate.kept.iter().map(|it| it.words()).collect();
        reason = format!("{reason}. Not certain: {}", kept.join(", and "));
    }
    Loss {
        principal: principal.cloned(),
        seen_at,
        resource_type,
        resource_name: resource_name.to_owned(),
        operations,
        last,
        certain: fate.kept.is_empty(),
        reason,
        acls,
    }
}

#[cfg(test)]
mod tests;
