//! The words of every letter: why it came, what it is for, and what to do if it was not its reader.

use super::layout::Page;
use super::letter::{Circumstances, FactorNews, LONGEST_NAME, Letter, flat};
use crate::clock::Timestamp;
use crate::email::Email;
use crate::key_watch::{Sighting, Signal};
use crate::member::Role;

const NOTHING_TO_DO: &str = "If it was you, there is nothing to do.";
const END_SESSIONS: &str = "End all sessions";
/// No reason takes more room than this.
const LONGEST_REASON: usize = 200;
const SEE_KEYS: &str = "See your API keys";
/// No more things that were unusual are told in one mail.
const MOST_SIGHTINGS: usize = 10;

/// A link with the code that does the same, how long both work, and how they were asked for.
struct Ticket<'a> {
    link: &'a str,
    code: &'a str,
    life: String,
    asked: Circumstances<'a>,
}

/// An API key that was made.
struct NewKey<'a> {
    name: &'a str,
    scopes: &'a str,
    expires: Option<Timestamp>,
}

/// The letter's words; `house` is the name of whose mail it is.
pub(super) fn page(letter: &Letter<'_>, house: &str) -> Page {
    match *letter {
        Letter::MagicLink { link, code, minutes, asked } => {
            magic_link(house, &Ticket { link, code, life: in_minutes(minutes), asked })
        }
        Letter::Reset { link, code, minutes, asked } => {
            reset(house, &Ticket { link, code, life: in_minutes(minutes), asked })
        }
        Letter::VerifyAddress { name, link, code, hours, asked } => {
            verify_address(house, name, &Ticket { link, code, life: in_hours(hours), asked })
        }
        Letter::ConfirmNewAddress { link, code, hours, old, asked } => {
            confirm_new_address(house, old, &Ticket { link, code, life: in_hours(hours), asked })
        }
        Letter::Invitation { organization, inviter, role, link, hours } => {
            invitation([organization, inviter], role, link, &in_hours(hours))
        }
        Letter::AddressInUse { login_link, forgot_link, asked } => {
            address_in_use(house, login_link, forgot_link, &asked)
        }
        Letter::Guessing { was, login_link } => guessing(house, &was, login_link),
        Letter::NewSignIn { was, secure_link } => new_sign_in(house, &was, secure_link),
        Letter::PasswordChanged { was, secure_link, by_recovery } => {
            password_changed(house, &was, secure_link, by_recovery)
        }
        Letter::AddressChanged { old, new, was, undo_link, hours } => {
            address_changed(house, [old, new], &was, undo_link, &in_hours(hours))
        }
        Letter::KeyCreated { name, scopes, expires, was, keys_link, secure_link } => {
            key_created(house, &NewKey { name, scopes, expires }, &was, [keys_link, secure_link])
        }
        Letter::KeyExpires { name, hint, at, days, keys_link } => key_expires(house, [name, hint], at, days, keys_link),
        Letter::KeyUsedUnusually { name, hint, seen, keys_link } => {
            key_used_unusually(house, [name, hint], seen, keys_link)
        }
        Letter::RefreshTokenReused { was, secure_link } => refresh_token_reused(house, &was, secure_link),
        Letter::SecondFactor { news, was, secure_link } => second_factor(house, news, &was, secure_link),
        Letter::Test { asked } => test(house, &asked),
    }
}

fn magic_link(house: &str, ticket: &Ticket<'_>) -> Page {
    Page::new(
        format!("Your sign-in link for {house}"),
        format!("It works once, within {}. If you did not ask for it, ignore this mail.", ticket.life),
        "somebody asked for a link to sign in with this address",
    )
    .say(format!("Open this link to sign in to {house}. It works once, within {}.", ticket.life))
    .link("Sign in", ticket.link)
    .say("Or type this code where you asked for the link:")
    .code(ticket.code)
    .facts(asked(&ticket.asked))
    .say("If it was not you who asked, ignore this mail: nobody can sign in without it.")
}

