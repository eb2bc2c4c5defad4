//! How mail stands, for those who look after the platform.

use axum::Json;
use axum::extract::State;
use latchkey::Latchkey;
use latchkey::flow::mail::{MailStatusView, TestMailView};

use super::answer::Answer;
use super::who::By;

/// How mail stands
///
/// For landlords.
#[utoipa::path(
    get, path = "/landlord/mail", tag = "Landlord",
    responses((status = 200, description = "How many wait, were sent and were given up.", body = MailStatusView,
        example = json!({"transport": "smtp", "from": "Latchkey <no-reply@login.example.org>", "waiting": 0, "oldestAt": null,
            "sent": 214, "givenUp": 1})))
)]
pub async fn mail_status(State(latchkey): State<Latchkey>, By(actor): By) -> Answer<Json<MailStatusView>> {
    Ok(Json(latchkey.mail_status(&actor).await?))
}

/// Send a real mail to oneself
///
/// For landlords. By the way that all mails go; says where it failed.
#[utoipa::path(
    post, path = "/landlord/mail/test", tag = "Landlord",
    responses(
        (status = 200, description = "Tried.", body = TestMailView,
            example = json!({"success": false, "to": "grace@example.org", "stage": "authentication",
                "problem": "535 5.7.8 Authentication failed"})),
        (status = 409, description = "`mail_not_configured`: this installation cannot send mail."),
    )
)]
pub async fn send_test_mail(State(latchkey): State<Latchkey>, By(actor): By) -> Answer<Json<TestMailView>> {
    Ok(Json(latchkey.send_test_mail(&actor).await?))
}
