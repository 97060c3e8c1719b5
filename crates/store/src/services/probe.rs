//! How a service's own client gets a token from the service's identity provider.

use std::collections::BTreeMap;

use model::{Secret, ServiceId};
use sqlx::types::Json;

use crate::vault::{Column, Place, reread};
use crate::{Services, StoreError, changes};

/// What is sent to an identity provider for a token (`grant_type=client_credentials`), with which
/// it is shown after each restart that a node lets in who it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeCredentials {
    /// Where tokens are given out; checked as the JWKS URL is, when it was set. Who connects to it
    /// obeys the operator's policy again, since a name may lead elsewhere by then.
    pub token_url: String,
    /// Who asks.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
    /// Further fields of the request, such as `audience` and `scope`.
    pub parameters: BTreeMap<String, String>,
}

impl Services {
    /// The credentials of a service's own client, if it has some.
    pub async fn probe(&self, service: ServiceId) -> Result<Option<ProbeCredentials>, StoreError> {
        reread(|| self.probe_once(service)).await
    }

    async fn probe_once(&self, service: ServiceId) -> Result<Option<ProbeCredentials>, StoreError> {
        let row = sqlx::query!(
            r#"select token_url, client_id, client_secret,
                      parameters as "parameters: Json<BTreeMap<String, String>>"
               from service_probe where service_id = $1"#,
            service.0
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let place = Place::of_service(Column::ProbeSecret, service);
        Ok(Some(ProbeCredentials {
            token_url: row.token_url,
            client_id: row.client_id,
            client_secret: self.vault.open(place, &row.client_secret).await?,
            parameters: row.parameters.0,
        }))
    }

    /// Gives a service's own client credentials, in place of those that it has.
    pub async fn set_probe(
        &self,
        service: ServiceId,
        credentials: &ProbeCredentials,
        actor: &str,
    ) -> Result<(), StoreError> {
        let mut tx = self.pool.begin().await?;
        let key = self.vault.sealer(&mut tx).await?;
        let place = Place::of_service(Column::ProbeSecret, service);
        let sealed = key.seal(place, &credentials.client_secret)?;
        sqlx::query!(
            "insert into service_probe (service_id, token_url, client_id, client_secret, parameters)
             values ($1, $2, $3, $4, $5)
             on conflict (service_id) do update
             set token_url = excluded.token_url, client_id = excluded.client_id,
                 client_secret = excluded.client_secret, parameters = excluded.parameters,
                 updated_at = now()",
            service.0,
            credentials.token_url,
            credentials.client_id,
            sealed,
            Json(&credentials.parameters) as _
        )
        .execute(&mut *tx)
        .await?;
        let text = format!("probe logs in as client {} from now on", credentials.client_id);
        changes::commit(tx, service, actor, "service_probe_update", &text).await
    }

    /// Takes the credentials of a service's own client away. Returns whether it had some.
    pub async fn remove_probe(&self, service: ServiceId, actor: &str) -> Result<bool, StoreError> {
        let mut tx = self.pool.begin().await?;
        let removed = sqlx::query!("delete from service_probe where service_id = $1", service.0)
            .execute(&mut *tx)
            .await?;
        if removed.rows_affected() == 0 {
            return Ok(false);
        }
        let text = "probe has no client at the identity provider any more";
        changes::commit(tx, service, actor, "service_probe_delete", text).await?;
        Ok(true)
    }
}
