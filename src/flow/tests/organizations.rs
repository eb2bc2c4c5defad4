use std::sync::Arc;
use std::time::Duration;

use super::mail::successes;
use crate::flow::api_keys::NewKey;
use crate::flow::members::MemberChanges;
use crate::flow::organizations::{NewOrganization, OrganizationChanges};
use crate::flow::page::PageQuery;
use crate::member::{Action, KeyRule, Role};
use crate::settings::Registration;
use crate::testing::{PASSWORD, TestCore, access, code, on_both_engines, strings};
use crate::{Actor, Error};

fn here(actor: &Actor) -> String {
    actor.principal().organization_id().expect("a place").to_string()
}

fn id(actor: &Actor) -> String {
    actor.principal().user_id().to_string()
}

fn role(role: Role) -> MemberChanges {
    MemberChanges { role: Some(role.as_str().to_owned()), is_active: None }
}

fn active(active: bool) -> MemberChanges {
    MemberChanges { role: None, is_active: Some(active) }
}

impl TestCore {
    pub(super) async fn founder(&self, name: &str) -> Actor {
        let signed_in = self.owner(name).await;
        self.actor(access(&signed_in)).await
    }

    /// Somebody new whose only place is in the organization of `owner`, acting there.
    pub(super) async fn colleague(&self, owner: &Actor, name: &str, role: Role) -> Actor {
        let founder = self.founder(name).await;
        self.latchkey.set_role_for_test(&founder, None).await;
        self.latchkey.add_member_for_test(owner, founder.principal().user_id(), role).await;
        self.again(&founder).await
    }
}

#[test]
fn roles_may_exactly_what_the_contract_says() {
    let table = [
        (Action::ReadSelf, "", true),
        (Action::Verify, "", true),
        (Action::ManageAccount, "", false),
        (Action::ReadOrganization, "MEMBER", true),
        (Action::ManageOwnKeys, "MEMBER", true),
        (Action::ManageOrganizationKeys, "ADMIN", true),
        (Action::GrantAdminScope, "ADMIN", true),
        (Action::ChangeOrganization, "ADMIN", true),
        (Action::SetPolicy, "ADMIN", true),
        (Action::ManageMembers, "ADMIN", true),
        (Action::MakeCode, "MANAGER", true),
        (Action::Invite, "MANAGER", true),
        (Action::ReadAudit, "ADMIN", true),
        (Action::ResetFactor, "ADMIN", false),
        (Action::ManageOwners, "OWNER", false),
        (Action::DeleteOrganization, "OWNER", false),
    ];
    assert_eq!(table.len(), Action::ALL.len());
    for (action, least, keys) in table {
        assert_eq!(action.least_role().map_or("", Role::as_str), least, "{action:?}");
        assert_eq!(action.key_rule() != KeyRule::PeopleOnly, keys, "{action:?}");
        for role in Role::ALL {
            assert_eq!(
                role.may(action),
                least.is_empty() || role >= Role::parse(least).expect("a role"),
                "{role:?} {action:?}"
            );
        }
    }
}

