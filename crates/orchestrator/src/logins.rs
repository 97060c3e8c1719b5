//! Trial logins at a node that has just been restarted: whoever should get in does, and forged
//! tokens and wrong passwords are refused.

use std::time::Duration;

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use kafka::{Credential, KafkaError, LoginOutcome, ScramMechanism, try_login};
use model::{Node, Principal, Secret, Timestamp};

use crate::roller::cluster::Logins;

/// How long a login may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// For how long a forged token would be good, in seconds.
const LIFETIME_SECS: i64 = 600;
/// Bytes of a signature with an RSA key of 2048 bits.
const SIGNATURE_LEN: usize = 256;

/// What to try.
#[derive(Clone, Debug, Default)]
pub struct Trials {
    /// The platform's own password on the internal listener.
    pub admin: Option<Secret>,
    /// A service user that Kafka has been given, for the listener for clients.
    pub scram: Option<(ScramMechanism, String, Secret)>,
    /// What tokens have to be, if the listener for clients takes any.
    pub oidc: Option<Forgery>,
    /// A token that should be let in, if the service has means to get one.
    pub good_token: Option<Secret>,
}

/// What a forged token looks like: all right, but for its signature.
#[derive(Clone, Debug)]
pub struct Forgery {
    /// The issuer.
    pub issuer: String,
    /// One of the audiences.
    pub audience: String,
    /// The claim that becomes the principal.
    pub sub_claim_name: String,
    /// Ids of keys that verify signatures.
    pub kids: Vec<String>,
}

/// One trial.
struct Trial {
    /// What is tried, in words.
    what: String,
    address: String,
    credential: Credential,
    is_let_in: bool,
}

/// Tries all of it at one node, one after the other; the first that goes wrong decides. `other` is
/// a node that has not been restarted: a password that it refuses as well says nothing of `node`.
pub async fn try_logins(trials: &Trials, node: &Node, other: Option<&Node>) -> Logins {
    let list = match trials.list(node) {
        Ok(list) => list,
        Err(why) => return Logins::Unanswered(why),
    };
    let mut unanswered = None;
    for trial in list {
        let what = &trial.what;
        match (try_login(&trial.address, &trial.credential, PATIENCE).await, trial.is_let_in) {
            (Ok(LoginOutcome::Accepted), true) | (Ok(LoginOutcome::Refused(_)), false) => {}
            (Ok(LoginOutcome::Accepted), false) => {
                return Logins::LetsIn(format!("{what} was let in"));
            }
            (Ok(LoginOutcome::Refused(said)), true) => {
                if let Some(other) = other
                    && refuses_too(&trial.credential, other).await
                {
                    let why = format!("{what} was refused, and by node {} too", other.id);
                    unanswered = unanswered.or(Some(why));
                    continue;
                }
                return Logins::LocksOut(format!("{what} was refused: {said}"));
            }
            (Ok(LoginOutcome::NotOffered(offered)), _) => {
                let offered = offered.join(", ");
                return Logins::LocksOut(format!("{what}: the listener offers [{offered}]"));
            }
            (Err(error), _) => {
                unanswered = unanswered.or(Some(format!("{what}: {}", chain(&error))));
            }
        }
    }
    unanswered.map_or(Logins::Right, Logins::Unanswered)
}

fn chain(error: &KafkaError) -> String {
    web::chain(error)
}

/// Whether a node that runs what it ran before refuses a password as well. A token may be refused
/// there because it is meant for the new configuration.
async fn refuses_too(credential: &Credential, other: &Node) -> bool {
    let address = match credential {
        Credential::Scram { .. } => other.client_address(),
        Credential::Plain { .. } | Credential::OauthBearer { .. } => return false,
    };
    matches!(try_login(&address, credential, PATIENCE).await, Ok(LoginOutcome::Refused(_)))
}

impl Trials {
    fn list(&self, node: &Node) -> Result<Vec<Trial>, String> {
        let mut list = Vec::new();
        let wrong = || random(24).map(Secret::new);
        if let Some(password) = &self.admin {
            let login = |password: Secret| Credential::Plain {
                username: Principal::ADMIN.to_owned(),
                password,
            };
            let internal = |what: &str, credential, is_let_in| Trial {
                what: format!("{what} on the listener INTERNAL"),
                address: node.internal_address(),
                credential,
                is_let_in,
            };
            list.push(internal("the platform's password", login(password.clone()), true));
            list.push(internal("a wrong password", login(wrong()?), false));
        }
        let client = |what: String, credential, is_let_in| Trial {
            what: format!("{what} on the listener CLIENT"),
            address: node.client_address(),
            credential,
            is_let_in,
        };
        if let Some((mechanism, username, password)) = &self.scram {
            let login = |password: Secret| Credential::Scram {
                mechanism: *mechanism,
                username: username.clone(),
                password,
            };
            list.push(client(format!("the password of {username}"), login(password.clone()), true));
            list.push(client("a wrong password".to_owned(), login(wrong()?), false));
        }
        if let Some(forgery) = &self.oidc {
            for (what, token) in forgery.tokens()? {
                list.push(client(what.to_owned(), Credential::OauthBearer { token }, false));
            }
        }
        if let Some(token) = &self.good_token {
            let credential = Credential::OauthBearer { token: token.clone() };
            list.push(client("a good token".to_owned(), credential, true));
        }
        Ok(list)
    }
}

impl Forgery {
    /// Tokens that nobody may take: without a signature (RFC 8725 2.1), and with one that nobody
    /// made, for each kind of broker that would not look at it closely.
    fn tokens(&self) -> Result<Vec<(&'static str, Secret)>, String> {
        let now = Timestamp::now().0 / 1000;
        let claims = serde_json::json!({
            "iss": self.issuer,
            "aud": self.audience,
            "sub": "tidegate-forged",
            self.sub_claim_name.clone(): "tidegate-forged",
            "iat": now,
            "exp": now + LIFETIME_SECS,
        });
        let encode = |value: &serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = |kid: &str| -> Result<Secret, String> {
            let header = serde_json::json!({ "alg": "RS256", "typ": "JWT", "kid": kid });
            let mut signature = vec![0; SIGNATURE_LEN];
            rand::fill(&mut signature).map_err(|_| "no random numbers".to_owned())?;
            let signature = BASE64_URL_SAFE_NO_PAD.encode(signature);
            Ok(Secret::new(format!("{}.{}.{signature}", encode(&header), encode(&claims))))
        };
        let none = serde_json::json!({ "alg": "none", "typ": "JWT" });
        let unsigned = format!("{}.{}.", encode(&none), encode(&claims));
        let mut tokens = vec![
            ("a token without a signature", Secret::new(unsigned)),
            ("a token signed by an unknown key", signed("tidegate-forged")?),
        ];
        if let Some(kid) = self.kids.first() {
            tokens.push(("a token with a forged signature", signed(kid)?));
        }
        Ok(tokens)
    }
}

fn random(len: usize) -> Result<String, String> {
    let mut bytes = vec![0; len];
    rand::fill(&mut bytes).map_err(|_| "no random numbers".to_owned())?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}
