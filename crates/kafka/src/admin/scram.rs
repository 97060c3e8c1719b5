//! SCRAM credentials. The cluster gets the salted password, never the password.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use aws_lc_rs::{pbkdf2, rand};
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

/// How often the password is hashed. Kafka takes 4096 to 16384.
const ITERATIONS: NonZeroU32 = NonZeroU32::new(8192).unwrap();

/// Bytes of salt.
const SALT: usize = 32;

impl Admin {
    /// Gives a user a password for one mechanism, in place of an earlier one.
    pub async fn upsert_scram(
        &self,
        user: &str,
        mechanism: ScramMechanism,
        password: &Secret,
    ) -> Result<(), KafkaError> {
        let mut salt = [0; SALT];
        rand::fill(&mut salt).map_err(|_| KafkaError::Invalid("no random numbers"))?;
        let upsertion = ScramCredentialUpsertion::default()
            .with_name(text(user))
            .with_mechanism(scram_mechanism::code(mechanism))
            .with_iterations(ITERATIONS.get().cast_signed())
            .with_salt(Bytes::copy_from_slice(&salt))
            .with_salted_password(salted(mechanism, password, &salt, ITERATIONS).into());
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

/// `SaltedPassword` of RFC 5802, which is `ScramFormatter.hi` of Kafka: PBKDF2 of the password's
/// UTF-8.
fn salted(
    mechanism: ScramMechanism,
    password: &Secret,
    salt: &[u8],
    iterations: NonZeroU32,
) -> Vec<u8> {
    let (algorithm, length) = match mechanism {
        ScramMechanism::Sha256 => (pbkdf2::PBKDF2_HMAC_SHA256, 32),
        ScramMechanism::Sha512 => (pbkdf2::PBKDF2_HMAC_SHA512, 64),
    };
    let mut salted = vec![0; length];
    pbkdf2::derive(algorithm, iterations, salt, password.expose().as_bytes(), &mut salted);
    salted
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7677: user `user`, password `pencil`. The server's signature there
    /// follows from this salted password, which is checked through the client's proof.
    #[test]
    fn the_salted_password_of_rfc_7677() {
        use aws_lc_rs::{digest, hmac};

        let salt = [
            0x5b, 0x6d, 0x99, 0x68, 0x9d, 0x12, 0x35, 0x8e, 0xec, 0xa0, 0x4b, 0x14, 0x12, 0x36,
            0xfa, 0x81,
        ];
        let iterations = NonZeroU32::new(4096).unwrap();
        let salted =
            salted(ScramMechanism::Sha256, &Secret::new("pencil".into()), &salt, iterations);
        let message = "n=user,r=rOprNGfwEbeRWgbNEkqO,\
            r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,\
            c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let sign = |key: &[u8], text: &[u8]| {
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text).as_ref().to_vec()
        };
        let client_key = sign(&salted, b"Client Key");
        let stored_key = digest::digest(&digest::SHA256, &client_key);
        let signature = sign(stored_key.as_ref(), message.as_bytes());
        let proof: Vec<u8> = client_key.iter().zip(&signature).map(|(a, b)| a ^ b).collect();
        // dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=
        assert_eq!(
            proof,
            [
                0x74, 0x7c, 0xdb, 0x65, 0xaa, 0x56, 0x22, 0x4e, 0x23, 0x52, 0x13, 0x7e, 0x52, 0xd7,
                0xbd, 0xca, 0xd6, 0xa0, 0xf7, 0x38, 0xdf, 0x30, 0x78, 0x2c, 0xaa, 0x69, 0xa2, 0xcf,
                0xb0, 0x27, 0x75, 0x54
            ]
        );
    }
}
