//! Deleting an ACL entry of either kind, or saying what that would take away.

use model::AclId;
use service_config::access::Access;
use store::{By, Service};

use crate::App;
use crate::error::ApiError;
use crate::losses::{Asked, Losses, access_of, losses};

/// The kinds of ACL entries. An id is of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AclKind {
    /// Aiven's.
    Aiven,
    /// Kafka-native.
    Kafka,
}

impl AclKind {
    /// Without the entry of that id; `None` if there is none.
    fn without(self, access: &Access, id: &AclId) -> Option<Access> {
        let mut after = access.clone();
        match self {
            Self::Aiven => after.acl.retain(|it| it.id != *id),
            Self::Kafka => after.kafka_acl.retain(|it| it.id != *id),
        }
        (after != *access).then_some(after)
    }
}

/// Deletes an entry, or says what that would take away.
pub(crate) async fn delete(
    app: &App,
    service: &Service,
    (kind, id): (AclKind, &str),
    by: &By,
    asked: Asked,
) -> Result<Losses, ApiError> {
    let missing = || ApiError::NotFound("ACL");
    let id: AclId = id.parse().map_err(|_| missing())?;
    let before = access_of(app, service).await?;
    let after = kind.without(&before, &id).ok_or_else(missing)?;
    let losses = losses(app, service, (before, after), asked.days).await?;
    if asked.dry_run {
        return Ok(losses);
    }
    let is_gone = match kind {
        AclKind::Aiven => app.store.acls.remove(service.id, &id, by).await?,
        AclKind::Kafka => app.store.kafka_acls.remove(service.id, &id, by).await?,
    };
    if is_gone { Ok(losses) } else { Err(missing()) }
}
