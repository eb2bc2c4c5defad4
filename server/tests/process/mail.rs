//! Mail as an operator meets it: the worker, the command line, the log.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::post_office::{PostOffice, text};
use super::serving::{BINARY, Server, command, free_port, register, request, run, start_with, wait_until_ready};

fn ask(port: u16, path: &str, email: &str) {
    let body = format!(r#"{{"email":"{email}"}}"#);
    assert_eq!(request(port, "POST", path, "", &body).expect("an answer").0, 200);
}

/// What stands between the beginning of a link and the end of its line.
fn token(mail: &str, link: &str) -> String {
    let text = text(mail);
    let rest = text.split(link).nth(1).unwrap_or_else(|| panic!("no {link} in {text}"));
    rest.split_whitespace().next().expect("a token").to_owned()
}

fn code(mail: &str) -> String {
    let lines = text(mail);
    let mut codes = lines.lines().map(str::trim).filter(|line| line.len() == 7 && line.as_bytes()[3] == b' ');
    codes.next().unwrap_or_else(|| panic!("no code in {lines}")).replace(' ', "")
}

fn stop(mut server: Server) {
    let stopped = Command::new("kill").arg(server.child.id().to_string()).status().expect("signalled");
    assert!(stopped.success());
    assert!(server.child.wait().expect("ended").success(), "a stopped server ends well");
}

fn with_mail(command: &mut Command, office: &PostOffice) {
    command.env("LATCHKEY_SMTP_URL", office.url());
}

#[test]
fn mails_leave_by_the_mail_server_and_decoys_do_not() {
    let (folder, office) = (tempfile::tempdir().expect("a folder"), PostOffice::open());
    let server = start_with(folder.path(), |command| with_mail(command, &office));
    register(server.port, "ada").expect("registered");
    ask(server.port, "/v1/auth/magic-link", "nobody@example.org");
    ask(server.port, "/v1/auth/magic-link", "ada@example.org");
    let mails = office.mails(2);
    assert!(mails.iter().all(|mail| mail.contains("To: ada@example.org")), "{mails:?}");
    // Two senders: either mail may be the first.
    let link = mails.iter().find(|mail| text(mail).contains("/magic-link?token=")).expect("a link to sign in with");
    let body = format!(r#"{{"token":"{}"}}"#, token(link, "/magic-link?token="));
    assert_eq!(request(server.port, "POST", "/v1/auth/magic-link/verify", "", &body).expect("an answer").0, 200);
    let (_, ready) = request(server.port, "GET", "/readyz", "", "").expect("an answer");
    assert!(ready.contains(r#""mail":"smtp""#), "{ready}");
}

#[test]
fn stopped_while_a_mail_is_in_hand_it_is_finished_and_sent_once() {
    let (folder, office) = (tempfile::tempdir().expect("a folder"), PostOffice::open());
    let mail = |command: &mut Command| with_mail(command.env("LATCHKEY_MAIL_SENDERS", "1"), &office);
    let server = start_with(folder.path(), mail);
    office.think(Duration::from_secs(1));
    for name in ["ada", "grace", "edsger"] {
        register(server.port, name).expect("registered");
    }
    office.wait_until_read(1);
    stop(server);
    assert_eq!(office.mails(1).len(), 1, "the one in hand was finished, and no other begun");
    office.think(Duration::ZERO);
    let server = start_with(folder.path(), mail);
    let mut receivers: Vec<_> = office
        .mails(3)
        .iter()
        .map(|mail| mail.lines().find(|line| line.starts_with("To: ")).expect("a receiver").to_owned())
        .collect();
    receivers.sort_unstable();
    assert_eq!(receivers, ["To: ada@example.org", "To: edsger@example.org", "To: grace@example.org"]);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(office.mails(3).len(), 3);
    drop(server);
}

#[test]
fn killed_before_anything_was_taken_nothing_is_lost() {
    let (folder, office) = (tempfile::tempdir().expect("a folder"), PostOffice::open());
    let nowhere = format!("smtp://127.0.0.1:{}", free_port());
    let impatient = |command: &mut Command| {
        command.env("LATCHKEY_MAIL_FIRST_RETRY", "1").env("LATCHKEY_MAIL_LONGEST_RETRY", "1");
    };
    let server = start_with(folder.path(), |command| {
        impatient(command);
        command.env("LATCHKEY_SMTP_URL", &nowhere);
    });
    for number in 0..50 {
        register(server.port, &format!("person{number}")).expect("registered");
    }
    drop(server);
    let _server = start_with(folder.path(), |command| {
        impatient(command);
        with_mail(command, &office);
    });
    let mut receivers: Vec<_> = office
        .mails(50)
        .iter()
        .map(|mail| mail.lines().find(|line| line.starts_with("To: ")).map(str::to_owned))
        .collect();
    receivers.sort_unstable();
    receivers.dedup();
    assert_eq!(receivers.len(), 50);
}

#[test]
fn no_secret_that_was_mailed_is_in_the_log() {
    let (folder, office) = (tempfile::tempdir().expect("a folder"), PostOffice::open());
    let log = folder.path().join("log");
    let server = start_with(folder.path(), |command| {
        let file = std::fs::File::create(&log).expect("a file");
        with_mail(command.env("LATCHKEY_LOG", "trace,sqlx=trace").stderr(file), &office);
    });
    let port = server.port;
    register(port, "ada").expect("registered");
    for path in ["/v1/auth/magic-link", "/v1/auth/forgot-password"] {
        ask(port, path, "ada@example.org");
    }
    let body = r#"{"email":"ada@example.org","password":"plum river candle"}"#;
    request(port, "POST", "/v1/auth/login", "user-agent: another/1\r\n", body).expect("an answer");
    let mails = office.mails(4);
    let find = |subject: &str| mails.iter().find(|mail| mail.contains(subject)).expect("a mail");
    let magic = token(find("Subject: Your sign-in link"), "/magic-link?token=");
    let reset = token(find("Subject: Choose a new password"), "/reset-password?token=");
    let confirm = token(find("Subject: Confirm your address"), "/verify-email?token=");
    let secure = token(find("Subject: New sign-in"), "/secure-account/");
    let mut secrets = vec![magic.clone(), reset.clone(), confirm.clone(), secure.clone()];
    secrets.push(code(find("Subject: Your sign-in link")));
    let html = "accept: text/html\r\n";
    for (page, token) in [("magic-link", &magic), ("reset-password", &reset), ("verify-email", &confirm)] {
        request(port, "GET", &format!("/{page}?token={token}"), html, "");
        request(port, "HEAD", &format!("/v1/auth/{page}?token={token}"), "", "");
        request(port, "GET", &format!("/nowhere/{page}?token={token}"), "", "");
    }
    request(port, "GET", &format!("/secure-account/{secure}"), html, "");
    request(port, "GET", &format!("/v1/auth/me?token={magic}"), "", "");
    for (path, token) in [("magic-link/verify", &magic), ("verify-email", &confirm), ("secure-account", &secure)] {
        let body = format!(r#"{{"token":"{token}"}}"#);
        let (status, answer) = request(port, "POST", &format!("/v1/auth/{path}"), "", &body).expect("an answer");
        assert_eq!(status, 200, "{answer}");
        for part in answer.split('"').filter(|part| part.len() > 40 && !part.contains(' ')) {
            secrets.push(part.to_owned());
        }
    }
    stop(server);
    let log = std::fs::read_to_string(&log).expect("a log");
    assert!(log.contains("/v1/auth/magic-link/verify"), "the log has the requests");
    for secret in secrets {
        assert!(!log.contains(&secret), "{secret} is in the log");
    }
}

#[test]
fn a_bad_mail_server_is_refused_without_its_password() {
    let folder = tempfile::tempdir().expect("a folder");
    for command_words in
        [&["serve"][..], &["doctor"], &["migrate"], &["landlord", "recovery-link", "--email", "ada@example.org"]]
    {
        let mut latchkey = command(Path::new(BINARY), folder.path());
        let bad = "smtp://ada:lovelace@mail.example.org?tls=none";
        let (output, said) = run(latchkey.args(command_words).env("LATCHKEY_SMTP_URL", bad));
        assert!(!output.status.success() && said.contains("LATCHKEY_SMTP_URL"), "{said}");
        assert!(!said.contains("lovelace"), "{said}");
    }
    std::fs::write(folder.path().join("latchkey.toml"), "smtp_url = \"smtps://ada:lovelace@mail.example.org\"\n")
        .expect("written");
    let (output, said) = run(command(Path::new(BINARY), folder.path()).args(["serve", "--help"]));
    assert!(output.status.success() && !said.contains("lovelace"), "{said}");
}

#[test]
fn addresses_cannot_be_confirmed_without_mail() {
    let folder = tempfile::tempdir().expect("a folder");
    for word in ["serve", "doctor"] {
        let mut latchkey = command(Path::new(BINARY), folder.path());
        let (output, said) = run(latchkey.arg(word).env("LATCHKEY_REQUIRE_VERIFIED_EMAIL", "true"));
        assert!(!output.status.success() && said.contains("mail"), "{said}");
    }
}

fn doctor(folder: &Path, url: Option<&str>, words: &[&str]) -> (bool, String) {
    let mut doctor = command(Path::new(BINARY), folder);
    doctor.arg("doctor").args(words).env("LATCHKEY_LISTEN", format!("127.0.0.1:{}", free_port()));
    if let Some(url) = url {
        doctor.env("LATCHKEY_SMTP_URL", url).env("LATCHKEY_SMTP_TIMEOUT", "2");
    }
    let (output, said) = run(&mut doctor);
    (output.status.success(), said)
}

#[test]
fn doctor_tries_the_way_that_mails_go() {
    let (folder, office) = (tempfile::tempdir().expect("a folder"), PostOffice::open());
    let (fine, said) = doctor(folder.path(), None, &[]);
    assert!(fine && said.contains("ok    mail         not configured"), "{said}");
    let (fine, said) = doctor(folder.path(), None, &["--mail-to", "ada@example.org"]);
    assert!(!fine && said.contains("FAIL  mail         not configured"), "{said}");
    let (fine, said) = doctor(folder.path(), Some(&office.url()), &[]);
    assert!(fine && said.contains("ok    mail         127.0.0.1:"), "{said}");
    assert!(office.mails(0).is_empty());
    let (fine, said) = doctor(folder.path(), Some(&office.url()), &["--mail-to", "ada@example.org"]);
    assert!(fine && said.contains("took a mail to ada@example.org"), "{said}");
    assert!(office.mails(1)[0].contains("To: ada@example.org"));
    let nowhere = format!("smtp://127.0.0.1:{}", free_port());
    let (fine, said) = doctor(folder.path(), Some(&nowhere), &[]);
    assert!(!fine && said.contains("FAIL  mail         connect: "), "{said}");
    let (fine, said) = doctor(folder.path(), Some(&format!("{}?tls=required", office.url())), &[]);
    assert!(!fine && said.contains("FAIL  mail         tls: "), "{said}");
    let with_user = office.url().replace("smtp://", "smtp://ada:lovelace@");
    let (fine, said) = doctor(folder.path(), Some(&with_user), &[]);
    assert!(!fine && said.contains("FAIL  mail         authentication: ") && !said.contains("lovelace"), "{said}");
}

#[test]
fn a_recovery_link_is_printed_and_works() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = start_with(folder.path(), |_| {});
    register(server.port, "ada").expect("registered");
    let mut latchkey = command(Path::new(BINARY), folder.path());
    latchkey.args(["landlord", "recovery-link", "--email", "ada@example.org"]).env("LATCHKEY_LOG", "trace");
    let output = latchkey.env("LATCHKEY_PUBLIC_URL", "http://localhost:3000").output().expect("runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "nothing is logged");
    let token =
        said.split("/reset-password?token=").nth(1).and_then(|rest| rest.split_whitespace().next()).expect("a link");
    let body = format!(r#"{{"token":"{token}","newPassword":"lantern over quiet water"}}"#);
    assert_eq!(request(server.port, "POST", "/v1/auth/reset-password", "", &body).expect("an answer").0, 200);
    let mut latchkey = command(Path::new(BINARY), folder.path());
    let (output, said) = run(latchkey.args(["landlord", "recovery-link", "--email", "nobody@example.org"]));
    assert!(!output.status.success() && said.contains("nobody@example.org"), "{said}");
}

/// `latchkey dev`, with what it says on the terminal.
fn develop(folder: &Path) -> (Child, u16) {
    let port = free_port();
    let mut dev = command(Path::new(BINARY), folder);
    dev.arg("dev").env("LATCHKEY_LISTEN", format!("127.0.0.1:{port}")).stdout(Stdio::piped()).stderr(Stdio::null());
    (dev.spawn().expect("starts"), port)
}

#[test]
fn in_development_mails_stay_here_and_it_says_where() {
    let folder = tempfile::tempdir().expect("a folder");
    let (child, port) = develop(folder.path());
    let mut server = Server { child, port };
    wait_until_ready(port);
    let (_, ready) = request(port, "GET", "/readyz", "", "").expect("an answer");
    assert!(ready.contains(r#""mail":"mailbox""#), "{ready}");
    let stopped = Command::new("kill").arg(server.child.id().to_string()).status().expect("signalled");
    assert!(stopped.success());
    let mut said = String::new();
    std::io::Read::read_to_string(&mut server.child.stdout.take().expect("a pipe"), &mut said).expect("read");
    assert!(said.contains("http://localhost:3000/dev/mailbox"), "{said}");
}
