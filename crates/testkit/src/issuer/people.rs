//! The people who may sign in.

/// Somebody who signs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// `sub` and `preferred_username`.
    pub username: String,
    /// `name`: for people to read.
    pub name: String,
    /// `groups`.
    pub groups: Vec<String>,
}

/// The people to choose from: user name, name, group. `cargo xtask dev` gives each group a role.
pub const PEOPLE: [(&str, &str, Option<&str>); 5] = [
    ("max", "Max Admin", Some("admins")),
    ("ada", "Ada Operator", Some("ops")),
    ("dev", "Devi Developer", Some("developers")),
    ("ida", "Ida Auditor", Some("auditors")),
    ("eve", "Eve Nobody", None),
];

/// How long a user name may be. It ends up in claims, pages and events.
const MAX_USERNAME: usize = 64;

impl Person {
    /// The person of that user name. Whoever is not among [`PEOPLE`] has no groups; `None` if it is
    /// blank, longer than 64 bytes or has control characters.
    pub fn of(username: &str) -> Option<Self> {
        let username = username.trim();
        let sound = !username.is_empty() && username.len() <= MAX_USERNAME;
        if !sound || username.contains(char::is_control) {
            return None;
        }
        let known = PEOPLE.iter().find(|(it, _, _)| *it == username);
        Some(Self {
            username: username.to_owned(),
            name: known.map_or(username, |(_, name, _)| name).to_owned(),
            groups: known.and_then(|(_, _, group)| *group).map(str::to_owned).into_iter().collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_has_no_groups_and_a_blank_name_is_nobody() {
        assert_eq!(Person::of(" ada ").unwrap().groups, ["ops"]);
        assert_eq!(Person::of("eve").unwrap().groups, [""; 0]);
        assert_eq!(Person::of("zoë").unwrap().name, "zoë");
        for nobody in ["", "  ", "a\nb", &"x".repeat(65)] {
            assert_eq!(Person::of(nobody), None, "{nobody:?}");
        }
    }
}
