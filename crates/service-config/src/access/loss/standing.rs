//! What a principal may do before and after a change, in each way that it may have come.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::rc::Rc;

use model::{
    AclBinding, AclEntry, AclOperation, KafkaAclEntry, KafkaPrincipal, Principal, ResourceType,
    SUBJECT_CLAIMS, SeenAt, SeenClaims, SeenUse, Username,
};

use super::why::{Kept, Why};
use super::{Access, Watching};
use crate::access::{Question, allows, bindings, denial, may_write_somewhere};

/// What becomes of a use that is lost.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fate {
    /// Why it is refused, for each way in which it may be. Never empty.
    pub(super) why: BTreeSet<Why>,
    /// What still allows it. Empty: nothing.
    pub(super) kept: BTreeSet<Kept>,
}

/// How somebody proves to be a principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Password,
    Token,
}

/// A principal, before and after.
pub(super) struct Case<'a> {
    before: Standing<'a>,
    after: Standing<'a>,
    /// Addresses that its bindings name, and one that they do not.
    hosts: BTreeSet<Option<IpAddr>>,
    /// Whether Kafka makes no difference between before and after.
    is_same: bool,
}

/// What it is under one configuration, or why it is refused.
struct Standing<'a> {
    access: &'a Access,
    password: Result<Rights, Why>,
    token: Result<Rights, Why>,
}

/// What Kafka's authorizer is asked about.
#[derive(Clone, PartialEq)]
struct Rights {
    name: String,
    renamed: bool,
    /// Those that are about this name.
    bindings: Rc<[AclBinding]>,
}

impl Fate {
    /// Of a caller without credentials.
    pub(super) fn of_nobody(open_before: bool, open_after: bool) -> Option<Self> {
        (open_before && !open_after)
            .then(|| Self { why: [Why::Nobody].into(), kept: BTreeSet::new() })
    }
}

impl<'a> Case<'a> {
    /// `claims`: of its latest token, and whether those of the new subject are kept. `topics`: those
    /// that it used.
    pub(super) fn of(
        before: &'a Access,
        after: &'a Access,
        principal: &Principal,
        claims: (Option<&SeenClaims>, Watching),
        topics: &BTreeSet<String>,
    ) -> Self {
        let name = principal.0.as_str();
        let now = before.principal_claim.as_ref().ok_or(Why::TokensOff).map(|_| name);
        let then = called(name, before, after, claims);
        let before = Standing::of(before, name, now, topics);
        let after = Standing::of(after, name, then, topics);
        let is_same = before.password == after.password && before.token == after.token;
        let rights = [&before.password, &before.token, &after.password, &after.token];
        let bindings = rights.into_iter().flatten().flat_map(|it| it.bindings.iter());
        let hosts = bindings.map(|it| it.host.address()).chain([None]).collect();
        Self { before, after, hosts, is_same }
    }

    /// What becomes of a use; `None` if it is not lost.
    pub(super) fn fate(&self, at: SeenAt, seen_use: &SeenUse) -> Option<Fate> {
        let (open_before, open_after) =
            (self.before.access.is_open(at), self.after.access.is_open(at));
        if open_after || (self.is_same && !open_before) {
            return None;
        }
        let mut fate = Fate { why: BTreeSet::new(), kept: BTreeSet::new() };
        for way in self.ways(at, seen_use) {
            let (why, kept) = self.comes_by(way, at, seen_use);
            if kept {
                fate.kept.insert(match way {
                    _ if !why.is_empty() => Kept::Address,
                    Way::Password => Kept::Password,
                    Way::Token => Kept::Token,
                });
            }
            fate.why.extend(why);
        }
        (!fate.why.is_empty()).then_some(fate)
    }

    /// How it may have come.
    fn ways(&self, at: SeenAt, seen_use: &SeenUse) -> Vec<Way> {
        if !seen_use.proven {
            return vec![Way::Password];
        }
        let mut ways = Vec::new();
        ways.extend(self.before.password.is_ok().then_some(Way::Password));
        ways.extend(self.before.token.is_ok().then_some(Way::Token));
        // It was proven under another configuration, and no proof is asked for now.
        if ways.is_empty() && self.before.access.is_open(at) {
            ways.push(Way::Token);
        }
        ways
    }

    /// Of one way: why it is refused from some addresses, and whether it is still allowed from some;
    /// of those from which it is allowed before.
    fn comes_by(&self, way: Way, at: SeenAt, seen_use: &SeenUse) -> (BTreeSet<Why>, bool) {
        let (mut why, mut kept) = (BTreeSet::new(), false);
        for &host in &self.hosts {
            let allowed = self.before.access.is_open(at)
                || self.before.by(way).is_ok_and(|it| it.allow(seen_use, host));
            if !allowed {
                continue;
            }
            match self.after.by(way) {
                Ok(rights) if rights.allow(seen_use, host) => kept = true,
                Ok(rights) => _ = why.insert(rights.refuse(seen_use, host)),
                Err(Why::NoUser) if !seen_use.proven => _ = why.insert(Why::NotProven),
                Err(it) => _ = why.insert(it.clone()),
            }
        }
        (why, kept)
    }
}

