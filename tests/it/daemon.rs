//! The daemon as a process: what it refuses to start with, how it ends, what it keeps.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, net};

use coracle::adapter::rpc::proto::etcdserverpb as pb;
use futures_util::StreamExt;
use pb::watch_client::WatchClient;
use tonic::Code;

use crate::rig::{PATIENCE, Rig, client, left_out, output, put};

#[test]
fn unknown_flag_is_a_usage_error() {
    let ended = Rig::with(&["--listen-clint-urls", "x"]).run();
    ended.assert(2, &["--listen-clint-urls", "--listen-client-urls"]);
}

#[test]
fn unreadable_or_wrong_configuration_is_a_usage_error_that_names_the_nearest_key() {
    let cases = [
        (
            "snapshot-cuont = 5\n",
            &["snapshot-cuont", "snapshot-count"][..],
        ),
        (
            "snapshot-count = \"many\"\n",
            &["snapshot-count", "a number"],
        ),
        ("snapshot-count = \n", &["config.toml", "TOML"]),
        (
            "quota-backend-bytes = \"2 apples\"\n",
            &["quota-backend-bytes"],
        ),
    ];
    for (text, words) in cases {
        let mut rig = Rig::new();
        let config = rig.path("config.toml");
        fs::write(&config, text).expect("is written");
        rig.flags = vec!["--config".into(), config.into()];
        rig.run().assert(2, words);
        assert!(!rig.data.exists(), "nothing is made before all is checked");
    }
    let rig = Rig::with(&["--config", "/nowhere/config.toml"]);
    rig.run()
        .assert(2, &["/nowhere/config.toml", "No such file"]);
}

#[test]
fn address_beyond_this_machine_is_refused_without_insecure() {
    let everywhere = "http://0.0.0.0:0";
    let mut rig = Rig::new();
    rig.listen = everywhere.to_owned();
    rig.run()
        .assert(2, &["--listen-client-urls", "0.0.0.0", "--insecure"]);
    let mut rig = Rig::new();
    rig.environment = vec![("CORACLE_LISTEN_METRICS_URLS", everywhere.into())];
    rig.run()
        .assert(2, &["LISTEN_METRICS_URLS", "0.0.0.0", "--insecure"]);
}

#[test]
fn port_in_use_is_named() {
    let taken = net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("bound");
    let mut rig = Rig::new();
    let url = format!("http://{address}");
    rig.environment = vec![("CORACLE_LISTEN_METRICS_URLS", url.clone().into())];
    let port = format!(":{}", address.port());
    rig.run().assert(1, &[&url, "in use", &port]);
}

#[test]
fn second_daemon_on_a_directory_is_refused_and_the_first_goes_on() {
    let rig = Rig::new();
    let mut first = rig.start();
    rig.run()
        .assert(6, &["another daemon is using it", "--data-dir"]);
    assert!(!first.has_ended());
    assert!(rig.path("socket").exists(), "the refused one took nothing");
    // As somebody does who takes it for a stale one.
    fs::remove_file(rig.data.join("lock")).expect("is there");
    for _ in 0..2 {
        rig.run().assert(6, &["another daemon is using it"]);
    }
    assert!(!first.has_ended());
    first.stop().assert(0, &[]);
}

#[test]
fn directory_of_another_layout_is_refused_and_left_as_it_is() {
    let rig = Rig::new();
    rig.start().stop().assert(0, &[]);
    let member = rig.data.join("member");
    let text = fs::read_to_string(&member).expect("is there");
    let other = text.replace("\"coracle_layout\":1", "\"coracle_layout\":99");
    assert_ne!(text, other);
    fs::write(&member, &other).expect("is written");
    rig.run().assert(1, &["layout 99", "layout 1"]);
    assert_eq!(fs::read_to_string(&member).expect("is there"), other);
    fs::write(&member, "{").expect("is written");
    rig.run().assert(1, &["member"]);
    fs::remove_file(&member).expect("is there");
    rig.run().assert(1, &["member", "backup"]);
    fs::write(&member, text).expect("is written");
    rig.start().stop().assert(0, &[]);
}

/// Everything below `folder`, with the bits of others than its user.
fn shared(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("is a folder") {
        let path = entry.expect("is readable").path();
        let metadata = fs::symlink_metadata(&path).expect("is there");
        // What sled makes is in directories that nobody else may enter.
        let is_inside = path.components().any(|part| part.as_os_str() == "state");
        if metadata.permissions().mode() & 0o077 != 0 && (metadata.is_dir() || !is_inside) {
            found.push(path.clone());
        }
        if metadata.is_dir() && !is_inside {
            found.extend(shared(&path));
        }
    }
    found
}

