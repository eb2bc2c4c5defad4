use std::time::Duration;

use super::mail::secret;
use crate::flow::landlord::{NewSuperuser, NewTenant, TenantChanges, TenantQuery, TenantView, UserChanges};
use crate::flow::page::PageQuery;
use crate::flow::sign_up::SignUp;
use crate::member::Role;
use crate::settings::Transport;
use crate::testing::{PASSWORD, TestCore, access, address, code, on_both_engines, refresh, visitor};
use crate::{Actor, Error};

fn here(actor: &Actor) -> String {
    actor.principal().organization_id().expect("a place").to_string()
}

fn standing(status: &str) -> TenantChanges {
    TenantChanges { status: Some(status.to_owned()), reason: Some("Invoice overdue".to_owned()) }
}

impl TestCore {
    pub(super) async fn landlord(&self) -> Actor {
        let input = SignUp {
            email: Some(address("landlord")),
            password: Some(secret(PASSWORD)),
            name: Some("Lena".to_owned()),
            ..SignUp::default()
        };
        self.latchkey.create_landlord(&visitor(), input).await.expect("made");
        let signed_in = self.sign_in("landlord", PASSWORD).await.expect("signed in");
        self.actor(access(&signed_in)).await
    }

    async fn tenants(&self, landlord: &Actor, search: &str) -> Vec<TenantView> {
        let query = TenantQuery { search: Some(search.to_owned()), ..TenantQuery::default() };
        self.latchkey.tenants(landlord, &query).await.expect("listed").items
    }

    async fn invites_superuser(&self, landlord: &Actor, email: &str, name: &str) -> Result<String, Error> {
        let input = NewSuperuser {
            email: Some(email.to_owned()),
            organization_id: None,
            organization_name: Some(name.to_owned()),
        };
        self.latchkey.invite_superuser(landlord, input).await.map(|made| made.tenant.id.to_string())
    }
}

