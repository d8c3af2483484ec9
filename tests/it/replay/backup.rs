//! PostgreSQL's own programs for backups, of the server that the tests run on.

use super::Scene;
use crate::house::{connect, database};
use crate::process::{is_here, program, run};

/// Where the server's own programs are.
async fn bin(url: &str, name: &str) -> String {
    let sql = "SELECT setting FROM pg_config WHERE name = 'BINDIR'";
    let folder: String = connect(url).await.query_one(sql, &[]).await.unwrap().get(0);
    format!("{folder}/{name}")
}

/// Whether backups can be made here; PostgreSQL's wheel has no programs for it.
pub async fn is_possible() -> bool {
    is_here(&bin(&database(false).await, "pg_dump").await).await
}

/// A dump of the scene's database, in a file.
pub async fn dump(scene: &Scene) -> String {
    let file = scene.site.path("backup");
    let mut dump = program(&bin(scene.url(), "pg_dump").await);
    dump.args(["--format=custom", "--no-owner", "--file", &file, scene.url()]);
    run(dump).await.success();
    file
}

/// Restores a dump into a new database, and returns its URL.
pub async fn restore(scene: &Scene, file: &str) -> String {
    let url = database(false).await;
    let mut restore = program(&bin(scene.url(), "pg_restore").await);
    restore.args(["--no-owner", "--exit-on-error", "--dbname", &url, file]);
    run(restore).await.success();
    url
}
