use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::*;

/// A data dir that PostgreSQL's user may enter, as under a clone in /srv.
fn data_dir() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
    dir
}

async fn ask(cluster: &Cluster, database: &str, sql: &str) -> Result<String, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(&cluster.url(database), NoTls).await?;
    tokio::spawn(connection);
    Ok(client.query_one(sql, &[]).await?.get(0))
}

async fn run(cluster: &Cluster, database: &str, sql: &str) -> Result<(), tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(&cluster.url(database), NoTls).await?;
    tokio::spawn(connection);
    client.batch_execute(sql).await
}

fn runs(pid: u32) -> bool {
    // A process that ended and that nobody has waited for yet has no command line.
    let listed = Command::new("ps").args(["-o", "stat=", "-p", &pid.to_string()]).output().unwrap();
    let state = String::from_utf8_lossy(&listed.stdout).trim().to_owned();
    !state.is_empty() && !state.starts_with('Z')
}

async fn soon(mut holds: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(20) {
        if holds() {
            return true;
        }
        sleep(Duration::from_millis(20)).await;
    }
    false
}

/// Runs this test program again as `lives_to_be_killed`, and tells its server's process id and socket folder.
fn another_process(data_dir: Option<&Path>) -> (Child, u32, PathBuf) {
    let name = format!("{}::lives_to_be_killed", module_path!().split_once("::").unwrap().1);
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &name, "--ignored", "--nocapture"]).env_remove("OPTIN_TEST_DATA_DIR");
    command.envs(data_dir.map(|dir| ("OPTIN_TEST_DATA_DIR", dir)));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let line = lines.find(|line| line.contains("RUNS ")).unwrap();
    let mut words = line.split_once("RUNS ").unwrap().1.split(' ');
    let pid = words.next().unwrap().parse().unwrap();
    (child, pid, words.next().unwrap().into())
}

#[tokio::test]
#[ignore = "the other process of the tests below"]
async fn lives_to_be_killed() {
    let cluster = match std::env::var_os("OPTIN_TEST_DATA_DIR") {
        Some(dir) => Cluster::durable(Path::new(&dir), |_| ()).await.unwrap(),
        None => Cluster::throwaway().await.unwrap(),
    };
    println!("RUNS {} {}", cluster.server.child.id(), cluster.socket.display());
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

#[tokio::test]
async fn a_durable_cluster_keeps_what_was_committed() {
    let dir = data_dir();
    let said = std::cell::Cell::new(0);
    let cluster = Cluster::durable(dir.path(), |_| said.set(said.get() + 1)).await.unwrap();
    assert_eq!(said.get(), 1, "making one is worth a word");
    cluster.create_database("optin", None).await.unwrap();
    cluster.create_database("optin", None).await.unwrap();
    run(&cluster, "optin", "CREATE TABLE kept AS SELECT 'still here' AS word").await.unwrap();
    assert_eq!(ask(&cluster, "optin", "SHOW fsync").await.unwrap(), "on");
    assert_eq!(ask(&cluster, "optin", "SHOW listen_addresses").await.unwrap(), "");
    let pid = cluster.server.child.id();
    let begun = Instant::now();
    cluster.stop().await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5) && !runs(pid));

    let again = Cluster::durable(dir.path(), |_| panic!("nothing to say on a second start")).await.unwrap();
    assert_eq!(ask(&again, "optin", "SELECT word FROM kept").await.unwrap(), "still here");
    again.stop().await.unwrap();
}

