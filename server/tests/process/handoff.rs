//! What people bring from other sites stays out of the log.

use super::serving::{field, register, request, start_with};

const PAGE: &str = "/auth/thirdPartySignIn";

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |text, byte| text + &format!("%{byte:02X}"))
}

#[test]
fn neither_tickets_nor_tokens_in_a_link_are_in_the_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log");
    let server = start_with(folder.path(), |command| {
        let file = std::fs::File::create(&log).expect("a file");
        command.env("LATCHKEY_LOG", "trace").stderr(file);
    });
    let port = server.port;
    register(port, "ada").expect("registered");
    let login = r#"{"email":"ada@example.org","password":"plum river candle"}"#;
    let (_, tokens) = request(port, "POST", "/auth/login", "", login).expect("an answer");
    let (access, refresh) = (field(&tokens, "accessToken"), field(&tokens, "refreshToken"));
    let bearer = format!("authorization: Bearer {access}\r\n");
    let (_, made) = request(port, "POST", "/v1/auth/handoff", &bearer, "").expect("an answer");
    let ticket = field(&made, "ticket");
    let html = "accept: text/html\r\n";
    let asked = [format!("ticket={ticket}"), format!("SF_Token={}", encoded(&tokens))];
    for query in &asked {
        for (method, path, headers) in [
            ("GET", PAGE, html),
            ("HEAD", PAGE, html),
            ("POST", PAGE, ""),
            ("GET", "/auth/thirdPartySignIn/further", html),
            ("GET", "/v1/auth/me", ""),
            ("GET", "/nowhere", html),
        ] {
            request(port, method, &format!("{path}?{query}"), headers, "").expect("an answer");
        }
    }
    let (status, page) = request(port, "GET", &format!("{PAGE}?{}", asked[1]), html, "").expect("an answer");
    assert!(status == 200 && page.contains("Continue as ada"), "{page}");
    let body = format!(r#"{{"ticket":"{ticket}"}}"#);
    request(port, "POST", "/v1/auth/handoff/redeem", "", &body).expect("an answer");
    drop(server);
    let log = std::fs::read_to_string(&log).expect("a log");
    assert!(log.contains(PAGE) && log.contains("/v1/auth/handoff/redeem"), "the log has the requests");
    let signature = access.rsplit('.').next().expect("a signature");
    for secret in [ticket.as_str(), signature, refresh.as_str()] {
        assert!(!log.contains(secret) && !log.contains(&encoded(secret)), "{secret} is in the log");
    }
}
