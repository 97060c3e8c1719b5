//! Who would lose access by a change.

use maud::{Markup, html};
use model::Timestamp;

use crate::list::{Column, List, ListQuery, Place};
use crate::times::time;
use crate::words::{Tone, badge, notice};
use crate::{Frame, forms};

/// The `id` of the list of them.
pub const LOSSES: &str = "losses";

/// What a principal is refused that it was allowed.
#[derive(Clone, Debug)]
pub struct Loss {
    /// Who, without `User:`; `None` for callers of the REST proxy without credentials.
    pub principal: Option<String>,
    /// What it was seen doing with which resource, in Kafka's words: `Read Topic orders`.
    pub what: String,
    /// Where it was seen.
    pub seen_at: String,
    /// When it did so last.
    pub last: Timestamp,
    /// Whether it is refused however it comes.
    pub certain: bool,
    /// Why it is refused.
    pub reason: String,
    /// The ACL entries that would give it back.
    pub acls: Vec<Proposal>,
}

/// An ACL entry that could be added.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// `acl` or `kafka/acl`.
    pub path: &'static str,
    /// What the API takes, as JSON.
    pub entry: String,
    /// The same in words.
    pub text: String,
    /// The same as a command; `None` if there is none for it.
    pub command: Option<String>,
    /// Where a button is sent that adds it; `None`: there is none.
    pub add_at: Option<String>,
}

/// Who would lose access.
#[derive(Clone, Debug, Default)]
pub struct Losses {
    /// All of it, the latest first.
    pub all: Vec<Loss>,
    /// Whether more was seen than is kept.
    pub truncated: bool,
}

const COLUMNS: [Column<Loss>; 5] = [
    Column::new("principal", "Principal", |it: &Loss| {
        format!("{} {}", it.principal(), certainty(it.certain).1)
    })
    .shown(|it, _| principal(it)),
    Column::new("what", "Would be refused", |it: &Loss| it.what.clone())
        .shown(|it, _| html! { code { (it.what) } }),
    Column::new("seen", "Seen", |it: &Loss| format!("{} {}", it.seen_at, it.last))
        .sorted(|a, b| a.last.cmp(&b.last))
        .shown(|it, frame| html! { (it.seen_at) p.more { (time(it.last, frame.now)) } }),
    Column::new("why", "Why", |it: &Loss| it.reason.clone()),
    Column::new("acls", "What gives it back", given_back).shown(|it, frame| {
        html! {
            @if it.acls.is_empty() { span.none { (given_back(it)) } }
            @for acl in &it.acls { (proposal(acl, frame)) }
        }
    }),
];

impl Loss {
    fn principal(&self) -> &str {
        self.principal.as_deref().unwrap_or("callers without credentials")
    }
}

const fn certainty(is_certain: bool) -> (Tone, &'static str) {
    if is_certain { (Tone::Bad, "certain") } else { (Tone::Busy, "perhaps") }
}

fn principal(it: &Loss) -> Markup {
    let (tone, text) = certainty(it.certain);
    html! {
        @if it.principal.is_some() { code { (it.principal()) } } @else { (it.principal()) }
        " " (badge(tone, text))
    }
}

fn given_back(it: &Loss) -> String {
    if it.acls.is_empty() {
        return "no ACL entry can".to_owned();
    }
    let texts = it.acls.iter().flat_map(|it| [Some(it.text.as_str()), it.command.as_deref()]);
    texts.flatten().collect::<Vec<_>>().join(" ")
}

fn proposal(it: &Proposal, frame: &Frame) -> Markup {
    html! {
        div.proposal {
            code { (it.text) }
            @if let Some(text) = &it.command { p.more { code { (text) } } }
            @if let Some(href) = &it.add_at {
                form method="post" action=(href) {
                    (forms::csrf(&frame.csrf))
                    input type="hidden" name="path" value=(it.path);
                    input type="hidden" name="entry" value=(it.entry);
                    button.quiet aria-label={ "Add this ACL: " (it.text) } { "Add this ACL" }
                }
            }
        }
    }
}

impl Losses {
    /// A list of them, of which that is asked at that place.
    pub fn show(&self, query: &ListQuery, place: &Place, frame: &Frame) -> Markup {
        let list = List {
            id: LOSSES,
            title: "Who would lose access",
            path: place.path(),
            keep: &place.keep(),
            columns: &COLUMNS,
            key: |it| format!("{:?}", (&it.principal, &it.what, &it.seen_at, &it.reason)),
            empty: html! {},
        };
        let picked = query.pick(self.all.clone(), &COLUMNS);
        html! {
            @if self.truncated {
                (notice(Tone::Busy, "There may be more: of this service more was seen than is kept."))
            }
            (list.show_in(place, &picked, query, frame))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{ids, twice};

    fn losses() -> Losses {
        let proposal = |name: &str| Proposal {
            path: "acl",
            entry: "{}".into(),
            text: format!("read on orders for {name}"),
            command: Some(format!("avn {name}")),
            add_at: Some("/console/add".into()),
        };
        let lost = |n: i64| Loss {
            principal: (n != 7).then(|| format!("alice-{n}")),
            what: "Read Topic orders".into(),
            seen_at: "broker".into(),
            last: Timestamp(1_795_291_200_000 - n),
            certain: n != 7,
            reason: "No entry <allows> it".into(),
            acls: if n == 7 { Vec::new() } else { vec![proposal(&n.to_string())] },
        };
        Losses { all: (0..120).map(lost).collect(), truncated: true }
    }

    fn shown(q: &str, sort: &str, page: &str) -> String {
        let frame = Frame { who: None, csrf: "CSRF".into(), now: Timestamp(1_795_291_260_000) };
        let query = ListQuery { q: q.into(), sort: sort.into(), page: page.into() };
        let place = Place::at("/console/x".into(), Vec::new());
        losses().show(&query, &place, &frame).into_string().replace("><", ">\n<")
    }

    /// Two that differ only in where they were seen or why they are refused, and two alike.
    #[test]
    fn each_has_an_id_of_its_own() {
        let all = losses().all;
        let mut other = [all[0].clone(), all[0].clone(), all[0].clone(), all[1].clone()];
        other[0].seen_at = "REST proxy".into();
        other[1].reason = "An entry denies it".into();
        let frame = Frame { who: None, csrf: "CSRF".into(), now: Timestamp(1_795_291_260_000) };
        let place = Place::at("/console/x".into(), Vec::new());
        let losses =
            Losses { all: other.into_iter().chain([all[0].clone()]).collect(), truncated: false };
        let text = losses.show(&ListQuery::default(), &place, &frame).into_string();
        assert_eq!(
            ids(&text).iter().filter(|it| it.starts_with("losses-")).count(),
            5 + 3,
            "{text}"
        );
        assert_eq!(twice(&text), [""; 0]);
    }

    #[test]
    fn all_of_them_can_be_looked_through() {
        insta::assert_snapshot!(shown("e-119", "-seen", ""));
        let text = shown("", "", "3");
        assert!(text.contains("101–120 of 120") && text.contains("alice-119"), "{text}");
        let text = shown("", "seen", "");
        assert!(text.contains("alice-119") && !text.contains("alice-0<"), "{text}");
        let text = shown("perhaps", "", "");
        assert!(text.contains("1–1 of 1 (120 in all)"), "{text}");
        assert!(text.contains("callers without credentials") && text.contains("no ACL entry can"));
    }
}
