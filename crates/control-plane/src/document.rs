//! What the document says of every operation without its handler saying it: how it can fail.
//!
//! The answers follow from what an operation takes: whoever needs a token may have a bad one, what
//! is named in a path may not exist, a body may make no sense. What only some operations answer
//! (409, 412, 422, 501) is said by their handlers.

use std::collections::BTreeMap;

use http::StatusCode;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn, PathItem};
use utoipa::openapi::request_body::RequestBody;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Components, Content, ContentBuilder, OpenApi, Ref, RefOr, Required, Response, ResponseBuilder,
};

/// An answer of many operations, described once, in `components.responses`.
struct Failure {
    status: StatusCode,
    /// Its key there.
    name: &'static str,
    /// When it is given.
    description: &'static str,
    /// The header that comes with it, and what that says.
    header: Option<(&'static str, &'static str)>,
    /// Whether an operation on that path, which needs a token, gives it.
    of: fn(&str, &Operation) -> bool,
}

const FAILURES: [Failure; 8] = [
    Failure {
        status: StatusCode::BAD_REQUEST,
        name: "Invalid",
        description: "The body, a parameter or a header makes no sense, or breaks a rule",
        header: None,
        of: |_, it| it.request_body.is_some() || has_input(it),
    },
    Failure {
        status: StatusCode::UNAUTHORIZED,
        name: "Unauthenticated",
        description: "There is no token, or one that opens nothing",
        header: Some(("www-authenticate", "`Bearer`")),
        of: |_, _| true,
    },
    Failure {
        status: StatusCode::FORBIDDEN,
        name: "Forbidden",
        description: "The token is good and does not allow this, or nothing does",
        header: None,
        of: |_, _| true,
    },
    Failure {
        status: StatusCode::NOT_FOUND,
        name: "NotFound",
        description: "There is no such thing, or the caller may not know of it",
        header: None,
        of: |path, _| path.contains('{'),
    },
    Failure {
        status: StatusCode::PAYLOAD_TOO_LARGE,
        name: "TooLarge",
        description: "The body is larger than 1 MiB",
        header: None,
        of: |_, it| it.request_body.is_some(),
    },
    Failure {
        status: StatusCode::TOO_MANY_REQUESTS,
        name: "TooManyFailures",
        description: "Too many requests without a good token came from the same address",
        header: Some(RETRY_AFTER),
        of: |_, _| true,
    },
    Failure {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        name: "Internal",
        description: "A fault of the platform, which its log explains",
        header: None,
        of: |_, _| true,
    },
    Failure {
        status: StatusCode::SERVICE_UNAVAILABLE,
        name: "Unavailable",
        description: "The database, Kafka or the identity provider cannot be reached",
        header: Some(RETRY_AFTER),
        of: |_, _| true,
    },
];

const RETRY_AFTER: (&str, &str) = ("retry-after", "Seconds after which to try again");

/// Puts in what holds for all operations: the token, and how they fail. What an operation says by
/// itself stays.
pub(crate) fn complete(document: &mut OpenApi) {
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    let components = document.components.get_or_insert_with(Components::new);
    components.add_security_scheme("token", SecurityScheme::Http(scheme));
    for failure in &FAILURES {
        components.responses.insert(failure.name.to_owned(), failure.response().into());
    }
    let schemas = &components.schemas;
    document.security = Some(vec![SecurityRequirement::new("token", [""; 0])]);
    for (path, item) in &mut document.paths.paths {
        for operation in operations(item).filter(|it| needs_token(it)) {
            if let Some(RefOr::T(body)) = &mut operation.request_body {
                let may_be_empty = may_be_empty(body, schemas);
                body.required = Some(if may_be_empty { Required::False } else { Required::True });
            }
            let failures = FAILURES.iter().filter(|it| (it.of)(path, operation));
            let failures: Vec<&Failure> = failures.collect();
            for failure in failures {
                let said = &mut operation.responses.responses;
                said.entry(failure.status.as_str().to_owned())
                    .or_insert_with(|| failure.reference());
            }
        }
    }
}

impl Failure {
    fn response(&self) -> Response {
        let body = ContentBuilder::new().schema(Some(Ref::from_schema_name("ErrorBody"))).build();
        let mut response =
            ResponseBuilder::new().description(self.description).content("application/json", body);
        if let Some((name, says)) = self.header {
            let text = ObjectBuilder::new().schema_type(Type::String).build();
            let header = HeaderBuilder::new().schema(Some(text)).description(Some(says)).build();
            response = response.header(name, header);
        }
        response.build()
    }

    fn reference(&self) -> RefOr<Response> {
        Ref::from_response_name(self.name).into()
    }
}

/// Whether it need not be sent, as `extract::Json` reads no body as an empty object.
fn may_be_empty(body: &RequestBody, schemas: &BTreeMap<String, RefOr<Schema>>) -> bool {
    let schema_of = |content: &RefOr<Content>| match content {
        RefOr::T(Content { schema: Some(RefOr::Ref(it)), .. }) => {
            schemas.get(it.ref_location.rsplit('/').next()?)
        }
        _ => None,
    };
    let is_optional = |it: Option<&RefOr<Schema>>| matches!(it, Some(RefOr::T(Schema::Object(it))) if it.required.is_empty());
    body.content.values().all(|it| is_optional(schema_of(it)))
}

/// Whether something behind the path or in the headers is read.
fn has_input(operation: &Operation) -> bool {
    let is_input = |it: &RefOr<Parameter>| match it {
        RefOr::T(it) => it.parameter_in != ParameterIn::Path,
        RefOr::Ref(_) => true,
    };
    operation.parameters.iter().flatten().any(is_input)
}

/// An operation that needs none says `security(())`.
fn needs_token(operation: &Operation) -> bool {
    operation.security.as_ref().is_none_or(|it| !it.contains(&SecurityRequirement::default()))
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    [get, put, post, delete, patch].into_iter().flatten()
}
