//! Over real sockets, with short limits.

use std::sync::Mutex;

use futures_util::stream;
use http_body_util::{BodyExt, Empty};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;
use warp::Filter;
use warp::reply::{Reply, Response as Page};

use super::*;
use crate::web::body;

const SHORT: Duration = Duration::from_millis(400);
/// Longer than anything here takes, were it not for a fault.
const LONG: Duration = Duration::from_secs(20);

struct House {
    address: SocketAddr,
    shutdown: CancellationToken,
    served: JoinHandle<()>,
    /// Shared by the route `/stuck` and each request to it, while they live.
    stuck: Arc<()>,
}

fn limits() -> Limits {
    Limits { connections: 8, head: LONG, idle: LONG, handler: LONG, drain: LONG }
}

async fn open(limits: Limits) -> House {
    let quick = warp::path!("quick").map(|| "quick".into_response());
    let slow = warp::path!("slow").and(warp::path::end()).then(|| async {
        sleep(SHORT * 2).await;
        "slow".into_response()
    });
    let stuck_ones = Arc::new(());
    let counted = stuck_ones.clone();
    let stuck = warp::path!("stuck")
        .map(move || counted.clone())
        .then(async |_one: Arc<()>| -> Page { std::future::pending().await });
    let broken = warp::path!("broken").map(|| -> Page { panic!("a secret") });
    let peer = warp::path!("peer")
        .and(warp::ext::get::<Peer>())
        .map(|peer: Peer| peer.0.to_string().into_response());
    let named = warp::path!("named" / String).map(|_| {
        let mut page = "named".into_response();
        page.extensions_mut().insert(RouteName("confirm"));
        page
    });
    let large = warp::path!("large").map(|| {
        let part = Ok::<_, Infallible>(Bytes::from_static(&[b'x'; 65536]));
        warp::reply::stream(stream::iter(std::iter::repeat_n(part, 1000))).into_response()
    });
    let post =
        warp::path!("post").and(body::bytes(1000)).map(|body: Result<Bytes, body::BodyError>| match body {
            Ok(body) => body.len().to_string().into_response(),
            Err(_) => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
        });
    let routes = quick.or(slow).unify().or(stuck).unify().or(broken).unify().or(peer).unify();
    let routes = routes.or(named).unify().or(large).unify().or(post).unify();

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, shutdown) = (listener.local_addr().unwrap(), CancellationToken::new());
    let headers = SecurityHeaders { https: false };
    let served = tokio::spawn(serve(listener, warp::service(routes), shutdown.clone(), limits, headers));
    House { address, shutdown, served, stuck: stuck_ones }
}

impl House {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends `request` and reads until the server closes.
    async fn say(&self, request: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        rest(&mut stream).await
    }

    async fn get(&self, path: &str) -> String {
        self.say(&format!("GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")).await
    }

    /// Asks for shutdown, and tells how long it took.
    async fn close(self) -> Duration {
        let began = Instant::now();
        self.shutdown.cancel();
        timeout(LONG, self.served).await.unwrap().unwrap();
        began.elapsed()
    }
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    timeout(LONG / 2, stream.read_to_end(&mut text)).await.expect("the server closes").unwrap();
    String::from_utf8_lossy(&text).into_owned()
}

/// Reads one answer that ends in `end` and leaves the connection open.
async fn until(stream: &mut TcpStream, end: &str) -> String {
    let mut text = String::new();
    while !text.ends_with(end) {
        let mut part = [0; 1024];
        let length = timeout(LONG / 2, stream.read(&mut part)).await.expect("an answer").unwrap();
        assert_ne!(length, 0, "closed after {text:?}");
        text.push_str(std::str::from_utf8(&part[..length]).unwrap());
    }
    text
}

#[tokio::test]
async fn answers_with_security_headers_and_knows_its_peer() {
    let house = open(limits()).await;
    let answer = house.get("/quick").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("content-length: 5\r\n") && answer.ends_with("\r\n\r\nquick"), "{answer}");
    assert!(answer.contains("cache-control: no-store\r\n"), "{answer}");
    assert!(house.get("/peer").await.contains("127.0.0.1:"));
    assert!(house.get("/nowhere").await.contains("x-frame-options: DENY\r\n"));
}

#[test]
fn a_peers_debug_form_hides_the_address() {
    assert_eq!(format!("{:?}", Peer("192.0.2.7:80".parse().unwrap())), "Peer(IPv4)");
    assert_eq!(format!("{:?}", Peer("[2001:db8::7]:80".parse().unwrap())), "Peer(IPv6)");
}

