//! The table, as clients see it.

use std::fmt::Write as _;

use super::*;

#[tokio::test]
async fn every_error_has_its_status_code_and_text() {
    let errors = [
        ApiError::NoBody,
        ApiError::NotJson,
        ApiError::NotUtf8,
        ApiError::UnknownCharset("latin-1".to_owned()),
        ApiError::BodyNotAllowed,
        ApiError::NotAnObject,
        ApiError::TooLarge(1024),
        ApiError::BrokenBody,
        ApiError::SlowBody,
        ApiError::UnsupportedMediaType,
        ApiError::UnsupportedEncoding,
        ApiError::NotAcceptable,
        ApiError::FormatMismatch { consumer: "json", asked: "binary" },
        ApiError::BadRequest("bad".to_owned()),
        ApiError::Invalid("invalid".to_owned()),
        ApiError::InvalidConsumer("invalid".to_owned()),
        ApiError::NoSuchTopic("t".to_owned()),
        ApiError::TopicNotFound("t".to_owned()),
        ApiError::PartitionNotFound(9),
        ApiError::NoPartition("abc".to_owned()),
        ApiError::OffsetsOfNoTopic("t".to_owned()),
        ApiError::OffsetsOfNoPartition(9),
        ApiError::UnknownTopicOrPartition,
        ApiError::ConsumerNotFound { group: "g".to_owned(), instance: "i".to_owned() },
        ApiError::ConsumerExists("i".to_owned()),
        ApiError::IllegalState("state".to_owned()),
        ApiError::TooManyConsumers(100),
        ApiError::TooManyRequests(1000),
        ApiError::TooManyRecords(7),
        ApiError::Undecodable("value", "json", "t".to_owned(), 0, 7),
        ApiError::NoCredentials,
        ApiError::BadCredentials("Malformed Authorization header"),
        ApiError::InvalidToken(EXPIRED),
        ApiError::WrongPassword,
        ApiError::Forbidden,
        ApiError::Unavailable(KAFKA_AWAY),
        ApiError::internal(std::io::Error::other("secret detail")),
    ];
    let mut table = String::new();
    for error in errors {
        let response = error.into_response();
        let status = response.status().as_u16();
        let extra = [RETRY_AFTER, CACHE_CONTROL]
            .iter()
            .filter_map(|name| {
                let value = response.headers().get(name)?.to_str().unwrap();
                Some(format!(" | {name}: {value}"))
            })
            .collect::<String>();
        let body = axum::body::to_bytes(response.into_body(), 4096).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        writeln!(table, "{status} {body}{extra}").unwrap();
    }
    insta::assert_snapshot!(table, @r#"
    400 Missing request JSON body
    400 Invalid request JSON body
    400 Request body is not valid utf-8
    400 Unknown charset latin-1
    400 No request body allowed for this operation
    400 {"error_code":400,"message":"Malformed request"}
    413 {"error_code":413,"message":"The request body is larger than 1024 bytes"}
    400 {"error_code":400,"message":"The request body cannot be read"}
    408 {"error_code":408,"message":"The request body did not arrive in time"}
    415 {"error_code":415,"message":"HTTP 415 Unsupported Media Type"}
    415 {"error_code":415,"message":"HTTP 415 Unsupported Media Type: Content-Encoding is expected to be gzip or identity"}
    406 {"error_code":406,"message":"HTTP 406 Not Acceptable"}
    406 {"error_code":40601,"message":"Consumer format json does not match the embedded format binary"}
    400 {"error_code":400,"message":"bad"}
    422 {"error_code":422,"message":"invalid"}
    422 {"error_code":42204,"message":"invalid"}
    404 {"error_code":40403,"message":"Topic t not found"}
    404 {"error_code":40401,"message":"Topic t not found"}
    404 {"error_code":40402,"message":"Partition 9 not found"}
    404 {"error_code":404,"message":"Partition abc not found"}
    404 {"error_code":40401,"message":"Topic t not found: [Error 3] UnknownTopicOrPartitionError"}
    404 {"error_code":40402,"message":"Partition 9 not found: [Error 3] UnknownTopicOrPartitionError"}
    404 {"error_code":40403,"message":"Unknown topic or partition"}
    404 {"error_code":40403,"message":"Consumer for ('g', 'i') not found"}
    409 {"error_code":40902,"message":"Consumer i already exists"}
    409 {"error_code":40903,"message":"state"}
    429 {"error_code":429,"message":"Too many consumer instances for this principal, at most 100 are allowed"} | retry-after: 1
    429 {"error_code":429,"message":"Too many requests of this principal at once, at most 1000 are allowed"} | retry-after: 1
    413 {"error_code":413,"message":"The request has more than 7 records"}
    422 {"error_code":422,"message":"value deserialization error for format json: topic t, partition 0, offset 7"}
    401 {"error_code":40101,"message":"Authentication required"} | cache-control: no-store
    400 {"error_code":400,"message":"Malformed Authorization header"}
    401 {"error_code":40101,"message":"The access token expired"} | cache-control: no-store
    401 {"error_code":40101,"message":"The user name or the password is wrong"} | cache-control: no-store
    403 {"error_code":40301,"message":"Forbidden"}
    503 {"error_code":503,"message":"Kafka is not available"} | retry-after: 1
    500 {"error_code":500,"message":"Internal server error"}
    "#);
}
