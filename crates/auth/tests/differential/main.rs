//! The whole corpus against a real broker: what we accept, `BrokerJwtValidator` accepts too, as the
//! same principal.
//!
//! Needs Java and Kafka's jars, in `TIDEGATE_TEST_JAVA` and `TIDEGATE_TEST_KAFKA_LIBS`, and a folder
//! for the broker in `TIDEGATE_TEST_DIR`. `cargo xtask test --suite e2e` sets them. The broker is its
//! own and ends with the test.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test that panics says where")]

mod broker;
#[path = "../tokens/corpus.rs"]
mod corpus;
#[path = "../tokens/forge.rs"]
mod forge;
mod login;
#[path = "../tokens/stage.rs"]
mod stage;

use std::sync::Arc;

pub(crate) use auth::AuthError;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::broker::Broker;
use crate::forge::Forge;
use crate::login::{Login, login};
use crate::stage::{Stage, forged, verifier};

/// Logins at the same time.
const AT_ONCE: usize = 8;

/// What both sides say of a token.
struct Compared {
    name: String,
    ours: Result<String, AuthError>,
    broker: Login,
}

#[tokio::test(flavor = "multi_thread")]
async fn what_we_accept_a_broker_accepts_as_the_same_principal() {
    let mut forge = Forge::new();
    let stage = Stage::serve(forge.jwks()).await;
    let broker = Broker::start(&stage.jwks_url, forge.issuer.url()).await;
    assert!(stage.asked() >= 1, "the broker has the keys");
    // Tokens of this moment: the broker took some to start.
    forge.now = model::Timestamp::now().0 / 1000;
    let compared = compare(&forge, &stage, &broker.address).await;
    report(&compared);
    assert!(compared.len() >= 150, "{}", compared.len());
    let differ: Vec<String> = compared.iter().filter_map(contradiction).collect();
    assert!(differ.is_empty(), "{differ:#?}");
    let refused = compared.iter().filter(|it| it.broker == Login::Refused).count();
    let accepted = compared.iter().filter(|it| it.ours.is_ok()).count();
    assert!(refused >= 100 && accepted >= 40, "a broker that takes all, or none, shows nothing");
}

async fn compare(forge: &Forge, stage: &Stage, address: &str) -> Vec<Compared> {
    let verifier = Arc::new(verifier(vec![forged(forge, stage)], 1000));
    let (mut logins, permits) = (JoinSet::new(), Arc::new(Semaphore::new(AT_ONCE)));
    for row in corpus::rows(forge) {
        let (verifier, permits) = (Arc::clone(&verifier), Arc::clone(&permits));
        let address = address.to_owned();
        logins.spawn(async move {
            let _permit = permits.acquire().await.unwrap();
            let ours = verifier.verify(&row.token).await.map(|it| it.principal.to_string());
            assert_eq!(ours, row.expected, "{}", row.name);
            let broker = login(&address, &row.token).await.unwrap();
            Compared { name: row.name, ours, broker }
        });
    }
    let mut compared = logins.join_all().await;
    compared.sort_by(|a, b| a.name.cmp(&b.name));
    compared
}

fn contradiction(it: &Compared) -> Option<String> {
    let ours = it.ours.as_ref().ok()?;
    let same = matches!(&it.broker, Login::Accepted(principal) if principal == ours);
    (!same).then(|| format!("{}: we say {ours:?}, the broker {:?}", it.name, it.broker))
}

#[expect(clippy::print_stdout, reason = "the difference is there to be seen")]
fn report(compared: &[Compared]) {
    let shown = |text: &str| text.escape_debug().take(60).collect::<String>();
    let (mut stricter, mut both, mut neither) = (0, 0, 0);
    for it in compared {
        match (&it.ours, &it.broker) {
            (Err(_), Login::Refused) => neither += 1,
            (Err(error), broker) => {
                stricter += 1;
                println!("broker accepts, we refuse ({error:?}): {} ({broker:?})", shown(&it.name));
            }
            (Ok(_), _) => both += 1,
        }
    }
    println!(
        "{} tokens: {both} accepted by us, {neither} refused by both, {stricter} accepted by the broker only",
        compared.len()
    );
}
