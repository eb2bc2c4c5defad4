//! Backup codes, shown once.

use super::two_factor::Second;
use crate::components::badge::Tone;
use crate::components::notice::Notice;
use crate::error::Refusal;
use crate::islands::codes::CodesBox;
use crate::islands::copy::CopyButton;
use crate::note::Note;
use crate::request::{self, Done, Form};
use crate::routes::{Page, encoded};
use latchkey::flow::backup_codes::RenewBackupCodes;
use leptos::prelude::*;

/// The codes, ways to keep them, and a box to say that they are kept.
#[component]
pub fn CodesShown(codes: Vec<String>, first: bool) -> impl IntoView {
    let words = if first {
        "Two-factor authentication is on. One last step: save these codes."
    } else {
        "These are your new backup codes. The old ones stopped working just now."
    };
    let all = codes.join("\n");
    let file = format!("Backup codes for Latchkey. Each works once.\n\n{all}\n");
    let href = format!("data:text/plain;charset=utf-8,{}", encoded(&file));
    let rows = codes.into_iter().map(|code| view! { <li><code>{code}</code></li> }).collect_view();
    view! {
        <Notice text=words tone=Tone::Good/>
        <p>"Each of these codes lets you in once when you have no authenticator. They are not shown again."</p>
        <CodesBox>
            <div class="backup-codes" data-copy=all data-uncopied="">
                <ol>{rows}</ol>
                <div class="card-foot">
                    <CopyButton/>
                    <a class="button button-quiet" href=href download="latchkey-backup-codes.txt" data-saves="">"Download"</a>
                    <button type="button" class="button button-quiet needs-script" data-print="" data-saves="">"Print"</button>
                </div>
            </div>
            <form method="get" action=Page::Security.path() class="stack">
                <label class="check"><input type="checkbox" required data-saves=""/>"I saved them"</label>
                <div class="card-foot"><button type="submit" class="button button-primary">"Done"</button></div>
            </form>
        </CodesBox>
    }
}

/// Makes new backup codes.
#[server(name = RenewCodes, prefix = "/fn", endpoint = "renew-codes")]
pub async fn renew_codes(csrf: String, #[server(default)] second: Second) -> Result<Done, Refusal> {
    request::answer(Form::new("codes", "second", Page::Security), async {
        let actor = request::change(&csrf)?;
        let proof = RenewBackupCodes { password: Some(second.password), code: Some(second.code) };
        let made = request::latchkey()?.renew_backup_codes(&actor, proof).await?;
        request::leave_note(Page::Security, Note::BackupCodes { codes: made.codes, first: false })?;
        Ok(Page::Security.path().to_owned())
    })
    .await
}