on_both_engines! {
    async fn every_right_is_decided_by_the_place_it_is_asked_for(core: TestCore) {
        let olivia = core.founder("Olivia").await;
        let (home, elsewhere) = (here(&olivia), core.founder("Mallory").await);
        for role in Role::ALL {
            let actor = core.colleague(&olivia, &format!("Colleague{}", role.as_str()), role).await;
            let may = async |action, place: &str| code(core.latchkey.permit_at(&actor, action, place).await);
            for action in Action::ALL.iter().copied().filter(|action| action.least_role().is_some()) {
                let expected = if role.may(action) { "it succeeded" } else { "insufficient_role" };
                assert_eq!(may(action, &home).await, expected, "{role:?} {action:?} at home");
                assert_eq!(may(action, &here(&elsewhere)).await, "not_found", "{role:?} {action:?} elsewhere");
            }
            core.latchkey.add_member_for_test(&elsewhere, actor.principal().user_id(), Role::Member).await;
            for action in Action::ALL.iter().copied().filter(|action| action.least_role().is_some()) {
                let expected = if Role::Member.may(action) { "it succeeded" } else { "insufficient_role" };
                assert_eq!(may(action, &here(&elsewhere)).await, expected, "{role:?} {action:?} as a guest");
            }
        }
    }

    async fn who_may_change_whom(core: TestCore) {
        let olivia = core.founder("Olivia").await;
        let place = here(&olivia);
        for own in Role::ALL {
            for theirs in Role::ALL {
                for wanted in Role::ALL {
                    let names = format!("{}{}{}", own.as_str(), theirs.as_str(), wanted.as_str());
                    let by = core.colleague(&olivia, &format!("By{names}"), own).await;
                    let member = core.colleague(&olivia, &format!("Of{names}"), theirs).await;
                    let changed = core.latchkey.update_member(&by, &place, &id(&member), role(wanted)).await;
                    let may = match own {
                        Role::Owner => true,
                        Role::Admin => theirs < Role::Owner && wanted <= Role::Admin,
                        Role::Manager | Role::Member => false,
                    };
                    assert_eq!(code(changed), if may { "it succeeded" } else { "insufficient_role" }, "{names}");
                    let found = core.latchkey.me(&member).await.expect("read").organization_role;
                    assert_eq!(found, Some(if may { wanted } else { theirs }), "{names}");
                }
            }
        }
    }

    async fn an_organization_keeps_an_owner(core: TestCore) {
        let olivia = core.founder("Olivia").await;
        let (place, own) = (here(&olivia), id(&olivia));
        assert_eq!(code(core.latchkey.update_member(&olivia, &place, &own, role(Role::Admin)).await), "last_owner");
        assert_eq!(code(core.latchkey.remove_member(&olivia, &place, &own).await), "last_owner");
        assert_eq!(code(core.latchkey.update_member(&olivia, &place, &own, active(false)).await), "insufficient_role", "nobody suspends themselves");
        let second = core.colleague(&olivia, "Second", Role::Owner).await;
        core.latchkey.update_member(&second, &place, &own, active(false)).await.expect("suspended");
        assert_eq!(code(core.latchkey.remove_member(&second, &place, &id(&second)).await), "last_owner", "a suspended owner is none");
    }

    async fn owners_who_remove_each_other_at_once_leave_one(core: TestCore) {
        let olivia = core.founder("Olivia").await;
        let place = here(&olivia);
        let mut owners = vec![olivia.clone()];
        for number in 0..9 {
            owners.push(core.colleague(&olivia, &format!("Owner{number}"), Role::Owner).await);
        }
        let core = Arc::new(core);
        let mut tries = Vec::new();
        for round in 0..200 {
            let (by, whom) = (owners[round % 10].clone(), id(&owners[(round / 10 + round + 1) % 10]));
            let (core, place) = (Arc::clone(&core), place.clone());
            tries.push(tokio::spawn(async move { core.latchkey.remove_member(&by, &place, &whom).await.is_ok() }));
        }
        assert_eq!(successes(tries).await, 9, "every pair was tried, so one is left");
        let mut left = 0;
        for owner in &owners {
            left += usize::from(core.latchkey.me(owner).await.expect("still somebody").organization_role.is_some());
        }
        assert_eq!(left, 1, "somebody still owns it");
    }

    async fn the_keys_of_an_organization_never_stay_with_who_was_removed(core: TestCore) {
        let olivia = core.founder("Olivia").await;
        let place = here(&olivia);
        let adam = core.colleague(&olivia, "Adam", Role::Admin).await;
        let shared = NewKey { owner: Some("organization".to_owned()), scopes: Some(strings(&["admin"])), ..NewKey::default() };
        let shared = core.make_key(&adam, shared).await.expect("made");
        let program = core.actor(&shared.key).await;
        let removed = core.latchkey.remove_member(&program, &place, &id(&adam)).await.expect("removed by his own key");
        assert_eq!(removed.moved_keys, 1);
        let now_of = core.bearer(&shared.key).await.expect("the key lives on").user_id();
        assert_eq!(now_of, olivia.principal().user_id());
    }

    async fn whoever_was_demoted_meanwhile_changes_nobody(core: TestCore) {
        let olivia = core.founder("Olivia").await;
        let place = here(&olivia);
        let (adam, mia) = (core.colleague(&olivia, "Adam", Role::Admin).await, core.colleague(&olivia, "Mia", Role::Member).await);
        core.latchkey.update_member(&olivia, &place, &id(&adam), role(Role::Member)).await.expect("demoted");
        assert_eq!(code(core.latchkey.update_member(&adam, &place, &id(&mia), role(Role::Manager)).await), "insufficient_role");
    }

    async fn a_removed_member_loses_everything_there_at_once(core: TestCore) {
        let olivia = core.founder("Olivia").await;
        let place = here(&olivia);
        let adam = core.colleague(&olivia, "Adam", Role::Admin).await;
        let own = core.key(&adam, &["read"]).await;
        let shared = NewKey { owner: Some("organization".to_owned()), scopes: Some(strings(&["read"])), ..NewKey::default() };
        let shared = core.make_key(&adam, shared).await.expect("made");
        let session = core.sign_in("Adam", PASSWORD).await.expect("signed in");
        let affected = core.latchkey.keys_of_member(&olivia, &place, &id(&adam)).await.expect("listed");
        let mut owners: Vec<_> = affected.iter().map(|key| key.owner).collect();
        owners.sort_unstable();
        assert_eq!(owners, ["organization", "user"]);
        let removed = core.latchkey.remove_member(&olivia, &place, &id(&adam)).await.expect("removed");
        assert_eq!((removed.revoked_keys, removed.moved_keys), (1, 1));
        assert_eq!(code(core.bearer(&own.key).await), "api_key_revoked");
        assert_eq!(code(core.bearer(access(&session)).await), "token_revoked");
        assert!(core.bearer(&shared.key).await.is_ok(), "the organization's key lives on");
        let key = core.latchkey.api_key(&olivia, &shared.id.to_string()).await.expect("read");
        assert_eq!(key.user_id, olivia.principal().user_id());
        core.latchkey.add_member_for_test(&olivia, adam.principal().user_id(), Role::Admin).await;
        assert_eq!(code(core.bearer(&own.key).await), "api_key_revoked", "coming back brings no key back");
    }

    async fn members_may_leave(core: TestCore) {
        let olivia = core.founder("Olivia").await;
        let mia = core.colleague(&olivia, "Mia", Role::Member).await;
        core.latchkey.remove_member(&mia, &here(&olivia), &id(&mia)).await.expect("left");
        let max = core.colleague(&olivia, "Max", Role::Member).await;
        let other = core.colleague(&olivia, "Lea", Role::Member).await;
        assert_eq!(code(core.latchkey.remove_member(&max, &here(&olivia), &id(&other)).await), "insufficient_role");
    }

    async fn a_suspended_place_is_felt_at_the_next_call_and_comes_back(core: TestCore) {
        let olivia = core.founder("Olivia").await;
        let place = here(&olivia);
        let mia = core.colleague(&olivia, "Mia", Role::Member).await;
        let key = core.key(&mia, &["read"]).await;
        core.latchkey.update_member(&olivia, &place, &id(&mia), active(false)).await.expect("suspended");
        assert_eq!(code(core.bearer(&key.key).await), "api_key_revoked");
        core.latchkey.update_member(&olivia, &place, &id(&mia), active(true)).await.expect("back");
        assert!(core.bearer(&key.key).await.is_ok());
    }

    async fn an_administrator_revokes_the_tokens_for_this_organization_alone(core: TestCore) {
        let olivia = core.founder("Olivia").await;
        let mia = core.founder("Mia").await;
        core.pass(Duration::from_secs(1));
        core.latchkey.add_member_for_test(&olivia, mia.principal().user_id(), Role::Member).await;
        let at_home = core.sign_in("Mia", PASSWORD).await.expect("signed in");
        let there = core.sign_in("Mia", PASSWORD).await.expect("signed in");
        let actor = core.actor(access(&there)).await;
        let there = core.latchkey.switch_organization(&actor, &here(&olivia)).await.expect("switched");
        assert_eq!(core.latchkey.revoke_member_tokens(&olivia, &here(&olivia), &id(&mia)).await.expect("revoked"), 1);
        assert_eq!(code(core.bearer(access(&there)).await), "token_revoked");
        assert!(core.bearer(access(&at_home)).await.is_ok());
    }

    async fn people_act_in_any_of_their_organizations_by_its_id_and_in_no_other(core: TestCore) {
        let olivia = core.founder("Olivia").await;
        let new = NewOrganization { name: Some("Second House".to_owned()) };
        let second = core.latchkey.create_organization(&olivia, new).await.expect("made");
        let changes = OrganizationChanges { name: Some("Another Name".to_owned()), contact_email: Some("a@example.org".to_owned()) };
        let changed = core.latchkey.update_organization(&olivia, &second.id.to_string(), changes).await.expect("changed");
        assert_eq!((changed.name.as_str(), changed.contact_email.as_deref()), ("Another Name", Some("a@example.org")));
        let listed = core.latchkey.my_organizations(&olivia, &PageQuery::default()).await.expect("listed");
        assert_eq!(listed.total, 2);
        let mia = core.founder("Mia").await;
        for foreign in [second.id.to_string(), "org_x".to_owned()] {
            assert_eq!(code(core.latchkey.organization(&mia, &foreign).await), "not_found");
            assert_eq!(code(core.latchkey.members(&mia, &foreign, &PageQuery::default()).await), "not_found");
            assert_eq!(code(core.latchkey.update_member(&mia, &foreign, &id(&olivia), role(Role::Member)).await), "not_found");
            assert_eq!(code(core.latchkey.delete_organization(&mia, &foreign).await), "not_found");
        }
        let key = core.key(&olivia, &["admin"]).await;
        let program = core.actor(&key.key).await;
        assert_eq!(code(core.latchkey.organization(&program, &second.id.to_string()).await), "not_found", "a key acts where it acts");
    }

    async fn an_organization_is_deleted_by_an_owner_who_has_just_shown_who_they_are(core: TestCore) {
        let olivia = core.founder("Olivia").await;
        let place = here(&olivia);
        let adam = core.colleague(&olivia, "Adam", Role::Admin).await;
        let key = core.key(&olivia, &["read"]).await;
        assert_eq!(code(core.latchkey.delete_organization(&adam, &place).await), "insufficient_role");
        core.pass(Duration::from_secs(600));
        assert_eq!(code(core.latchkey.delete_organization(&olivia, &place).await), "reauthentication_required");
        let olivia = core.again(&olivia).await;
        core.latchkey.delete_organization(&olivia, &place).await.expect("deleted");
        assert_eq!(code(core.bearer(&key.key).await), "invalid_api_key");
        let again = core.sign_in("Olivia", PASSWORD).await.expect("the account is still there");
        assert!(again.view.organization.is_none());
    }

    async fn where_registration_is_closed_only_landlords_make_organizations(core: TestCore) {
        let olivia = core.founder("Olivia").await;
        let closed = core.reopened(|settings| settings.registration = Registration::Invite).await.expect("opens");
        let new = NewOrganization { name: Some("Second House".to_owned()) };
        let refused: Result<_, Error> = closed.create_organization(&olivia, new).await;
        assert_eq!(code(refused), "registration_closed");
    }
}
