//! Texts of claims, for whoever turns them into roles, or tells what else a bearer is called.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};

use crate::header::Jws;
use crate::json::{Json, Object};
use crate::verifier::Verified;

impl Verified {
    /// The texts of the claim at `path` in the verified token itself: one text, or a list of texts;
    /// anything else counts as none. The names in `path` lead through nested objects, as in
    /// Keycloak's `realm_access.roles`.
    ///
    /// `token` has to be the one that was verified: of another one nothing is proven, so it has no
    /// texts.
    pub fn texts(&self, token: &str, path: &[String]) -> Vec<String> {
        if digest(&SHA256, token.as_bytes()).as_ref() != self.token_sha256 {
            return Vec::new();
        }
        let Ok(jws) = Jws::parse(token) else { return Vec::new() };
        let Ok(claims) = jws.claims() else { return Vec::new() };
        texts(&claims, path)
    }

    /// Those of the claims called `names` that are one text each, in the verified token itself. Of
    /// another `token` there are none.
    pub fn claims(&self, token: &str, names: &[&str]) -> BTreeMap<String, String> {
        if digest(&SHA256, token.as_bytes()).as_ref() != self.token_sha256 {
            return BTreeMap::new();
        }
        let Ok(jws) = Jws::parse(token) else { return BTreeMap::new() };
        let Ok(claims) = jws.claims() else { return BTreeMap::new() };
        let text = |name: &&str| Some(((*name).to_owned(), claims.get(name)?.as_str()?.to_owned()));
        names.iter().filter_map(text).collect()
    }
}

fn texts(claims: &Object<'_>, path: &[String]) -> Vec<String> {
    let Some((last, parents)) = path.split_last() else { return Vec::new() };
    let mut within = claims;
    for parent in parents {
        match within.get(parent).and_then(Json::as_object) {
            Some(child) => within = child,
            None => return Vec::new(),
        }
    }
    match within.get(last) {
        Some(Json::Text(text)) => vec![text.clone().into_owned()],
        Some(Json::List(items)) => {
            items.iter().filter_map(|it| Some(it.as_str()?.to_owned())).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn found(claims: &str, path: &str) -> Vec<String> {
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        texts(&json::object(claims.as_bytes()).unwrap(), &path)
    }

    #[test]
    fn a_claim_is_one_text_or_a_list_of_them_at_any_depth() {
        assert_eq!(found(r#"{"roles":["a","b"]}"#, "roles"), ["a", "b"]);
        assert_eq!(found(r#"{"role":"a"}"#, "role"), ["a"]);
        assert_eq!(found(r#"{"realm_access":{"roles":["a"]}}"#, "realm_access.roles"), ["a"]);
        assert_eq!(found(r#"{"roles":["a",1,null,["b"]]}"#, "roles"), ["a"]);
        for claims in ["{}", r#"{"roles":{"a":1}}"#, r#"{"roles":null}"#, r#"{"roles":7}"#] {
            assert_eq!(found(claims, "roles"), [""; 0], "{claims}");
        }
        assert_eq!(found(r#"{"a":["b"]}"#, "a.b"), [""; 0]);
    }
}
