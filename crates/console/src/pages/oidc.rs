//! OIDC set-up: an issuer is looked up, its keys are shown, a token is tried.

mod token;

use maud::{Markup, html};

pub use self::token::{ANSWERS, Answer, May, Tried};
use super::settings::REVIEW;
use crate::draft::{Draft, MAY};
use crate::forms::{self, Field};
use crate::list::{Column, List, ListQuery, Place};
use crate::nav::ServiceAt;
use crate::words::{Tone, badge, notice};
use crate::{Frame, Page};

/// The end of the page's address.
pub const PATH: &str = "oidc";
/// The end of the address that tries a token.
pub const TRY: &str = "oidc/token";
/// The end of the address that says what a principal may do.
pub const PRINCIPAL: &str = "oidc/principal";
/// The end of the address that shows a draft again.
pub const EDIT: &str = "oidc/edit";
/// The option with the issuer.
pub const ISSUER: &str = "kafka.sasl_oauthbearer_expected_issuer";
/// The option with the address of the keys.
pub const JWKS_URL: &str = "kafka.sasl_oauthbearer_jwks_endpoint_url";
/// The option with the audiences.
pub const AUDIENCE: &str = "kafka.sasl_oauthbearer_expected_audience";
/// The option with the claim that names the principal.
pub const CLAIM: &str = "kafka.sasl_oauthbearer_sub_claim_name";

/// The `id` of the list of keys.
pub const KEYS: &str = "keys";

/// What the page shows.
#[derive(Clone, Debug)]
pub struct View {
    /// The service.
    pub at: ServiceAt,
    /// What was set when somebody began. No edits are in it: they are in the fields.
    pub draft: Draft,
    /// Whether whoever looks may change it.
    pub may_change: bool,
    /// Whether OIDC is on.
    pub is_on: bool,
    /// What is in the field of an option: issuer, address of the keys, audiences, claim.
    pub values: [String; 4],
    /// What is wrong with each of them.
    pub errors: [Option<String>; 4],
    /// What is wrong with other options, or with all of it.
    pub problems: Vec<String>,
    /// What was found out about the issuer.
    pub found: Option<(bool, String)>,
    /// The keys that are published, if it was asked for them.
    pub keys: Option<Vec<Key>>,
    /// What is asked of their list.
    pub keys_query: ListQuery,
    /// What became of a token that was tried.
    pub tried: Option<Tried>,
    /// What a principal may do: that of the token, or one that was asked for.
    pub may: Option<May>,
}

/// A published key.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its name.
    pub kid: Option<String>,
    /// Its algorithm, if it says.
    pub alg: Option<String>,
    /// Why it is not used; `None` if it is.
    pub refused: Option<String>,
}

/// The page.
pub fn page(frame: &Frame, view: &View) -> Page {
    let body = html! {
        p { "OIDC is " @if view.is_on { (badge(Tone::Good, "on")) } @else { (badge(Tone::Quiet, "off")) }
            @if view.is_on { ": brokers take tokens of the issuer by SASL OAUTHBEARER." }
            @else { ": clients log in with a service user and its password." }
        }
        section {
            h2 { "Identity provider" }
            @if view.may_change { (set_up(frame, view)) } @else { (as_it_is(view)) }
        }
        @if let Some(all) = &view.keys { (keys(all, view, frame)) }
        @if view.is_on { (token::section(frame, view)) }
    };
    Page::of_service(view.at.clone(), "OIDC", body)
}

fn as_it_is(view: &View) -> Markup {
    let [issuer, jwks, audience, claim] = &view.values;
    html! {
        dl.facts {
            @for (name, value) in
                [("Issuer", issuer), ("JWKS URL", jwks), ("Audience", audience), ("Principal claim", claim)]
            {
                div { dt { (name) } dd { code { @if value.is_empty() { "not set" } @else { (value) } } } }
            }
        }
        p { "Your role may look at it. To change it, the role operator is needed." }
    }
}

