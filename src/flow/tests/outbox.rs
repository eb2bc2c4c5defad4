use std::time::Duration;

use crate::flow::links::MailTo;
use crate::mail::SmtpServer;
use crate::mail::scripted_server::{FROM, Server};
use crate::settings::{Settings, Transport};
use crate::testing::{TestCore, address, on_both_engines, visitor};

fn by_smtp(settings: &mut Settings, port: u16) {
    let server = SmtpServer::parse(&format!("smtp://127.0.0.1:{port}")).expect("well formed");
    settings.mail.transport = Transport::Smtp(SmtpServer { timeout: Duration::from_secs(2), ..server });
    settings.mail.from = Some(FROM.to_owned());
}

async fn over(core: &TestCore, port: u16) -> TestCore {
    TestCore::over(core.reopened(|settings| by_smtp(settings, port)).await.expect("opens"))
}

impl TestCore {
    async fn asks_for_link(&self, name: &str) {
        let to = MailTo { email: Some(address(name)) };
        self.latchkey.ask_magic_link(&visitor(), to, None).await.expect("asked");
    }

    async fn deliver(&self) -> Duration {
        self.latchkey.deliver_mail(|| true).await.expect("delivered")
    }

    /// How many wait, and how many were given up.
    async fn outbox(&self) -> (i64, i64) {
        let since = self.latchkey.now().minus(Duration::from_secs(3600));
        let totals = self.latchkey.0.db.read().await.expect("reads").store().count_mails(since).await.expect("read");
        (totals.waiting, totals.given_up)
    }
}

fn message_ids(server: &Server) -> Vec<String> {
    let id = |mail: &String| mail.lines().find(|line| line.starts_with("Message-ID:")).expect("an id").to_owned();
    server.mails().iter().map(id).collect()
}

on_both_engines! {
    async fn senders_at_once_send_each_mail_once(core: TestCore) {
        let server = Server::start(&[]).await;
        let core = over(&core, server.port).await;
        for number in 0..30 {
            core.owner(&format!("Person{number}")).await;
        }
        let senders = (0..6).map(|_| {
            let latchkey = core.latchkey.clone();
            tokio::spawn(async move { latchkey.deliver_mail(|| true).await.expect("delivered") })
        });
        for sender in senders.collect::<Vec<_>>() {
            sender.await.expect("ran");
        }
        let mut ids = message_ids(&server);
        assert_eq!(ids.len(), 30);
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 30);
        assert_eq!(core.outbox().await, (0, 0));
    }

    async fn a_server_that_is_away_loses_nothing(core: TestCore) {
        let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = nobody.local_addr().expect("bound").port();
        drop(nobody);
        let away = over(&core, port).await;
        away.owner("Ada").await;
        let first = away.deliver().await;
        assert!(first >= Duration::from_secs(4), "it rests before it tries again");
        away.pass(first);
        assert!(away.deliver().await > first, "and longer each time");
        assert_eq!(away.outbox().await, (1, 0));
        let next = away.latchkey.0.outbox.away_for(away.latchkey.now());
        for name in ["Grace", "Mary", "Emmy"] {
            away.owner(name).await;
            assert_eq!(away.deliver().await, next, "new mails do not make it try, nor wait longer");
        }
        let server = Server::start(&[]).await;
        let back = over(&core, server.port).await;
        back.deliver().await;
        assert_eq!((server.mails().len(), back.outbox().await), (4, (0, 0)));
        assert!(server.mails()[0].contains("To: ada@"), "the oldest first");
    }

    async fn a_mail_that_is_put_off_is_sent_later_and_others_go_before(core: TestCore) {
        let server = Server::start(&[("RCPT TO:<ada@", "451 come back later")]).await;
        let core = over(&core, server.port).await;
        core.owner("Ada").await;
        core.owner("Grace").await;
        core.deliver().await;
        assert_eq!((server.mails().len(), core.outbox().await), (1, (1, 0)));
        core.deliver().await;
        assert_eq!(server.mails().len(), 1, "not before its time");
        core.pass(Duration::from_secs(7));
        core.deliver().await;
        assert_eq!((server.mails().len(), core.outbox().await), (2, (0, 0)));
    }

    async fn a_mail_refused_for_good_is_given_up_and_told_of(core: TestCore) {
        let no = ("RCPT", "550 nobody of that name");
        let server = Server::start(&[no, no, no, no]).await;
        let core = over(&core, server.port).await;
        core.owner("Ada").await;
        for _ in 0..3 {
            core.deliver().await;
            core.pass(Duration::from_secs(60));
        }
        assert_eq!((server.mails().len(), core.outbox().await), (0, (0, 1)));
        assert!(core.latchkey.dump_for_test().await.contains("mail.given_up"));
    }

    async fn a_link_is_not_mailed_after_its_time(core: TestCore) {
        let server = Server::start(&[]).await;
        let core = over(&core, server.port).await;
        core.owner("Ada").await;
        core.deliver().await;
        core.asks_for_link("Ada").await;
        core.pass(Duration::from_secs(600));
        core.deliver().await;
        core.latchkey.give_up_mail().await.expect("given up");
        assert_eq!((server.mails().len(), core.outbox().await), (1, (0, 1)));
    }

    async fn a_mail_to_nobody_never_reaches_the_server(core: TestCore) {
        let server = Server::start(&[]).await;
        let core = over(&core, server.port).await;
        core.asks_for_link("Nobody").await;
        core.deliver().await;
        assert!(server.heard().is_empty());
    }

    async fn a_connection_that_the_server_closed_is_opened_anew(core: TestCore) {
        let server = Server::start(&[("RSET", "250 ok"), ("MAIL FROM", "250 ok"), ("MAIL FROM", "421 enough for today")]).await;
        let core = over(&core, server.port).await;
        core.owner("Ada").await;
        core.owner("Grace").await;
        core.deliver().await;
        assert_eq!((server.mails().len(), core.outbox().await), (2, (0, 0)));
    }

    async fn what_a_killed_sender_had_in_hand_is_sent_after_the_restart(core: TestCore) {
        let server = Server::start(&[]).await;
        let core = over(&core, server.port).await;
        core.owner("Ada").await;
        let claimed = core.latchkey.claim_mail().await.expect("read").expect("a mail");
        assert!(core.latchkey.claim_mail().await.expect("read").is_none(), "nobody else takes it");
        let restarted = over(&core, server.port).await;
        restarted.latchkey.reclaim_mail().await.expect("reclaimed");
        restarted.deliver().await;
        if server.mails().is_empty() {
            // Several nodes may share this database: it waits until the claim is over.
            restarted.pass(Duration::from_secs(5 * 60));
            restarted.deliver().await;
        }
        assert_eq!(message_ids(&server), [format!("Message-ID: <{}@example.org>", claimed.id)]);
    }
}
