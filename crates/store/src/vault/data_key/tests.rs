//! Laws of what is sealed.

use model::ServiceId;
use proptest::prelude::*;
use uuid::Uuid;

use super::super::place::Column;
use super::*;

fn master(byte: u8) -> MasterKeys {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode([byte; 32]);
    MasterKeys::parse(&Secret::new(text)).unwrap()
}

fn data_key() -> DataKey {
    let keys = master(1);
    DataKey::unwrap(&keys, DataKey::generate(&keys).unwrap()).unwrap()
}

fn service(number: u128) -> ServiceId {
    ServiceId(Uuid::from_u128(number))
}

/// What the vault does with a text.
fn open(key: &DataKey, place: Place<'_>, text: &str) -> Result<Secret, String> {
    match Stored::parse(text) {
        Stored::Sealed { key: id, body } if id == key.id => {
            key.open(place, body).map_err(|it| it.to_string())
        }
        other => Err(format!("{other:?}")),
    }
}

proptest! {
    #[test]
    fn what_is_sealed_opens_in_its_place(text in any::<String>(), user in "[a-z]{0,8}") {
        let (key, place) = (data_key(), Place::user(service(1), &user));
        let secret = Secret::new(text);
        let sealed = key.seal(place, &secret).unwrap();
        prop_assert_eq!(open(&key, place, &sealed), Ok(secret.clone()));
        // The same secret never looks the same.
        prop_assert_ne!(key.seal(place, &secret).unwrap(), sealed);
    }

    #[test]
    fn any_byte_that_is_changed_is_noticed(
        text in "[ -~]{0,40}", at in any::<prop::sample::Index>(), mask in 1..0x80_u8,
    ) {
        let (key, place) = (data_key(), Place::user(service(1), "alice"));
        let sealed = key.seal(place, &Secret::new(text.clone())).unwrap();
        let mut bytes = sealed.into_bytes();
        // A changed prefix makes it plain text, which is none of the old.
        let at = PREFIX.len() + at.index(bytes.len() - PREFIX.len());
        bytes[at] ^= mask;
        let changed = String::from_utf8(bytes).unwrap();
        prop_assert!(open(&key, place, &changed).is_err(), "{changed}");
    }

    #[test]
    fn a_part_of_it_does_not_open(text in "[ -~]{0,40}", left in any::<prop::sample::Index>()) {
        let (key, place) = (data_key(), Place::user(service(1), "alice"));
        let sealed = key.seal(place, &Secret::new(text)).unwrap();
        let left = left.index(sealed.len() - PREFIX.len());
        prop_assert!(open(&key, place, &sealed[..PREFIX.len() + left]).is_err());
    }

    #[test]
    fn it_opens_in_no_other_row(
        users in ("[a-z]{0,3}", "[a-z]{0,3}"), services in (0..3_u128, 0..3_u128),
    ) {
        prop_assume!(users.0 != users.1 || services.0 != services.1);
        let key = data_key();
        let here = Place::user(service(services.0), &users.0);
        let there = Place::user(service(services.1), &users.1);
        let sealed = key.seal(here, &Secret::new("hunter2".to_owned())).unwrap();
        let refused = open(&key, there, &sealed).unwrap_err();
        prop_assert!(refused.contains(&there.to_string()) && !refused.contains("hunter2"));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "(v1:)?[0-9a-f]{0,17}:?.{0,20}") {
        let _ = open(&data_key(), Place::user(service(1), "alice"), &text);
    }
}

#[test]
fn it_opens_in_no_other_column_and_with_no_other_key() {
    let key = data_key();
    let place = |column| Place::of_service(column, service(1));
    let here = place(Column::AdminPassword);
    let sealed = key.seal(here, &Secret::new("hunter2".to_owned())).unwrap();
    assert!(open(&key, place(Column::BrokerPassword), &sealed).is_err());
    // Another key that pretends to be this one.
    let imposter = DataKey { id: key.id.clone(), ..data_key() };
    assert!(open(&imposter, here, &sealed).is_err());
    open(&key, here, &sealed).unwrap();
}

#[test]
fn a_data_key_opens_with_its_master_key_only() {
    let wrapped = DataKey::generate(&master(1)).unwrap();
    let other = DataKey::unwrap(&master(2), wrapped.clone()).unwrap_err();
    assert!(matches!(other, VaultError::MissingMasterKey { .. }), "{other}");
    let known = |id: &MasterKeyId| other.to_string().contains(&id.to_string());
    assert!(known(master(1).ids().next().unwrap()), "{other}");
    // One that is said to be wrapped by another key than it is, and one in another's place.
    let claims = Wrapped { master_key: master(2).first().id.clone(), ..wrapped.clone() };
    let elsewhere = Wrapped { id: data_key().id, ..wrapped };
    for (keys, forged) in [(master(2), claims), (master(1), elsewhere)] {
        let refused = DataKey::unwrap(&keys, forged).unwrap_err();
        assert!(matches!(refused, VaultError::ForgedDataKey { .. }), "{refused}");
    }
}

#[test]
fn plain_sealed_and_malformed_texts_are_told_apart() {
    assert_eq!(Stored::parse("hunter2"), Stored::Plain("hunter2"));
    assert_eq!(Stored::parse(""), Stored::Plain(""));
    let key = DataKeyId("0123456789abcdef".to_owned());
    assert_eq!(Stored::parse("v1:0123456789abcdef:x"), Stored::Sealed { key, body: "x" });
    for text in ["v1:", "v1:x:y", "v1:0123456789abcdef", "v1:0123456789ABCDEF:x"] {
        assert_eq!(Stored::parse(text), Stored::Malformed, "{text}");
    }
}