fn set_up(frame: &Frame, view: &View) -> Markup {
    let names = [ISSUER, JWKS_URL, AUDIENCE, CLAIM].map(|it| format!("{MAY}{it}"));
    let [issuer, jwks, audience, claim] = &view.values;
    let show = |index: usize, label, value: &str, help, error: Option<&str>| {
        Field { name: &names[index], label, kind: "text", value, help, error, required: false }
            .show()
    };
    let issuer_help = "As in the iss of its tokens, byte for byte. Paste it and look it up.";
    let jwks_help = "Where its keys are. The look-up fills it in.";
    let audience_help = "Of which a token has to have one in its aud; several with commas between.";
    let claim_help = "The top-level claim that becomes the principal: sub if it is left empty.";
    let is_wrong = !view.problems.is_empty() || view.errors.iter().any(Option::is_some);
    html! {
        @if is_wrong { (notice(Tone::Bad, "This cannot be saved, and nothing is saved yet.")) }
        @for text in &view.problems { (notice(Tone::Bad, text)) }
        form method="post" action=(view.at.href(PATH)) {
            (forms::csrf(&frame.csrf))
            (view.draft.base())
            (show(0, "Issuer", issuer, issuer_help, view.errors[0].as_deref()))
            p { button.quiet { "Look up the issuer" } }
            @if let Some((good, text)) = &view.found {
                (notice(if *good { Tone::Good } else { Tone::Busy }, text))
            }
            (show(1, "JWKS URL", jwks, jwks_help, view.errors[1].as_deref()))
            (show(2, "Audience", audience, audience_help, view.errors[2].as_deref()))
            (show(3, "Principal claim", claim, claim_help, view.errors[3].as_deref()))
            p { button formaction=(view.at.href(REVIEW)) { "Review changes" } }
        }
    }
}

const COLUMNS: [Column<Key>; 3] = [
    Column::new("kid", "Key id", |it: &Key| it.kid.clone().unwrap_or_else(|| "none".to_owned()))
        .shown(|it, _| match &it.kid {
            Some(kid) => html! { code { (kid) } },
            None => html! { span.none { "none" } },
        }),
    Column::new("alg", "Algorithm", |it: &Key| {
        it.alg.clone().unwrap_or_else(|| "not said".to_owned())
    }),
    Column::new("usable", "Usable", |it: &Key| match &it.refused {
        None => "usable".to_owned(),
        Some(why) => format!("not used {why}"),
    })
    .shown(|it, _| match &it.refused {
        None => badge(Tone::Good, "usable"),
        Some(why) => html! { (badge(Tone::Bad, "not used")) " " (why) },
    }),
];

/// The issuer's keys. Another order looks the issuer up again, with what is in the fields.
fn keys(all: &[Key], view: &View, frame: &Frame) -> Markup {
    let [issuer, jwks, audience, claim] = &view.values;
    let options = [(ISSUER, issuer), (JWKS_URL, jwks), (AUDIENCE, audience), (CLAIM, claim)];
    let fields = options.map(|(key, value)| (format!("{MAY}{key}"), value.clone()));
    let place = Place::behind(view.at.href(PATH), view.draft.fields()).with(fields.to_vec());
    let list = List {
        id: KEYS,
        title: "Published keys",
        path: place.path(),
        keep: &place.keep(),
        columns: &COLUMNS,
        key: |it| format!("{:?}", (&it.kid, &it.alg, &it.refused)),
        empty: html! { p { "There are none." } },
    };
    let picked = view.keys_query.pick(all.to_vec(), &COLUMNS);
    html! {
        section {
            h2 { "Published keys" }
            (list.show_in(&place, &picked, &view.keys_query, frame))
        }
    }
}

#[cfg(test)]
mod tests {
    use model::{Role, Timestamp};

    use super::*;
    use crate::ids::{ids, rows, twice};

