//! OIDC set-up: an issuer is looked up, its keys are shown, a token is tried.

use maud::{Markup, html};

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

/// What became of a token.
#[derive(Clone, Debug)]
pub struct Tried {
    /// Each rule: what it asks for, and whether it is kept or why not; `None` if that cannot be said.
    pub rules: Vec<(&'static str, Option<Result<(), String>>)>,
    /// Why keys could not be had.
    pub no_keys: Option<String>,
    /// Whether every rule is kept.
    pub is_accepted: bool,
    /// Who it would be.
    pub principal: Option<String>,
    /// Whether a service user is called so.
    pub is_user: bool,
    /// What a broker says to it, denials first.
    pub answers: Vec<Answer>,
    /// What Kafka's ACLs say of it, in Kafka's words.
    pub acls: Vec<String>,
}

/// What a broker says of a resource, or of all of a pattern that no other answer is about.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Which, in Kafka's words: `Topic PREFIXED logs-`.
    pub resource: String,
    /// The address from which it says so; `None` for any.
    pub from: Option<String>,
    /// The operations that are denied, whatever else allows them.
    pub denied: Vec<&'static str>,
    /// The operations that are allowed.
    pub allowed: Vec<&'static str>,
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
        @if view.is_on { (try_token(frame, view)) }
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

fn try_token(frame: &Frame, view: &View) -> Markup {
    let field = Field {
        name: "token",
        label: "Access token",
        kind: "password",
        value: "",
        help: "It is checked and forgotten: neither stored, nor logged, nor shown again.",
        error: None,
        required: true,
    };
    html! {
        section {
            h2 #try { "Try a token" }
            p { "Against the configuration that is saved now." }
            form method="post" action={ (view.at.href(TRY)) "#try" } {
                (forms::csrf(&frame.csrf))
                (field.show())
                button { "Try it" }
            }
            @if let Some(it) = &view.tried { (tried(it)) }
        }
    }
}

fn tried(it: &Tried) -> Markup {
    let name = it.principal.as_deref();
    html! {
        @match name {
            Some(name) if it.is_accepted => (notice(Tone::Good, &format!("A broker would let it in, as User:{name}."))),
            _ => (notice(Tone::Bad, "It would be refused: see the rules that are broken.")),
        }
        @if let Some(text) = &it.no_keys {
            (notice(Tone::Bad, &format!("The keys could not be fetched just now: {text}")))
        }
        div.scroll tabindex="0" role="region" aria-label="Rules" {
            table {
                caption.hidden { "Rules" }
                thead { tr { th scope="col" { "Rule" } th scope="col" { "Token" } } }
                tbody {
                    @for (rule, outcome) in &it.rules {
                        tr {
                            th scope="row" { (rule) }
                            td data-title="Token" {
                                @match outcome {
                                    Some(Ok(())) => (badge(Tone::Good, "kept")),
                                    Some(Err(why)) => { (badge(Tone::Bad, "broken")) " " (why) },
                                    None => (badge(Tone::Quiet, "not reached")),
                                }
                            }
                        }
                    }
                }
            }
        }
        @if let Some(name) = name {
            h3 { "What it may do" }
            p {
                "Its principal is " code { "User:" (name) } "; "
                @if it.is_user { "a service user is called so, so Aiven's ACL entries count for it as well." }
                @else { "no service user is called so, so only Kafka-native ACL entries count for it." }
            }
            @if it.acls.is_empty() {
                p { "No ACL entry is about it: it may log in, and do nothing." }
            } @else {
                p { "A denial wins over all that allows. Of rows that a resource fits, the narrowest counts. "
                    "What is neither denied nor allowed is refused." }
                (answers(&it.answers))
                details {
                    summary { "The ACL entries that say so" }
                    ul.names { @for acl in &it.acls { li { code { (acl) } } } }
                }
            }
        }
    }
}

fn answers(all: &[Answer]) -> Markup {
    let words = |tone, all: &[&str]| {
        html! { @for it in all { (badge(tone, it)) " " } @if all.is_empty() { span.none { "nothing" } } }
    };
    html! {
        div.scroll tabindex="0" role="region" aria-label="What a broker says" {
            table {
                caption.hidden { "What a broker says" }
                thead { tr { @for it in ["Resource", "Denied", "Allowed"] { th scope="col" { (it) } } } }
                tbody { @for it in all { tr {
                    th scope="row" {
                        code { (it.resource) }
                        @if let Some(from) = &it.from { " from " code { (from) } }
                    }
                    td data-title="Denied" { (words(Tone::Bad, &it.denied)) }
                    td data-title="Allowed" { (words(Tone::Good, &it.allowed)) }
                } } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use model::{Role, Timestamp};

    use super::*;
    use crate::ids::{ids, twice};

    #[test]
    fn each_published_key_has_an_id_of_its_own() {
        let key = |refused: Option<&str>| Key {
            kid: Some("a b".into()),
            alg: Some("RS256".into()),
            refused: refused.map(str::to_owned),
        };
        let view = View {
            at: ServiceAt {
                project: "dev".into(),
                service: "my-kafka".into(),
                role: Role::Admin,
                here: PATH,
            },
            draft: Draft::default(),
            may_change: true,
            is_on: false,
            values: Default::default(),
            errors: Default::default(),
            problems: Vec::new(),
            found: None,
            keys: Some(vec![key(None), key(Some("for it is short")), key(None)]),
            keys_query: ListQuery::default(),
            tried: None,
        };
        let frame = Frame { who: None, csrf: "CSRF".into(), now: Timestamp(0) };
        let page = page(&frame, &view).body.into_string();
        let keys = ids(&page).into_iter().filter(|it| it.starts_with("keys-"));
        assert_eq!(keys.count(), 3 + 2, "{page}");
        assert_eq!(twice(&page), [""; 0], "{page}");
    }
}
