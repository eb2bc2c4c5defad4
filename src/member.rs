//! Roles, and the one table that says what each may do.

use crate::api_key::Scope;

/// What a person is in an organization, weakest first so that roles compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Reads the organization and looks after their own things.
    Member,
    /// Also invites.
    Manager,
    /// Also looks after people and every key of the organization.
    Admin,
    /// Also owns it.
    Owner,
}

impl Role {
    /// Every role, weakest first.
    pub const ALL: [Self; 4] = [Self::Member, Self::Manager, Self::Admin, Self::Owner];

    /// The wire names, strongest first.
    pub const NAMES: &'static [&'static str] = &["OWNER", "ADMIN", "MANAGER", "MEMBER"];

    /// The wire names of what anybody but an owner can give.
    pub const BELOW_OWNER: &'static [&'static str] = &["ADMIN", "MANAGER", "MEMBER"];

    /// The wire name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Member => "MEMBER",
            Self::Manager => "MANAGER",
            Self::Admin => "ADMIN",
            Self::Owner => "OWNER",
        }
    }

    /// In a sentence: they join "as an admin".
    pub const fn in_a_sentence(self) -> &'static str {
        match self {
            Self::Member => "a member",
            Self::Manager => "a manager",
            Self::Admin => "an admin",
            Self::Owner => "an owner",
        }
    }

    /// Reads a wire name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// The coarse role that SalesOS clients read as `user.role` (contract section 2).
    pub const fn coarse(self) -> &'static str {
        match self {
            Self::Member => "USER",
            Self::Manager => "MANAGER",
            Self::Admin | Self::Owner => "ADMIN",
        }
    }

    /// Whether this role may invite somebody as `other`: managers members only, nobody above their own (contract
    /// section 11).
    pub fn may_invite(self, other: Self) -> bool {
        match self {
            Self::Member => false,
            Self::Manager => other == Self::Member,
            Self::Admin | Self::Owner => other <= self,
        }
    }

    /// Whether this role may do `action`.
    pub fn may(self, action: Action) -> bool {
        action.least_role().is_none_or(|least| self >= least)
    }
}

impl serde::Serialize for Role {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

macro_rules! actions {
    ($($name:ident: $role:expr, $key:expr, $about:literal;)*) => {
        /// Everything that needs a right. The two columns of the table are the whole truth about who may do what: the
        /// weakest role that may (`None`: nobody needs a membership for it), and what an API key needs.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Action { $(
            #[doc = $about]
            $name,
        )* }

        impl Action {
            /// Every action.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The weakest role that may; `None`: nobody needs a membership for it.
            pub const fn least_role(self) -> Option<Role> {
                match self { $(Self::$name => $role,)* }
            }

            /// What an API key needs for it.
            pub const fn key_rule(self) -> KeyRule {
                match self { $(Self::$name => $key,)* }
            }

            /// What it is, in words.
            pub const fn about(self) -> &'static str {
                match self { $(Self::$name => $about,)* }
            }
        }
    };
}

actions! {
    ReadSelf: None, KeyRule::AnyKey, "Read the account behind the credential.";
    Verify: None, KeyRule::AnyKey, "Ask whether a credential is good, or end the presented one.";
    ManageAccount: None, KeyRule::PeopleOnly, "Change the account: profile, password, second factor, sessions.";
    ReadOrganization: Some(Role::Member), KeyRule::Needs(Scope::Read), "Read the organization and its members.";
    ManageOwnKeys: Some(Role::Member), KeyRule::Needs(Scope::Admin), "Read, make, change and end one's own API keys.";
    ManageOrganizationKeys: Some(Role::Admin), KeyRule::Needs(Scope::Admin), "Look after every key of the organization.";
    GrantAdminScope: Some(Role::Admin), KeyRule::Needs(Scope::Admin), "Make or keep a key with the scope `admin`.";
    ChangeOrganization: Some(Role::Admin), KeyRule::Needs(Scope::Admin), "Rename the organization.";
    SetPolicy: Some(Role::Admin), KeyRule::Needs(Scope::Admin), "Read and set what the organization demands of its members.";
    ManageMembers: Some(Role::Admin), KeyRule::Needs(Scope::Admin), "Change roles below OWNER, suspend and remove members, revoke their tokens.";
    MakeCode: Some(Role::Manager), KeyRule::Needs(Scope::Write), "Make invitation codes: MANAGERs as MEMBER, others up to their own role.";
    Invite: Some(Role::Manager), KeyRule::Needs(Scope::Admin), "Invite people by mail, and look after all invitations and codes.";
    ReadAudit: Some(Role::Admin), KeyRule::Needs(Scope::Admin), "Read and export the audit log.";
    ResetFactor: Some(Role::Admin), KeyRule::PeopleOnly, "Take a member's second factor away.";
    ManageOwners: Some(Role::Owner), KeyRule::PeopleOnly, "Make, change and remove OWNERs.";
    DeleteOrganization: Some(Role::Owner), KeyRule::PeopleOnly, "Delete the organization.";
}

/// How an action treats API keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRule {
    /// Any key may, whatever its scopes.
    AnyKey,
    /// A key with this scope may.
    Needs(Scope),
    /// No key may: it belongs to the person.
    PeopleOnly,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stronger_role_may_all_that_a_weaker_one_may() {
        for action in Action::ALL.iter().copied() {
            for pair in Role::ALL.windows(2) {
                assert!(!pair[0].may(action) || pair[1].may(action), "{action:?}");
            }
        }
    }

    #[test]
    fn nobody_invites_above_themselves_and_managers_invite_members() {
        for (own, invited) in [(Role::Member, 0), (Role::Manager, 1), (Role::Admin, 3), (Role::Owner, 4)] {
            assert_eq!(Role::ALL.into_iter().filter(|role| own.may_invite(*role)).count(), invited, "{own:?}");
        }
    }

    #[test]
    fn members_cannot_manage_the_organizations_keys() {
        assert!(!Role::Manager.may(Action::ManageOrganizationKeys));
        assert!(Role::Admin.may(Action::ManageOrganizationKeys));
        assert!(Role::Member.may(Action::ManageOwnKeys));
    }

    #[test]
    fn roles_are_read_by_their_wire_names() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        assert_eq!(Role::parse("owner"), None);
    }
}
