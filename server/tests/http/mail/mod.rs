//! What is mailed, and what it is good for (contract sections 2 and 3).

use serde_json::Value;

use crate::support::{Client, Reply};

mod address;
mod asking;
mod gate;
mod landlord;
mod magic_link;
mod notices;
mod recovery;
mod verification;

/// Sends one request two hundred times at once; how many were answered with 200. All others are refused with 400, or
/// with 503 by a database that is busy.
async fn successes_of_two_hundred(client: &Client, path: &str, body: &Value) -> usize {
    let tries = (0..200).map(|_| {
        let (client, path, body) = (client.clone(), path.to_owned(), body.clone());
        tokio::spawn(async move { client.post(&path, body).await.status.as_u16() })
    });
    let mut statuses = Vec::new();
    for one in tries.collect::<Vec<_>>() {
        statuses.push(one.await.expect("answered"));
    }
    assert!(statuses.iter().all(|status| [200, 400, 503].contains(status)), "{statuses:?}");
    statuses.iter().filter(|status| **status == 200).count()
}

/// Everything of an answer that may not tell one request from another.
fn likeness(reply: &Reply) -> String {
    let mut headers = reply.headers.clone();
    headers.remove("x-request-id");
    let mut body = reply.json();
    if let Some(body) = body.as_object_mut() {
        body.remove("requestId");
    }
    format!("{} {headers:?} {body}", reply.status)
}
