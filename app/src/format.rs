//! Times and numbers as people say them. Formatted on the server, so that a page never disagrees with itself.

use jiff::Timestamp as Instant;
use jiff::tz::TimeZone;
use latchkey::clock::Timestamp;
use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// "3 hours", "6 days": the largest unit that fits, rounded down.
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    let (count, unit) = match seconds {
        0..MINUTE => (seconds.max(1), "second"),
        MINUTE..HOUR => (seconds / MINUTE, "minute"),
        HOUR..DAY => (seconds / HOUR, "hour"),
        _ if seconds < 120 * DAY => (seconds / DAY, "day"),
        _ if seconds < 730 * DAY => (seconds / (30 * DAY), "month"),
        _ => (seconds / (365 * DAY), "year"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// The same for a wait: rounded up, so that nobody comes back too early.
pub fn at_least(time: Duration) -> String {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    let step = [HOUR, MINUTE].into_iter().find(|step| seconds > *step).unwrap_or(1);
    duration(Duration::from_secs(seconds.next_multiple_of(step)))
}

/// "just now", "3 hours ago", "in 6 days".
pub fn relative(at: Timestamp, now: Timestamp) -> String {
    let between = Duration::from_millis(at.millis().abs_diff(now.millis()));
    match (at > now, between.as_secs()) {
        (false, 0..45) => "just now".to_owned(),
        (false, _) => format!("{} ago", duration(between)),
        // What was chosen a moment ago still reads as chosen: seven days are not six.
        (true, HOUR..) => format!("in {}", duration(between + Duration::from_secs(MINUTE))),
        (true, _) => format!("in {}", duration(between)),
    }
}

/// "21 November 2026, 09:30 UTC".
pub fn exact(at: Timestamp) -> String {
    written(at, "%-d %B %Y, %H:%M UTC")
}

/// "21 November 2026".
pub fn day(at: Timestamp) -> String {
    written(at, "%-d %B %Y")
}

/// "2026-11-21T09:30:00Z", for machines.
pub fn machine(at: Timestamp) -> String {
    written(at, "%Y-%m-%dT%H:%M:%SZ")
}

/// "2026-11-21", as a date input has it.
pub fn date_input(at: Timestamp) -> String {
    written(at, "%Y-%m-%d")
}

/// The first second of the day that a date input names, in the form of the wire.
pub fn begin_of_day(date: &str) -> Option<String> {
    let date: jiff::civil::Date = date.trim().parse().ok()?;
    Some(format!("{date}T00:00:00Z"))
}

/// The first second after it.
pub fn begin_of_next_day(date: &str) -> Option<String> {
    let date: jiff::civil::Date = date.trim().parse().ok()?;
    begin_of_day(&date.tomorrow().ok()?.to_string())
}

/// The last second of the day that a date input names, in the form of the wire.
pub fn end_of_day(date: &str) -> Option<String> {
    let date: jiff::civil::Date = date.trim().parse().ok()?;
    Some(format!("{date}T23:59:59Z"))
}

fn written(at: Timestamp, form: &str) -> String {
    Instant::from_millisecond(at.millis())
        .map_or_else(|_| String::new(), |instant| instant.to_zoned(TimeZone::UTC).strftime(form).to_string())
}

/// "12 408".
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    grouped
}

/// "1 call", "12 408 calls".
pub fn counted(number: u64, one: &str) -> String {
    format!("{} {one}{}", count(number), if number == 1 { "" } else { "s" })
}

/// The first letters of a name, for the round picture.
pub fn initials(name: &str) -> String {
    let mut words = name.split(|letter: char| !letter.is_alphanumeric()).filter_map(|word| word.chars().next());
    let first = words.next();
    first.into_iter().chain(words.next_back()).flat_map(char::to_uppercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_as_people_say_them() {
        let now = Timestamp::from_seconds(1_000_000_000);
        let at = |seconds: i64| Timestamp::from_seconds(1_000_000_000 + seconds);
        for (seconds, said) in [
            (-10, "just now"),
            (-60, "1 minute ago"),
            (-3 * 3600, "3 hours ago"),
            (-86_400, "1 day ago"),
            (-90 * 86_400, "90 days ago"),
            (-130 * 86_400, "4 months ago"),
            (-800 * 86_400, "2 years ago"),
            (6 * 86_400, "in 6 days"),
            (30, "in 30 seconds"),
        ] {
            assert_eq!(relative(at(seconds), now), said);
        }
        assert_eq!(exact(now), "9 September 2001, 01:46 UTC");
        assert_eq!(machine(now), "2001-09-09T01:46:40Z");
    }

    #[test]
    fn nobody_is_told_to_come_back_too_early() {
        for (seconds, said) in [
            (0, "1 second"),
            (30, "30 seconds"),
            (60, "1 minute"),
            (61, "2 minutes"),
            (3600, "1 hour"),
            (3601, "2 hours"),
        ] {
            assert_eq!(at_least(Duration::from_secs(seconds)), said);
        }
        assert_eq!(at_least(Duration::from_millis(1500)), "2 seconds");
    }

    #[test]
    fn a_day_lasts_until_its_last_second() {
        assert_eq!(end_of_day("2027-02-20").as_deref(), Some("2027-02-20T23:59:59Z"));
        assert_eq!(end_of_day("2027-02-30"), None);
        assert_eq!(end_of_day(""), None);
    }

    #[test]
    fn numbers_are_grouped_and_names_shortened() {
        assert_eq!(count(12_408), "12\u{202f}408");
        assert_eq!(counted(1, "call"), "1 call");
        assert_eq!(initials("alice van der Moreau"), "AM");
        assert_eq!(initials("bo@acme.test"), "BT");
        assert_eq!(initials(""), "");
    }
}