#[test]
fn data_and_snapshots_are_for_their_user_alone() {
    let rig = Rig::new();
    let daemon = rig.start();
    let saved = rig.path("saved");
    let save = ["--endpoints", daemon.address(), "snapshot", "save"];
    assert!(output(client(&save).arg(&saved)).status.success());
    let mode = |path: &Path| fs::metadata(path).expect("is there").permissions().mode() & 0o777;
    assert_eq!((mode(&saved), mode(&rig.data)), (0o600, 0o700));
    assert_eq!(shared(&rig.data), [""; 0].map(PathBuf::from));
}

#[test]
fn directory_without_permission_is_named() {
    let mut rig = Rig::new();
    fs::write(rig.path("file"), "").expect("is written");
    rig.data = rig.path("file").join("data");
    rig.run()
        .assert(1, &["data directory", "file/data", "--data-dir"]);

    let closed = rig.path("closed");
    fs::create_dir(&closed).expect("is made");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o500)).expect("is ours");
    if fs::write(closed.join("try"), "").is_ok() {
        // Root writes everywhere; the daemon is then started as nobody, which wants root.
        if output(std::process::Command::new("setpriv").arg("--version"))
            .status
            .success()
        {
            rig.wrapper = [
                "setpriv",
                "--reuid=65534",
                "--clear-groups",
                "--no-new-privs",
            ]
            .map(Into::into)
            .to_vec();
            let folder = closed.parent().expect("has one");
            fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).expect("is ours");
        } else {
            left_out("root may write everywhere, and there is no setpriv");
            return;
        }
    }
    rig.data = closed.join("data");
    rig.run().assert(
        1,
        &["data directory", "closed/data", "ermission", "--data-dir"],
    );
}

#[tokio::test]
async fn malformed_calls_are_answered_and_hurt_nobody() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let rig = Rig::new();
    let mut daemon = rig.start();
    let address = daemon.url.replace("http://", "");
    let garbage: [&[u8]; 5] = [
        b"\x00\x01\x02\x03 no protocol at all\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
        b"POST /v3/kv/put HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\n{{{",
        b"POST /etcdserverpb.KV/Put HTTP/1.1\r\nhost: a\r\ncontent-length: 99999999999\r\n\r\n",
    ];
    for bytes in garbage {
        let mut stream = tokio::net::TcpStream::connect(&address)
            .await
            .expect("connects");
        stream.write_all(bytes).await.expect("is taken");
        stream.shutdown().await.expect("is taken");
        let mut answer = Vec::new();
        let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
        // A reset is an answer too.
        drop(read.expect("is answered or closed"));
    }
    // A put whose key claims to be longer than the message.
    let path = "http://127.0.0.1/etcdserverpb.KV/Put";
    let frame = b"\x00\x00\x00\x00\x03\x0a\x7fx";
    let (status, _) = raw_call(&address, path, frame).await;
    assert!(
        status == Code::Internal || status == Code::InvalidArgument,
        "{status:?}"
    );
    // A frame that claims more than it brings, and one that claims to be compressed.
    for frame in [
        &b"\x00\x00\x00\x01\x00abc"[..],
        b"\x01\x00\x00\x00\x01a",
        b"\x07\x00\x00\x00\x00",
    ] {
        let (status, _) = raw_call(&address, path, frame).await;
        assert_ne!(status, Code::Ok);
    }
    let (status, _) = raw_call(&address, "http://127.0.0.1/etcdserverpb.KV/Nothing", b"").await;
    assert_eq!(status, Code::Unimplemented);
    assert!(!daemon.has_ended());
    daemon
        .kv()
        .put(put("a", "b"))
        .await
        .expect("serves as before");
    assert!(!daemon.told().contains("panicked"), "{}", daemon.told());
}

/// A gRPC call whose body is `body`, right or wrong: the status of the answer.
async fn raw_call(address: &str, uri: &str, body: &'static [u8]) -> (Code, String) {
    let stream = tokio::net::TcpStream::connect(address)
        .await
        .expect("connects");
    let (mut client, connection) = h2::client::handshake(stream).await.expect("is h2");
    // Ends with the connection.
    tokio::spawn(connection);
    let request = http::Request::post(uri)
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(())
        .expect("is sound");
    let (answer, mut sender) = client.send_request(request, false).expect("is sent");
    sender.send_data(body.into(), true).expect("is sent");
    let answer = tokio::time::timeout(PATIENCE, answer).await;
    let answer = match answer.expect("is answered") {
        Ok(answer) => answer,
        Err(_) => return (Code::Cancelled, "reset".to_owned()),
    };
    let (head, mut stream) = answer.into_parts();
    while let Some(Ok(part)) = stream.data().await {
        let _ = stream.flow_control().release_capacity(part.len());
    }
    let trailers = stream.trailers().await.ok().flatten().unwrap_or_default();
    let field = |name| head.headers.get(name).or(trailers.get(name)).cloned();
    let code = field("grpc-status").expect("a call has a status");
    let message = field("grpc-message").map(|text| format!("{text:?}"));
    (
        Code::from_bytes(code.as_bytes()),
        message.unwrap_or_default(),
    )
}

