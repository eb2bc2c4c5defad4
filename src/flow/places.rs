//! In which of their organizations somebody acts.

use crate::error::{Code, Error};
use crate::id::OrganizationId;
use crate::organization::Membership;
use crate::user::User;

/// The organization somebody will act in who comes in by this first factor: the one asked for; or else the first that
/// takes it, or the first at all. Landlords come in even when every organization of theirs is suspended.
pub(crate) fn place_of<'m>(
    user: &User,
    memberships: &'m [Membership],
    asked: Option<&str>,
    amr: &str,
) -> Result<Option<&'m Membership>, Error> {
    if let Some(asked) = asked {
        return place_asked(memberships, asked).map(Some);
    }
    let live = || memberships.iter().filter(|place| place.is_live());
    let place = live().find(|place| place.organization.policy.methods.allow(amr)).or_else(|| live().next());
    let shut_out = place.is_none() && memberships.iter().any(|place| place.suspended_at.is_none());
    if shut_out && user.landlord_since.is_none() {
        return Err(Error::Forbidden(Code::OrganizationSuspended));
    }
    Ok(place)
}

/// The organization with this slug, of those the person belongs to.
pub(crate) fn place_named<'m>(memberships: &'m [Membership], slug: &str) -> Result<&'m Membership, Error> {
    let place = memberships.iter().find(|place| place.organization.slug == slug && place.suspended_at.is_none());
    let place = place.ok_or(Error::Forbidden(Code::NotAMember))?;
    if place.is_live() { Ok(place) } else { Err(Error::Forbidden(Code::OrganizationSuspended)) }
}

/// The organization that was asked for. One that the person does not belong to is answered like one that does not exist.
pub(crate) fn place_asked<'m>(memberships: &'m [Membership], asked: &str) -> Result<&'m Membership, Error> {
    let id: OrganizationId = asked.parse().map_err(|_| Error::NotFound)?;
    let place = memberships.iter().find(|place| place.organization.id == id && place.suspended_at.is_none());
    let place = place.ok_or(Error::NotFound)?;
    if place.is_live() { Ok(place) } else { Err(Error::Forbidden(Code::OrganizationSuspended)) }
}