impl<'a> Standing<'a> {
    fn of(
        access: &'a Access,
        name: &str,
        by_token: Result<&str, Why>,
        topics: &BTreeSet<String>,
    ) -> Self {
        let own = Rights::of(access, name, topics);
        let token = by_token.map(|called| {
            if called == name {
                own.clone()
            } else {
                Rights { renamed: true, ..Rights::of(access, called, topics) }
            }
        });
        let password = if !is_user(access, name) {
            Err(Why::NoUser)
        } else if access.passwords {
            Ok(own)
        } else {
            Err(Why::PasswordsOff)
        };
        Self { access, password, token }
    }

    const fn by(&self, way: Way) -> Result<&Rights, &Why> {
        match way {
            Way::Password => self.password.as_ref(),
            Way::Token => self.token.as_ref(),
        }
    }
}

impl Rights {
    fn of(access: &Access, name: &str, topics: &BTreeSet<String>) -> Self {
        let users: BTreeSet<Username> = name.parse().into_iter().collect();
        let users: BTreeSet<_> = users.intersection(&access.users).cloned().collect();
        // Others are bindings of others: with many entries and principals, that takes seconds.
        let acl = access.acl.iter().filter(|it| !users.is_empty() && it.username.matches(name));
        let acl: Vec<AclEntry> = acl.cloned().collect();
        let native = access.kafka_acl.iter().filter(|it| may_be_about(it, name));
        let native: Vec<KafkaAclEntry> = native.cloned().collect();
        let bindings = bindings(&acl, &native, &users, topics).into_iter();
        let whom = [name, Principal::EVERYBODY];
        let bindings = bindings.filter(|it| whom.contains(&it.principal.0.as_str())).collect();
        Self { name: name.to_owned(), renamed: false, bindings }
    }

    fn question<'q>(&'q self, seen_use: &'q SeenUse, host: Option<IpAddr>) -> Question<'q> {
        Question {
            principal: &self.name,
            host,
            operation: seen_use.operation,
            resource_type: seen_use.resource_type,
            resource_name: &seen_use.resource_name,
        }
    }

    fn allow(&self, seen_use: &SeenUse, host: Option<IpAddr>) -> bool {
        let idempotent = (ResourceType::Cluster, AclOperation::IdempotentWrite);
        allows(&*self.bindings, self.question(seen_use, host))
            || ((seen_use.resource_type, seen_use.operation) == idempotent
                && may_write_somewhere(&*self.bindings, &self.name, host))
    }

    /// Why it is not allowed.
    fn refuse(&self, seen_use: &SeenUse, host: Option<IpAddr>) -> Why {
        match denial(&*self.bindings, self.question(seen_use, host)) {
            Some(by) => Why::denied(by),
            None => Why::NoAcl { name: self.name.clone(), renamed: self.renamed },
        }
    }
}

/// What a principal that comes by a token is called after a change.
fn called<'a>(
    name: &'a str,
    before: &Access,
    after: &Access,
    (claims, watching): (Option<&'a SeenClaims>, Watching),
) -> Result<&'a str, Why> {
    let claim = after.principal_claim.as_ref().ok_or(Why::TokensOff)?;
    if before.principal_claim.as_ref().is_none_or(|it| it == claim) {
        return Ok(name);
    }
    let claims = claims.ok_or(Why::NeverSeen)?;
    // As Kafka trims it.
    let value = claims.claims.get(claim).map(|it| it.trim());
    match value {
        Some(value) if !value.is_empty() => Ok(value),
        Some(_) => Err(Why::NoSuchClaim(claim.clone())),
        None => Err(no_value(claim, claims, watching)),
    }
}

/// Why a claim of a principal is not known whose tokens were seen.
fn no_value(claim: &str, claims: &SeenClaims, watching: Watching) -> Why {
    let name = claim.to_owned();
    if SUBJECT_CLAIMS.contains(&claim) || claims.absent.contains(claim) {
        return Why::NoSuchClaim(name);
    }
    match watching {
        Watching::Never => Why::NotKept(name),
        Watching::FromNow => Why::KeptFromNow(name),
        Watching::Since(since) => Why::KeptSince(name, since),
    }
}

fn is_user(access: &Access, name: &str) -> bool {
    name.parse::<Username>().is_ok_and(|it| access.users.contains(&it))
}

/// Whether an entry can be about that name. Others need not become bindings.
fn may_be_about(entry: &KafkaAclEntry, name: &str) -> bool {
    match entry.acl.principal() {
        KafkaPrincipal::Everybody => true,
        KafkaPrincipal::Matching(it) => it.matches(name),
        KafkaPrincipal::Exactly(it) => it.0 == name,
    }
}
