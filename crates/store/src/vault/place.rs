//! Where secrets lie. A sealed one opens nowhere else.

use std::fmt;

use model::ServiceId;

/// A column that holds secrets: each is in the view `secret_value` too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    UserPassword,
    BrokerPassword,
    AdminPassword,
    RestProxyPassword,
    ProbeSecret,
}

impl Column {
    /// All of them.
    pub(crate) const ALL: [Self; 5] = [
        Self::UserPassword,
        Self::BrokerPassword,
        Self::AdminPassword,
        Self::RestProxyPassword,
        Self::ProbeSecret,
    ];

    /// As the view names it. What is sealed is bound to this name: it never changes.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::UserPassword => "service_user.password",
            Self::BrokerPassword => "service_secret.broker_password",
            Self::AdminPassword => "service_secret.admin_password",
            Self::RestProxyPassword => "service_secret.rest_proxy_password",
            Self::ProbeSecret => "service_probe.client_secret",
        }
    }

    /// The column of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == name)
    }
}

/// One value: its column and its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place<'a> {
    pub(crate) column: Column,
    pub(crate) service: ServiceId,
    /// Empty where a service has one row.
    pub(crate) username: &'a str,
}

impl<'a> Place<'a> {
    /// The password of a service user.
    pub(crate) const fn user(service: ServiceId, username: &'a str) -> Self {
        Self { column: Column::UserPassword, service, username }
    }

    /// A secret that a service has once.
    pub(crate) const fn of_service(column: Column, service: ServiceId) -> Self {
        Self { column, service, username: "" }
    }

    /// What its ciphertext is bound to. Postgres has no NUL in a text, so two places never say the
    /// same.
    pub(super) fn bound_to(&self) -> String {
        let Self { column, service, username } = self;
        format!("tidegate secret v1\0{}\0{service}\0{username}", column.as_str())
    }
}

/// For errors: the column and the row, and nothing of the value.
impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of service {}", self.column.as_str(), self.service)?;
        if self.username.is_empty() { Ok(()) } else { write!(f, ", user {}", self.username) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_found_by_its_name() {
        for column in Column::ALL {
            assert_eq!(Column::named(column.as_str()), Some(column));
        }
        assert_eq!(Column::named("service_user.username"), None);
    }
}
