//! A page of the service users of a service: there may be ten thousand, and no password is opened for
//! a list of them.

use model::{ServiceId, Timestamp, Username};

use super::{UserType, Users, kind};
use crate::paging::{Paged, Wanted, count};
use crate::{StoreError, decode, timestamp};

/// What users are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserColumn {
    /// Their names.
    Username,
    /// `primary` or `normal`.
    Type,
    /// Whether Kafka has their present password: those first of which it has.
    Applied,
    /// When they were made, to the second.
    Created,
}

/// A service user without its password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserBrief {
    /// Its name.
    pub username: Username,
    /// Whether it came with the service.
    pub kind: UserType,
    /// Whether Kafka has its present password.
    pub is_applied: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Whether a text is looked for that is not kept here, but shown for a user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// It is in what is said of a password that Kafka has.
    pub of_applied: bool,
    /// It is in what is said of one that Kafka does not have yet.
    pub of_others: bool,
}

impl UserColumn {
    /// As the statement below has it.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Username => "username",
            Self::Type => "type",
            Self::Applied => "applied",
            Self::Created => "created",
        }
    }
}

impl Users {
    /// A page of a service's users without those to be removed, by name unless sorted. The text is
    /// looked for in the name, the type and the moment of creation (`2026-11-28T10:00:00Z`).
    pub async fn page(
        &self,
        service: ServiceId,
        wanted: &Wanted<UserColumn>,
        said: Said,
    ) -> Result<Paged<UserBrief>, StoreError> {
        let text = wanted.text();
        let counts = sqlx::query!(
            r#"select count(*) as "all!",
                      count(*) filter (where $2 = ''
                          or strpos(lower(username || e'\n' || type || e'\n'
                                          || to_char(created_at at time zone 'utc',
                                                     'YYYY-MM-DD"T"HH24:MI:SS"Z"')), lower($2)) > 0
                          or case when applied_version = password_version then $3::boolean else $4::boolean end
                      ) as "matching!"
               from service_user where service_id = $1 and not deleting"#,
            service.0,
            text,
            said.of_applied,
            said.of_others
        )
        .fetch_one(&self.pool)
        .await?;
        let matching = count(counts.matching);
        let cut = wanted.cut(matching);
        let rows = sqlx::query!(
            r#"select username, type as kind, created_at,
                      coalesce(applied_version = password_version, false) as "applied!"
               from (
                   select *, lower(case $5
                              when 'username' then username
                              when 'type' then type
                              when 'applied' then
                                  case when applied_version = password_version then '' else '-' end
                              when 'created' then to_char(created_at at time zone 'utc',
                                                          'YYYY-MM-DD"T"HH24:MI:SS"Z"')
                          end) collate "C" as sorted_by
                   from service_user
                   where service_id = $1 and not deleting and ($2 = ''
                       or strpos(lower(username || e'\n' || type || e'\n'
                                       || to_char(created_at at time zone 'utc',
                                                  'YYYY-MM-DD"T"HH24:MI:SS"Z"')), lower($2)) > 0
                       or case when applied_version = password_version then $3::boolean else $4::boolean end)
               ) found
               order by case when not $6 then sorted_by end, case when $6 then sorted_by end desc,
                        username
               limit $7 offset $8"#,
            service.0,
            text,
            said.of_applied,
            said.of_others,
            wanted.sort.map_or("", |it| it.by.as_str()),
            wanted.backwards(),
            cut.limit,
            cut.offset
        )
        .fetch_all(&self.pool)
        .await?;
        let brief = |username: String| Username::try_from(username).map_err(decode);
        let rows = rows.into_iter().map(|row| {
            Ok(UserBrief {
                username: brief(row.username)?,
                kind: kind(&row.kind),
                is_applied: row.applied,
                created_at: timestamp(row.created_at),
            })
        });
        let rows = rows.collect::<Result<_, StoreError>>()?;
        Ok(Paged { rows, matching, all: count(counts.all), page: cut.page })
    }
}
