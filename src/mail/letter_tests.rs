//! Every letter as people get it, and what holds for all of them.

use super::letter::{Circumstances, FactorNews, House, Letter, Written};
use crate::clock::Timestamp;
use crate::email::Email;
use crate::key_watch::{Sighting, Signal};
use crate::member::Role;

const HOUSE: House<'_> = House { name: "Blue Harbour", public_url: "https://auth.example.org" };
const LINK: &str = "https://auth.example.org/magic-link?token=lk_link_q0M8yW1p-Zt5&next=%2Fsettings";
const SECURE: &str = "https://auth.example.org/secure?token=lk_secure_7Hc2";
const KEYS: &str = "https://auth.example.org/settings/api-keys";
const MARKUP: &str = "<b>\"Ada\"</b> & 'Grace'\r\nBcc: x@example.org</script>";

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).expect("an instant")
}

fn ada() -> Circumstances<'static> {
    Circumstances { at: at("2026-11-21T09:30:00Z"), browser: "Firefox on Linux", address: "203.0.113.7" }
}

fn email(text: &str) -> Email {
    Email::parse(text).expect("an address")
}

/// One of each thing that can be unusual about a key; `program` is what a new program calls itself.
fn sightings(program: &str) -> Vec<Sighting> {
    let details = ["203.0.113.0/24", program, "1240 calls in an hour, at most 40 before", "45 days"];
    let details = details.into_iter().chain(["revoked, from 2001:db8:1::/48"]);
    let seen = |(signal, detail): (Signal, &str)| Sighting {
        signal,
        at: at("2026-11-21T09:30:00Z"),
        calls: if signal == Signal::NewNetwork { 1 } else { 12 },
        detail: detail.to_owned(),
    };
    Signal::ALL.into_iter().zip(details).map(seen).collect()
}

/// Every letter once, with `name` wherever somebody chose a name; `old` and `new` are addresses.
fn letters<'a>(
    name: &'a str,
    [old, new]: [&'a Email; 2],
    was: Circumstances<'a>,
    seen: &'a [Sighting],
) -> Vec<(&'static str, Letter<'a>)> {
    let (code, asked, expires) = ("482913", was, Some(at("2027-02-19T09:30:00Z")));
    vec![
        ("magic_link", Letter::MagicLink { link: LINK, code, minutes: 10, asked }),
        ("reset", Letter::Reset { link: LINK, code, minutes: 30, asked }),
        ("verify_address", Letter::VerifyAddress { name, link: LINK, code, hours: 24, asked }),
        ("confirm_new_address", Letter::ConfirmNewAddress { link: LINK, code, hours: 24, old, asked }),
        ("address_in_use", Letter::AddressInUse { login_link: LINK, forgot_link: KEYS, asked }),
        ("guessing", Letter::Guessing { was, login_link: "https://auth.example.org/login" }),
        ("new_sign_in", Letter::NewSignIn { was, secure_link: SECURE }),
        ("password_changed", Letter::PasswordChanged { was, secure_link: SECURE, by_recovery: false }),
        ("password_recovered", Letter::PasswordChanged { was, secure_link: SECURE, by_recovery: true }),
        ("address_changed", Letter::AddressChanged { old, new, was, undo_link: LINK, hours: 72 }),
        (
            "key_created",
            Letter::KeyCreated { name, scopes: "read, write", expires, was, keys_link: KEYS, secure_link: SECURE },
        ),
        ("key_expires", Letter::KeyExpires { name, hint: "lk_live_Ab12…wxyz", at: was.at, days: 7, keys_link: KEYS }),
        ("key_used_unusually", Letter::KeyUsedUnusually { name, hint: "lk_live_Ab12…wxyz", seen, keys_link: KEYS }),
        ("refresh_token_reused", Letter::RefreshTokenReused { was, secure_link: SECURE }),
        ("two_factor_on", second_factor(FactorNews::On, was)),
        ("two_factor_replaced", second_factor(FactorNews::Replaced, was)),
        ("two_factor_off", second_factor(FactorNews::Off, was)),
        ("backup_codes_renewed", second_factor(FactorNews::CodesRenewed, was)),
        ("backup_code_used", second_factor(FactorNews::CodeUsed { left: 2 }, was)),
        ("two_factor_locked", second_factor(FactorNews::Locked { minutes: 15 }, was)),
        ("two_factor_reset", second_factor(FactorNews::Reset { reason: name }, was)),
        (
            "invitation",
            Letter::Invitation { organization: name, inviter: name, role: Role::Member, link: LINK, hours: 72 },
        ),
        ("test", Letter::Test { asked }),
    ]
}

fn second_factor<'a>(news: FactorNews<'a>, was: Circumstances<'a>) -> Letter<'a> {
    Letter::SecondFactor { news, was, secure_link: SECURE }
}

fn written(name: &str, house: &House<'_>, was: Circumstances<'_>) -> Vec<(&'static str, Written)> {
    let (old, new) = (email("ada@example.org"), email("grace@example.org"));
    let seen = sightings(was.browser);
    let letters = letters(name, [&old, &new], was, &seen);
    letters.into_iter().map(|(which, letter)| (which, letter.write(house))).collect()
}

fn all() -> Vec<(&'static str, Written)> {
    written("Ada Lovelace", &HOUSE, ada())
}

#[test]
fn every_letter_reads_as_it_was_written() {
    for (which, letter) in all() {
        insta::assert_snapshot!(format!("{which}.txt"), format!("Subject: {}\n\n{}", letter.subject, letter.text));
        insta::assert_snapshot!(format!("{which}.html"), letter.html);
    }
}

