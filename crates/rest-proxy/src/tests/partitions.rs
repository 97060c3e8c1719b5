//! Brokers, partitions and their offsets, and records for one partition.

use super::*;
use crate::tests::on_mock::on_mock;

#[tokio::test]
async fn brokers_are_listed_without_those_that_serve_nobody() {
    let app = testing::app(testing::settings("127.0.0.1:1"));
    for path in ["/brokers", "/brokers/"] {
        assert_eq!(get(&app, path).await.text, r#"{"brokers":[1,2]}"#);
    }
}

#[tokio::test]
async fn partitions_are_shown_and_what_is_none_is_not_found() {
    let app = testing::app(testing::settings("127.0.0.1:1"));
    let one =
        r#"{"leader":1,"partition":0,"replicas":[{"broker":1,"in_sync":true,"leader":true}]}"#;
    let all = get(&app, "/topics/orders/partitions/").await.text;
    assert_eq!(all, format!("[{one},{}]", one.replace("\"partition\":0", "\"partition\":1")));
    assert_eq!(get(&app, "/topics/orders/partitions/0").await.text, one);
    let mut answers = Vec::new();
    for path in ["nope/partitions", "nope/partitions/0", "nope/partitions/abc/offsets"]
        .into_iter()
        .chain(["orders/partitions/9", "orders/partitions/-1", "orders/partitions/abc"])
        .chain(["orders/partitions/9/offsets", "orders/partitions/abc/offsets"])
        .chain(["orders/partitions/99999999999", "bad%20name/partitions"])
    {
        let answer = get(&app, &format!("/topics/{path}")).await;
        answers.push(format!("{} {path} {}", answer.status.as_u16(), answer.text));
    }
    insta::assert_snapshot!(answers.join("\n"), @r#"
    404 nope/partitions {"error_code":40401,"message":"Topic nope not found"}
    404 nope/partitions/0 {"error_code":40401,"message":"Topic nope not found"}
    404 nope/partitions/abc/offsets {"error_code":40401,"message":"Topic nope not found: [Error 3] UnknownTopicOrPartitionError"}
    404 orders/partitions/9 {"error_code":40402,"message":"Partition 9 not found"}
    404 orders/partitions/-1 {"error_code":40402,"message":"Partition -1 not found"}
    404 orders/partitions/abc {"error_code":404,"message":"Partition abc not found"}
    404 orders/partitions/9/offsets {"error_code":40402,"message":"Partition 9 not found: [Error 3] UnknownTopicOrPartitionError"}
    404 orders/partitions/abc/offsets {"error_code":404,"message":"Partition abc not found"}
    404 orders/partitions/99999999999 {"error_code":40402,"message":"Partition 99999999999 not found"}
    404 bad%20name/partitions {"error_code":40401,"message":"Topic bad name not found"}
    "#);
}

#[tokio::test]
async fn a_partition_has_a_beginning_and_an_end() {
    let app = testing::app(testing::settings("127.0.0.1:1"));
    let offsets = get(&app, "/topics/orders/partitions/1/offsets/").await;
    assert_eq!(offsets.text, r#"{"beginning_offset":3,"end_offset":8}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_go_to_the_partition_of_the_path_unless_they_name_another() {
    let (app, _cluster) = on_mock();
    let records = json!({"records": [{"value": 1}, {"value": 2, "partition": 0}, {"value": 3}]});
    let answer = post(&app, "/topics/orders/partitions/1", &records).await;
    insta::assert_snapshot!(answer.text, @r#"{"key_schema_id":null,"offsets":[{"offset":0,"partition":1},{"offset":0,"partition":0},{"offset":1,"partition":1}],"value_schema_id":null}"#);
    let offsets = get(&app, "/topics/orders/partitions/1/offsets").await;
    assert_eq!(offsets.text, r#"{"beginning_offset":0,"end_offset":2}"#);
    let mut answers = Vec::new();
    for path in ["orders/partitions/2", "orders/partitions/abc/", "nope/partitions/0"] {
        let answer = post(&app, &format!("/topics/{path}"), &records).await;
        answers.push(format!("{} {path} {}", answer.status.as_u16(), answer.text));
    }
    insta::assert_snapshot!(answers.join("\n"), @r#"
    404 orders/partitions/2 {"error_code":40402,"message":"Partition 2 not found"}
    404 orders/partitions/abc/ {"error_code":404,"message":"Partition abc not found"}
    404 nope/partitions/0 {"error_code":40401,"message":"Topic nope not found"}
    "#);
}
