//! SCRAM credentials. The cluster gets the salted password, never the password.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use aws_lc_rs::rand;
use bytes::Bytes;
use kafka_protocol::messages::alter_user_scram_credentials_request::{
    ScramCredentialDeletion, ScramCredentialUpsertion,
};
use kafka_protocol::messages::{
    AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse,
    DescribeUserScramCredentialsRequest,
};
use model::Secret;

use crate::admin::Admin;
use crate::call::Call;
use crate::codes::{ScramMechanism, scram_mechanism, text};
use crate::error::{KafkaError, refused};
use crate::sasl::scram::salted;

/// How often the password is hashed. Kafka takes 4096 to 16384.
const ITERATIONS: NonZeroU32 = NonZeroU32::new(8192).unwrap();

/// Bytes of salt.
const SALT: usize = 32;

impl Admin {
    /// Gives a user a password for one mechanism, in place of an earlier one. Hashing it takes some
    /// milliseconds, on a thread of its own.
    pub async fn upsert_scram(
        &self,
        user: &str,
        mechanism: ScramMechanism,
        password: &Secret,
    ) -> Result<(), KafkaError> {
        let mut salt = [0; SALT];
        rand::fill(&mut salt).map_err(|_| KafkaError::Invalid("no random numbers"))?;
        let password = password.clone();
        let hashing =
            tokio::task::spawn_blocking(move || salted(mechanism, &password, &salt, ITERATIONS));
        let hash = hashing.await.map_err(|_| KafkaError::Invalid("the change was given up"))?;
        let upsertion = ScramCredentialUpsertion::default()
            .with_name(text(user))
            .with_mechanism(scram_mechanism::code(mechanism))
            .with_iterations(ITERATIONS.get().cast_signed())
            .with_salt(Bytes::copy_from_slice(&salt))
            .with_salted_password(hash.into());
        let request = AlterUserScramCredentialsRequest::default().with_upsertions(vec![upsertion]);
        self.ask(Call::any(&request), self.deadline(), altered).await?;
        Ok(())
    }

    /// Takes a user's password for one mechanism away. `ResourceNotFound` if there is none.
    ///
    /// Not for a cluster of Kafka 4.3.1 that shall live on: a broker that starts afterwards may lose
    /// every credential of the mechanism (`ScramDelta#apply`). Overwrite it instead.
    pub async fn delete_scram(
        &self,
        user: &str,
        mechanism: ScramMechanism,
    ) -> Result<(), KafkaError> {
        let deletion = ScramCredentialDeletion::default()
            .with_name(text(user))
            .with_mechanism(scram_mechanism::code(mechanism));
        let request = AlterUserScramCredentialsRequest::default().with_deletions(vec![deletion]);
        self.ask(Call::any(&request).once(), self.deadline(), altered).await?;
        Ok(())
    }

    /// Which users have a password, and for which mechanisms.
    pub async fn describe_scram(
        &self,
    ) -> Result<BTreeMap<String, Vec<ScramMechanism>>, KafkaError> {
        let request = DescribeUserScramCredentialsRequest::default().with_users(None);
        let response = self
            .ask(Call::any(&request), self.deadline(), |it| {
                refused(it.error_code, it.error_message.as_deref())?;
                let mut results = it.results.iter();
                results.try_for_each(|it| refused(it.error_code, it.error_message.as_deref()))
            })
            .await?;
        let users = response.results.iter().map(|it| {
            let codes = it.credential_infos.iter().map(|it| it.mechanism);
            let mut mechanisms: Vec<_> = codes.filter_map(scram_mechanism::meaning).collect();
            mechanisms.sort_unstable();
            (it.user.to_string(), mechanisms)
        });
        Ok(users.collect())
    }
}

fn altered(response: &AlterUserScramCredentialsResponse) -> Result<(), KafkaError> {
    let mut results = response.results.iter();
    results.try_for_each(|it| refused(it.error_code, it.error_message.as_deref()))
}