#[test]
fn every_letter_names_the_house_and_says_what_to_do_if_it_was_not_you() {
    for (which, letter) in all() {
        let reassurance = if which == "invitation" { "nothing happens" } else { "it was not you" };
        for part in [&letter.text, &letter.html] {
            assert!(part.contains("Blue Harbour"), "{which} names the house");
            assert!(part.contains("https://auth.example.org"), "{which} says where the house is");
            assert!(part.contains(reassurance), "{which} says what to do if it was not you");
        }
    }
}

#[test]
fn links_stand_alone_in_the_text_and_are_buttons_and_text_in_html() {
    for (which, letter) in all() {
        let links: Vec<&str> = letter.text.lines().filter(|line| line.starts_with("https://")).collect();
        for link in &links {
            assert!(!link.contains(' '), "{which}: {link}");
            let escaped = link.replace('&', "&amp;");
            assert!(letter.html.contains(&format!(">{escaped}<")) || letter.html.contains(&format!("{escaped}</p>")));
        }
        assert_eq!(
            letter.html.matches("<a href=").count(),
            links.len() - 1,
            "{which}: all but the house's own address"
        );
    }
}

#[test]
fn codes_are_in_groups_and_never_in_what_a_locked_screen_shows() {
    for (which, letter) in all() {
        let shown = letter.html.split("<h1").next().unwrap_or_default();
        for code in ["482913", "482 913"] {
            assert!(!letter.subject.contains(code) && !shown.contains(code), "{which}");
        }
    }
    let (_, letter) = &all()[0];
    assert!(letter.text.contains("\n    482 913\n") && letter.html.contains(">482 913<"));
}

#[test]
fn html_loads_nothing_and_runs_nothing() {
    for (which, letter) in all() {
        for forbidden in ["<img", "<script", "<style", "<link", "src=", "url(", "@import"] {
            assert!(!letter.html.contains(forbidden), "{which}: {forbidden}");
        }
    }
}

#[test]
fn lines_of_text_are_short_but_for_links() {
    for (which, letter) in all() {
        for line in letter.text.lines().filter(|line| !line.starts_with("https://")) {
            assert!(line.chars().count() <= 72, "{which}: {line}");
        }
    }
}

#[test]
fn what_people_chose_themselves_is_only_text() {
    let was = Circumstances { browser: MARKUP, address: MARKUP, ..ada() };
    let house = House { name: MARKUP, public_url: "https://auth.example.org/\"><script>" };
    for (which, letter) in written(MARKUP, &house, was) {
        for markup in ["<b>", "</script", "<script", "\"Ada\"", "'Grace'", "& "] {
            assert!(!letter.html.contains(markup), "{which}: {markup}");
        }
        assert!(letter.html.contains("&lt;b&gt;&quot;Ada&quot;&lt;/b&gt; &amp; &#39;Grace&#39; Bcc: x"), "{which}");
        assert!(!letter.subject.contains(char::is_control), "{which}");
        assert!(!letter.text.contains('\r') && !letter.html.contains('\r'), "{which}");
    }
}

#[test]
fn a_name_cannot_turn_the_direction_of_our_words_or_fill_the_mail() {
    let name = format!("Grace\u{202e}reppoH\u{200b} {}", "long ".repeat(100));
    for (which, letter) in written(&name, &House { name: &name, ..HOUSE }, ada()) {
        assert!(!letter.text.contains(['\u{202e}', '\u{200b}']), "{which}");
        assert!(letter.subject.chars().count() <= 160, "{which}: {}", letter.subject);
        assert!(!letter.text.contains(&"long ".repeat(20)), "{which}");
    }
}

#[test]
fn registering_sends_no_advertisement_to_strangers() {
    let greeted = |name: &str| {
        let letters = written(name, &HOUSE, ada());
        let (_, letter) = letters.iter().find(|(which, _)| *which == "verify_address").expect("is among them");
        letter.text.lines().find(|line| line.starts_with("Hello")).unwrap_or_default().to_owned()
    };
    assert_eq!(greeted("Ada M. Lovelace"), "Hello Ada M. Lovelace,");
    assert_eq!(greeted("Grace Hopper Jr."), "Hello Grace Hopper Jr.,");
    for name in ["Win at evil.example", "https://evil.example", "evil.example/win", "ask x@evil.example", ""] {
        assert_eq!(greeted(name), "Hello,", "{name}");
    }
    for (which, letter) in written("Ada", &HOUSE, Circumstances { browser: "win-at-evil.example", ..ada() }) {
        assert!(!letter.text.contains("evil") && !letter.html.contains("evil"), "{which}");
    }
}

#[test]
fn spans_are_told_as_people_say_them() {
    let text = |minutes: u64| {
        let letter = Letter::MagicLink { link: LINK, code: "482913", minutes, asked: ada() };
        letter.write(&HOUSE).text.replace('\n', " ")
    };
    for (minutes, said) in [(1, "within 1 minute."), (10, "within 10 minutes."), (60, "1 hour."), (4320, "3 days.")] {
        assert!(text(minutes).contains(said), "{minutes}");
    }
}

#[test]
fn a_letter_survives_the_queue_and_debug_shows_no_link() {
    let (_, letter) = all().remove(0);
    let kept = serde_json::to_string(&letter).expect("serializes");
    assert_eq!(serde_json::from_str::<Written>(&kept).expect("parses"), letter);
    assert_eq!(format!("{letter:?}"), "Written { subject: \"Your sign-in link for Blue Harbour\", .. }");
}
