//! Mail against a small server that does as it is told: which step fails, and what is left of the connection.

use std::sync::Arc;

use tokio::net::TcpListener;

use super::scripted_server::{FROM, SILENCE, Server};
use super::{Line, Smtp, SmtpServer, SmtpTls, Stage, Trouble, Written};
use crate::clock::Timestamp;
use crate::email::Email;

const ADA: &str = "ada:analytical-engine@";

fn letter(text: &str) -> Written {
    Written { subject: "Grüße from Blue Harbour".to_owned(), text: text.to_owned(), html: "<p>Hi</p>".to_owned() }
}

async fn send_to(line: &mut Line, smtp: &Smtp, to: &str, letter: &Written) -> Result<(), Trouble> {
    let at = Timestamp::parse_rfc3339("2026-11-21T09:30:00Z").expect("an instant");
    line.send(smtp, "mail_01J", &Email::parse(to).expect("an address"), at, letter).await
}

async fn send(line: &mut Line, smtp: &Smtp) -> Result<(), Trouble> {
    send_to(line, smtp, "grace@example.org", &letter("Hi\n")).await
}

/// What goes wrong with one mail when the server was told so.
async fn trouble(told: &[(&'static str, &'static str)]) -> (Trouble, Result<(), Trouble>) {
    let server = Server::start(told).await;
    let smtp = server.smtp("", "");
    let mut line = smtp.connect().await.expect("connected");
    let trouble = send(&mut line, &smtp).await.expect_err("refused");
    let next = send(&mut line, &smtp).await;
    line.quit().await;
    (trouble, next)
}

async fn trouble_at_the_door(user: &str, query: &str, told: &[(&'static str, &'static str)]) -> Trouble {
    let server = Server::start(told).await;
    server.smtp(user, query).connect().await.err().expect("refused")
}

#[tokio::test]
async fn a_mail_arrives_as_it_was_written() {
    let server = Server::start(&[]).await;
    let smtp = server.smtp(ADA, "");
    let mut line = smtp.connect().await.expect("connected");
    send(&mut line, &smtp).await.expect("sent");
    line.quit().await;

    let heard = server.heard();
    assert!(heard.contains(&"MAIL FROM:<no-reply@example.org>".to_owned()), "{heard:?}");
    assert!(heard.contains(&"RCPT TO:<grace@example.org>".to_owned()), "{heard:?}");
    assert_eq!(heard.last().map(String::as_str), Some("QUIT"));
    let mail = server.mail();
    for expected in [
        "From: \"Blue Harbour\" <no-reply@example.org>\r\n",
        "To: grace@example.org\r\n",
        "Message-ID: <mail_01J@example.org>\r\n",
        "Date: Sat, 21 Nov 2026 09:30:00 +0000\r\n",
        "Auto-Submitted: auto-generated\r\n",
        "X-Auto-Response-Suppress: All\r\n",
        "Subject: =?utf-8?b?",
        "Content-Type: multipart/alternative;",
        "Content-Type: text/plain; charset=utf-8\r\n",
        "Content-Type: text/html; charset=utf-8\r\n",
    ] {
        assert!(mail.contains(expected), "{expected}: {mail}");
    }
    assert!(mail.is_ascii());
}

#[tokio::test]
async fn several_mails_go_over_one_line() {
    let server = Server::start(&[]).await;
    let smtp = server.smtp("", "");
    let mut line = smtp.connect().await.expect("connected");
    for _ in 0..3 {
        send(&mut line, &smtp).await.expect("sent");
    }
    assert_eq!(server.heard().iter().filter(|said| *said == "DATA").count(), 3);
}

#[tokio::test]
async fn a_conversation_may_run_in_a_task_of_its_own() {
    let server = Server::start(&[]).await;
    let smtp = Arc::new(server.smtp("", ""));
    let task = tokio::spawn(async move {
        let mut line = smtp.connect().await?;
        send(&mut line, &smtp).await?;
        line.quit().await;
        Ok::<_, Trouble>(())
    });
    assert_eq!(task.await.expect("ran"), Ok(()));
}

#[tokio::test]
async fn a_line_that_begins_with_a_dot_ends_no_mail() {
    let server = Server::start(&[]).await;
    let smtp = server.smtp("", "");
    let mut line = smtp.connect().await.expect("connected");
    send_to(&mut line, &smtp, "grace@example.org", &letter("before\n.\n.after\n")).await.expect("sent");
    send(&mut line, &smtp).await.expect("the conversation is where it should be");
    assert!(server.mail().contains("before\r\n..\r\n..after\r\n"), "{}", server.mail());
}