#[tokio::test]
async fn oversized_request_is_refused_with_etcds_words() {
    let rig = Rig::new();
    let daemon = rig.start();
    let mut kv = daemon.kv();
    let refused = kv
        .put(put("a", vec![b'x'; 1_572_864]))
        .await
        .expect_err("is too large");
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(refused.message(), "etcdserver: request is too large");
    // Beyond what is received at all.
    let refused = kv
        .put(put("a", vec![b'x'; 4 << 20]))
        .await
        .expect_err("is too large");
    assert!(
        matches!(refused.code(), Code::ResourceExhausted | Code::OutOfRange),
        "{refused:?}"
    );
    kv.put(put("a", vec![b'x'; 1_500_000])).await.expect("fits");
    assert_eq!(daemon.everything().await.1.len(), 1);
}

#[tokio::test]
async fn sigterm_with_clients_and_streams_ends_in_order_and_loses_nothing() {
    const CLIENTS: usize = 50;
    let mut rig = Rig::new();
    let notify = UnixDatagram::bind(rig.path("notify")).expect("binds");
    notify
        .set_read_timeout(Some(PATIENCE))
        .expect("is a socket");
    rig.environment = vec![("NOTIFY_SOCKET", rig.path("notify").into())];
    let daemon = rig.start();
    assert!(notified(&notify).starts_with("READY=1\n"));

    let mut streams = Vec::new();
    for client in 0..CLIENTS {
        let mut kv = daemon.kv();
        kv.put(put(format!("k{client}"), "v"))
            .await
            .expect("is made");
        streams.push(open_streams(&daemon).await);
    }
    let stopping = tokio::task::spawn_blocking(|| daemon.stop());
    for (mut watch, mut keep_alive) in streams {
        // Both streams end: with a status or with the connection.
        while let Some(Ok(_)) = watch.next().await {}
        while let Some(Ok(_)) = keep_alive.next().await {}
    }
    let ended = stopping.await.expect("does not panic");
    ended.assert(0, &[]);
    eprintln!("ended {:?} after SIGTERM", ended.took);
    // All ended by themselves: none was left to be cut after the drain timeout of 700 ms.
    assert!(!ended.told.contains("cut connections"), "{}", ended.told);
    assert_eq!(notified(&notify), "STOPPING=1");
    let daemon = rig.start();
    assert_eq!(daemon.everything().await.1.len(), CLIENTS);
    daemon.terminate();
    daemon.terminate();
    daemon.ended().assert(0, &[]);
    assert!(
        !rig.path("socket").exists(),
        "the socket goes with its daemon"
    );
}

type Streams = (
    tonic::Streaming<pb::WatchResponse>,
    tonic::Streaming<pb::LeaseKeepAliveResponse>,
);

/// A watch and a keep-alive that both were answered once and stay open.
async fn open_streams(daemon: &crate::rig::Daemon) -> Streams {
    let create = pb::WatchRequest {
        request_union: Some(pb::watch_request::RequestUnion::CreateRequest(
            pb::WatchCreateRequest {
                key: "k".into(),
                ..pb::WatchCreateRequest::default()
            },
        )),
    };
    let requests = futures_util::stream::iter([create]).chain(futures_util::stream::pending());
    let watch = WatchClient::new(daemon.channel()).watch(requests).await;
    let mut watch = watch.expect("opens").into_inner();
    let created = watch.next().await.expect("is answered").expect("is made");
    assert!(created.created);

    let mut lease = daemon.lease();
    let grant = pb::LeaseGrantRequest { ttl: 60, id: 0 };
    let id = lease
        .lease_grant(grant)
        .await
        .expect("is granted")
        .into_inner()
        .id;
    let requests = futures_util::stream::iter([pb::LeaseKeepAliveRequest { id }])
        .chain(futures_util::stream::pending());
    let keep_alive = lease.lease_keep_alive(requests).await.expect("opens");
    let mut keep_alive = keep_alive.into_inner();
    let renewed = keep_alive
        .next()
        .await
        .expect("is answered")
        .expect("is renewed");
    assert_eq!(renewed.ttl, 60);
    (watch, keep_alive)
}

fn notified(socket: &UnixDatagram) -> String {
    let mut buffer = [0; 4096];
    let length = socket.recv(&mut buffer).expect("is told in time");
    String::from_utf8_lossy(&buffer[..length]).into_owned()
}