fn reset(house: &str, ticket: &Ticket<'_>) -> Page {
    Page::new(
        format!("Choose a new password for {house}"),
        format!("The link works once, within {}. If you did not ask for it, ignore this mail.", ticket.life),
        "somebody asked for a new password for the account with this address",
    )
    .say(format!(
        "Open this link to choose a new password for your account at {house}. It works once, within {}.",
        ticket.life
    ))
    .link("Choose a new password", ticket.link)
    .say("Or type this code where you asked for the link:")
    .code(ticket.code)
    .facts(asked(&ticket.asked))
    .say(
        "If it was not you who asked, ignore this mail: your password stays as it is, \
         and nobody can change it or sign in without this mail.",
    )
}

fn verify_address(house: &str, name: &str, ticket: &Ticket<'_>) -> Page {
    Page::new(
        format!("Confirm your address for {house}"),
        format!("The link works within {}. If you did not register, ignore this mail.", ticket.life),
        "somebody registered with this address",
    )
    .say(greeting(name))
    .say(format!(
        "You have registered at {house}. Open this link to confirm that this address is yours. It works within {}.",
        ticket.life
    ))
    .link("Confirm my address", ticket.link)
    .say("Or type this code where you registered:")
    .code(ticket.code)
    .facts(asked(&ticket.asked))
    .say(
        "If it was not you who registered, ignore this mail: without it nobody can confirm that this address is theirs.",
)
}

fn confirm_new_address(house: &str, old: &Email, ticket: &Ticket<'_>) -> Page {
    Page::new(
        format!("Confirm your new address for {house}"),
        format!("The link works within {}. If you did not ask for it, ignore this mail.", ticket.life),
        "somebody asked to move an account to this address",
    )
    .say(format!(
        "The account of {old} at {house} is to move to this address. Open this link to confirm that. It works within \
         {}; until then everything stays as it is.",
        ticket.life
    ))
    .link("Confirm my new address", ticket.link)
    .say("Or type this code where you asked for the change:")
    .code(ticket.code)
    .facts(asked(&ticket.asked))
    .say("If it was not you who asked, ignore this mail: without it nothing changes, and nobody can sign in with it.")
}

fn invitation([organization, inviter]: [&str; 2], role: Role, link: &str, life: &str) -> Page {
    let place = plain_or(organization, "an organization");
    let inviter = plain_or(inviter, "Somebody");
    let role = role.in_a_sentence();
    Page::new(
        format!("You are invited to {place}"),
        format!("{inviter} invites you. The link works once, within {life}."),
        "somebody invited this address to an organization",
    )
    .say(format!("{inviter} invites you to join {place} as {role}."))
    .say(format!("Open this link to look at the invitation and to accept it. It works once, within {life}."))
    .link("See the invitation", link)
    .say("If you do not want to join, or do not know who invites you, ignore this mail: nothing happens without you.")
}

fn address_in_use(house: &str, login_link: &str, forgot_link: &str, tried: &Circumstances<'_>) -> Page {
    Page::new(
        format!("You already have an account at {house}"),
        "Somebody wanted to use your address for an account. Nothing was changed.",
        "somebody wanted to use this address for an account",
    )
    .say(format!(
        "Somebody wanted to use this address for an account at {house}. It already has one, so nothing was changed."
    ))
    .say("If it was you, sign in with the account you have:")
    .link("Sign in", login_link)
    .say("If you do not know its password any more:")
    .link("Choose a new password", forgot_link)
    .facts(asked(tried))
    .say("If it was not you, ignore this mail: nothing was changed, and nobody got into your account.")
}