#[tokio::test]
async fn nothing_in_a_letter_adds_a_header() {
    let server = Server::start(&[]).await;
    let smtp = server.smtp("", "");
    let mut line = smtp.connect().await.expect("connected");
    let letter = Written { subject: "Hi\r\nBcc: eve@example.org\r\n\r\nbody".to_owned(), ..letter("Hi") };
    let to = Email::parse("grace@example.org").expect("an address");
    let id = "a>\r\nBcc: eve@example.org";
    line.send(&smtp, id, &to, Timestamp::from_millis(i64::MIN), &letter).await.expect("sent");
    let mail = server.mail();
    assert!(!mail.lines().any(|line| line.to_ascii_lowercase().starts_with("bcc")), "{mail}");
    assert!(mail.contains("Subject: Hi Bcc: eve@example.org body\r\n"), "{mail}");
    assert!(mail.contains("Message-ID: <aBcceveexample.org@example.org>\r\n"), "{mail}");
}

#[tokio::test]
async fn a_server_that_turns_us_away_at_the_door_is_trouble_with_the_connection() {
    let trouble = trouble_at_the_door("", "", &[("greeting", "421 too busy")]).await;
    let expected =
        Trouble { stage: Stage::Connect, permanent: false, line_is_good: false, message: "421 too busy".to_owned() };
    assert_eq!(trouble, expected);
    let trouble = trouble_at_the_door("", "", &[("greeting", "554 no mail here")]).await;
    assert!(trouble.permanent && !trouble.line_is_good, "{trouble:?}");
}

#[tokio::test]
async fn a_wrong_password_is_trouble_with_authentication_and_is_never_repeated() {
    let trouble = trouble_at_the_door(ADA, "", &[("AUTH", "535 not analytical-engine,\tada")]).await;
    assert_eq!((trouble.stage, trouble.permanent, trouble.line_is_good), (Stage::Authentication, true, false));
    assert_eq!(trouble.message, "535 not …, ada");
    let echo = "535 what is AGFkYQBhbmFseXRpY2FsLWVuZ2luZQ==?";
    assert_eq!(trouble_at_the_door(ADA, "", &[("AUTH", echo)]).await.message, "535 what is …?");
}

#[tokio::test]
async fn a_server_without_authentication_gets_no_password() {
    let trouble = trouble_at_the_door(ADA, "", &[("EHLO", "250 mail.example.org")]).await;
    assert_eq!((trouble.stage, trouble.permanent), (Stage::Authentication, false));
}

#[tokio::test]
async fn a_refused_sender_leaves_the_line_good() {
    let (trouble, next) = trouble(&[("MAIL", "550 not from you")]).await;
    assert_eq!((trouble.stage, trouble.permanent, trouble.line_is_good), (Stage::Sender, true, true));
    assert_eq!(next, Ok(()));
}

#[tokio::test]
async fn an_unknown_recipient_is_permanent_and_leaves_the_line_good() {
    let (trouble, next) = trouble(&[("RCPT", "550-5.1.1 nobody\r\n550 by that name")]).await;
    assert_eq!((trouble.stage, trouble.permanent, trouble.line_is_good), (Stage::Recipient, true, true));
    assert_eq!(trouble.message, "550 5.1.1 nobody by that name");
    assert_eq!(next, Ok(()));
}

#[tokio::test]
async fn a_recipient_put_off_is_temporary_and_the_next_mail_goes_through() {
    let (trouble, next) = trouble(&[("RCPT", "451 later")]).await;
    assert_eq!((trouble.stage, trouble.permanent, trouble.line_is_good), (Stage::Recipient, false, true));
    assert_eq!(next, Ok(()));
}

#[tokio::test]
async fn a_refused_mail_is_trouble_with_the_content() {
    for told in [(".", "554 looks like spam"), ("DATA", "554 looks like spam")] {
        let (trouble, next) = trouble(&[told]).await;
        assert_eq!((trouble.stage, trouble.permanent, trouble.line_is_good), (Stage::Content, true, true));
        assert_eq!(trouble.message, "554 looks like spam");
        assert_eq!(next, Ok(()));
    }
}

#[tokio::test]
async fn a_line_whose_reset_fails_is_not_used_again() {
    for reset in ["421 goodbye", SILENCE] {
        let (trouble, next) = trouble(&[("RCPT", "451 later"), ("RSET", reset)]).await;
        assert_eq!((trouble.stage, trouble.line_is_good), (Stage::Recipient, false));
        assert_eq!(next.expect_err("broken").message, "the connection is broken");
    }
}

#[tokio::test]
async fn a_server_that_hangs_up_in_the_midst_leaves_no_line() {
    let (trouble, next) = trouble(&[("RCPT", "421 shutting down")]).await;
    assert_eq!((trouble.stage, trouble.permanent, trouble.line_is_good), (Stage::Recipient, false, false));
    assert!(next.is_err());
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    let trouble = trouble_at_the_door("", "", &[("greeting", SILENCE)]).await;
    assert_eq!((trouble.stage, trouble.permanent, trouble.line_is_good), (Stage::Connect, false, false));
    assert_eq!(trouble.message, "no answer within 400ms");
}