#[tokio::test]
async fn restart_keeps_leases_revisions_compaction_alarms_and_identity() {
    const ID: i64 = 77;
    let rig = Rig::new();
    let daemon = rig.start();
    let mut kv = daemon.kv();
    let grant = pb::LeaseGrantRequest { ttl: 600, id: ID };
    daemon.lease().lease_grant(grant).await.expect("is granted");
    for round in 0..10 {
        kv.put(put("a", format!("{round}"))).await.expect("is made");
    }
    let mut held = put("held", "x");
    held.lease = ID;
    kv.put(held).await.expect("is made");
    let compaction = pb::CompactionRequest {
        revision: 6,
        physical: true,
    };
    kv.compact(compaction).await.expect("is made");
    let status = daemon.maintenance().status(pb::StatusRequest {}).await;
    let before = status.expect("tells").into_inner();
    let member_id = before.header.as_ref().expect("has one").member_id;
    let raise = pb::AlarmRequest {
        action: 1,
        member_id,
        alarm: 2,
    };
    daemon.maintenance().alarm(raise).await.expect("is raised");
    let (revision, everything) = daemon.everything().await;
    daemon.stop().assert(0, &[]);

    let daemon = rig.start();
    assert_eq!(daemon.everything().await, (revision, everything));
    let status = daemon.maintenance().status(pb::StatusRequest {}).await;
    let after = status.expect("tells").into_inner();
    assert_eq!(identity(&before), identity(&after));
    assert!(after.raft_term > before.raft_term, "as in etcd");
    assert!(after.raft_applied_index >= before.raft_applied_index);
    assert_eq!(
        after.errors,
        [format!("memberID:{member_id} alarm:CORRUPT ")]
    );
    let left = pb::LeaseTimeToLiveRequest { id: ID, keys: true };
    let left = daemon
        .lease()
        .lease_time_to_live(left)
        .await
        .expect("lives")
        .into_inner();
    assert_eq!(
        (left.granted_ttl, &left.keys[..]),
        (600, &["held".into()][..])
    );
    assert!(
        (590..=600).contains(&left.ttl),
        "the full term again, not {}",
        left.ttl
    );
    let past = |revision| pb::RangeRequest {
        key: "a".into(),
        revision,
        ..pb::RangeRequest::default()
    };
    let mut kv = daemon.kv();
    let refused = kv.range(past(5)).await.expect_err("is compacted");
    assert_eq!(refused.code(), Code::OutOfRange);
    let kept = kv.range(past(6)).await.expect("is kept").into_inner();
    assert_eq!(kept.kvs[0].value, "4");
}

fn identity(status: &pb::StatusResponse) -> (u64, u64) {
    let header = status.header.as_ref().expect("has one");
    (header.cluster_id, header.member_id)
}

#[test]
fn file_where_the_socket_should_be_is_left_as_it_is() {
    let rig = Rig::new();
    let path = rig.path("socket");
    fs::write(&path, "precious").expect("is written");
    rig.run()
        .assert(1, &["something else is there", "--socket"]);
    assert_eq!(fs::read(&path).expect("is there"), b"precious");
    fs::remove_file(&path).expect("is ours");
    let link = rig.path("elsewhere");
    std::os::unix::fs::symlink(&link, &path).expect("is made");
    rig.run().assert(1, &["something else is there"]);
    assert!(path.is_symlink());
}

#[test]
fn directory_of_a_socket_is_not_made() {
    let mut rig = Rig::new();
    let folder = rig.path("absent");
    let socket = folder.join("socket");
    rig.flags = vec!["--socket".into(), socket.into()];
    rig.is_placed = false;
    rig.flags
        .extend(["--data-dir".into(), rig.data.clone().into()]);
    rig.run().assert(1, &["its directory does not exist"]);
    assert!(!folder.exists());
}

#[test]
fn hangup_ends_the_daemon_in_order_unless_it_is_ignored() {
    let mut rig = Rig::new();
    let hang_up = |pid: u32| {
        let done = output(Command::new("kill").args(["-HUP", &pid.to_string()]));
        assert!(done.status.success(), "{done:?}");
    };
    // Whoever runs the tests may ignore it, as nohup does.
    let heeded = ["env", "--default-signal=HUP"];
    rig.wrapper = heeded.map(Into::into).to_vec();
    let daemon = rig.start();
    hang_up(daemon.pid());
    daemon.ended().assert(0, &["ended", "SIGHUP"]);
    rig.wrapper = ["sh", "-c", "trap '' HUP; exec \"$@\"", "sh"]
        .map(Into::into)
        .to_vec();
    let daemon = rig.start();
    hang_up(daemon.pid());
    daemon.stop().assert(0, &["ended", "SIGTERM"]);
}

#[test]
fn file_instead_of_the_data_directory_is_named_as_such() {
    let rig = Rig::new();
    fs::write(&rig.data, "x").expect("is written");
    rig.run().assert(1, &["it is a file", "--data-dir"]);
}
