"""Python's etcd clients, unmodified, against a server: `clients.py LIBRARY PORT`."""

import sys
import time


def wait_for(done):
    deadline = time.monotonic() + 20
    while not done():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.01)


def with_etcd3(port):
    import etcd3

    client = etcd3.client(port=port)
    client.put("/a/1", "one")
    client.put("/a/2", "two")
    value, meta = client.get("/a/1")
    assert value == b"one" and meta.version == 1, (value, meta)
    assert client.get("/absent") == (None, None)
    found = [(value, meta.key) for value, meta in client.get_prefix("/a/", sort_order="descend")]
    assert found == [(b"two", b"/a/2"), (b"one", b"/a/1")], found
    assert client.replace("/a/1", "one", "uno") and not client.replace("/a/1", "one", "x")
    assert client.put_if_not_exists("/b", "1") and not client.put_if_not_exists("/b", "2")
    done, answers = client.transaction(
        compare=[client.transactions.value("/b") == "1", client.transactions.version("/b") > 0],
        success=[client.transactions.put("/b", "3"), client.transactions.get("/b")],
        failure=[client.transactions.delete("/b")],
    )
    assert done and answers[1][0][0] == b"3", answers

    events, cancel = client.watch_prefix("/w/")
    client.put("/w/1", "seen")
    client.delete("/w/1")
    first, second = next(events), next(events)
    assert isinstance(first, etcd3.events.PutEvent) and first.value == b"seen"
    assert isinstance(second, etcd3.events.DeleteEvent) and second.key == b"/w/1"
    cancel()

    lease = client.lease(60)
    client.put("/leased", "x", lease=lease)
    assert lease.granted_ttl == 60 and list(lease.keys) == [b"/leased"], lease.keys
    assert [answer.TTL for answer in lease.refresh()] == [60]
    lease.revoke()
    assert client.get("/leased") == (None, None)

    with client.lock("place", ttl=60) as lock:
        # Its waiting for a place fails with the tenacity of today, so only taking one is tried.
        assert lock.is_acquired()
    assert not lock.is_acquired()

    assert client.delete("/b") and not client.delete("/b")
    assert client.delete_prefix("/a/").deleted == 2
    assert client.status().leader is not None and len(list(client.members)) == 1
    client.compact(client.get_response("/a").header.revision)
    client.defragment()
    assert list(client.list_alarms()) == []


def with_etcd3gw(port):
    import etcd3gw

    client = etcd3gw.client(host="127.0.0.1", port=port)
    assert client.put("/a/1", "one") and client.put("/a/2", "two")
    assert client.get("/a/1") == [b"one"] and client.get("/absent") == []
    assert [value for value, _ in client.get_prefix("/a/")] == [b"one", b"two"]
    assert client.create("/b", "1") and not client.create("/b", "2")
    assert client.replace("/b", "1", "2") and not client.replace("/b", "1", "3")
    assert client.status()["version"] and len(client.members()) == 1

    events, cancel = client.watch_prefix("/w/")
    client.put("/w/1", "seen")
    event = next(events)
    assert event["kv"]["value"] == b"seen", event
    cancel()

    lease = client.lease(ttl=60)
    client.put("/leased", "x", lease=lease)
    assert lease.keys() == [b"/leased"] and 0 < lease.ttl() <= 60
    assert lease.refresh() == 60 and lease.revoke()
    wait_for(lambda: client.get("/leased") == [])

    with client.lock("place", ttl=60) as lock:
        assert lock.is_acquired()
        assert not client.lock("place", ttl=60).acquire()
    assert not lock.is_acquired()
    assert client.delete("/b") and not client.delete("/b")
    assert client.delete_prefix("/a/")


if __name__ == "__main__":
    {"etcd3": with_etcd3, "etcd3gw": with_etcd3gw}[sys.argv[1]](int(sys.argv[2]))
