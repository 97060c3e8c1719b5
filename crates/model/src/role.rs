//! What people and their tools may do in which project.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ProjectName;

/// A role in a project, as Aiven's project members have it. Each may do all that those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sees everything but passwords, and changes nothing.
    ReadOnly,
    /// Sees passwords; changes what is in services: topics, users, ACL entries, quotas.
    Developer,
    /// Makes, changes, restarts and terminates services.
    Operator,
    /// And sees the audit log.
    Admin,
}

impl Role {
    /// All of them, the weakest first.
    pub const ALL: [Self; 4] = [Self::ReadOnly, Self::Developer, Self::Operator, Self::Admin];

    /// As the API spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReadOnly => "read_only",
            Self::Developer => "developer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|it| it.as_str() == text).ok_or_else(|| {
            let shown: String = text.escape_debug().take(64).collect();
            format!("invalid role '{shown}': one of read_only, developer, operator, admin")
        })
    }
}

/// Where a role holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// In every project, those to come included. Written `*`.
    Everywhere,
    /// In this one.
    Project(ProjectName),
}

impl Scope {
    /// Whether a role that holds here holds in `project`.
    pub fn covers(&self, project: &ProjectName) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Project(name) => name == project,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everywhere => f.write_str("*"),
            Self::Project(name) => name.fmt(f),
        }
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Everywhere);
        }
        text.parse().map(Self::Project).map_err(|error: crate::InvalidName| error.to_string())
    }
}

/// The roles that somebody has. Without one, nothing is allowed, not even to know that a project
/// exists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants(BTreeMap<Scope, Role>);

impl Grants {
    /// No role anywhere.
    pub const fn none() -> Self {
        Self(BTreeMap::new())
    }

    /// One role.
    pub fn one(scope: Scope, role: Role) -> Self {
        Self(BTreeMap::from([(scope, role)]))
    }

    /// Adds a role. Of two in the same scope the stronger one stays.
    pub fn add(&mut self, scope: Scope, role: Role) {
        let held = self.0.entry(scope).or_insert(role);
        *held = role.max(*held);
    }

    /// The role in a project: the strongest of those that hold there.
    pub fn role_in(&self, project: &ProjectName) -> Option<Role> {
        self.0.iter().filter(|(scope, _)| scope.covers(project)).map(|(_, role)| *role).max()
    }

    /// The role that holds in every project.
    pub fn role_everywhere(&self) -> Option<Role> {
        self.0.get(&Scope::Everywhere).copied()
    }

    /// Whether there is no role at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each role with where it holds.
    pub fn iter(&self) -> impl Iterator<Item = (&Scope, Role)> {
        self.0.iter().map(|(scope, role)| (scope, *role))
    }
}

impl FromIterator<(Scope, Role)> for Grants {
    fn from_iter<I: IntoIterator<Item = (Scope, Role)>>(roles: I) -> Self {
        let mut grants = Self::none();
        roles.into_iter().for_each(|(scope, role)| grants.add(scope, role));
        grants
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(name: &str) -> ProjectName {
        name.parse().unwrap()
    }

    #[test]
    fn roles_are_spelled_as_aiven_does_and_grow() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        assert!(Role::ALL.is_sorted());
        let error = "Admin\n".parse::<Role>().unwrap_err();
        assert_eq!(error, "invalid role 'Admin\\n': one of read_only, developer, operator, admin");
    }

    #[test]
    fn the_strongest_role_that_holds_counts() {
        let dev = || Scope::Project(project("dev"));
        let grants: Grants = [
            (Scope::Everywhere, Role::Developer),
            (dev(), Role::ReadOnly),
            (dev(), Role::Operator),
            (dev(), Role::Developer),
        ]
        .into_iter()
        .collect();
        assert_eq!(grants.role_in(&project("dev")), Some(Role::Operator));
        assert_eq!(grants.role_in(&project("other")), Some(Role::Developer));
        assert_eq!(grants.role_everywhere(), Some(Role::Developer));
        let grants = Grants::one(dev(), Role::Admin);
        assert_eq!(grants.role_in(&project("other")), None);
        assert_eq!(grants.role_everywhere(), None);
    }

    #[test]
    fn a_scope_is_a_project_or_all_of_them() {
        assert_eq!("*".parse(), Ok(Scope::Everywhere));
        assert_eq!("dev".parse(), Ok(Scope::Project(project("dev"))));
        assert!("**".parse::<Scope>().is_err());
        assert_eq!(Scope::Everywhere.to_string(), "*");
    }
}