fn guessing(house: &str, was: &Circumstances<'_>, login_link: &str) -> Page {
    Page::new(
        format!("Somebody is trying passwords at {house}"),
        "Nobody got in, and there is nothing that you have to do.",
        "wrong passwords were tried for the account with this address",
    )
    .say(format!(
        "Wrong passwords were tried for your account at {house}, many in a row. Nobody got in. Whoever tries on has to \
         wait, longer each time. This was the last one:"
    ))
    .facts(happened(was))
    .say("There is nothing that you have to do. Browsers that you have signed in with before are not affected.")
    .say("With any other, a right password may have to wait too. A link by mail gets you in at once:")
    .link("Sign in", login_link)
    .say(
        "If it was not you, two things help: a password that you use nowhere else, and two-factor authentication. With \
         it on, a guessed password alone lets nobody in. You find both under Settings > Security.",
    )
}

fn new_sign_in(house: &str, was: &Circumstances<'_>, secure_link: &str) -> Page {
    let page = Page::new(
        format!("New sign-in to {house}"),
        notice(was),
        "there was a new sign-in to the account with this address",
    )
    .say(format!("There was a new sign-in to your account at {house}:"))
    .facts(happened(was))
    .say(NOTHING_TO_DO);
    or_secure(page, secure_link)
}

fn password_changed(house: &str, was: &Circumstances<'_>, secure_link: &str, by_recovery: bool) -> Page {
    let how = if by_recovery { "with a link or code from a mail" } else { "with the old password" };
    let page = Page::new(
        "Your password was changed",
        notice(was),
        "the password of the account with this address was changed",
    )
    .say(format!("The password of your account at {house} was changed, {how}:"))
    .facts(happened(was))
    .say(NOTHING_TO_DO);
    or_secure(page, secure_link)
}

fn address_changed(house: &str, [old, new]: [&Email; 2], was: &Circumstances<'_>, undo: &str, life: &str) -> Page {
    Page::new(
        format!("Your address for {house} was changed"),
        notice(was),
        "this was the address of an account until it was changed",
    )
    .say(format!("Your account at {house} now has the address {new} instead of {old}:"))
    .facts(happened(was))
    .say(NOTHING_TO_DO)
    .say(format!(
        "If it was not you, take the change back within {life}. Your account then has the address {old} again, every \
         session ends, and the present password is gone: you choose a new one by mail."
    ))
    .link("Undo the change", undo)
}

fn key_created(house: &str, key: &NewKey<'_>, was: &Circumstances<'_>, [keys, secure]: [&str; 2]) -> Page {
    let mut facts = vec![
        ("Key", flat(key.name, LONGEST_NAME)),
        ("Allows", key.scopes.to_owned()),
        ("Expires", key.expires.map_or_else(|| "never".to_owned(), instant)),
    ];
    facts.extend(happened(was));
    let page = Page::new(
        format!("A new API key for {house}"),
        notice(was),
        "an API key was made with the account of this address",
    )
    .say(format!("An API key was made with your account at {house}:"))
    .facts(facts)
    .say("If it was you, there is nothing to do. Keys can be looked at and revoked here:")
    .link(SEE_KEYS, keys);
    page.say("If it was not you, revoke the key there, then end all sessions with this link and choose a new password.")
        .link(END_SESSIONS, secure)
}

fn key_expires(house: &str, [name, hint]: [&str; 2], at: Timestamp, days: u64, keys_link: &str) -> Page {
    let name = flat(name, LONGEST_NAME);
    let when = match days {
        0 => "today".to_owned(),
        1 => "tomorrow".to_owned(),
        days => format!("in {days} days"),
    };
    Page::new(
        format!("Your API key “{name}” expires {when}"),
        "What uses it will stop working then. Rotate it, or make a new one, before that.",
        "an API key of the account with this address is about to expire",
    )
    .say(format!("An API key of your account at {house} expires {when}:"))
    .facts(vec![("Key", format!("{name} ({hint})")), ("Expires", instant(at))])
    .say("What uses it will stop working then. Before that, rotate it or make a new one:")
    .link(SEE_KEYS, keys_link)
    .say("If nothing uses it any more, there is nothing to do. If it was not you who made it, revoke it now.")
}

