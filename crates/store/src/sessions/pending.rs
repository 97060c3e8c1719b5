//! Sign-ins at the identity provider that have not come back.

use model::Secret;

use super::Sessions;
use crate::StoreError;

/// For how many seconds somebody may take to sign in.
const PENDING_SECS: f64 = 600.0;
/// So many are kept, and the oldest of more are forgotten: nobody who has not signed in fills the
/// database.
const MOST: i64 = 10_000;

/// What is needed to finish a sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingSignIn {
    /// SHA-256 of `state` (RFC 6749, 4.1.1).
    pub state_hash: [u8; 32],
    /// SHA-256 of what is in the cookie of the browser that began it.
    pub browser_hash: [u8; 32],
    /// The `nonce` that the ID token has to have (`OpenID` Connect Core, 3.1.2.1).
    pub nonce: Secret,
    /// The `code_verifier` (RFC 7636, 4.1).
    pub code_verifier: Secret,
    /// Where to go afterwards: a path below the console.
    pub return_to: String,
}

impl Sessions {
    /// Keeps a sign-in that was begun, and removes those that took too long.
    pub async fn begin_sign_in(&self, new: &PendingSignIn) -> Result<(), StoreError> {
        let mut tx = self.pool.begin().await?;
        sqlx::query!(
            "delete from console_sign_in
             where created_at <= now() - make_interval(secs => $1)
                or state_hash in (select state_hash from console_sign_in
                                  order by created_at desc offset $2)",
            PENDING_SECS,
            MOST
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            "insert into console_sign_in (state_hash, browser_hash, nonce, code_verifier, return_to)
             values ($1, $2, $3, $4, $5)",
            &new.state_hash,
            &new.browser_hash,
            new.nonce.expose(),
            new.code_verifier.expose(),
            new.return_to
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Takes out the sign-in that this browser has begun with this `state`, if it was not more than
    /// ten minutes ago. It cannot be taken twice.
    pub async fn take_sign_in(
        &self,
        state_hash: &[u8; 32],
        browser_hash: &[u8; 32],
    ) -> Result<Option<PendingSignIn>, StoreError> {
        let row = sqlx::query!(
            "delete from console_sign_in
             where state_hash = $1 and browser_hash = $2
               and created_at > now() - make_interval(secs => $3)
             returning nonce, code_verifier, return_to",
            state_hash,
            browser_hash,
            PENDING_SECS
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| PendingSignIn {
            state_hash: *state_hash,
            browser_hash: *browser_hash,
            nonce: row.nonce.into(),
            code_verifier: row.code_verifier.into(),
            return_to: row.return_to,
        }))
    }
}