#[tokio::test]
async fn a_server_that_hangs_after_the_mail_is_given_up_and_its_late_answer_not_taken_for_another() {
    let (trouble, next) = trouble(&[(".", SILENCE)]).await;
    assert_eq!((trouble.stage, trouble.permanent, trouble.line_is_good), (Stage::Content, false, false));
    assert!(next.is_err());
}

#[tokio::test]
async fn without_the_encryption_that_is_required_nothing_is_said() {
    let server = Server::start(&[]).await;
    let trouble = server.smtp(ADA, "?tls=required").connect().await.err().expect("refused");
    assert_eq!((trouble.stage, trouble.permanent), (Stage::Tls, false));
    assert!(!server.heard().iter().any(|said| said.starts_with("AUTH")), "{:?}", server.heard());
}

#[tokio::test]
async fn encryption_that_may_be_and_is_not_offered_is_done_without() {
    let server = Server::start(&[]).await;
    assert!(server.smtp("", "?tls=opportunistic").connect().await.is_ok());
}

#[tokio::test]
async fn an_upgrade_that_fails_is_trouble_with_encryption() {
    let offer = ("EHLO", "250-mail.example.org\r\n250 STARTTLS");
    let refused = trouble_at_the_door("", "?tls=required", &[offer, ("STARTTLS", "454 not now")]).await;
    assert_eq!((refused.stage, refused.message.as_str()), (Stage::Tls, "454 not now"));
    let garbled = trouble_at_the_door("", "?tls=required", &[offer, ("STARTTLS", "220 go\r\nno handshake")]).await;
    assert_eq!(garbled.stage, Stage::Tls);
}

#[tokio::test]
async fn a_server_that_speaks_plainly_where_tls_is_due_is_trouble_with_encryption() {
    let server = Server::start(&[]).await;
    let place = SmtpServer::parse(&format!("smtps://127.0.0.1:{}", server.port)).expect("well formed");
    let smtp = Smtp::new(&place, FROM).expect("prepared");
    assert_eq!(smtp.connect().await.err().expect("refused").stage, Stage::Tls);
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_trouble_with_the_connection() {
    let port = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("bound").port();
    for url in [format!("smtp://127.0.0.1:{port}"), format!("smtps://127.0.0.1:{port}")] {
        let smtp = Smtp::new(&SmtpServer::parse(&url).expect("well formed"), FROM).expect("prepared");
        let trouble = smtp.connect().await.err().expect("refused");
        assert_eq!((trouble.stage, trouble.permanent), (Stage::Connect, false));
        assert!(trouble.message.contains("refused"), "{trouble:?}");
    }
}

#[test]
fn senders_are_names_with_addresses_or_addresses() {
    let server = SmtpServer::parse("smtp://localhost").expect("well formed");
    let good = [FROM, "no-reply@localhost", "\"Blue Harbour, Ltd.\" <a@example.org>", "Blåhavn <a@example.org>"];
    for from in good {
        assert!(Smtp::new(&server, from).is_ok(), "{from}");
    }
    for from in ["", "Blue Harbour", "Blue Harbour <>", "a@exämple.org", "A\r\nBcc: x <a@example.org>", "a@b@c <"] {
        assert!(Smtp::new(&server, from).is_err(), "{from}");
    }
}

#[test]
fn a_ca_file_is_read_at_the_start() {
    let server = |file: &str| SmtpServer {
        ca_file: Some(file.into()),
        tls: SmtpTls::Required,
        ..SmtpServer::parse("smtp://localhost").expect("well formed")
    };
    let missing = Smtp::new(&server("/nowhere/ca.pem"), FROM).err().expect("refused");
    assert!(missing.starts_with("The CA file for the mail server, /nowhere/ca.pem, cannot be read"), "{missing}");
    let empty = Smtp::new(&server("Cargo.toml"), FROM).err().expect("refused");
    assert_eq!(empty, "The CA file for the mail server, Cargo.toml, holds no certificate in PEM form.");
}

#[tokio::test]
async fn a_blank_line_among_what_a_server_offers_is_a_trouble_like_any_other() {
    let trouble = trouble_at_the_door("", "", &[("EHLO", "250-mail.example.org\r\n250-AUTH PLAIN\r\n250 \t")]).await;
    assert_eq!((trouble.stage, trouble.permanent, trouble.line_is_good), (Stage::Connect, false, false));
    assert_eq!(trouble.message, "the answer of the server makes no sense");
}

#[tokio::test]
async fn a_password_with_something_unseen_in_it_is_not_repeated() {
    let told = [("AUTH PLAIN", "535 go away, analytical-\u{202e}engine")];
    let trouble = trouble_at_the_door(ADA, "?tls=none", &told).await;
    assert_eq!(trouble.message, "535 go away, …");
}