fn key_used_unusually(house: &str, [name, hint]: [&str; 2], seen: &[Sighting], keys_link: &str) -> Page {
    let name = flat(name, LONGEST_NAME);
    let mut facts = vec![("Key", format!("{name} ({hint})"))];
    facts.extend(seen.iter().take(MOST_SIGHTINGS).map(sighting));
    facts.extend(seen.iter().map(|seen| seen.at).max().map(|at| ("Seen", instant(at))));
    Page::new(
        format!("Unusual use of the API key “{name}”"),
        "See whether it was you or a program of yours. If not, revoke the key.",
        "an API key that the account with this address looks after was used in an unusual way",
    )
    .say(format!("An API key at {house} was used as it was not used before:"))
    .facts(facts)
    .say("If it was you or a program of yours, there is nothing to fear. Say on its page that it was expected.")
    .say("If it was not you, revoke the key there, or rotate it, so that only its new secret works:")
    .link("See the key", keys_link)
}

/// What was unusual, and its name. What a program is called is what it says of itself.
fn sighting(seen: &Sighting) -> (&'static str, String) {
    let with_calls = |what: &str| format!("{what}, {}", counted(seen.calls.unsigned_abs(), "call"));
    match seen.signal {
        Signal::NewNetwork => ("New network", with_calls(&seen.detail)),
        Signal::NewAgent => ("New program", with_calls(&plain_or(&seen.detail, "one with a strange name"))),
        Signal::Burst => ("Many calls", seen.detail.clone()),
        Signal::AfterSilence => ("First call in", seen.detail.clone()),
        Signal::AfterEnd => ("Refused", with_calls(&seen.detail)),
    }
}

fn refresh_token_reused(house: &str, was: &Circumstances<'_>, secure_link: &str) -> Page {
    let page = Page::new(
        format!("We ended a session of yours at {house}"),
        notice(was),
        "a session of the account with this address was ended to protect it",
    )
    .say(format!(
        "A refresh token of your account at {house} was used a second time. That happens when somebody has copied it, \
         or when a program repeats an old request. We ended the session it belongs to; no other was touched."
    ))
    .facts(happened(was))
    .say("If it was a program of yours, sign in with it again.");
    or_secure(page, secure_link)
}

fn second_factor(house: &str, news: FactorNews<'_>, was: &Circumstances<'_>, secure_link: &str) -> Page {
    let (subject, why, said) = factor_words(house, news);
    if matches!(news, FactorNews::Reset { .. }) {
        // With what and from where the administrator did it is no business of the member's.
        let page = Page::new(subject, "You sign in with your password alone until you set it up again.", why);
        let page = page.say(said).facts(vec![("When", instant(was.at))]);
        return or_secure(page.say("If you asked for it, there is nothing else to do."), secure_link);
    }
    let page = Page::new(subject, notice(was), why).say(said).facts(happened(was)).say(NOTHING_TO_DO);
    or_secure(page, secure_link)
}

/// Subject, why the mail came, and what happened.
fn factor_words(house: &str, news: FactorNews<'_>) -> (String, &'static str, String) {
    let changed = "the two-factor authentication of the account with this address was changed";
    match news {
        FactorNews::On => (
            format!("Two-factor authentication is on at {house}"),
            changed,
            format!(
                "Two-factor authentication was switched on for your account at {house}. From now on a code of your \
                 authenticator is asked for when you sign in, and your other sessions have ended. Keep your backup \
                 codes in a safe place: they let you in when your authenticator is lost."
            ),
        ),
        FactorNews::Replaced => (
            format!("Your authenticator for {house} was exchanged"),
            changed,
            format!(
                "Another authenticator took the place of the one that your account at {house} had. The old one and the \
                 old backup codes work no longer, and your other sessions have ended."
            ),
        ),
        FactorNews::Off => (
            format!("Two-factor authentication is off at {house}"),
            changed,
            format!(
                "Two-factor authentication was switched off for your account at {house}. Your password alone lets \
                 somebody in now. Your other sessions have ended."
            ),
        ),
        FactorNews::CodesRenewed => (
            format!("New backup codes for {house}"),
            changed,
            format!("New backup codes were made for your account at {house}. The old ones work no longer."),
        ),
        FactorNews::CodeUsed { left } => (
            format!("A backup code was used at {house}"),
            "a backup code of the account with this address was used",
            format!(
                "A backup code of your account at {house} was used in place of your authenticator. {} left.{}",
                if left == 1 { "1 code is".to_owned() } else { format!("{left} codes are") },
                if left <= 2 { " Make new ones soon, under Settings > Security." } else { "" }
            ),
        ),
        FactorNews::Locked { minutes } => (
            format!("Too many wrong codes at {house}"),
            "wrong codes were tried for the account with this address",
            format!(
                "Too many wrong codes were tried for your account at {house}. For {} no code is accepted, not even a \
                 right one.",
                in_minutes(minutes)
            ),
        ),
        FactorNews::Reset { reason } => (
            format!("Two-factor authentication was reset at {house}"),
            changed,
            format!(
                "An administrator took the two-factor authentication of your account at {house} away and ended your \
                 sessions. The reason they gave: \u{201c}{}\u{201d}. Set it up again when you have signed in.",
                flat(reason, LONGEST_REASON)
            ),
        ),
    }
}