    fn shown(keys: Vec<Key>, keys_query: ListQuery, may: Option<May>) -> String {
        let view = View {
            at: ServiceAt {
                project: "dev".into(),
                service: "my-kafka".into(),
                role: Role::Admin,
                here: PATH,
            },
            draft: Draft::default(),
            may_change: true,
            is_on: true,
            values: Default::default(),
            errors: Default::default(),
            problems: Vec::new(),
            found: None,
            keys: Some(keys),
            keys_query,
            tried: None,
            may,
        };
        let frame = Frame { who: None, csrf: "CSRF".into(), now: Timestamp(0) };
        let page = page(&frame, &view).body.into_string();
        assert_eq!(twice(&page), [""; 0], "{page}");
        page
    }

    fn key(kid: &str, alg: &str, refused: Option<&str>) -> Key {
        let alg = (!alg.is_empty()).then(|| alg.to_owned());
        Key { kid: Some(kid.to_owned()), alg, refused: refused.map(str::to_owned) }
    }

    fn query(q: &str, sort: &str) -> ListQuery {
        ListQuery { q: q.into(), sort: sort.into(), ..ListQuery::default() }
    }

    #[test]
    fn each_published_key_has_an_id_of_its_own() {
        let all = [None, Some("for it is short"), None].map(|it| key("a b", "RS256", it));
        let page = shown(all.to_vec(), ListQuery::default(), None);
        let keys = ids(&page).into_iter().filter(|it| it.starts_with("keys-"));
        assert_eq!(keys.count(), 3 + 2, "{page}");
    }

    #[test]
    fn published_keys_are_sorted_and_filtered() {
        for (q, sort, kids) in [
            ("", "", "new old enc"),
            ("", "kid", "enc new old"),
            ("", "-kid", "old new enc"),
            ("", "alg", "new enc old"),
            ("", "usable", "enc old new"),
            ("not used", "", "old enc"),
            ("es256", "", "new"),
            ("none of them", "", ""),
        ] {
            let all = vec![
                key("new", "ES256", None),
                key("old", "RS256", Some("it is too short")),
                key("enc", "", Some("it is for encryption")),
            ];
            let page = shown(all, query(q, sort), None);
            assert_eq!(rows(&page, KEYS).join(" "), kids, "q {q:?} sort {sort:?}");
        }
    }

    #[test]
    fn what_a_broker_says_is_sorted_and_filtered() {
        let answer =
            |(resource, denied, allowed): (&str, &[&'static str], &[&'static str])| Answer {
                resource: resource.to_owned(),
                from: None,
                denied: denied.to_vec(),
                allowed: allowed.to_vec(),
            };
        let answers: Vec<Answer> = [
            ("Topic b", &["Write"][..], &["Read"][..]),
            ("Topic a", &[], &["Describe", "Read"]),
            ("Group c", &[], &["All"]),
        ]
        .map(answer)
        .into();
        for (q, sort, resources) in [
            ("", "", "Topic b, Topic a, Group c"),
            ("", "resource", "Group c, Topic a, Topic b"),
            ("", "-denied", "Topic b, Topic a, Group c"),
            ("", "allowed", "Group c, Topic a, Topic b"),
            ("read", "", "Topic b, Topic a"),
            ("group", "", "Group c"),
        ] {
            let may = May {
                principal: "al\"ice".to_owned(),
                is_user: false,
                answers: answers.clone(),
                query: query(q, sort),
                acls: vec!["ALLOW Read on Topic LITERAL b".to_owned()],
            };
            let page = shown(Vec::new(), ListQuery::default(), Some(may));
            assert_eq!(rows(&page, ANSWERS).join(", "), resources, "q {q:?} sort {sort:?}");
            let asked = "<input type=\"hidden\" name=\"principal\" value=\"al&quot;ice\">";
            assert!(page.contains(asked), "{page}");
        }
    }
}
