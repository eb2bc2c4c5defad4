//! Several nodes on one database: what one is told, all of them know.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Barrier, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use latchkey::clock::Clock;
use serde_json::Value;
use totp_rs::{Builder, Secret};

mod cluster;
#[path = "../process/serving.rs"]
mod serving;

use cluster::{Cluster, Postgres};
use serving::{field, register, request, sign_in};

const PASSWORD: &str = "plum river candle";

/// One at a time: they measure time, and two cores are few.
fn alone() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

fn bearer(token: &str) -> String {
    format!("authorization: Bearer {token}\r\n")
}

fn post(port: u16, path: &str, headers: &str, body: &str) -> (u16, Value) {
    let (status, body) = request(port, "POST", path, headers, body).expect("an answer");
    (status, serde_json::from_str(&body).unwrap_or_default())
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// Somebody new, as the first node sees them.
fn person(cluster: &Cluster, name: &str) -> Value {
    let (status, body) = register(cluster.port(0), name).expect("an answer");
    assert_eq!(status, 201, "{body}");
    serde_json::from_str(&body).expect("json")
}

/// What an authenticator shows so many steps from now.
fn shows(secret: &str, steps: i64) -> String {
    let secret = Secret::try_from_base32(secret).expect("base32");
    let at = Clock::System.now().seconds() + steps * 30;
    Builder::new()
        .with_secret(secret)
        .build()
        .expect("a secret")
        .generate(u64::try_from(at).expect("later"))
        .to_string()
}

fn verify(port: u16, headers: &str) -> u16 {
    request(port, "GET", "/v1/auth/verify", headers, "").expect("an answer").0
}

/// What happens on the first node is felt on the others within a second, though they remember better.
#[track_caller]
fn felt_within_a_second(cluster: &Cluster, what: &str, headers: &str, end: impl FnOnce()) {
    for node in [1, 2, 1, 2] {
        assert_eq!(verify(cluster.port(node), headers), 200, "{what}: good before");
    }
    end();
    let ended = Instant::now();
    for node in [1, 2] {
        while verify(cluster.port(node), headers) == 200 {
            assert!(ended.elapsed() < Duration::from_secs(1), "{what} is not felt on node {}", node + 1);
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    println!("{what}: felt on both other nodes after {} ms", ended.elapsed().as_millis());
}

/// So many calls at the same moment, spread over the nodes; what they answered.
fn at_once<T: Send + 'static>(tries: usize, call: impl Fn(usize) -> T + Send + Sync + 'static) -> Vec<T> {
    let (barrier, call) = (Arc::new(Barrier::new(tries)), Arc::new(call));
    let threads: Vec<_> = (0..tries)
        .map(|number| {
            let (barrier, call) = (Arc::clone(&barrier), Arc::clone(&call));
            std::thread::spawn(move || {
                barrier.wait();
                call(number)
            })
        })
        .collect();
    threads.into_iter().map(|thread| thread.join().expect("ran")).collect()
}

fn counted(statuses: impl IntoIterator<Item = u16>) -> BTreeMap<u16, usize> {
    statuses.into_iter().fold(BTreeMap::new(), |mut counts, status| {
        *counts.entry(status).or_default() += 1;
        counts
    })
}

#[test]
fn what_is_revoked_on_one_node_is_refused_on_the_others_within_a_second() {
    let _alone = alone();
    let cluster = Cluster::start(&Postgres::shared(), |_| {});
    let first = cluster.port(0);
    let ada = person(&cluster, "ada");
    let ada_bearer = bearer(&field(&ada.to_string(), "accessToken"));
    let key = |name: &str| {
        let (status, made) = post(first, "/v1/api-keys", &ada_bearer, &format!(r#"{{"name":"{name}"}}"#));
        assert_eq!(status, 201, "{made}");
        (text(&made["id"]), format!("x-api-key: {}\r\n", text(&made["key"])))
    };
    let (id, revoked) = key("To be revoked");
    felt_within_a_second(&cluster, "a key revoked", &revoked, || {
        assert_eq!(post(first, &format!("/v1/api-keys/{id}/revoke"), &ada_bearer, "{}").0, 200);
    });
    let (id, exchanged) = key("To be exchanged");
    felt_within_a_second(&cluster, "a key made anew", &exchanged, || {
        assert_eq!(post(first, &format!("/v1/api-keys/{id}/regenerate"), &ada_bearer, "{}").0, 200);
    });
    let (id, stopped) = key("To be switched off");
    felt_within_a_second(&cluster, "a key switched off", &stopped, || {
        let path = format!("/v1/api-keys/{id}");
        let answer = request(first, "PATCH", &path, &ada_bearer, r#"{"status":"INACTIVE"}"#).expect("an answer");
        assert_eq!(answer.0, 200, "{}", answer.1);
    });
    felt_within_a_second(&cluster, "a sign-out", &ada_bearer, || {
        assert_eq!(post(first, "/v1/auth/logout", &ada_bearer, "{}").0, 200);
    });
    let bob = person(&cluster, "bob");
    let bob_bearer = bearer(&text(&bob["accessToken"]));
    let login = format!(r#"{{"email":"bob@example.org","password":"{PASSWORD}"}}"#);
    let elsewhere = bearer(&text(&post(first, "/v1/auth/login", "", &login).1["accessToken"]));
    felt_within_a_second(&cluster, "a password changed", &elsewhere, || {
        let body = format!(r#"{{"currentPassword":"{PASSWORD}","newPassword":"amber lantern harvest"}}"#);
        assert_eq!(post(first, "/v1/auth/change-password", &bob_bearer, &body).0, 200);
    });
}

#[test]
fn two_hundred_tries_spread_over_the_nodes_succeed_once() {
    let _alone = alone();
    let cluster = Cluster::start(&Postgres::shared(), |_| {});
    let (first, proxy) = (cluster.port(0), cluster.proxy);
    let ada = person(&cluster, "ada");
    let refresh = format!(r#"{{"refreshToken":"{}"}}"#, text(&ada["refreshToken"]));
    let pairs = at_once(200, move |_| post(proxy, "/v1/auth/refresh", "", &refresh));
    let successors: BTreeSet<_> = pairs.iter().map(|(_, pair)| text(&pair["refreshToken"])).collect();
    assert_eq!(counted(pairs.iter().map(|(status, _)| *status)), BTreeMap::from([(200, 200)]));
    assert_eq!(successors.len(), 1, "R01: one successor, the same for all within the time for it");

    let headers = bearer(&text(&pairs[0].1["accessToken"]));
    let organization = text(&ada["organization"]["id"]);
    let body = r#"{"role":"MEMBER","maxUses":1}"#;
    let (status, made) = post(first, &format!("/v1/organizations/{organization}/invitation-codes"), &headers, body);
    assert_eq!(status, 201, "{made}");
    let code = text(&made["code"]);
    let joined = at_once(200, move |number| {
        let email = format!("guest{number}@example.org");
        let body =
            format!(r#"{{"email":"{email}","password":"{PASSWORD}","name":"Guest","organizationCode":"{code}"}}"#);
        post(proxy, "/v1/auth/register", "", &body).0
    });
    assert_eq!(counted(joined), BTreeMap::from([(201, 1), (400, 199)]), "an invitation code for one");

    let (_, set_up) = post(first, "/v1/auth/2fa/setup", &headers, "");
    let secret = text(&set_up["secret"]);
    let (status, on) =
        post(first, "/v1/auth/2fa/verify-setup", &headers, &format!(r#"{{"code":"{}"}}"#, shows(&secret, 0)));
    assert_eq!(status, 200, "{on}");
    let login = |code: &str| {
        let body = format!(r#"{{"email":"ada@example.org","password":"{PASSWORD}","twoFactorCode":"{code}"}}"#);
        counted(at_once(200, move |_| post(proxy, "/v1/auth/login", "", &body).0))
    };
    // The step of the set-up is spent; one step ahead is still taken (RFC 6238 section 5.2).
    assert_eq!(login(&shows(&secret, 1)).get(&200), Some(&1), "T03: a code of the authenticator");
}

#[test]
fn a_backup_code_spread_over_the_nodes_is_spent_once() {
    let _alone = alone();
    let cluster = Cluster::start(&Postgres::shared(), |_| {});
    let (first, proxy) = (cluster.port(0), cluster.proxy);
    let headers = bearer(&text(&person(&cluster, "ada")["accessToken"]));
    let (_, set_up) = post(first, "/v1/auth/2fa/setup", &headers, "");
    let body = format!(r#"{{"code":"{}"}}"#, shows(&text(&set_up["secret"]), 0));
    let (status, on) = post(first, "/v1/auth/2fa/verify-setup", &headers, &body);
    assert_eq!(status, 200, "{on}");
    let code = text(&on["backupCodes"][0]);
    let body = format!(r#"{{"email":"ada@example.org","password":"{PASSWORD}","twoFactorCode":"{code}"}}"#);
    let answers = counted(at_once(200, move |_| post(proxy, "/v1/auth/login", "", &body).0));
    assert_eq!(answers.get(&200), Some(&1), "B01: {answers:?}");
}

#[test]
fn limits_that_guard_secrets_hold_whatever_node_is_asked() {
    let _alone = alone();
    let cluster = Cluster::start(&Postgres::shared(), |command| {
        command.env("LATCHKEY_RATE_LIMITS", "default");
    });
    person(&cluster, "ada");
    let proxy = cluster.proxy;
    let body = r#"{"email":"ada@example.org","password":"not her password"}"#;
    let answers = counted(at_once(60, move |_| post(proxy, "/v1/auth/login", "", body).0));
    assert_eq!(answers, BTreeMap::from([(401, 5), (429, 55)]), "L04: five at once on all nodes together");
}

#[test]
fn limits_of_a_key_are_felt_on_every_node_within_a_second() {
    let _alone = alone();
    let cluster = Cluster::start(&Postgres::shared(), |_| {});
    let headers = bearer(&text(&person(&cluster, "ada")["accessToken"]));
    let (_, made) = post(cluster.port(0), "/v1/api-keys", &headers, r#"{"name":"Limited","rateLimit":20}"#);
    let key = format!("x-api-key: {}\r\n", text(&made["key"]));
    let used = (0..40).filter(|_| verify(cluster.port(0), &key) == 200).count();
    assert_eq!(used, 20);
    let full = Instant::now();
    for node in [1, 2] {
        while verify(cluster.port(node), &key) != 429 {
            assert!(full.elapsed() < Duration::from_secs(1), "the limit is not felt on node {}", node + 1);
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Writes through the proxy until told to stop; who was acknowledged, and what else was answered.
fn writers(proxy: u16, count: usize, stop: &Arc<Mutex<bool>>) -> Vec<std::thread::JoinHandle<(Vec<String>, Vec<u16>)>> {
    let write = move |writer: usize, stop: Arc<Mutex<bool>>| {
        let (mut acknowledged, mut others) = (Vec::new(), Vec::new());
        for number in 0.. {
            if *stop.lock().expect("whole") {
                break;
            }
            let name = format!("person{writer}x{number}");
            match register(proxy, &name) {
                Some((201, _)) => acknowledged.push(name),
                Some((status, _)) => {
                    others.push(status);
                    std::thread::sleep(Duration::from_millis(20));
                }
                // The node went away in the middle: nothing was acknowledged.
                None => {}
            }
        }
        (acknowledged, others)
    };
    (0..count)
        .map(|writer| (writer, Arc::clone(stop)))
        .map(|(writer, stop)| std::thread::spawn(move || write(writer, stop)))
        .collect()
}

/// Lets them stop; everybody who was acknowledged is there, on every node.
fn nobody_is_lost(
    cluster: &Cluster,
    stop: &Mutex<bool>,
    writers: Vec<std::thread::JoinHandle<(Vec<String>, Vec<u16>)>>,
) -> Vec<u16> {
    *stop.lock().expect("whole") = true;
    let (acknowledged, others): (Vec<_>, Vec<_>) =
        writers.into_iter().map(|writer| writer.join().expect("ran")).unzip();
    let acknowledged = acknowledged.concat();
    assert!(acknowledged.len() > 10, "{} were written", acknowledged.len());
    for (number, name) in acknowledged.iter().enumerate() {
        let node = [0, 2][number % 2];
        assert_eq!(sign_in(cluster.port(node), name), 200, "{name} was acknowledged");
    }
    others.concat()
}

#[test]
fn a_node_killed_in_the_middle_of_writes_loses_nothing_and_the_others_go_on() {
    let _alone = alone();
    let mut cluster = Cluster::start(&Postgres::shared(), |_| {});
    let stop = Arc::new(Mutex::new(false));
    let writing = writers(cluster.proxy, 6, &stop);
    std::thread::sleep(Duration::from_millis(700));
    cluster.nodes[1].child.kill().expect("killed");
    std::thread::sleep(Duration::from_millis(1500));
    let others = nobody_is_lost(&cluster, &stop, writing);
    assert_eq!(others, Vec::<u16>::new(), "the other nodes answered everybody");
}

#[test]
fn postgresql_that_crashes_under_load_loses_nothing_that_was_acknowledged() {
    let _alone = alone();
    let postgres = Postgres::durable();
    let cluster = Cluster::start(&postgres, |_| {});
    let ada = person(&cluster, "ada");
    let stop = Arc::new(Mutex::new(false));
    let writing = writers(cluster.proxy, 6, &stop);
    std::thread::sleep(Duration::from_millis(1000));
    postgres.crash_and_restart();
    let back = Instant::now();
    while cluster
        .nodes
        .iter()
        .any(|node| request(node.port, "GET", "/readyz", "", "").is_none_or(|answer| answer.0 != 200))
    {
        assert!(back.elapsed() < Duration::from_secs(10), "the nodes recover without a restart");
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(1000));
    let others = nobody_is_lost(&cluster, &stop, writing);
    assert!(others.iter().all(|status| *status == 503), "no answer but 503 meanwhile: {:?}", counted(others));
    let headers = bearer(&text(&ada["accessToken"]));
    felt_within_a_second(&cluster, "a sign-out after the crash", &headers, || {
        assert_eq!(post(cluster.port(0), "/v1/auth/logout", &headers, "{}").0, 200);
    });
}

/// Stops a process where it stands, or lets it go on.
fn signal(server: &serving::Server, name: &str) {
    let status = std::process::Command::new("kill").args([name, &server.child.id().to_string()]).status();
    assert!(status.expect("runs").success());
}

#[test]
fn a_node_that_was_frozen_holds_up_nobody_for_long_and_believes_nothing_it_knew_before() {
    let _alone = alone();
    let cluster = Cluster::start(&Postgres::shared(), |_| {});
    let ada = bearer(&text(&person(&cluster, "ada")["accessToken"]));
    let make = |port: u16| request(port, "POST", "/v1/api-keys", &ada, r#"{"name":"Kept"}"#);
    let (_, made) = make(cluster.port(0)).expect("an answer");
    let made: Value = serde_json::from_str(&made).expect("json");
    let (id, key) = (text(&made["id"]), format!("x-api-key: {}\r\n", text(&made["key"])));
    let frozen = &cluster.nodes[1];
    assert_eq!(verify(frozen.port, &key), 200);
    std::thread::scope(|scope| {
        // All in one organization, whose audit log is a chain: whoever writes holds its end.
        let writers: Vec<_> =
            (0..4).map(|_| scope.spawn(|| (0..200).map_while(|_| make(frozen.port)).last())).collect();
        std::thread::sleep(Duration::from_millis(300));
        signal(frozen, "-STOP");
        let stopped = Instant::now();
        let (mut statuses, mut tries) = (Vec::new(), 0);
        while statuses.last() != Some(&201) && tries < 8 {
            statuses.push(make(cluster.port(2)).expect("an answer").0);
            tries += 1;
        }
        let held_up = stopped.elapsed();
        let revoked = post(cluster.port(0), &format!("/v1/api-keys/{id}/revoke"), &ada, "{}").0;
        std::thread::sleep(Duration::from_secs(1));
        signal(frozen, "-CONT");
        let verified: Vec<_> = (0..20).map(|_| verify(frozen.port, &key)).collect();
        for writer in writers {
            writer.join().expect("ran");
        }
        println!("held up for {held_up:?}: {statuses:?}");
        assert!(statuses.last() == Some(&201) && held_up < Duration::from_secs(12), "{held_up:?}: {statuses:?}");
        assert!(statuses.iter().all(|status| [201, 503].contains(status)), "{statuses:?}");
        assert_eq!(revoked, 200);
        assert!(!verified.contains(&200), "revoked while it was frozen: {verified:?}");
    });
    assert_eq!(make(frozen.port).expect("an answer").0, 201, "it goes on");
}
