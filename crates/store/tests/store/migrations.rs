//! The schema goes both ways.

use sqlx::PgPool;
use store::{MIGRATIONS, Store};

#[sqlx::test(migrations = false)]
async fn the_schema_goes_up_and_down_and_up_again(pool: PgPool) {
    let tables = async || -> i64 {
        let count = "select count(*) from pg_tables where schemaname = 'public'";
        sqlx::query_scalar(count).fetch_one(&pool).await.unwrap()
    };
    Store::on(pool.clone()).migrate().await.unwrap();
    let all = tables().await;
    assert!(all > 10);
    MIGRATIONS.undo(&pool, 0).await.unwrap();
    assert_eq!(tables().await, 1, "only sqlx's own table is left");
    MIGRATIONS.run(&pool).await.unwrap();
    assert_eq!(tables().await, all);
}
