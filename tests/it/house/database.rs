//! The database, seen from outside.

use std::collections::BTreeMap;

use optin::consent::person::Person;
use optin::token::SubscriptionId;

use super::House;

/// Every row of every table as text, by table; `bytea` in hexadecimal digits.
pub type Rows = BTreeMap<String, Vec<String>>;

impl House {
    /// Everything that is stored, once no letter waits any more.
    pub async fn rows(&self) -> Rows {
        self.all_letters().await;
        let db = self.db().await;
        let tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'";
        let mut rows = Rows::new();
        for table in db.query(tables, &[]).await.unwrap() {
            let table: String = table.get(0);
            let all = db.query(&format!("SELECT t::text FROM {table} t ORDER BY 1"), &[]).await.unwrap();
            rows.insert(table, all.iter().map(|row| row.get(0)).collect());
        }
        assert!(rows.contains_key("subscriptions") && rows.contains_key("trail_entries"));
        rows
    }

    /// What lies under the seals.
    pub async fn persons(&self) -> Vec<Person> {
        let rows = self.db().await.query("SELECT list, id, seal FROM subscriptions", &[]).await.unwrap();
        let open = |row: &tokio_postgres::Row| {
            let list = u32::try_from(row.get::<_, i32>("list")).unwrap();
            let id = SubscriptionId(row.get::<_, &[u8]>("id").try_into().unwrap());
            Person::open(&self.app.keys, list, id, row.get("seal")).unwrap()
        };
        rows.iter().map(open).collect()
    }

    pub async fn execute(&self, sql: &str) {
        self.db().await.batch_execute(sql).await.unwrap();
    }

    /// From now on each `act` (such as `INSERT`) on a row of `table` fails with this SQLSTATE, until [`House::mend`].
    pub async fn fault(&self, act: &str, table: &str, sqlstate: &str) {
        self.execute(&format!(
            "CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql
                 AS $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{sqlstate}'; END $$;
             CREATE TRIGGER fault BEFORE {act} ON {table} FOR EACH ROW EXECUTE FUNCTION fault()"
        ))
        .await;
    }

    pub async fn mend(&self) {
        self.execute("DROP FUNCTION fault CASCADE").await;
    }
}

/// Whether a text stands anywhere in the rows, in whatever case, in a text column or as bytes.
pub fn holds(rows: &Rows, text: &str) -> bool {
    let text = text.to_lowercase();
    let bytes = data_encoding::HEXLOWER.encode(text.as_bytes());
    let rows = rows.values().flatten().map(|row| row.to_lowercase());
    rows.into_iter().any(|row| row.contains(&text) || row.contains(&bytes))
}
