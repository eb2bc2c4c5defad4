//! What the documentation prints is what the program does.

use std::path::Path;

use latchkey::member::{Action, KeyRule, Role};

#[test]
fn the_reference_of_settings_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/configuration.md");
    let written = std::fs::read_to_string(path).expect("docs/configuration.md");
    let now = latchkey_server::cli::config_reference();
    assert!(written == now, "docs/configuration.md is stale: latchkey config-reference > docs/configuration.md");
}

/// The table of rights as Markdown.
fn rights() -> String {
    let head = "| What | MEMBER | MANAGER | ADMIN | OWNER | API key |\n|---|---|---|---|---|---|\n".to_owned();
    let row = |action: &Action| {
        let may = Role::ALL.map(|role| if role.may(*action) { "yes" } else { "" }).join(" | ");
        let key = match action.key_rule() {
            KeyRule::AnyKey => "any".to_owned(),
            KeyRule::Needs(scope) => format!("`{}`", scope.as_str()),
            KeyRule::PeopleOnly => "never".to_owned(),
        };
        format!("| {} | {may} | {key} |\n", action.about())
    };
    Action::ALL.iter().map(row).fold(head, |table, row| table + &row)
}

#[test]
fn the_table_of_rights_is_the_one_that_decides() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/organizations.md");
    let written = std::fs::read_to_string(path).expect("docs/organizations.md");
    let printed = written.split("<!-- roles -->\n").nth(1).and_then(|rest| rest.split("<!-- /roles -->").next());
    assert_eq!(printed, Some(rights().as_str()), "docs/organizations.md is stale");
}