#[tokio::test]
async fn a_second_process_is_told_that_the_cluster_is_in_use() {
    let dir = data_dir();
    let cluster = Cluster::durable(dir.path(), |_| ()).await.unwrap();
    assert!(matches!(Cluster::durable(dir.path(), |_| ()).await, Err(ClusterError::Busy(_))));
    run(&cluster, "postgres", "SELECT 1").await.unwrap();
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_a_killed_process_left_is_no_obstacle() {
    let dir = data_dir();
    let (mut other, pid, _) = another_process(Some(dir.path()));
    other.kill().unwrap();
    other.wait().unwrap();
    assert!(runs(pid), "a durable server outlives its killed parent");
    let cluster = Cluster::durable(dir.path(), |_| ()).await.unwrap();
    assert!(!runs(pid));
    run(&cluster, "postgres", "SELECT 1").await.unwrap();
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_reused_process_id_and_half_made_folders_are_no_obstacle() {
    let dir = data_dir();
    Cluster::durable(dir.path(), |_| ()).await.unwrap().stop().await.unwrap();
    let place = Place::durable(dir.path()).unwrap();
    let mut stranger = place.account.command("sleep").arg("60").spawn().unwrap();
    let stale = format!("{}\n{}\n1700000000\n{PORT}\n", stranger.id(), place.data.display());
    fs::write(place.data.join("postmaster.pid"), &stale).unwrap();
    fs::write(place.socket.join(format!(".s.PGSQL.{PORT}.lock")), &stale).unwrap();
    fs::create_dir_all(place.home.join("new-1/half")).unwrap();

    let cluster = Cluster::durable(dir.path(), |_| ()).await.unwrap();
    assert!(stranger.try_wait().unwrap().is_none(), "a stranger's process is left alone");
    assert!(!place.home.join("new-1").exists());
    stranger.kill().unwrap();
    stranger.wait().unwrap();
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_does_not_start_is_noticed_at_once_and_the_log_named() {
    let dir = data_dir();
    Cluster::durable(dir.path(), |_| ()).await.unwrap().stop().await.unwrap();
    let place = Place::durable(dir.path()).unwrap();
    fs::write(place.data.join("postgresql.conf"), "no_such_setting = 1\n").unwrap();
    let begun = Instant::now();
    let Err(ClusterError::Start(log)) = Cluster::durable(dir.path(), |_| ()).await else {
        panic!("it started")
    };
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert!(fs::read_to_string(log).unwrap().contains("no_such_setting"));
}

#[tokio::test]
async fn data_of_another_version_is_not_touched() {
    let dir = data_dir();
    Cluster::durable(dir.path(), |_| ()).await.unwrap().stop().await.unwrap();
    let version = Place::durable(dir.path()).unwrap().data.join("PG_VERSION");
    fs::write(&version, "7\n").unwrap();
    let refused = Cluster::durable(dir.path(), |_| ()).await;
    assert!(matches!(refused, Err(ClusterError::Version { made_by: 7, .. })));
}

#[tokio::test]
async fn failed_statements_stay_out_of_the_log() {
    let dir = data_dir();
    let cluster = Cluster::durable(dir.path(), |_| ()).await.unwrap();
    run(&cluster, "postgres", "CREATE TABLE t (word text UNIQUE); INSERT INTO t VALUES ('secret')")
        .await
        .unwrap();
    run(&cluster, "postgres", "INSERT INTO t VALUES ('secret')").await.unwrap_err();
    run(&cluster, "postgres", "SELECT 'secret'::int").await.unwrap_err();
    cluster.stop().await.unwrap();
    let log = fs::read_to_string(Place::durable(dir.path()).unwrap().log).unwrap();
    assert!(log.contains("shut down") && !log.contains("secret"));
}

#[tokio::test]
async fn a_throwaway_cluster_copies_templates_and_goes_when_stopped_or_dropped() {
    let cluster = Cluster::throwaway().await.unwrap();
    cluster.create_database("first \"one\"", None).await.unwrap();
    run(&cluster, "first \"one\"", "CREATE TABLE t AS SELECT 'copied' AS word").await.unwrap();
    cluster.create_database("second", Some("first \"one\"")).await.unwrap();
    assert_eq!(ask(&cluster, "second", "SELECT word FROM t").await.unwrap(), "copied");
    let (pid, home) = (cluster.server.child.id(), cluster.socket.parent().unwrap().to_owned());
    cluster.stop().await.unwrap();
    assert!(!home.exists() && soon(|| !runs(pid)).await);

    let dropped = Cluster::throwaway().await.unwrap();
    let (pid, home) = (dropped.server.child.id(), dropped.socket.parent().unwrap().to_owned());
    drop(dropped);
    assert!(soon(|| !home.exists() && !runs(pid)).await);
}

#[tokio::test]
async fn a_throwaway_cluster_goes_when_its_process_is_killed() {
    let (mut other, pid, socket) = another_process(None);
    let home = socket.parent().unwrap();
    assert!(runs(pid) && home.exists());
    other.kill().unwrap();
    other.wait().unwrap();
    assert!(soon(|| !home.exists() && !runs(pid)).await);
}

#[test]
fn names_are_escaped_in_urls_and_in_sql() {
    assert_eq!(in_url("/tmp/optin-x/s"), "%2Ftmp%2Foptin-x%2Fs");
    assert_eq!(in_url("a b?c"), "a%20b%3Fc");
    assert_eq!(quoted("plain"), "\"plain\"");
    assert_eq!(quoted("a\"b"), "\"a\"\"b\"");
}