on_both_engines! {
    async fn a_superuser_is_invited_by_address_alone_and_owns_the_new_tenant(core: TestCore) {
        let landlord = core.landlord().await;
        let tenant = core.invites_superuser(&landlord, &address("Grace"), "Blue Harbour").await.expect("invited");
        let listed = core.tenants(&landlord, "blue").await;
        assert_eq!((listed[0].member_count, listed[0].pending_invitations, listed[0].contact_email.as_deref()), (0, 1, Some("grace@example.org")));
        let joined = core.accepts(&core.invitation_to("Grace").await).await.expect("joined");
        let place = joined.view.organization.as_ref().expect("a place");
        assert_eq!((place.id.to_string(), place.name.as_str(), place.role), (tenant, "Blue Harbour", Role::Owner));
        let listed = core.tenants(&landlord, "").await;
        assert_eq!((listed.len(), listed[0].member_count, listed[0].pending_invitations), (1, 1, 0));
    }

    async fn without_mail_the_landlord_hands_the_link_over(core: TestCore) {
        let core = TestCore::over(core.reopened(|settings| settings.mail.transport = Transport::None).await.expect("opens"));
        let landlord = core.landlord().await;
        let input = NewSuperuser { email: Some(address("Grace")), organization_id: None, organization_name: Some("Red Hill".to_owned()) };
        let link = core.latchkey.invite_superuser(&landlord, input).await.expect("invited").link.expect("a link");
        let joined = core.accepts(link.rsplit('/').next().expect("a token")).await.expect("joined");
        assert!(!joined.view.user.email_verified, "nobody has shown that the address is theirs");
    }

    async fn a_tenant_that_is_there_gets_another_owner(core: TestCore) {
        let landlord = core.landlord().await;
        let made = core.latchkey.create_tenant(&landlord, NewTenant { name: Some("Red Hill".to_owned()), contact_email: None }).await;
        let tenant = made.expect("opened");
        assert_eq!((tenant.slug.as_str(), tenant.member_count, tenant.status), ("red-hill", 0, "active"));
        for (name, expected) in [("Grace", 1), ("Ada", 2)] {
            let input = NewSuperuser { email: Some(address(name)), organization_id: Some(tenant.id.to_string()), organization_name: None };
            core.latchkey.invite_superuser(&landlord, input).await.expect("invited");
            core.accepts(&core.invitation_to(name).await).await.expect("joined");
            assert_eq!(core.tenants(&landlord, "red").await[0].member_count, expected);
        }
    }

    async fn an_invitation_that_cannot_be_made_leaves_no_tenant_behind(core: TestCore) {
        let landlord = core.landlord().await;
        assert_eq!(code(core.invites_superuser(&landlord, "nobody", "Blue Harbour").await), "validation_failed");
        let unknown = crate::id::OrganizationId::new(core.latchkey.now(), [7; 10]).to_string();
        let input = NewSuperuser { email: Some(address("Grace")), organization_id: Some(unknown), organization_name: None };
        assert_eq!(code(core.latchkey.invite_superuser(&landlord, input).await), "not_found");
        assert!(core.tenants(&landlord, "").await.is_empty());
        assert!(core.mails("Grace").await.is_empty());
    }

    async fn a_suspended_tenant_is_stopped_everywhere_and_comes_back_whole(core: TestCore) {
        let landlord = core.landlord().await;
        let session = core.owner("Olivia").await;
        let olivia = core.actor(access(&session)).await;
        let key = core.key(&olivia, &["read"]).await;
        let other = core.owner("Ada").await;
        let node = TestCore::over(core.reopened(|_| {}).await.expect("another node"));
        for at in [&core, &node] {
            assert!(at.bearer(access(&session)).await.is_ok() && at.bearer(&key.key).await.is_ok());
        }
        let suspended = core.latchkey.update_tenant(&landlord, &here(&olivia), standing("suspended")).await.expect("suspended");
        assert_eq!((suspended.status, suspended.suspended_at), ("suspended", Some(core.latchkey.now())));
        assert_eq!(code(core.bearer(access(&session)).await), "organization_suspended", "here at once");
        if core.latchkey.0.db.engine() == crate::store::Engine::Postgres {
            core.pass(Duration::from_secs(1));
            for at in [&core, &node] {
                assert_eq!(code(at.bearer(access(&session)).await), "organization_suspended");
                assert_eq!(code(at.bearer(&key.key).await), "organization_suspended");
            }
        }
        assert_eq!(code(core.bearer(&key.key).await), "organization_suspended");
        assert_eq!(code(core.sign_in("Olivia", PASSWORD).await), "organization_suspended");
        let again = crate::flow::tokens::Refresh { refresh_token: Some(secret(refresh(&session))), access_life: None };
        assert_eq!(code(core.latchkey.refresh(&visitor(), again).await), "organization_suspended");
        assert!(core.bearer(access(&other)).await.is_ok(), "nobody else is touched");

        core.latchkey.update_tenant(&landlord, &here(&olivia), standing("active")).await.expect("resumed");
        core.pass(Duration::from_secs(1));
        assert!(core.bearer(access(&session)).await.is_ok() && core.bearer(&key.key).await.is_ok());
        assert!(core.sign_in("Olivia", PASSWORD).await.is_ok());
    }

    async fn nobody_joins_a_suspended_tenant(core: TestCore) {
        let landlord = core.landlord().await;
        let tenant = core.invites_superuser(&landlord, &address("Grace"), "Blue Harbour").await.expect("invited");
        let token = core.invitation_to("Grace").await;
        core.latchkey.update_tenant(&landlord, &tenant, standing("suspended")).await.expect("suspended");
        assert_eq!(code(core.accepts(&token).await), "organization_suspended");
        core.latchkey.update_tenant(&landlord, &tenant, standing("active")).await.expect("resumed");
        assert!(core.accepts(&token).await.is_ok(), "the refused try spent nothing");
    }

    async fn tokens_of_a_tenant_and_of_a_user_are_revoked(core: TestCore) {
        let landlord = core.landlord().await;
        let session = core.owner("Olivia").await;
        let olivia = core.actor(access(&session)).await;
        core.colleague(&olivia, "Ben", Role::Member).await;
        let other = core.owner("Ada").await;
        let key = core.key(&olivia, &["read"]).await;
        assert_eq!(core.latchkey.revoke_tenant_tokens(&landlord, &here(&olivia)).await.expect("revoked"), 2);
        assert_eq!(code(core.bearer(access(&session)).await), "token_revoked");
        assert!(core.bearer(&key.key).await.is_ok(), "keys are not tokens");
        assert!(core.bearer(access(&other)).await.is_ok());

        let ada = core.actor(access(&other)).await.principal().user_id().to_string();
        core.sign_in("Ada", PASSWORD).await.expect("signed in elsewhere");
        assert_eq!(core.latchkey.revoke_user_tokens(&landlord, &ada).await.expect("revoked"), 2);
        assert_eq!(code(core.bearer(access(&other)).await), "token_revoked");
        let unknown = crate::id::UserId::new(core.latchkey.now(), [7; 10]).to_string();
        assert_eq!(code(core.latchkey.revoke_user_tokens(&landlord, &unknown).await), "not_found");
    }

    async fn a_landlord_is_never_shut_out(core: TestCore) {
        let landlord = core.landlord().await;
        let own = crate::flow::organizations::NewOrganization { name: Some("Own House".to_owned()) };
        let own = core.latchkey.create_organization(&landlord, own).await.expect("made").id.to_string();
        let there = core.latchkey.switch_organization(&landlord, &own).await.expect("switched");
        let there = core.actor(access(&there)).await;
        core.latchkey.update_tenant(&there, &own, standing("suspended")).await.expect("suspended");
        core.pass(Duration::from_secs(61));
        let again = core.sign_in("landlord", PASSWORD).await.expect("comes in");
        assert!(again.view.organization.is_none());
        let again = core.actor(access(&again)).await;
        core.latchkey.update_tenant(&again, &own, standing("active")).await.expect("resumed");
    }

    async fn an_account_is_switched_off_and_on(core: TestCore) {
        let landlord = core.landlord().await;
        let session = core.owner("Olivia").await;
        let olivia = core.actor(access(&session)).await;
        let key = core.key(&olivia, &["read"]).await;
        let whose = olivia.principal().user_id().to_string();
        let status = |status: &str| UserChanges { status: Some(status.to_owned()) };
        assert_eq!(core.latchkey.update_user(&landlord, &whose, status("disabled")).await.expect("off").status, "disabled");
        core.pass(Duration::from_secs(1));
        assert_eq!(code(core.bearer(access(&session)).await), "token_revoked");
        assert_eq!(code(core.bearer(&key.key).await), "api_key_revoked");
        assert_eq!(code(core.sign_in("Olivia", PASSWORD).await), "invalid_credentials");
        core.latchkey.update_user(&landlord, &whose, status("active")).await.expect("on");
        assert!(core.sign_in("Olivia", PASSWORD).await.is_ok());
        let own = landlord.principal().user_id().to_string();
        assert_eq!(code(core.latchkey.update_user(&landlord, &own, status("disabled")).await), "insufficient_role");
        assert_eq!(code(core.latchkey.update_user(&landlord, &whose, status("gone")).await), "validation_failed");
        assert_eq!(code(core.latchkey.update_user(&olivia, &whose, status("disabled")).await), "insufficient_role");
    }

    async fn all_of_it_is_for_landlords_in_person(core: TestCore) {
        let landlord = core.landlord().await;
        let olivia = core.founder("Olivia").await;
        let key = core.key(&olivia, &["admin"]).await;
        let program = core.actor(&key.key).await;
        let (home, own) = (here(&olivia), olivia.principal().user_id().to_string());
        for (actor, refusal) in [(&olivia, "insufficient_role"), (&program, "insufficient_scope")] {
            let latchkey = &core.latchkey;
            assert_eq!(code(latchkey.tenants(actor, &TenantQuery::default()).await), refusal);
            assert_eq!(code(latchkey.create_tenant(actor, NewTenant::default()).await), refusal);
            assert_eq!(code(latchkey.update_tenant(actor, &home, standing("suspended")).await), refusal);
            assert_eq!(code(latchkey.invite_superuser(actor, NewSuperuser::default()).await), refusal);
            assert_eq!(code(latchkey.revoke_tenant_tokens(actor, &home).await), refusal);
            assert_eq!(code(latchkey.revoke_user_tokens(actor, &own).await), refusal);
        }
        assert_eq!(core.tenants(&landlord, "").await[0].status, "active");
        // And what tenants keep is not for landlords.
        assert_eq!(code(core.latchkey.members(&landlord, &home, &PageQuery::default()).await), "not_found");
        assert_eq!(code(core.latchkey.invitations(&landlord, &home, &PageQuery::default()).await), "not_found");
    }
}
