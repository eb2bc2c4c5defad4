//! The reference of settings is fresh.

use std::path::Path;

#[test]
fn the_reference_of_settings_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/configuration.md");
    let written = std::fs::read_to_string(path).expect("docs/configuration.md");
    let now = latchkey_server::cli::config_reference();
    assert!(written == now, "docs/configuration.md is stale: latchkey config-reference > docs/configuration.md");
}