#[tokio::test]
async fn a_target_without_a_path_is_refused_before_anybody_trips_over_it() {
    let house = open(limits()).await;
    for target in ["quick", "desk:80", "h:1"] {
        let answer =
            house.say(&format!("GET {target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{target}: {answer}");
    }
}

#[tokio::test]
async fn a_panic_is_a_500_and_the_server_lives() {
    let house = open(limits()).await;
    let mut stream = house.connect().await;
    stream.write_all(b"GET /broken HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    let answer = until(&mut stream, "moment.\n").await;
    assert!(answer.starts_with("HTTP/1.1 500") && !answer.contains("secret"), "{answer}");
    assert!(answer.contains("content-security-policy: "), "{answer}");
    stream.write_all(b"GET /quick HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    until(&mut stream, "quick").await;
}

#[tokio::test]
async fn a_handler_that_takes_too_long_is_a_503() {
    let house = open(Limits { handler: SHORT, ..limits() }).await;
    let answer = house.get("/stuck").await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("no-store"), "{answer}");
}

#[tokio::test]
async fn a_slow_head_is_cut_whatever_it_began_with() {
    let house = open(Limits { head: SHORT, ..limits() }).await;
    // Nothing at all, half of an HTTP/2 preface, half of a head.
    for start in ["", "PRI * HTTP", "GET /quick HTTP/1.1\r\nHost"] {
        let mut stream = house.connect().await;
        let began = Instant::now();
        stream.write_all(start.as_bytes()).await.unwrap();
        // Drip-feeding must not help; nor must a client that does not hang up.
        while began.elapsed() < LONG / 4 {
            sleep(SHORT / 8).await;
            if stream.write_all(if start.starts_with("GET") { b"t" } else { b"" }).await.is_err() {
                break;
            }
            if matches!(timeout(SHORT / 8, stream.read(&mut [0; 64])).await, Ok(Ok(0) | Err(_))) {
                break;
            }
        }
        assert!(began.elapsed() >= SHORT && began.elapsed() < LONG / 4, "{start:?} {:?}", began.elapsed());
    }
}

#[tokio::test]
async fn an_idle_connection_outlives_the_time_for_a_head_but_not_the_time_for_idling() {
    let house = open(Limits { head: SHORT, idle: SHORT * 5, ..limits() }).await;
    let mut stream = house.connect().await;
    let post = "POST /post HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n";
    for (head, body, end) in
        [(post, "abc", "\r\n\r\n3"), ("GET /quick HTTP/1.1\r\nHost: h\r\n\r\n", "", "quick")]
    {
        stream.write_all(head.as_bytes()).await.unwrap();
        sleep(SHORT / 4).await;
        stream.write_all(body.as_bytes()).await.unwrap();
        until(&mut stream, end).await;
        sleep(SHORT * 2).await;
    }
    let began = Instant::now();
    assert_eq!(rest(&mut stream).await, "");
    assert!(began.elapsed() < LONG / 4);
}

#[test]
fn each_state_of_a_connection_has_its_clock() {
    let seconds = Duration::from_secs;
    let limits = Limits { head: seconds(10), idle: seconds(100), handler: seconds(1000), ..limits() };
    let pulse = Arc::new(Pulse::new(limits));
    let left = || (pulse.deadline() - tokio::time::Instant::now()).as_secs_f32().round();
    assert_eq!(left(), 10.0, "the first head");
    let running = pulse.start();
    assert_eq!(left(), 1100.0, "a handler may take longer than a client may idle");
    pulse.received();
    drop(running);
    assert_eq!(left(), 100.0, "a body was no head");
    pulse.received();
    assert_eq!(left(), 10.0, "the next head");
}

#[tokio::test]
async fn a_client_that_does_not_take_its_answer_is_cut() {
    let house = open(Limits { connections: 1, idle: SHORT, handler: SHORT, ..limits() }).await;
    let mut lazy = house.connect().await;
    lazy.write_all(b"GET /large HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    // The only slot comes free although `lazy` neither reads nor hangs up.
    assert!(timeout(LONG, house.get("/quick")).await.unwrap().ends_with("quick"));
}

#[tokio::test]
async fn a_head_too_large_is_refused() {
    let house = open(limits()).await;
    let long = "x".repeat(usize::from(HEAD_BYTES));
    let answer = house.say(&format!("GET /quick HTTP/1.1\r\nHost: h\r\nCookie: {long}\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[tokio::test]
async fn a_chunked_body_is_read_and_an_oversized_one_is_told_so() {
    let house = open(limits()).await;
    let head = "POST /post HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n";
    let small =
        house.say(&format!("{head}Connection: close\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n")).await;
    assert!(small.ends_with("\r\n\r\n7"), "{small}");

    // The client reads nothing before it has sent all of 4 MB, and must find its answer all the same.
    let mut stream = house.connect().await;
    stream.write_all(format!("{head}\r\n").as_bytes()).await.unwrap();
    for _ in 0..64 {
        stream.write_all(format!("10000\r\n{}\r\n", "x".repeat(65536)).as_bytes()).await.expect("no reset");
    }
    stream.write_all(b"0\r\n\r\n").await.expect("no reset");
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test]
async fn a_client_that_asks_first_is_told_to_go_on_or_is_refused_at_once() {
    let house = open(limits()).await;
    let head = "POST /post HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nConnection: close\r\n";
    let mut stream = house.connect().await;
    stream.write_all(format!("{head}Content-Length: 3\r\n\r\n").as_bytes()).await.unwrap();
    assert!(until(&mut stream, "\r\n\r\n").await.starts_with("HTTP/1.1 100"));
    stream.write_all(b"abc").await.unwrap();
    assert!(rest(&mut stream).await.ends_with("\r\n\r\n3"));

    let refused = house.say(&format!("{head}Content-Length: 1001\r\n\r\n")).await;
    assert!(refused.starts_with("HTTP/1.1 413"), "{refused}");
}

#[tokio::test]
async fn no_more_connections_than_allowed_are_served_at_once() {
    let house = open(Limits { connections: 2, ..limits() }).await;
    let (first, _second) = (house.connect().await, house.connect().await);
    sleep(SHORT / 4).await;
    let mut third = house.connect().await;
    third.write_all(b"GET /quick HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    assert!(timeout(SHORT, third.read_u8()).await.is_err(), "it waits");
    drop(first);
    until(&mut third, "quick").await;
}

#[tokio::test]
async fn shutdown_lets_a_running_request_end_and_takes_no_other() {
    let house = open(limits()).await;
    let (mut running, mut idle) = (house.connect().await, house.connect().await);
    idle.write_all(b"GET /quick HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    until(&mut idle, "quick").await;
    running.write_all(b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    sleep(SHORT / 4).await;

    let address = house.address;
    let closing = tokio::spawn(house.close());
    sleep(SHORT / 4).await;
    assert!(TcpStream::connect(address).await.is_err(), "the door is shut");
    assert_eq!(rest(&mut idle).await, "");
    assert!(!closing.is_finished(), "an idle connection does not wait for the running one");
    drop(idle);
    let answer = rest(&mut running).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("slow"), "{answer}");
    drop(running);
    assert!(closing.await.unwrap() < LONG / 4);
}

#[tokio::test]
async fn shutdown_cuts_what_does_not_end_in_time() {
    let house = open(Limits { drain: SHORT, ..limits() }).await;
    let mut stuck = house.connect().await;
    stuck.write_all(b"GET /stuck HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    let (mut client, connection) = http2(&house).await;
    let over_http2 = tokio::spawn(client.send_request(get("/stuck")));
    sleep(SHORT / 4).await;
    let stuck_ones = house.stuck.clone();

    let took = house.close().await;
    assert!(took >= SHORT && took < LONG / 4, "{took:?}");
    assert_eq!(rest(&mut stuck).await, "");
    assert!(over_http2.await.unwrap().is_err());
    let _ = connection.await;
    assert_eq!(Arc::strong_count(&stuck_ones), 1, "no handler outlives the server");
}

type Http2 = hyper::client::conn::http2::SendRequest<Empty<Bytes>>;

async fn http2(house: &House) -> (Http2, JoinHandle<hyper::Result<()>>) {
    let io = TokioIo::new(house.connect().await);
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), io);
    let (client, connection) = handshake.await.unwrap();
    (client, tokio::spawn(connection))
}

fn get(path: &str) -> Request<Empty<Bytes>> {
    Request::get(format!("http://localhost{path}")).body(Empty::new()).unwrap()
}

#[tokio::test]
async fn http2_is_spoken_to_whoever_begins_with_it() {
    let house = open(limits()).await;
    let (mut client, connection) = http2(&house).await;
    let (slow, quick) = tokio::join!(client.send_request(get("/slow")), client.send_request(get("/quick")));
    assert_eq!(quick.unwrap().headers()["cache-control"], "no-store");
    assert_eq!(slow.unwrap().collect().await.unwrap().to_bytes(), "slow");

    let slow = tokio::spawn(client.send_request(get("/slow")));
    sleep(SHORT / 4).await;
    house.close().await;
    assert_eq!(slow.await.unwrap().unwrap().status(), StatusCode::OK, "drained");
    connection.await.unwrap().unwrap();
}

#[test]
fn only_a_client_that_hung_up_is_passed_over_without_a_pause() {
    assert!(hung_up(&io::ErrorKind::ConnectionAborted.into()));
    assert!(!hung_up(&io::Error::from_raw_os_error(24)), "EMFILE");
}

#[tokio::test]
async fn the_log_names_the_route_and_nothing_of_the_request() {
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);
    impl io::Write for Lines {
        fn write(&mut self, part: &[u8]) -> io::Result<usize> {
            io::Write::write(&mut *self.0.lock().unwrap(), part)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing::Level::INFO)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let house = open(limits()).await;
    house.get("/named/token-7f3a?email=someone").await;
    house.say("SECRET /elsewhere HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await;

    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let ours: Vec<&str> = text.lines().filter(|line| line.contains("answered")).collect();
    assert_eq!(ours.len(), 2, "{text}");
    assert!(ours[0].contains(r#"method="GET" route="confirm" status=200 ms="#), "{text}");
    assert!(ours[1].contains(r#"method="other" route="unrouted" status=404 ms="#), "{text}");
    for kept_out in ["token-7f3a", "someone", "elsewhere", "SECRET", "127.0.0.1"] {
        assert!(!text.contains(kept_out), "{text}");
    }
}
