//! Organizations, and people's places in them.

use crate::clock::Timestamp;
use crate::id::OrganizationId;
use crate::member::Role;

/// An organization, also called tenant.
#[derive(Clone, Debug)]
pub struct Organization {
    /// Which one.
    pub id: OrganizationId,
    /// What it is called.
    pub name: String,
    /// Its name in addresses: lower-case letters, digits, dashes.
    pub slug: String,
    /// Since when nobody may act in it.
    pub suspended_at: Option<Timestamp>,
    /// What it demands of its members.
    pub policy: Policy,
    /// When it was opened.
    pub created_at: Timestamp,
}

impl Organization {
    /// The wire names of its standings.
    pub const STANDINGS: &'static [&'static str] = &["active", "suspended"];

    /// How it stands.
    pub const fn status(&self) -> &'static str {
        if self.suspended_at.is_some() { "suspended" } else { "active" }
    }
}

/// An organization, and what only some ask for.
#[derive(Clone, Debug)]
pub struct OrganizationFacts {
    /// The row.
    pub organization: Organization,
    /// Whom to write to about it.
    pub contact_email: Option<String>,
    /// How many people belong to it.
    pub member_count: i64,
}

/// From when on an organization lets a person do nothing but set up a second factor: from when it demands one on, of those
/// who have none.
pub fn barred_from(demanded_from: Option<Timestamp>, has_second_factor: bool) -> Option<Timestamp> {
    demanded_from.filter(|_| !has_second_factor)
}

/// What an organization demands of how its members sign in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// From when on members must have a second factor.
    pub two_factor_required_from: Option<Timestamp>,
    /// How many days a device may be trusted, when it is not the usual number; none at all when 0.
    pub trusted_device_days: Option<u32>,
    /// With what people sign in.
    pub methods: SignInMethods,
    /// How many seconds access tokens live, when that is less than the installation says.
    pub access_token_seconds: Option<u32>,
    /// Whether people join by an invitation for their address alone, and never by a code.
    pub invitation_only: bool,
}

/// The first factors that an organization takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignInMethods {
    /// A password.
    pub password: bool,
    /// A link or code by mail.
    pub email: bool,
}

impl Default for SignInMethods {
    fn default() -> Self {
        Self { password: true, email: true }
    }
}

impl SignInMethods {
    /// The wire names of all.
    pub const NAMES: &'static [&'static str] = &["password", "email"];

    /// From wire names; `None` when one is unknown or there is none.
    pub fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut methods = Self { password: false, email: false };
        for name in names {
            match name {
                "password" => methods.password = true,
                "email" => methods.email = true,
                _ => return None,
            }
        }
        (methods.password || methods.email).then_some(methods)
    }

    /// The wire names of those that are taken.
    pub fn names(self) -> Vec<&'static str> {
        Self::NAMES
            .iter()
            .copied()
            .zip([self.password, self.email])
            .filter(|(_, on)| *on)
            .map(|(name, _)| name)
            .collect()
    }

    /// Whether a session that was authenticated so (RFC 8176) may act here. Its first word is the first factor.
    pub fn allow(self, amr: &str) -> bool {
        match amr.split(' ').next() {
            Some("pwd") => self.password,
            Some("email") => self.email,
            _ => true,
        }
    }
}

impl Policy {
    /// The fewest days that any of these organizations lets a device be trusted.
    pub fn trusted_days(places: &[Membership]) -> Option<u32> {
        places.iter().filter_map(|place| place.organization.policy.trusted_device_days).min()
    }

    /// Whether any of these organizations demands a second factor by now.
    pub fn demands_factor(places: &[Membership], now: Timestamp) -> bool {
        let due =
            |place: &Membership| place.organization.policy.two_factor_required_from.is_some_and(|from| from <= now);
        places.iter().any(due)
    }
}

/// A person's place in an organization.
#[derive(Clone, Debug)]
pub struct Membership {
    /// Where.
    pub organization: Organization,
    /// As what.
    pub role: Role,
    /// Since when the place is suspended.
    pub suspended_at: Option<Timestamp>,
    /// Since when.
    pub joined_at: Timestamp,
}

impl Membership {
    /// Whether the person may act there now.
    pub fn is_live(&self) -> bool {
        self.suspended_at.is_none() && self.organization.suspended_at.is_none()
    }
}

/// A slug from a name: what is left of it in lower-case letters and digits, joined by dashes, with `tail` at its end
/// so that two organizations may have one name.
pub fn slug(name: &str, tail: &str) -> String {
    let mut slug = String::new();
    for letter in name.chars().flat_map(char::to_lowercase) {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() >= 40 {
            break;
        }
    }
    let stem = slug.trim_end_matches('-');
    if tail.is_empty() && !stem.is_empty() {
        stem.to_owned()
    } else {
        format!("{}-{tail}", if stem.is_empty() { "team" } else { stem })
    }
}

#[cfg(test)]
mod tests {
    use super::{SignInMethods, slug};

    #[test]
    fn an_organization_takes_the_first_factors_it_names() {
        let links = SignInMethods::parse(["email"]).expect("a method");
        for (amr, allowed) in [("email", true), ("email otp mfa", true), ("pwd", false), ("pwd otp mfa", false)] {
            assert_eq!(links.allow(amr), allowed, "{amr}");
            assert!(SignInMethods::default().allow(amr), "{amr}");
        }
        assert_eq!(SignInMethods::parse(SignInMethods::NAMES.iter().copied()), Some(SignInMethods::default()));
        assert_eq!(SignInMethods::parse([]), None);
        assert_eq!(SignInMethods::parse(["password", "carrier pigeon"]), None);
        assert_eq!(links.names(), ["email"]);
    }

    #[test]
    fn a_slug_is_made_of_letters_digits_and_dashes() {
        assert_eq!(slug("Blue Harbour & Sons", ""), "blue-harbour-sons");
        assert_eq!(slug("Blue Harbour", "7f3a"), "blue-harbour-7f3a");
        assert_eq!(slug("株式会社", "7f3a"), "team-7f3a");
    }
}