fn test(house: &str, by: &Circumstances<'_>) -> Page {
    Page::new(
        format!("A test mail from {house}"),
        "It arrived, so mail works.",
        "an administrator wanted to see whether mail arrives",
    )
    .say(format!("This is a test mail from {house}. It arrived, so mail works."))
    .facts(asked(by))
    .say("If it was not you who asked for it, ignore this mail: it changes nothing and lets nobody in.")
}

/// How a notice ends: with the way out for those who did not do what it tells.
fn or_secure(page: Page, secure_link: &str) -> Page {
    page.say("If it was not you, end all sessions with this link, then choose a new password:")
        .link(END_SESSIONS, secure_link)
}

fn greeting(name: &str) -> String {
    let name = flat(name, LONGEST_NAME);
    if is_plain(&name) { format!("Hello {name},") } else { "Hello,".to_owned() }
}

fn browser(of: &Circumstances<'_>) -> String {
    plain_or(of.browser, "an unknown program")
}

/// What somebody called themselves or something, or other words where that could be read as a link.
fn plain_or(name: &str, otherwise: &str) -> String {
    let name = flat(name, LONGEST_NAME);
    if is_plain(&name) { name } else { otherwise.to_owned() }
}

/// Whether nothing in the words could be read as a link. Names and browsers are what somebody says of themselves, in
/// a mail to an address that may be somebody else's: asking for one must not be a way to send strangers an
/// advertisement.
fn is_plain(words: &str) -> bool {
    let dot_inside = words.split_whitespace().any(|word| word.trim_end_matches('.').contains('.'));
    !words.is_empty() && !dot_inside && !words.contains(['/', ':', '@', '\\'])
}

fn asked(by: &Circumstances<'_>) -> Vec<(&'static str, String)> {
    circumstances("Asked for", by)
}

fn happened(was: &Circumstances<'_>) -> Vec<(&'static str, String)> {
    circumstances("When", was)
}

fn circumstances(when: &'static str, of: &Circumstances<'_>) -> Vec<(&'static str, String)> {
    vec![(when, instant(of.at)), ("With", browser(of)), ("From", of.address.to_owned())]
}

fn notice(was: &Circumstances<'_>) -> String {
    format!("{}, with {}. If it was not you, act now.", instant(was.at), browser(was))
}

fn in_minutes(minutes: u64) -> String {
    if minutes > 0 && minutes.is_multiple_of(60) { in_hours(minutes / 60) } else { counted(minutes, "minute") }
}

fn in_hours(hours: u64) -> String {
    if hours > 24 && hours.is_multiple_of(24) { counted(hours / 24, "day") } else { counted(hours, "hour") }
}

fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// `21 November 2026, 09:30 UTC`.
fn instant(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_second(at.seconds()).unwrap_or_default();
    at.strftime("%-d %B %Y, %H:%M UTC").to_string()
}
